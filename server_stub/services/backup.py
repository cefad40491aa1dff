"""A consistent copy of the database, without which no money leaves."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from cardkit.errors import BackupFailed, must
from server_stub.services.caisse import Caisse

_SUFFIX: Final = ".partial"
_DUMP_S: Final = 3_600
_LOGGED_IN: Final = ("django_session", "usersessions_usersession")
"""Tables whose rows are left out: whoever finds a copy could go on as somebody who is logged in."""


def back_up(caisse: Caisse, path: Path, *, holding: str | None = None) -> Path:
    """Write a copy of all that is committed but who is logged in, and read it; or BackupFailed.

    `holding` names an approved run that the copy has to hold, or it is none. A file that is there
    is never written over, and none is left behind that is not whole. Of SQLite it is a database;
    of PostgreSQL what `pg_restore` takes.
    """
    connection = connections[caisse.using]
    must(not connection.in_atomic_block, "a backup has all of a transaction or nothing of it")
    partial = path.with_name(path.name + _SUFFIX)
    try:
        if path.exists():
            raise BackupFailed(f"{path} is there already")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        try:
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            if connection.vendor == "sqlite":
                _copy(connection, partial)
                _check(partial, holding)
            else:
                _dump(connection.settings_dict, partial)
                _check_dump(partial, holding)
            os.link(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        _sync(path.parent)
    except (OSError, sqlite3.Error, subprocess.SubprocessError) as error:
        raise BackupFailed(f"{path}: {error}") from error
    return path


def _copy(connection: BaseDatabaseWrapper, path: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        connection.connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE").fetchall()
        copy.execute("PRAGMA secure_delete=ON").fetchall()
        # Books may lie in a database of their own, in which nobody logs in.
        there = {name for (name,) in copy.execute("SELECT name FROM sqlite_master").fetchall()}
        for table in there.intersection(_LOGGED_IN):
            copy.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    _sync(path)


def _check(path: Path, holding: str | None) -> None:
    """Open the file as whoever restores it will, and look for what it is made for."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as copy:
        ((verdict,),) = copy.execute("PRAGMA quick_check(1)").fetchall()
        if verdict != "ok":
            raise BackupFailed(f"the copy is damaged: {verdict}")
        if holding is None:
            return
        names = copy.execute("SELECT 1 FROM clafoutis_settlement WHERE name = ?", [holding])
        if names.fetchone() is None:
            raise BackupFailed(f"the copy does not hold {holding}")


def _dump(described: Mapping[str, Any], path: Path) -> None:
    """Let PostgreSQL's own program write it; the password goes by the environment."""
    options = described.get("OPTIONS") or {}
    known = {
        "PGHOST": described.get("HOST"),
        "PGPORT": described.get("PORT"),
        "PGUSER": described.get("USER"),
        "PGPASSWORD": described.get("PASSWORD"),
        "PGDATABASE": described.get("NAME"),
        "PGSSLMODE": options.get("sslmode"),
        "PGSSLROOTCERT": options.get("sslrootcert"),
    }
    environment = {**os.environ, **{name: str(told) for name, told in known.items() if told}}
    left_out = [f"--exclude-table-data={table}" for table in _LOGGED_IN]
    command = ["pg_dump", "--format=custom", *left_out, f"--file={path}"]
    _run(command, environment)
    _sync(path)


def _check_dump(path: Path, holding: str | None) -> None:
    """Have all of it read, and look at the rows of the runs."""
    _run(["pg_restore", "--file=/dev/null", str(path)], None)
    if holding is None:
        return
    rows = _run(
        ["pg_restore", "--data-only", "--table=clafoutis_settlement", "--file=-", str(path)], None
    )
    if not any(row.partition("\t")[0] == holding for row in rows.splitlines()):
        raise BackupFailed(f"the copy does not hold {holding}")


def _run(command: list[str], environment: Mapping[str, str] | None) -> str:
    done = subprocess.run(  # noqa: S603 - a list, and nothing of it is anybody's text
        command, env=environment, capture_output=True, text=True, timeout=_DUMP_S, check=False
    )
    if done.returncode:
        raise BackupFailed(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
