"""Every table of the service, with its constraints and indexes."""

import django.db.models.deletion
import django.db.models.expressions
import server_stub.models.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', server_stub.models.fields.BytesField(max_length=16, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='Merchant',
            fields=[
                ('id', models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=70)),
                ('kind', models.CharField(choices=[('producer', 'Producer'), ('grocery', 'Grocery')], default='producer', max_length=8)),
                ('certificate', server_stub.models.fields.MaybeBytesField(max_length=1024, null=True)),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.CheckConstraint(condition=models.Q(('id__gt', 0), ('id__lt', 4294967296)), name='merchant_id_is_32_bits'), models.CheckConstraint(condition=models.Q(('kind__in', ['producer', 'grocery'])), name='merchant_kind_known')],
            },
        ),
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
            name='BankImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_hash', server_stub.models.fields.BytesField(max_length=32)),
                ('kept_by', models.PositiveBigIntegerField()),
                ('kept_at', models.DateTimeField()),
                ('profile', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='imports', to='clafoutis.statementprofile')),
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
                'ordering': ['source_id', 'position'],
                'constraints': [models.UniqueConstraint(fields=('source', 'position'), name='bank_line_once'), models.CheckConstraint(condition=models.Q(('amount_cents', 0), _negated=True), name='bank_line_moves')],
            },
        ),
        migrations.CreateModel(
            name='Terminal',
            fields=[
                ('id', models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ('journal_key', server_stub.models.fields.BytesField(max_length=33, unique=True)),
                ('transport_key', server_stub.models.fields.BytesField(max_length=33)),
                ('certificate', server_stub.models.fields.BytesField(max_length=1024)),
                ('status', models.CharField(choices=[('active', 'Active'), ('revoked', 'Revoked'), ('lost', 'Lost')], default='active', max_length=8)),
                ('enrolled_at', models.DateTimeField()),
                ('cursor_seq', models.PositiveBigIntegerField(default=0)),
                ('cursor_head', server_stub.models.fields.BytesField(max_length=32)),
                ('forked', models.BooleanField(default=False)),
                ('head_seq', models.PositiveBigIntegerField(default=0)),
                ('epoch_seen', models.PositiveBigIntegerField(default=0)),
                ('directory_epoch', models.PositiveBigIntegerField(default=0)),
                ('directory_version', models.PositiveBigIntegerField(default=0)),
                ('lost_after_seq', models.PositiveBigIntegerField(null=True)),
                ('lost_head', server_stub.models.fields.MaybeBytesField(max_length=32, null=True)),
                ('loss_window_cents', models.PositiveBigIntegerField(null=True)),
                ('last_seen_at', models.DateTimeField(null=True)),
                ('software_version', models.CharField(blank=True, default='', max_length=32)),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('id__lt', 4294967296)), name='terminal_id_is_32_bits'), models.CheckConstraint(condition=models.Q(('status__in', ['active', 'revoked', 'lost'])), name='terminal_status_known')],
            },
        ),
        migrations.CreateModel(
            name='Batch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('received_at', models.DateTimeField()),
                ('first_seq', models.PositiveBigIntegerField(null=True)),
                ('last_seq', models.PositiveBigIntegerField(null=True)),
                ('entries', models.PositiveIntegerField()),
                ('new_entries', models.PositiveIntegerField()),
                ('refused_entries', models.PositiveIntegerField(default=0)),
                ('terminal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='clafoutis.terminal')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['received_at'], name='batch_by_time')],
            },
        ),
        migrations.CreateModel(
            name='CacheRow',
            fields=[
                ('cache_key', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('value', models.TextField()),
                ('expires', models.DateTimeField(db_index=True)),
            ],
            options={
                'db_table': 'clafoutis_cache',
                'ordering': ['cache_key'],
            },
        ),
        migrations.CreateModel(
            name='ActRow',
            fields=[
                ('seq', models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ('digest', server_stub.models.fields.BytesField(max_length=32, unique=True)),
                ('kind', models.PositiveIntegerField()),
                ('at', models.DateTimeField()),
                ('content', server_stub.models.fields.BytesField(max_length=32768)),
            ],
            options={
                'ordering': ['seq'],
                'indexes': [models.Index(fields=['kind', 'seq'], name='act_by_kind')],
                'constraints': [models.CheckConstraint(condition=models.Q(('seq__gt', 0)), name='act_seq_positive')],
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
                'ordering': ['act_id'],
                'indexes': [models.Index(fields=['account', 'value_date'], name='contribution_by_day')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_cents', 0), _negated=True), name='contribution_is_not_nothing')],
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
            name='JobRun',
            fields=[
                ('name', models.CharField(max_length=16, primary_key=True, serialize=False)),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('succeeded_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, default='', max_length=8)),
                ('count', models.PositiveBigIntegerField(default=0)),
                ('trouble', models.CharField(blank=True, default='', max_length=64)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='MerchantDetails',
            fields=[
                ('merchant', models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ('siret', models.CharField(blank=True, default='', max_length=14)),
                ('address', models.CharField(blank=True, default='', max_length=240)),
                ('saved_by', models.PositiveBigIntegerField()),
                ('saved_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['merchant'],
            },
        ),
        migrations.CreateModel(
            name='Pairing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pairing_id', server_stub.models.fields.BytesField(max_length=8, unique=True)),
                ('terminal_number', models.PositiveBigIntegerField(unique=True)),
                ('merchants', models.JSONField()),
                ('state', models.CharField(choices=[('open', 'Open'), ('approved', 'Approved')], default='open', max_length=8)),
                ('opened_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('result', server_stub.models.fields.MaybeBytesField(max_length=32768, null=True)),
                ('terminal', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='pairing', to='clafoutis.terminal')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='PermitIssued',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('epoch', models.PositiveBigIntegerField()),
                ('version', models.PositiveBigIntegerField()),
                ('digest', server_stub.models.fields.BytesField(max_length=32, unique=True)),
                ('content', server_stub.models.fields.BytesField(max_length=16384)),
                ('issued_at', models.DateTimeField()),
                ('valid_until', models.DateTimeField()),
                ('terminal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='permits', to='clafoutis.terminal')),
            ],
            options={
                'ordering': ['terminal_id', 'epoch', 'version'],
                'constraints': [models.UniqueConstraint(fields=('terminal', 'epoch', 'version'), name='permit_version_once')],
            },
        ),
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=200, unique=True)),
                ('content', models.JSONField()),
                ('by', models.PositiveBigIntegerField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='StaleCard',
            fields=[
                ('uid', server_stub.models.fields.BytesField(max_length=7, primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name='Wave',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('order', models.PositiveIntegerField()),
                ('candidates', models.PositiveIntegerField()),
                ('fingerprint', server_stub.models.fields.BytesField(max_length=32)),
                ('seed', models.CharField(blank=True, default='', max_length=120)),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='wave', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act_id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('number__gt', 0)), name='wave_positive')],
            },
        ),
        migrations.CreateModel(
            name='AccessEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('password_chosen', 'Password Chosen'), ('password_changed', 'Password Changed'), ('factor_added', 'Factor Added'), ('factor_removed', 'Factor Removed'), ('factors_reset', 'Factors Reset'), ('sessions_ended', 'Sessions Ended'), ('closed', 'Closed'), ('reopened', 'Reopened')], max_length=20)),
                ('by', models.PositiveBigIntegerField()),
                ('at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='access_events', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='AccessLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('made_by', models.PositiveBigIntegerField()),
                ('made_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='access_links', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('made_at'))), name='access_link_lasts')],
            },
        ),
        migrations.CreateModel(
            name='AccessLinkEnd',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('used', 'Used'), ('revoked', 'Revoked'), ('replaced', 'Replaced')], max_length=8)),
                ('by', models.PositiveBigIntegerField()),
                ('at', models.DateTimeField()),
                ('link', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='end', to='clafoutis.accesslink')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='ActReversal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='reversal', to='clafoutis.actrow')),
                ('reversed', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act_id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('act__gt', models.F('reversed'))), name='reversal_is_later')],
            },
        ),
        migrations.CreateModel(
            name='ActText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=500)),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='text', to='clafoutis.actrow')),
            ],
        ),
        migrations.CreateModel(
            name='Admission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.PositiveIntegerField()),
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='admission', to='clafoutis.account')),
                ('wave', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='admissions', to='clafoutis.wave')),
            ],
            options={
                'ordering': ['wave', 'place'],
            },
        ),
        migrations.CreateModel(
            name='Balance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account', models.CharField(max_length=16)),
                ('merchant', models.PositiveBigIntegerField(default=0)),
                ('amount_cents', models.BigIntegerField()),
            ],
            options={
                'ordering': ['account', 'merchant'],
                'constraints': [models.UniqueConstraint(fields=('account', 'merchant'), name='balance_once')],
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
            name='CaisseDetails',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('only', models.BooleanField(default=True, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('address', models.CharField(max_length=240)),
                ('place', models.CharField(max_length=60)),
                ('telephone', models.CharField(max_length=40)),
                ('lost_card_telephone', models.CharField(blank=True, default='', max_length=40)),
                ('email', models.EmailField(blank=True, default='', max_length=254)),
                ('hours', models.CharField(blank=True, default='', max_length=120)),
                ('iban', models.CharField(blank=True, default='', max_length=34)),
                ('controller', models.CharField(blank=True, default='', max_length=160)),
                ('saved_by', models.PositiveBigIntegerField()),
                ('saved_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('only', True)), name='caisse_details_only_one')],
            },
        ),
        migrations.CreateModel(
            name='Card',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', server_stub.models.fields.BytesField(max_length=7)),
                ('generation', models.PositiveIntegerField()),
                ('profile', models.CharField(max_length=32)),
                ('key_version', models.PositiveIntegerField()),
                ('terminal_key_version', models.PositiveIntegerField(null=True)),
                ('status', models.CharField(choices=[('issuing', 'Issuing'), ('active', 'Active'), ('blocked', 'Blocked')], default='issuing', max_length=8)),
                ('birth_tmc', models.PositiveBigIntegerField(default=0)),
                ('birth_tmv', server_stub.models.fields.MaybeBytesField(max_length=8, null=True)),
                ('birth_enc_tmri', server_stub.models.fields.MaybeBytesField(max_length=16, null=True)),
                ('birth_spent_cents', models.PositiveBigIntegerField(default=0)),
                ('proven_tmc', models.PositiveBigIntegerField(default=0)),
                ('proven_tmv', server_stub.models.fields.MaybeBytesField(max_length=8, null=True)),
                ('proven_spent_cents', models.PositiveBigIntegerField(default=0)),
                ('is_settled', models.BooleanField(default=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cards', to='clafoutis.account')),
            ],
            options={
                'ordering': ['uid', 'generation'],
                'constraints': [models.UniqueConstraint(fields=('uid', 'generation'), name='card_life_once'), models.CheckConstraint(condition=models.Q(('generation__gt', 0)), name='card_generation_positive'), models.CheckConstraint(condition=models.Q(('status__in', ['issuing', 'active', 'blocked'])), name='card_status_known'), models.CheckConstraint(condition=models.Q(('status', 'issuing'), ('birth_tmv__isnull', False), _connector='OR'), name='card_in_use_has_a_proven_birth'), models.CheckConstraint(condition=models.Q(('proven_spent_cents__lt', 2147483648)), name='card_spent_is_31_bits')],
            },
        ),
        migrations.CreateModel(
            name='AllowanceIssued',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('epoch', models.PositiveBigIntegerField()),
                ('version', models.PositiveBigIntegerField()),
                ('digest', server_stub.models.fields.BytesField(max_length=32, unique=True)),
                ('content', server_stub.models.fields.BytesField(max_length=254)),
                ('issued_at', models.DateTimeField()),
                ('cumulative_cents', models.PositiveBigIntegerField()),
                ('refunds', models.JSONField(default=list)),
                ('issued_here', models.BooleanField(default=True)),
                ('card', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allowances', to='clafoutis.card')),
            ],
            options={
                'ordering': ['card_id', 'epoch', 'version'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('issued_here', True)), fields=('card', 'epoch', 'version'), name='allowance_version_once'), models.CheckConstraint(condition=models.Q(('cumulative_cents__lt', 2147483648)), name='allowance_is_31_bits')],
            },
        ),
        migrations.CreateModel(
            name='CardDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.PositiveIntegerField()),
                ('tmc', models.PositiveBigIntegerField()),
                ('first_tmc', models.PositiveBigIntegerField(default=0)),
                ('reason', models.PositiveIntegerField(default=0)),
                ('amount_cents', models.PositiveBigIntegerField(default=0)),
                ('terminal', models.PositiveBigIntegerField(default=0)),
                ('seq', models.PositiveBigIntegerField(default=0)),
                ('merchant', models.PositiveBigIntegerField(default=0)),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='decision', to='clafoutis.actrow')),
                ('allowance', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contained_returns', to='clafoutis.allowanceissued')),
                ('card', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='clafoutis.card')),
            ],
            options={
                'ordering': ['act_id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('kind', 10)), fields=('card', 'first_tmc', 'tmc'), name='returned_once')],
            },
        ),
        migrations.CreateModel(
            name='Carnet',
            fields=[
                ('number', models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ('merchant', models.PositiveBigIntegerField()),
                ('first_slip', models.PositiveBigIntegerField()),
                ('last_slip', models.PositiveBigIntegerField()),
                ('handed_out_on', models.DateField()),
                ('handed_out_by', models.PositiveBigIntegerField()),
            ],
            options={
                'ordering': ['number'],
                'constraints': [models.CheckConstraint(condition=models.Q(('first_slip__gt', 0), ('last_slip__gte', models.F('first_slip'))), name='carnet_has_slips')],
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
                'ordering': ['act_id'],
            },
        ),
        migrations.CreateModel(
            name='StoredEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', server_stub.models.fields.BytesField(max_length=32, unique=True)),
                ('seq', models.PositiveBigIntegerField()),
                ('prev', server_stub.models.fields.BytesField(max_length=32)),
                ('kind', models.PositiveBigIntegerField()),
                ('readable', models.BooleanField()),
                ('about_seq', models.PositiveBigIntegerField(null=True)),
                ('at', models.DateTimeField()),
                ('merchant', models.PositiveBigIntegerField()),
                ('content', server_stub.models.fields.BytesField(max_length=4096)),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stored', to='clafoutis.batch')),
                ('terminal', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='clafoutis.terminal')),
            ],
            options={
                'ordering': ['terminal_id', 'seq', 'digest'],
                'indexes': [models.Index(fields=['terminal', 'seq'], name='entry_by_place'), models.Index(fields=['terminal', 'about_seq'], name='entry_by_intent')],
                'constraints': [models.CheckConstraint(condition=models.Q(('seq__gt', 0)), name='entry_seq_positive')],
            },
        ),
        migrations.CreateModel(
            name='Claim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.PositiveBigIntegerField()),
                ('at', models.DateTimeField()),
                ('merchant', models.PositiveBigIntegerField()),
                ('tmc', models.PositiveBigIntegerField()),
                ('spent0_cents', models.PositiveBigIntegerField()),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('tmv0', server_stub.models.fields.BytesField(max_length=8)),
                ('token', server_stub.models.fields.BytesField(max_length=8)),
                ('enc_tmri', server_stub.models.fields.BytesField(max_length=16)),
                ('expected_tmv', server_stub.models.fields.MaybeBytesField(max_length=8, null=True)),
                ('token_right', models.BooleanField()),
                ('verdict', models.CharField(max_length=40)),
                ('allowance_epoch', models.PositiveBigIntegerField(default=0)),
                ('allowance_version', models.PositiveBigIntegerField(default=0)),
                ('leans_on', models.JSONField(default=list)),
                ('outcome', models.CharField(choices=[('open', 'open'), ('sale', 'sale'), ('void', 'void'), ('indeterminate', 'indeterminate')], default='open', max_length=16)),
                ('outcome_amount_cents', models.PositiveBigIntegerField(null=True)),
                ('outcome_tmv', server_stub.models.fields.MaybeBytesField(max_length=8, null=True)),
                ('outcome_seq', models.PositiveBigIntegerField(null=True)),
                ('outcomes_disagree', models.BooleanField(default=False)),
                ('choice', models.PositiveIntegerField(null=True)),
                ('state', models.CharField(choices=[('payable', 'payable'), ('held', 'held'), ('waiting', 'waiting'), ('provisional', 'provisional'), ('returned', 'returned'), ('nothing', 'nothing')], default='waiting', max_length=12)),
                ('reason', models.CharField(blank=True, default='', max_length=40)),
                ('card', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='clafoutis.card')),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='claim', to='clafoutis.storedentry')),
                ('terminal', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='clafoutis.terminal')),
            ],
            options={
                'ordering': ['terminal_id', 'seq'],
                'indexes': [models.Index(fields=['terminal', 'seq'], name='claim_by_place'), models.Index(fields=['card', 'tmc'], name='claim_by_counter'), models.Index(fields=['state', 'merchant'], name='claim_by_state'), models.Index(fields=['merchant', 'at'], name='claim_by_day'), models.Index(fields=['card', 'state'], name='claim_of_card_by_state')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0), ('amount_cents__lt', 2147483648)), name='claim_amount_positive')],
            },
        ),
        migrations.CreateModel(
            name='CardTransaction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tmc', models.PositiveBigIntegerField()),
                ('tmv', server_stub.models.fields.BytesField(max_length=8)),
                ('spent0_cents', models.PositiveBigIntegerField()),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('terminal', models.PositiveBigIntegerField()),
                ('seq', models.PositiveBigIntegerField()),
                ('merchant', models.PositiveBigIntegerField()),
                ('state', models.CharField(choices=[('payable', 'payable'), ('held', 'held'), ('waiting', 'waiting'), ('provisional', 'provisional'), ('returned', 'returned'), ('nothing', 'nothing')], max_length=12)),
                ('reason', models.CharField(blank=True, default='', max_length=40)),
                ('card', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='clafoutis.card')),
                ('claim', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='clafoutis.claim')),
            ],
            options={
                'ordering': ['card_id', 'tmc'],
                'indexes': [models.Index(fields=['merchant', 'id'], name='proven_by_merchant'), models.Index(fields=['state'], name='proven_by_state'), models.Index(condition=models.Q(('claim__isnull', True)), fields=['terminal', 'seq'], name='recovered_by_place')],
                'constraints': [models.UniqueConstraint(fields=('card', 'tmc'), name='proven_once'), models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='proven_positive'), models.CheckConstraint(condition=models.Q(('amount_cents__lt', django.db.models.expressions.CombinedExpression(models.Value(2147483648), '-', models.F('spent0_cents')))), name='proven_is_31_bits')],
            },
        ),
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
                'ordering': ['act_id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('first_person', models.F('second_person')), _negated=True), name='claim_has_four_eyes')],
            },
        ),
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
                'ordering': ['act_id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('months__gt', 0)), name='commitment_lasts'), models.CheckConstraint(condition=models.Q(('persons__gt', 0)), name='commitment_is_somebodys')],
            },
        ),
        migrations.CreateModel(
            name='CommitmentChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.PositiveIntegerField()),
                ('from_month', models.DateField()),
                ('monthly_cents', models.PositiveBigIntegerField(default=0)),
                ('persons', models.PositiveIntegerField(null=True)),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='commitment_change', to='clafoutis.actrow')),
                ('commitment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='clafoutis.commitment')),
            ],
            options={
                'ordering': ['act_id'],
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
                'ordering': ['contribution_id'],
                'constraints': [models.UniqueConstraint(fields=('quittance_year', 'quittance_number'), name='quittance_once'), models.CheckConstraint(condition=models.Q(models.Q(('quittance_number__isnull', True), ('quittance_year__isnull', True)), models.Q(('cancels__isnull', True), ('means__in', [2, 3]), ('quittance_number__gt', 0), ('quittance_year__isnull', False)), _connector='OR'), name='quittance_of_cash_or_cheque')],
            },
        ),
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
                'constraints': [models.CheckConstraint(condition=models.Q(('from_day__lt', models.F('until_day'))), name='convention_has_a_length')],
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
                'ordering': ['act_id', 'convention'],
                'constraints': [models.UniqueConstraint(fields=('act', 'convention'), name='convention_end_once')],
            },
        ),
        migrations.CreateModel(
            name='Departure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_month', models.DateField()),
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='departure', to='clafoutis.account')),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='departure', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act_id'],
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
                'constraints': [models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='deputy_has_a_name'), models.CheckConstraint(condition=models.Q(('until_day__isnull', True), ('until_day__gte', models.F('from_day')), _connector='OR'), name='deputy_ends_after_begin')],
            },
        ),
        migrations.CreateModel(
            name='DirectoryVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('epoch', models.PositiveBigIntegerField()),
                ('version', models.PositiveBigIntegerField()),
                ('digest', server_stub.models.fields.BytesField(max_length=32, unique=True)),
                ('content', server_stub.models.fields.BytesField(max_length=16384)),
                ('content_hash', server_stub.models.fields.BytesField(max_length=32)),
                ('cards', models.PositiveBigIntegerField()),
                ('issued_at', models.DateTimeField()),
                ('valid_until', models.DateTimeField()),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('epoch', 'version'), name='directory_version_once')],
            },
        ),
        migrations.CreateModel(
            name='DirectoryRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', server_stub.models.fields.BytesField(max_length=7)),
                ('encoded', server_stub.models.fields.BytesField(max_length=512)),
                ('directory', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='clafoutis.directoryversion')),
                ('until', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='ended_rows', to='clafoutis.directoryversion')),
            ],
            options={
                'ordering': ['directory_id', 'uid'],
                'indexes': [models.Index(fields=['until', 'directory'], name='directory_row_by_span')],
                'constraints': [models.UniqueConstraint(fields=('uid', 'directory'), name='directory_row_once'), models.UniqueConstraint(condition=models.Q(('until__isnull', True)), fields=('uid',), name='directory_row_current_once')],
            },
        ),
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', server_stub.models.fields.BytesField(max_length=16, unique=True)),
                ('tmc', models.PositiveBigIntegerField()),
                ('kind', models.PositiveIntegerField()),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('is_held', models.BooleanField()),
                ('answer_by', models.DateField(null=True)),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='dispute', to='clafoutis.actrow')),
                ('card', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='clafoutis.card')),
            ],
            options={
                'ordering': ['act_id'],
                'indexes': [models.Index(fields=['card', 'tmc'], name='dispute_by_sale')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='dispute_is_of_money')],
            },
        ),
        migrations.CreateModel(
            name='DisputeStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.CharField(max_length=12)),
                ('amount_cents', models.PositiveBigIntegerField(default=0)),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='dispute_step', to='clafoutis.actrow')),
                ('dispute', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='clafoutis.dispute')),
            ],
            options={
                'ordering': ['act_id'],
            },
        ),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('erased_at', models.DateTimeField()),
                ('erased_by', models.PositiveBigIntegerField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='erasures', to='clafoutis.account')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='FactorExemption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('until', models.DateTimeField()),
                ('granted_by', models.PositiveBigIntegerField()),
                ('granted_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='factor_exemptions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Finding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=32)),
                ('key', models.CharField(max_length=128)),
                ('facts', models.JSONField()),
                ('opened_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('card', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='findings', to='clafoutis.card')),
                ('terminal', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='findings', to='clafoutis.terminal')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['opened_at'], name='finding_open')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True)), fields=('kind', 'key'), name='finding_open_once')],
            },
        ),
        migrations.CreateModel(
            name='FindingHandling',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('finding', models.CharField(max_length=32)),
                ('key', models.CharField(max_length=128)),
                ('handling', models.PositiveIntegerField()),
                ('facts', server_stub.models.fields.BytesField(max_length=32)),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='handling', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act_id'],
                'indexes': [models.Index(fields=['finding', 'key'], name='handling_by_finding')],
            },
        ),
        migrations.CreateModel(
            name='HandoverNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('only', models.BooleanField(default=True, unique=True)),
                ('text', models.CharField(max_length=4000)),
                ('written_by', models.PositiveBigIntegerField()),
                ('written_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('only', True)), name='handover_is_the_only_one')],
            },
        ),
        migrations.CreateModel(
            name='LetterText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('welcome', 'Welcome'), ('dues_call', 'Dues Call'), ('reminder', 'Reminder'), ('second_reminder', 'Second Reminder'), ('renewal', 'Renewal'), ('commitment_end', 'Commitment End')], max_length=16)),
                ('language', models.CharField(max_length=2)),
                ('subject', models.CharField(max_length=120)),
                ('body', models.CharField(max_length=4000)),
                ('saved_by', models.PositiveBigIntegerField()),
                ('saved_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['kind', 'language', 'id'], name='letter_text_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['welcome', 'dues_call', 'reminder', 'second_reminder', 'renewal', 'commitment_end'])), name='letter_text_kind_known'), models.CheckConstraint(condition=models.Q(('language__in', ['fr', 'en'])), name='letter_text_language_known')],
            },
        ),
        migrations.CreateModel(
            name='LoginFailure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['key', 'at'], name='login_failure_by_key')],
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
                'ordering': ['act_id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='deposit_is')],
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
            name='PairingRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tag', server_stub.models.fields.BytesField(max_length=32)),
                ('content', server_stub.models.fields.BytesField(max_length=512)),
                ('received_at', models.DateTimeField()),
                ('pairing', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='clafoutis.pairing')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('pairing', 'tag'), name='pairing_request_once')],
            },
        ),
        migrations.CreateModel(
            name='PaperClaim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('carnet', models.PositiveBigIntegerField()),
                ('slip', models.PositiveBigIntegerField()),
                ('merchant', models.PositiveBigIntegerField()),
                ('day', models.DateField()),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('bearer', models.PositiveIntegerField()),
                ('doubts', models.PositiveIntegerField()),
                ('entered_by', models.PositiveBigIntegerField()),
                ('confirmed_by', models.PositiveBigIntegerField()),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='paper_claim', to='clafoutis.actrow')),
                ('card', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='paper', to='clafoutis.card')),
            ],
            options={
                'ordering': ['act_id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='paper_is_of_money'), models.CheckConstraint(condition=models.Q(('entered_by', models.F('confirmed_by')), _negated=True), name='paper_has_four_eyes')],
            },
        ),
        migrations.CreateModel(
            name='PaperPaid',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('carnet', models.PositiveBigIntegerField()),
                ('slip', models.PositiveBigIntegerField()),
                ('claim', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='paid', to='clafoutis.paperclaim')),
            ],
            options={
                'ordering': ['carnet', 'slip'],
                'constraints': [models.UniqueConstraint(fields=('carnet', 'slip'), name='slip_paid_once')],
            },
        ),
        migrations.CreateModel(
            name='PaperSlip',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField()),
                ('day', models.DateField()),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('card_number', models.CharField(max_length=20)),
                ('is_initialled', models.BooleanField()),
                ('entered_by', models.PositiveBigIntegerField()),
                ('entered_at', models.DateTimeField()),
                ('card', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='slips', to='clafoutis.card')),
                ('carnet', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='slips', to='clafoutis.carnet')),
            ],
            options={
                'ordering': ['carnet_id', 'number'],
                'constraints': [models.UniqueConstraint(fields=('carnet', 'number'), name='slip_entered_once'), models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='slip_is_of_money')],
            },
        ),
        migrations.CreateModel(
            name='PayoutEvidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('settlement', models.CharField(max_length=35)),
                ('merchant', models.PositiveBigIntegerField()),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('entered_by', models.PositiveBigIntegerField()),
                ('compared_by', models.PositiveBigIntegerField()),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='payout_evidence', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act_id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='payout_is_positive'), models.CheckConstraint(condition=models.Q(('entered_by', models.F('compared_by')), _negated=True), name='evidence_has_four_eyes')],
            },
        ),
        migrations.CreateModel(
            name='PayoutProven',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('settlement', models.CharField(max_length=35)),
                ('merchant', models.PositiveBigIntegerField()),
                ('evidence', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='proven', to='clafoutis.payoutevidence')),
            ],
            options={
                'ordering': ['settlement', 'merchant'],
                'constraints': [models.UniqueConstraint(fields=('settlement', 'merchant'), name='payout_proven_once')],
            },
        ),
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('address', models.CharField(blank=True, default='', max_length=240)),
                ('telephone', models.CharField(blank=True, default='', max_length=40)),
                ('email', models.EmailField(blank=True, default='', max_length=254)),
                ('applied_on', models.DateField()),
                ('last_contact_on', models.DateField()),
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='person', to='clafoutis.account')),
            ],
            options={
                'ordering': ['name', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='person_has_a_name')],
            },
        ),
        migrations.CreateModel(
            name='Letter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('welcome', 'Welcome'), ('dues_call', 'Dues Call'), ('reminder', 'Reminder'), ('second_reminder', 'Second Reminder'), ('renewal', 'Renewal'), ('commitment_end', 'Commitment End')], max_length=16)),
                ('about', models.CharField(max_length=32)),
                ('language', models.CharField(default='fr', max_length=2)),
                ('by_mail', models.BooleanField(default=False)),
                ('queued_at', models.DateTimeField()),
                ('queued_by', models.PositiveBigIntegerField()),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('mailing', 'Mailing'), ('printed', 'Printed'), ('mailed', 'Mailed'), ('dropped', 'Dropped')], default='queued', max_length=8)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('trouble', models.CharField(blank=True, default='', max_length=40)),
                ('content', models.JSONField(null=True)),
                ('done_at', models.DateTimeField(null=True)),
                ('done_by', models.PositiveBigIntegerField(null=True)),
                ('text', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='clafoutis.lettertext')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='letters', to='clafoutis.person')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['state', 'id'], name='letter_by_state'), models.Index(fields=['about'], name='letter_by_occasion')],
                'constraints': [models.UniqueConstraint(fields=('person', 'kind', 'about'), name='letter_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['welcome', 'dues_call', 'reminder', 'second_reminder', 'renewal', 'commitment_end'])), name='letter_kind_known'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['queued', 'mailing']), ('done_at__isnull', True)), models.Q(('state__in', ['printed', 'mailed', 'dropped']), ('done_at__isnull', False)), _connector='OR'), name='letter_done_has_its_time'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['mailing', 'printed', 'mailed']), _negated=True), models.Q(('content__isnull', False), ('text__isnull', False)), _connector='OR'), name='letter_that_left_is_kept')],
            },
        ),
        migrations.CreateModel(
            name='Helper',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('role', models.CharField(choices=[('guardian', 'Guardian'), ('relative', 'Relative'), ('carer', 'Carer'), ('social_worker', 'Social Worker'), ('interpreter', 'Interpreter'), ('other', 'Other')], max_length=16)),
                ('telephone', models.CharField(blank=True, default='', max_length=40)),
                ('email', models.EmailField(blank=True, default='', max_length=254)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='helpers', to='clafoutis.person')),
            ],
            options={
                'ordering': ['person', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='helper_has_a_name'), models.CheckConstraint(condition=models.Q(('role__in', ['guardian', 'relative', 'carer', 'social_worker', 'interpreter', 'other'])), name='helper_role_known')],
            },
        ),
        migrations.CreateModel(
            name='Application',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('monthly_cents', models.PositiveBigIntegerField()),
                ('persons', models.PositiveIntegerField(default=1)),
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='application', to='clafoutis.person')),
            ],
            options={
                'ordering': ['person'],
                'constraints': [models.CheckConstraint(condition=models.Q(('persons__gt', 0)), name='application_is_somebodys')],
            },
        ),
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('subject', models.CharField(max_length=80)),
                ('cause', server_stub.models.fields.MaybeBytesField(max_length=32, null=True)),
                ('card', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='clafoutis.card')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['card', 'subject'], name='posting_by_subject')],
            },
        ),
        migrations.CreateModel(
            name='PostingLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account', models.CharField(max_length=16)),
                ('merchant', models.PositiveBigIntegerField(default=0)),
                ('amount_cents', models.BigIntegerField()),
                ('posting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='clafoutis.posting')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['account', 'merchant'], name='line_by_account')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_cents', 0), _negated=True), name='line_is_not_nothing')],
            },
        ),
        migrations.CreateModel(
            name='PublicFigures',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('only', models.BooleanField(default=True, unique=True)),
                ('day', models.DateField()),
                ('content', models.JSONField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('only', True)), name='public_figures_are_the_only_ones')],
            },
        ),
        migrations.CreateModel(
            name='PublishedKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tmc', models.PositiveBigIntegerField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='published_keys', to='clafoutis.actrow')),
                ('card', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='published_keys', to='clafoutis.card')),
            ],
            options={
                'ordering': ['card_id', 'tmc'],
                'constraints': [models.UniqueConstraint(fields=('card', 'tmc'), name='proof_key_published_once')],
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
        migrations.CreateModel(
            name='RoleGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('coordinator', 'Coordinator'), ('treasurer', 'Treasurer'), ('committee', 'Committee'), ('merchant', 'Merchant'), ('auditor', 'Auditor'), ('administrator', 'Administrator')], max_length=16)),
                ('from_day', models.DateField()),
                ('until_day', models.DateField(null=True)),
                ('granted_by', models.PositiveBigIntegerField()),
                ('granted_at', models.DateTimeField()),
                ('merchant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='role_grants', to='clafoutis.merchant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='role_grants', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['user_id', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('role__in', ['coordinator', 'treasurer', 'committee', 'merchant', 'auditor', 'administrator'])), name='role_known'), models.CheckConstraint(condition=models.Q(models.Q(('merchant__isnull', False), ('role', 'merchant')), models.Q(models.Q(('role', 'merchant'), _negated=True), ('merchant__isnull', True)), _connector='OR'), name='role_merchant_has_one'), models.CheckConstraint(condition=models.Q(('until_day__isnull', True), ('until_day__gt', models.F('from_day')), _connector='OR'), name='role_ends_after_begin')],
            },
        ),
        migrations.CreateModel(
            name='RoleEnd',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ended_by', models.PositiveBigIntegerField()),
                ('ended_at', models.DateTimeField()),
                ('grant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='end', to='clafoutis.rolegrant')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Rule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64)),
                ('value', models.BigIntegerField()),
                ('from_day', models.DateField()),
                ('voted_on', models.DateField(null=True)),
                ('minutes', models.CharField(blank=True, default='', max_length=120)),
                ('set_by', models.PositiveBigIntegerField(default=0)),
            ],
            options={
                'ordering': ['name', 'from_day'],
                'constraints': [models.UniqueConstraint(fields=('name', 'from_day'), name='rule_once_a_day')],
            },
        ),
        migrations.CreateModel(
            name='SettledTold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('terminal', models.PositiveBigIntegerField()),
                ('epoch', models.PositiveBigIntegerField()),
                ('seq', models.PositiveBigIntegerField()),
                ('merchant', models.PositiveBigIntegerField()),
                ('settlement', models.CharField(max_length=35)),
                ('total_cents', models.PositiveBigIntegerField()),
            ],
            options={
                'ordering': ['terminal', 'seq'],
                'constraints': [models.UniqueConstraint(fields=('terminal', 'merchant', 'settlement', 'epoch'), name='settled_told_once')],
            },
        ),
        migrations.CreateModel(
            name='Settlement',
            fields=[
                ('name', models.CharField(max_length=35, primary_key=True, serialize=False)),
                ('drawn_up_by', models.PositiveBigIntegerField()),
                ('approved_by', models.PositiveBigIntegerField()),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='settlement', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act_id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('drawn_up_by', models.F('approved_by')), _negated=True), name='settlement_has_four_eyes')],
            },
        ),
        migrations.CreateModel(
            name='SettlementDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('only', models.BooleanField(default=True, unique=True)),
                ('name', models.CharField(max_length=35)),
                ('lines', models.JSONField()),
                ('lines_hash', server_stub.models.fields.BytesField(max_length=32)),
                ('drawn_up_by', models.PositiveBigIntegerField()),
                ('drawn_up_at', models.DateTimeField()),
                ('up_to_posting', models.PositiveBigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('only', True)), name='draft_is_the_only_one')],
            },
        ),
        migrations.CreateModel(
            name='PayoutReturn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('settlement', models.CharField(max_length=35)),
                ('merchant', models.PositiveBigIntegerField()),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('entered_by', models.PositiveBigIntegerField()),
                ('compared_by', models.PositiveBigIntegerField()),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='payout_return', to='clafoutis.actrow')),
            ],
            options={
                'ordering': ['act_id'],
                'constraints': [models.UniqueConstraint(fields=('settlement', 'merchant'), name='payout_returned_once'), models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='return_is_positive'), models.CheckConstraint(condition=models.Q(('entered_by', models.F('compared_by')), _negated=True), name='return_has_four_eyes')],
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
        migrations.CreateModel(
            name='SettlementLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('merchant', models.PositiveBigIntegerField()),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('total_cents', models.PositiveBigIntegerField()),
                ('settlement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='clafoutis.settlement')),
            ],
            options={
                'ordering': ['settlement', 'merchant'],
                'constraints': [models.UniqueConstraint(fields=('settlement', 'merchant'), name='merchant_once_a_run'), models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0), ('total_cents__gte', models.F('amount_cents'))), name='settlement_line_pays')],
            },
        ),
        migrations.CreateModel(
            name='SettlementPaper',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content', server_stub.models.fields.BytesField()),
                ('file', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='paper', to='clafoutis.settlementfile')),
            ],
            options={
                'ordering': ['file_id'],
            },
        ),
        migrations.CreateModel(
            name='SettlementStatement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('up_to_posting', models.PositiveBigIntegerField()),
                ('content', models.JSONField()),
                ('settlement', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='statement', to='clafoutis.settlement')),
            ],
            options={
                'ordering': ['settlement__act'],
            },
        ),
        migrations.CreateModel(
            name='SettlementStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.PositiveIntegerField()),
                ('act', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='settlement_step', to='clafoutis.actrow')),
                ('settlement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='clafoutis.settlement')),
            ],
            options={
                'ordering': ['act_id'],
                'constraints': [models.UniqueConstraint(fields=('settlement', 'kind'), name='settlement_step_once'), models.UniqueConstraint(condition=models.Q(('kind__in', [17, 18])), fields=('settlement',), name='settlement_ends_once'), models.CheckConstraint(condition=models.Q(('kind__in', [16, 17, 18])), name='settlement_step_known')],
            },
        ),
        migrations.CreateModel(
            name='Sighting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tmc', models.PositiveBigIntegerField()),
                ('tmv', server_stub.models.fields.BytesField(max_length=8)),
                ('spent_cents', models.PositiveBigIntegerField(null=True)),
                ('next_enc_tmri', server_stub.models.fields.MaybeBytesField(max_length=16, null=True)),
                ('refused', models.PositiveIntegerField(null=True)),
                ('card', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='sightings', to='clafoutis.card')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sightings', to='clafoutis.storedentry')),
            ],
            options={
                'ordering': ['card_id', 'tmc'],
                'constraints': [models.UniqueConstraint(fields=('card', 'tmc', 'tmv', 'entry'), name='sighting_once_an_entry')],
            },
        ),
        migrations.CreateModel(
            name='RefundClaim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.PositiveBigIntegerField()),
                ('selling_terminal', models.PositiveBigIntegerField()),
                ('intent_seq', models.PositiveBigIntegerField()),
                ('amount_cents', models.PositiveBigIntegerField()),
                ('merchant', models.PositiveBigIntegerField()),
                ('granted', models.BooleanField(default=False)),
                ('reason', models.CharField(blank=True, default='', max_length=40)),
                ('allowance', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contained_refunds', to='clafoutis.allowanceissued')),
                ('card', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='clafoutis.card')),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='refund', to='clafoutis.storedentry')),
                ('terminal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='clafoutis.terminal')),
            ],
            options={
                'ordering': ['terminal_id', 'seq'],
                'indexes': [models.Index(fields=['selling_terminal', 'intent_seq'], name='refund_by_sale'), models.Index(condition=models.Q(('allowance__isnull', True), ('granted', True)), fields=['card'], name='refund_waits_for_room')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0)), name='refund_positive')],
            },
        ),
        migrations.CreateModel(
            name='RecordSeen',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tmc', models.PositiveBigIntegerField()),
                ('content', server_stub.models.fields.BytesField(max_length=32)),
                ('card', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='records', to='clafoutis.card')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='records', to='clafoutis.storedentry')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('card', 'tmc', 'content'), name='record_once')],
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
                'ordering': ['terminal_id'],
            },
        ),
        migrations.CreateModel(
            name='TokenKey',
            fields=[
                ('terminal', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='token_key', serialize=False, to='clafoutis.terminal')),
                ('sealed', server_stub.models.fields.BytesField(max_length=128)),
            ],
        ),
    ]
