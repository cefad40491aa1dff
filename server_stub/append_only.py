"""Tables whose rows are never changed and never deleted: the database says so itself.

Migrations use this; the function that PostgreSQL needs is made by migration 0002 too.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

_VERBS = ("update", "delete")


def append_only(*tables: str) -> RunPython:
    """Return the operation that makes tables append-only; it can be undone."""

    def create(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        for table in tables:
            for statement in _rules(table, editor.connection.vendor):
                editor.execute(statement)

    def drop(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        for table in tables:
            if editor.connection.vendor == "postgresql":
                editor.execute(f"DROP TRIGGER {table}_append_only ON {table}")
            else:
                for verb in _VERBS:
                    editor.execute(f"DROP TRIGGER {table}_no_{verb}")

    return RunPython(create, drop)


def _rules(table: str, vendor: str) -> tuple[str, ...]:
    if vendor == "postgresql":
        return (
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION clafoutis_append_only()",
        )
    return tuple(
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in _VERBS
    )
