"""Conventions as dated rows that never overlap, deputies, and how terminals are."""

import hashlib

import django.db.models.deletion
import server_stub.models.fields
from django.db import migrations, models
from django.db.models import F, Q

from cardkit import cbor
from cardkit.clock import PARIS
from server_stub.append_only import append_only

TABLES = (
    "clafoutis_convention",
    "clafoutis_conventionend",
    "clafoutis_conventionterms",
)

UNTIL = """COALESCE((SELECT MIN(e.until_day) FROM clafoutis_conventionend e
                     WHERE e.convention_id = c.id), c.until_day)"""
OVERLAP = f"""
    SELECT 1 FROM clafoutis_convention c
    WHERE c.merchant = NEW.merchant AND c.from_day < {UNTIL}
      AND c.from_day < NEW.until_day AND NEW.from_day < {UNTIL}
"""
PROLONGS = """
    SELECT 1 FROM clafoutis_convention c WHERE c.id = NEW.convention_id
      AND (NEW.until_day >= c.until_day OR NEW.until_day < c.from_day)
"""
SQLITE = tuple(
    f"""CREATE TRIGGER {table}_{name} BEFORE INSERT ON {table}
        BEGIN SELECT RAISE(ABORT, '{words}') WHERE EXISTS ({found}); END"""
    for table, name, words, found in (
        ("clafoutis_convention", "overlap", "conventions overlap", OVERLAP),
        ("clafoutis_conventionend", "prolongs", "an end never prolongs", PROLONGS),
    )
)
# The lock on the merchant lets one of two at once see what the other signed.
POSTGRESQL = (
    f"""CREATE FUNCTION clafoutis_convention_overlap() RETURNS trigger AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(NEW.merchant);
            IF EXISTS ({OVERLAP}) THEN
                RAISE EXCEPTION 'conventions overlap' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$ LANGUAGE plpgsql""",
    """CREATE TRIGGER clafoutis_convention_overlap BEFORE INSERT ON clafoutis_convention
        FOR EACH ROW EXECUTE FUNCTION clafoutis_convention_overlap()""",
    f"""CREATE FUNCTION clafoutis_conventionend_prolongs() RETURNS trigger AS $$
        BEGIN
            IF EXISTS ({PROLONGS}) THEN
                RAISE EXCEPTION 'an end never prolongs' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$ LANGUAGE plpgsql""",
    """CREATE TRIGGER clafoutis_conventionend_prolongs BEFORE INSERT ON clafoutis_conventionend
        FOR EACH ROW EXECUTE FUNCTION clafoutis_conventionend_prolongs()""",
)


def create(apps, schema_editor):
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in POSTGRESQL if is_postgresql else SQLITE:
        schema_editor.execute(statement, params=None)


def drop(apps, schema_editor):
    for table, name in (("convention", "overlap"), ("conventionend", "prolongs")):
        trigger = f"clafoutis_{table}_{name}"
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER {trigger} ON clafoutis_{table}")
            schema_editor.execute(f"DROP FUNCTION {trigger}()")
        else:
            schema_editor.execute(f"DROP TRIGGER {trigger}")


def carry_over(apps, schema_editor):
    """Make a row of the dates that stood with each merchant; what was agreed is not known."""
    using = schema_editor.connection.alias
    content = cbor.encode({1: 0})
    terms = hashlib.sha256(content).digest()
    for merchant in apps.get_model("clafoutis", "Merchant").objects.using(using).all():
        begins = merchant.convention_from.astimezone(PARIS).date()
        apps.get_model("clafoutis", "ConventionTerms").objects.using(using).get_or_create(
            digest=terms, defaults={"content": content}
        )
        apps.get_model("clafoutis", "Convention").objects.using(using).create(
            merchant=merchant.id,
            from_day=begins,
            until_day=merchant.convention_until.astimezone(PARIS).date(),
            signed_on=begins,
            terms=terms,
        )


