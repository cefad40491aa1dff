"""Entries, acts and postings are never changed and never deleted: the database says so itself."""

from __future__ import annotations

from django.db import migrations

TABLES = ("clafoutis_storedentry", "clafoutis_actrow", "clafoutis_posting", "clafoutis_postingline")

FUNCTION = """
CREATE OR REPLACE FUNCTION clafoutis_append_only() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END
$$ LANGUAGE plpgsql
"""


def create(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        schema_editor.execute(FUNCTION, params=None)
    for table in TABLES:
        if vendor == "postgresql":
            schema_editor.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION clafoutis_append_only()"
            )
        else:
            for verb in ("UPDATE", "DELETE"):
                schema_editor.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )


def drop(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for table in TABLES:
        if vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        else:
            for verb in ("update", "delete"):
                schema_editor.execute(f"DROP TRIGGER {table}_no_{verb}")
    if vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION clafoutis_append_only()")


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
