"""Nothing yet."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0002_guards")]
    operations = []
