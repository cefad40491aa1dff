"""What the coordinator does about findings, disputes and the paper carnet."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0015_operating")]
    operations = []
