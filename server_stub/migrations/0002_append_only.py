"""Entries, acts and postings are never changed and never deleted: the database says so itself."""

from __future__ import annotations

from django.db import migrations

from server_stub.append_only import append_only

TABLES = ("clafoutis_storedentry", "clafoutis_actrow", "clafoutis_posting", "clafoutis_postingline")

FUNCTION = """
CREATE OR REPLACE FUNCTION clafoutis_append_only() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END
$$ LANGUAGE plpgsql
"""


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FUNCTION, params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION clafoutis_append_only()")


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0001_initial")]
    operations = [migrations.RunPython(create, drop), append_only(*TABLES)]
