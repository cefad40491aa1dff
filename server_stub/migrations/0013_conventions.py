"""Conventions, deputies, disputes and paper claims."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0012_payments")]
    operations = []
