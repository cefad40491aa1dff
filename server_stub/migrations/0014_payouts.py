"""Why a run pays what it pays, and the papers that left; of neither is anything ever changed."""

import django.db.models.deletion
import server_stub.models.fields
from django.db import migrations, models

from server_stub.append_only import append_only

TABLES = ("clafoutis_settlementstatement", "clafoutis_settlementpaper")


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0013_conventions")]

    operations = [
        migrations.AddField(
            model_name="settlementdraft",
            name="up_to_posting",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="SettlementPaper",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("content", server_stub.models.fields.BytesField()),
                (
                    "file",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="paper",
                        to="clafoutis.settlementfile",
                    ),
                ),
            ],
            options={"ordering": ["file"]},
        ),
        migrations.CreateModel(
            name="SettlementStatement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("up_to_posting", models.PositiveBigIntegerField()),
                ("content", models.JSONField()),
                (
                    "settlement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statement",
                        to="clafoutis.settlement",
                    ),
                ),
            ],
            options={"ordering": ["settlement__act"]},
        ),
        append_only(*TABLES),
    ]
