"""What members paid with, and bank statements."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0011_members")]
    operations = []
