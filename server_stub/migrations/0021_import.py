from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0020_today")]
    operations = []
