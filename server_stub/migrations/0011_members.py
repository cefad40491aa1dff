"""Waves, renewals and exits of members; the minutes of each vote."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0010_people")]
    operations = [
        migrations.AddField(
            model_name="rule",
            name="minutes",
            field=models.CharField(blank=True, default="", max_length=120),
        ),
        migrations.AddField(
            model_name="rule",
            name="set_by",
            field=models.PositiveBigIntegerField(default=0),
        ),
    ]
