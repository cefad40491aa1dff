"""Waves, renewals and exits of members."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0010_people")]
    operations = []
