"""By what members paid, the till box, and the lines of the caisse's bank statements."""

import django.db.models.deletion
import server_stub.models.fields
from django.db import migrations, models

from server_stub.append_only import append_only

TABLES = (
    "clafoutis_paymentmeans",
    "clafoutis_quittanceprint",
    "clafoutis_cashcount",
    "clafoutis_moneydeposit",
    "clafoutis_depositedcheque",
    "clafoutis_statementprofile",
    "clafoutis_bankimport",
    "clafoutis_bankline",
    "clafoutis_banklineoutcome",
)


def post_contributions(apps, editor):
    """Enter in the books what came in before they had a place for it; it came by the bank."""
    using = editor.connection.alias
    posting, line = (apps.get_model("clafoutis", it) for it in ("Posting", "PostingLine"))
    rows = apps.get_model("clafoutis", "Contribution").objects.using(using)
    for row in rows.select_related("act").order_by("act"):
        made = posting.objects.using(using).create(
            at=row.act.at, subject=f"contribution/{row.act_id}", cause=row.act.digest
        )
        line.objects.using(using).create(
            posting=made, account="contributed", amount_cents=-row.amount_cents
        )
        line.objects.using(using).create(
            posting=made, account="banked", amount_cents=row.amount_cents
        )


class Migration(migrations.Migration):

    dependencies = [("clafoutis", "0011_members")]

    operations = [
        migrations.CreateModel(
            name='BankImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_hash', server_stub.models.fields.BytesField(max_length=32)),
                ('kept_by', models.PositiveBigIntegerField()),
                ('kept_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='BankLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField()),
                ('identity', server_stub.models.fields.BytesField(max_length=32, unique=True)),
                ('day', models.DateField()),
                ('amount_cents', models.BigIntegerField()),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='clafoutis.bankimport')),
            ],
            options={
                'ordering': ['source', 'position'],
            },
        ),
        migrations.CreateModel(
            name='StatementProfile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40)),
                ('settings', models.JSONField()),
                ('saved_by', models.PositiveBigIntegerField()),
                ('saved_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='BankLineOutcome',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=16)),
                ('settlement', models.CharField(blank=True, default='', max_length=35)),
                ('merchant', models.PositiveBigIntegerField(default=0)),
                ('at', models.DateTimeField()),
                ('by', models.PositiveBigIntegerField()),
                ('act', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clafoutis.actrow')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='outcomes', to='clafoutis.bankline')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='CashCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('booked_cents', models.BigIntegerField()),
                ('counted_cents', models.PositiveBigIntegerField()),
                ('counted_by', models.PositiveBigIntegerField()),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='cash_count', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act'],
            },
        ),
        migrations.CreateModel(
            name='MoneyDeposit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('means', models.PositiveIntegerField()),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('day', models.DateField()),
                ('reference', models.CharField(max_length=35)),
                ('deposited_by', models.PositiveBigIntegerField()),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='money_deposit', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act'],
            },
        ),
        migrations.CreateModel(
            name='DepositedCheque',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('contribution', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='deposited', to='clafoutis.contribution')),
                ('deposit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cheques', to='clafoutis.moneydeposit')),
            ],
            options={
                'ordering': ['deposit', 'contribution'],
            },
        ),
        migrations.CreateModel(
            name='PaymentMeans',
            fields=[
                ('contribution', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='paid_by', serialize=False, to='clafoutis.contribution')),
                ('means', models.PositiveIntegerField()),
                ('quittance_year', models.PositiveIntegerField(null=True)),
                ('quittance_number', models.PositiveBigIntegerField(null=True)),
                ('cancels', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cancelled_by', to='clafoutis.contribution')),
            ],
            options={
                'ordering': ['contribution'],
            },
        ),
        migrations.CreateModel(
            name='QuittancePrint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('printed_at', models.DateTimeField()),
                ('printed_by', models.PositiveBigIntegerField()),
                ('contribution', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='quittance_prints', to='clafoutis.contribution')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='bankimport',
            name='profile',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='imports', to='clafoutis.statementprofile'),
        ),
        migrations.CreateModel(
            name='BankLineText',
            fields=[
                ('line', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='text', serialize=False, to='clafoutis.bankline')),
                ('label', models.CharField(max_length=400)),
                ('payer', models.CharField(blank=True, default='', max_length=140)),
                ('reference', models.CharField(blank=True, default='', max_length=140)),
                ('payer_key', models.CharField(blank=True, default='', max_length=540)),
            ],
            options={
                'indexes': [models.Index(fields=['payer_key'], name='text_by_payer')],
            },
        ),
        migrations.AddConstraint(
            model_name='bankline',
            constraint=models.UniqueConstraint(fields=('source', 'position'), name='bank_line_once'),
        ),
        migrations.AddConstraint(
            model_name='bankline',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents', 0), _negated=True), name='bank_line_moves'),
        ),
        migrations.AddConstraint(
            model_name='moneydeposit',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='deposit_is'),
        ),
        migrations.AddConstraint(
            model_name='paymentmeans',
            constraint=models.UniqueConstraint(fields=('quittance_year', 'quittance_number'), name='quittance_once'),
        ),
        migrations.AddConstraint(
            model_name='paymentmeans',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('quittance_number__isnull', True), ('quittance_year__isnull', True)), models.Q(('cancels__isnull', True), ('means__in', [2, 3]), ('quittance_number__gt', 0), ('quittance_year__isnull', False)), _connector='OR'), name='quittance_of_cash_or_cheque'),
        ),
        migrations.RunPython(post_contributions, migrations.RunPython.noop),
        append_only(*TABLES),
    ]
