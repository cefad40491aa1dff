"""Where merchants are paid, and which files left; nothing of it is ever changed or deleted."""

import django.db.models.deletion
import server_stub.models.fields
from django.db import migrations, models

from server_stub.append_only import append_only

TABLES = (
    "clafoutis_bankdetails",
    "clafoutis_bankdetailsconfirmed",
    "clafoutis_settlementfile",
)


class Migration(migrations.Migration):

    dependencies = [
        ('clafoutis', '0007_commitments'),
    ]

    operations = [
        migrations.CreateModel(
            name='BankDetails',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('iban', models.CharField(max_length=34)),
                ('holder', models.CharField(max_length=70)),
                ('entered_by', models.PositiveBigIntegerField()),
                ('entered_at', models.DateTimeField()),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='bank_details', to='clafoutis.merchant')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='BankDetailsConfirmed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('confirmed_by', models.PositiveBigIntegerField()),
                ('confirmed_at', models.DateTimeField()),
                ('usable_from', models.DateTimeField()),
                ('details', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='confirmation', to='clafoutis.bankdetails')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='SettlementFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('form', models.CharField(max_length=32)),
                ('content_hash', server_stub.models.fields.BytesField(max_length=32)),
                ('made_by', models.PositiveBigIntegerField()),
                ('made_at', models.DateTimeField()),
                ('settlement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='files', to='clafoutis.settlement')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('settlement', 'form'), name='settlement_file_once')],
            },
        ),
        append_only(*TABLES),
    ]
