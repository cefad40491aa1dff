"""What the bank said of a run."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0013_conventions")]
    operations = []
