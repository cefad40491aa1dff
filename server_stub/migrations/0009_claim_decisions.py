"""What two people decided to pay; nothing of it is ever changed or deleted."""

import django.db.models.deletion
import server_stub.models.fields
from django.db import migrations, models

TABLES = ("clafoutis_claimdecision",)


def create(apps, schema_editor):
    for table in TABLES:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION clafoutis_append_only()"
            )
        else:
            for verb in ("UPDATE", "DELETE"):
                schema_editor.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )


def drop(apps, schema_editor):
    for table in TABLES:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        else:
            for verb in ("update", "delete"):
                schema_editor.execute(f"DROP TRIGGER {table}_no_{verb}")


class Migration(migrations.Migration):

    dependencies = [
        ('clafoutis', '0008_bank_details'),
    ]

    operations = [
        migrations.CreateModel(
            name='ClaimDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entry', server_stub.models.fields.BytesField(max_length=32, unique=True)),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('merchant', models.PositiveBigIntegerField()),
                ('first_person', models.PositiveBigIntegerField()),
                ('second_person', models.PositiveBigIntegerField()),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='claim_decision', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act'],
                'constraints': [models.CheckConstraint(condition=models.Q(('first_person', models.F('second_person')), _negated=True), name='claim_has_four_eyes')],
            },
        ),
        migrations.RunPython(create, drop),
    ]
