"""Runs that pay merchants; of an approved one nothing is ever changed or deleted."""

from __future__ import annotations

import django.db.models.deletion
import server_stub.models.fields
from django.db import migrations, models

from server_stub.append_only import append_only

TABLES = (
    "clafoutis_settlement",
    "clafoutis_settlementline",
    "clafoutis_settlementstep",
    "clafoutis_payoutevidence",
)


class Migration(migrations.Migration):
    dependencies = [
        ("clafoutis", "0004_returns_of_gaps"),
    ]

    operations = [
        migrations.CreateModel(
            name="SettledTold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("terminal", models.PositiveBigIntegerField()),
                ("seq", models.PositiveBigIntegerField()),
                ("merchant", models.PositiveBigIntegerField()),
                ("settlement", models.CharField(max_length=35)),
                ("total_cents", models.PositiveBigIntegerField()),
            ],
            options={
                "ordering": ["terminal", "seq"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("terminal", "merchant", "settlement"), name="settled_told_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Settlement",
            fields=[
                ("name", models.CharField(max_length=35, primary_key=True, serialize=False)),
                ("drawn_up_by", models.PositiveBigIntegerField()),
                ("approved_by", models.PositiveBigIntegerField()),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement",
                        to="clafoutis.actrow",
                    ),
                ),
            ],
            options={
                "ordering": ["act"],
            },
        ),
        migrations.CreateModel(
            name="SettlementDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("only", models.BooleanField(default=True, unique=True)),
                ("name", models.CharField(max_length=35)),
                ("lines", models.JSONField()),
                ("lines_hash", server_stub.models.fields.BytesField(max_length=32)),
                ("drawn_up_by", models.PositiveBigIntegerField()),
                ("drawn_up_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("only", True)), name="draft_is_the_only_one"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SettlementLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant", models.PositiveBigIntegerField()),
                ("amount_cents", models.PositiveBigIntegerField()),
                ("total_cents", models.PositiveBigIntegerField()),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="clafoutis.settlement",
                    ),
                ),
            ],
            options={
                "ordering": ["settlement", "merchant"],
            },
        ),
        migrations.CreateModel(
            name="SettlementStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.PositiveIntegerField()),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement_step",
                        to="clafoutis.actrow",
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="clafoutis.settlement",
                    ),
                ),
            ],
            options={
                "ordering": ["act"],
            },
        ),
        migrations.CreateModel(
            name="PayoutEvidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("settlement", models.CharField(max_length=35)),
                ("merchant", models.PositiveBigIntegerField()),
                ("amount_cents", models.PositiveBigIntegerField()),
                ("entered_by", models.PositiveBigIntegerField()),
                ("compared_by", models.PositiveBigIntegerField()),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payout_evidence",
                        to="clafoutis.actrow",
                    ),
                ),
            ],
            options={
                "ordering": ["act"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("settlement", "merchant"), name="payout_evidenced_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0)), name="payout_is_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("entered_by", models.F("compared_by")), _negated=True),
                        name="evidence_has_four_eyes",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.CheckConstraint(
                condition=models.Q(("drawn_up_by", models.F("approved_by")), _negated=True),
                name="settlement_has_four_eyes",
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementline",
            constraint=models.UniqueConstraint(
                fields=("settlement", "merchant"), name="merchant_once_a_run"
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount_cents__gt", 0), ("total_cents__gte", models.F("amount_cents"))
                ),
                name="settlement_line_pays",
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementstep",
            constraint=models.UniqueConstraint(
                fields=("settlement", "kind"), name="settlement_step_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementstep",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind__in", [17, 18])),
                fields=("settlement",),
                name="settlement_ends_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementstep",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", [16, 17, 18])), name="settlement_step_known"
            ),
        ),
        append_only(*TABLES),
    ]
