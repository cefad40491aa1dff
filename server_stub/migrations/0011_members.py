"""Waves, helpers, renewals and exits of members; the minutes of each vote."""
from __future__ import annotations

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import server_stub.models.fields
from server_stub.append_only import append_only

TABLES = ("clafoutis_wave", "clafoutis_admission", "clafoutis_departure")
ROLES = ["guardian", "relative", "carer", "social_worker", "interpreter", "other"]


def keep_helpers(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Whoever a member is reached through has a row of their own."""
    using = editor.connection.alias
    people = apps.get_model("clafoutis", "Person").objects.using(using)
    helpers = apps.get_model("clafoutis", "Helper").objects.using(using)
    for person in people.exclude(reached_through=""):
        helpers.create(person=person, name=person.reached_through, role="other")


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0010_people")]
    operations = [
        migrations.AddField(
            model_name="rule",
            name="minutes",
            field=models.CharField(blank=True, default="", max_length=120),
        ),
        migrations.AddField(
            model_name="rule",
            name="set_by",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="Helper",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("guardian", "Guardian"),
                            ("relative", "Relative"),
                            ("carer", "Carer"),
                            ("social_worker", "Social Worker"),
                            ("interpreter", "Interpreter"),
                            ("other", "Other"),
                        ],
                        max_length=16,
                    ),
                ),
                ("telephone", models.CharField(blank=True, default="", max_length=40)),
                ("email", models.EmailField(blank=True, default="", max_length=254)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="helpers",
                        to="clafoutis.person",
                    ),
                ),
            ],
            options={
                "ordering": ["person", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="helper_has_a_name"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ROLES)), name="helper_role_known"
                    ),
                ],
            },
        ),
        migrations.RunPython(keep_helpers, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="person", name="person_wave_positive"),
        migrations.RemoveField(model_name="person", name="wave"),
        migrations.RemoveField(model_name="person", name="reached_through"),
        migrations.CreateModel(
            name="Wave",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("order", models.PositiveIntegerField()),
                ("candidates", models.PositiveIntegerField()),
                ("fingerprint", server_stub.models.fields.BytesField(max_length=32)),
                ("seed", models.CharField(blank=True, default="", max_length=120)),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wave",
                        to="clafoutis.actrow",
                    ),
                ),
            ],
            options={
                "ordering": ["act"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("number__gt", 0)), name="wave_positive"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Admission",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.PositiveIntegerField()),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="admission",
                        to="clafoutis.account",
                    ),
                ),
                (
                    "wave",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="admissions",
                        to="clafoutis.wave",
                    ),
                ),
            ],
            options={"ordering": ["wave", "place"]},
        ),
        migrations.CreateModel(
            name="Departure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_month", models.DateField()),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="departure",
                        to="clafoutis.account",
                    ),
                ),
                (
                    "act",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="departure",
                        to="clafoutis.actrow",
                    ),
                ),
            ],
            options={"ordering": ["act"]},
        ),
        # Null and without a default: SQLite adds such a column without making the table anew,
        # and the table keeps the triggers that make it append-only.
        migrations.AddField(
            model_name="commitmentchange",
            name="persons",
            field=models.PositiveIntegerField(null=True),
        ),
        append_only(*TABLES),
    ]
