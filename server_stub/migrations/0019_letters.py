"""Letters, the words they are made of, and what stands at the head of papers."""

import django.db.models.deletion
from django.db import migrations, models

from server_stub.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('clafoutis', '0018_access'),
    ]

    operations = [
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
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='letters', to='clafoutis.person')),
                ('text', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='clafoutis.lettertext')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['state', 'id'], name='letter_by_state'), models.Index(fields=['about'], name='letter_by_occasion')],
                'constraints': [models.UniqueConstraint(fields=('person', 'kind', 'about'), name='letter_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['welcome', 'dues_call', 'reminder', 'second_reminder', 'renewal', 'commitment_end'])), name='letter_kind_known'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['queued', 'mailing']), ('done_at__isnull', True)), models.Q(('state__in', ['printed', 'mailed', 'dropped']), ('done_at__isnull', False)), _connector='OR'), name='letter_done_has_its_time'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['mailing', 'printed', 'mailed']), _negated=True), models.Q(('content__isnull', False), ('text__isnull', False)), _connector='OR'), name='letter_that_left_is_kept')],
            },
        ),
        append_only("clafoutis_lettertext"),
    ]
