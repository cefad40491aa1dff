"""What a day needs to be found quickly, and the note that one leaves for the next."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clafoutis', '0019_letters'),
    ]

    operations = [
        migrations.CreateModel(
            name='HandoverNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('only', models.BooleanField(default=True, unique=True)),
                ('text', models.CharField(max_length=4000)),
                ('written_by', models.PositiveBigIntegerField()),
                ('written_at', models.DateTimeField()),
            ],
        ),
        migrations.AddIndex(
            model_name='batch',
            index=models.Index(fields=['received_at'], name='batch_by_time'),
        ),
        migrations.AddIndex(
            model_name='cardtransaction',
            index=models.Index(fields=['merchant', 'id'], name='proven_by_merchant'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['opened_at'], name='finding_open'),
        ),
        migrations.AddConstraint(
            model_name='handovernote',
            constraint=models.CheckConstraint(condition=models.Q(('only', True)), name='handover_is_the_only_one'),
        ),
    ]
