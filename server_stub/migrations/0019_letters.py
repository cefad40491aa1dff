from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0018_access")]
    operations = []
