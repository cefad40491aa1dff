"""What people who apply would like to pay, so that a list of them can be imported."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("clafoutis", "0020_today"),
    ]

    operations = [
        migrations.CreateModel(
            name="Application",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("monthly_cents", models.PositiveBigIntegerField()),
                ("persons", models.PositiveIntegerField(default=1)),
                ("person", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name="application", to="clafoutis.person")),
            ],
            options={
                "ordering": ["person"],
                "constraints": [models.CheckConstraint(condition=models.Q(("persons__gt", 0)), name="application_is_somebodys")],
            },
        ),
    ]
