"""Who may do what in the console: granted and ended, never edited."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from server_stub.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('clafoutis', '0016_reconciliation'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                'ordering': ['user', 'id'],
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
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['coordinator', 'treasurer', 'committee', 'merchant', 'auditor', 'administrator'])), name='role_known'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('merchant__isnull', False), ('role', 'merchant')), models.Q(models.Q(('role', 'merchant'), _negated=True), ('merchant__isnull', True)), _connector='OR'), name='role_merchant_has_one'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(('until_day__isnull', True), ('until_day__gt', models.F('from_day')), _connector='OR'), name='role_ends_after_begin'),
        ),
        append_only("clafoutis_rolegrant", "clafoutis_roleend"),
    ]
