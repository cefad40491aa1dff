"""What members promised and what came in; nothing of it is ever changed or deleted."""

import django.db.models.deletion
import server_stub.models.fields
from django.db import migrations, models

from server_stub.append_only import append_only

TABLES = (
    "clafoutis_commitment",
    "clafoutis_commitmentchange",
    "clafoutis_contribution",
)


class Migration(migrations.Migration):

    dependencies = [
        ('clafoutis', '0006_published_proof_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='Commitment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', server_stub.models.fields.BytesField(max_length=16, unique=True)),
                ('monthly_cents', models.PositiveBigIntegerField()),
                ('first_month', models.DateField()),
                ('months', models.PositiveIntegerField()),
                ('persons', models.PositiveIntegerField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='commitments', to='clafoutis.account')),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='commitment', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act'],
            },
        ),
        migrations.CreateModel(
            name='CommitmentChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.PositiveIntegerField()),
                ('from_month', models.DateField()),
                ('monthly_cents', models.PositiveBigIntegerField(default=0)),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='commitment_change', to='clafoutis.actrow')),
                ('commitment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='clafoutis.commitment')),
            ],
            options={
                'ordering': ['act'],
            },
        ),
        migrations.CreateModel(
            name='Contribution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount_cents', models.BigIntegerField()),
                ('value_date', models.DateField()),
                ('reference', models.CharField(max_length=35)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contributions', to='clafoutis.account')),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='contribution', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act'],
            },
        ),
        migrations.AddConstraint(
            model_name='commitment',
            constraint=models.CheckConstraint(condition=models.Q(('months__gt', 0)), name='commitment_lasts'),
        ),
        migrations.AddConstraint(
            model_name='commitment',
            constraint=models.CheckConstraint(condition=models.Q(('persons__gt', 0)), name='commitment_is_somebodys'),
        ),
        migrations.AddIndex(
            model_name='contribution',
            index=models.Index(fields=['account', 'value_date'], name='contribution_by_day'),
        ),
        migrations.AddConstraint(
            model_name='contribution',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents', 0), _negated=True), name='contribution_is_not_nothing'),
        ),
        append_only(*TABLES),
    ]
