"""How a person gets into the console: one-time links, exemptions, and what was done to them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from server_stub.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('clafoutis', '0017_roles'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
        migrations.AddConstraint(
            model_name='accesslink',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('made_at'))), name='access_link_lasts'),
        ),
        append_only(
            "clafoutis_accesslink",
            "clafoutis_accesslinkend",
            "clafoutis_accessevent",
            "clafoutis_factorexemption",
        ),
    ]
