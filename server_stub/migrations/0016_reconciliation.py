"""What the coordinator does about findings, disputes and the paper carnet; facts stay facts."""

import django.db.models.deletion
import server_stub.models.fields
from django.db import migrations, models

from server_stub.append_only import append_only

TABLES = (
    "clafoutis_actreversal",
    "clafoutis_carnet",
    "clafoutis_dispute",
    "clafoutis_disputestep",
    "clafoutis_findinghandling",
    "clafoutis_paperclaim",
)


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0015_operating")]

    operations = [
        migrations.CreateModel(
            name="Proposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subject", models.CharField(max_length=200, unique=True)),
                ("content", models.JSONField()),
                ("by", models.PositiveBigIntegerField()),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ActText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=500)),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="text",
                        to="clafoutis.actrow",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Carnet",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("merchant", models.PositiveBigIntegerField()),
                ("first_slip", models.PositiveBigIntegerField()),
                ("last_slip", models.PositiveBigIntegerField()),
                ("handed_out_on", models.DateField()),
                ("handed_out_by", models.PositiveBigIntegerField()),
            ],
            options={
                "ordering": ["number"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("first_slip__gt", 0), ("last_slip__gte", models.F("first_slip"))
                        ),
                        name="carnet_has_slips",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", server_stub.models.fields.BytesField(max_length=16, unique=True)),
                ("tmc", models.PositiveBigIntegerField()),
                ("kind", models.PositiveIntegerField()),
                ("amount_cents", models.PositiveBigIntegerField()),
                ("is_held", models.BooleanField()),
                ("answer_by", models.DateField(null=True)),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dispute",
                        to="clafoutis.actrow",
                    ),
                ),
                (
                    "card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="clafoutis.card",
                    ),
                ),
            ],
            options={
                "ordering": ["act"],
            },
        ),
        migrations.CreateModel(
            name="DisputeStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event", models.CharField(max_length=12)),
                ("amount_cents", models.PositiveBigIntegerField(default=0)),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dispute_step",
                        to="clafoutis.actrow",
                    ),
                ),
                (
                    "dispute",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="clafoutis.dispute",
                    ),
                ),
            ],
            options={
                "ordering": ["act"],
            },
        ),
        migrations.CreateModel(
            name="FindingHandling",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("finding", models.CharField(max_length=32)),
                ("key", models.CharField(max_length=128)),
                ("handling", models.PositiveIntegerField()),
                ("facts", server_stub.models.fields.BytesField(max_length=32)),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="handling",
                        to="clafoutis.actrow",
                    ),
                ),
            ],
            options={
                "ordering": ["act"],
            },
        ),
        migrations.CreateModel(
            name="PaperClaim",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("carnet", models.PositiveBigIntegerField()),
                ("slip", models.PositiveBigIntegerField()),
                ("merchant", models.PositiveBigIntegerField()),
                ("day", models.DateField()),
                ("amount_cents", models.PositiveBigIntegerField()),
                ("bearer", models.PositiveIntegerField()),
                ("doubts", models.PositiveIntegerField()),
                ("entered_by", models.PositiveBigIntegerField()),
                ("confirmed_by", models.PositiveBigIntegerField()),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="paper_claim",
                        to="clafoutis.actrow",
                    ),
                ),
                (
                    "card",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="paper",
                        to="clafoutis.card",
                    ),
                ),
            ],
            options={
                "ordering": ["act"],
            },
        ),
        migrations.CreateModel(
            name="PaperPaid",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("carnet", models.PositiveBigIntegerField()),
                ("slip", models.PositiveBigIntegerField()),
                (
                    "claim",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="paid",
                        to="clafoutis.paperclaim",
                    ),
                ),
            ],
            options={
                "ordering": ["carnet", "slip"],
            },
        ),
        migrations.CreateModel(
            name="PaperSlip",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("day", models.DateField()),
                ("amount_cents", models.PositiveBigIntegerField()),
                ("card_number", models.CharField(max_length=20)),
                ("is_initialled", models.BooleanField()),
                ("entered_by", models.PositiveBigIntegerField()),
                ("entered_at", models.DateTimeField()),
                (
                    "card",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slips",
                        to="clafoutis.card",
                    ),
                ),
                (
                    "carnet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slips",
                        to="clafoutis.carnet",
                    ),
                ),
            ],
            options={
                "ordering": ["carnet", "number"],
            },
        ),
        migrations.CreateModel(
            name="ActReversal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversal",
                        to="clafoutis.actrow",
                    ),
                ),
                (
                    "reversed",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="clafoutis.actrow",
                    ),
                ),
            ],
            options={
                "ordering": ["act"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("act__gt", models.F("reversed"))),
                        name="reversal_is_later",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(fields=["card", "tmc"], name="dispute_by_sale"),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_cents__gt", 0)), name="dispute_is_of_money"
            ),
        ),
        migrations.AddIndex(
            model_name="findinghandling",
            index=models.Index(fields=["finding", "key"], name="handling_by_finding"),
        ),
        migrations.AddConstraint(
            model_name="paperclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_cents__gt", 0)), name="paper_is_of_money"
            ),
        ),
        migrations.AddConstraint(
            model_name="paperclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(("entered_by", models.F("confirmed_by")), _negated=True),
                name="paper_has_four_eyes",
            ),
        ),
        migrations.AddConstraint(
            model_name="paperpaid",
            constraint=models.UniqueConstraint(fields=("carnet", "slip"), name="slip_paid_once"),
        ),
        migrations.AddConstraint(
            model_name="paperslip",
            constraint=models.UniqueConstraint(
                fields=("carnet", "number"), name="slip_entered_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="paperslip",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_cents__gt", 0)), name="slip_is_of_money"
            ),
        ),
        append_only(*TABLES),
    ]
