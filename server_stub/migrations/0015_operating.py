"""What operating the service keeps."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0014_payouts")]
    operations = []