class Migration(migrations.Migration):

    dependencies = [
        ('clafoutis', '0012_payments'),
    ]

    operations = [
        migrations.CreateModel(
            name='Convention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('merchant', models.PositiveBigIntegerField()),
                ('from_day', models.DateField()),
                ('until_day', models.DateField()),
                ('signed_on', models.DateField()),
                ('terms', server_stub.models.fields.BytesField(max_length=32)),
                ('act', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='convention', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['merchant', 'from_day', 'id'],
                'indexes': [models.Index(fields=['merchant', 'from_day'], name='convention_by_day')],
                'constraints': [models.CheckConstraint(condition=Q(from_day__lt=F('until_day')), name='convention_has_a_length')],
            },
        ),
        migrations.CreateModel(
            name='ConventionEnd',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('until_day', models.DateField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='convention_ends', to='clafoutis.actrow')),
                ('convention', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ends', to='clafoutis.convention')),
            ],
            options={
                'ordering': ['act', 'convention'],
                'constraints': [models.UniqueConstraint(fields=('act', 'convention'), name='convention_end_once')],
            },
        ),
        migrations.CreateModel(
            name='ConventionTerms',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', server_stub.models.fields.BytesField(max_length=32, unique=True)),
                ('content', server_stub.models.fields.BytesField(max_length=262144)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Deputy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('merchant', models.PositiveBigIntegerField()),
                ('name', models.CharField(max_length=120)),
                ('telephone', models.CharField(blank=True, default='', max_length=40)),
                ('from_day', models.DateField()),
                ('until_day', models.DateField(null=True)),
                ('entered_by', models.PositiveBigIntegerField()),
            ],
            options={
                'ordering': ['merchant', 'from_day', 'id'],
                'constraints': [
                    models.CheckConstraint(condition=~Q(name=''), name='deputy_has_a_name'),
                    models.CheckConstraint(condition=Q(until_day__isnull=True) | Q(until_day__gte=F('from_day')), name='deputy_ends_after_begin'),
                ],
            },
        ),
        migrations.CreateModel(
            name='TerminalReport',
            fields=[
                ('terminal', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='report', serialize=False, to='clafoutis.terminal')),
                ('reported_at', models.DateTimeField()),
                ('head_seq', models.PositiveBigIntegerField()),
                ('acknowledged_seq', models.PositiveBigIntegerField()),
                ('permit_epoch', models.PositiveBigIntegerField()),
                ('permit_version', models.PositiveBigIntegerField()),
                ('sqlite_version', models.CharField(blank=True, default='', max_length=16)),
                ('clock', models.PositiveSmallIntegerField(null=True)),
                ('fsync_p95_ms', models.PositiveBigIntegerField(null=True)),
                ('disk_free_mb', models.PositiveBigIntegerField(null=True)),
                ('temperature_c', models.BigIntegerField(null=True)),
                ('undervoltage', models.PositiveBigIntegerField(null=True)),
            ],
            options={
                'ordering': ['terminal'],
            },
        ),
        migrations.AddField(
            model_name='terminal',
            name='loss_window_cents',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='terminal',
            name='lost_head',
            field=server_stub.models.fields.MaybeBytesField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name='merchant',
            name='kind',
            field=models.CharField(choices=[('producer', 'Producer'), ('grocery', 'Grocery')], default='producer', max_length=8),
        ),
        migrations.AddConstraint(
            model_name='merchant',
            constraint=models.CheckConstraint(condition=Q(kind__in=['producer', 'grocery']), name='merchant_kind_known'),
        ),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name='merchant',
            name='merchant_convention_has_a_length',
        ),
        migrations.RemoveField(
            model_name='merchant',
            name='convention_from',
        ),
        migrations.RemoveField(
            model_name='merchant',
            name='convention_until',
        ),
        migrations.RunPython(create, drop),
        append_only(*TABLES),
    ]
