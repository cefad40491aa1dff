"""What two people decided to pay; nothing of it is ever changed or deleted."""

import django.db.models.deletion
import server_stub.models.fields
from django.db import migrations, models

from server_stub.append_only import append_only

TABLES = ("clafoutis_claimdecision",)


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
        append_only(*TABLES),
    ]
