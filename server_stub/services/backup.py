"""A consistent copy of the database, without which no money leaves."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connections

from cardkit.errors import BackupFailed, must
from server_stub.services.caisse import Caisse

_SUFFIX = ".partial"


def back_up(caisse: Caisse, path: Path) -> Path:
    """Write a copy of all that is committed, and read it; raises BackupFailed.

    A file that is there is never written over. PostgreSQL has a program of its own for this.
    """
    connection = connections[caisse.using]
    must(not connection.in_atomic_block, "a backup has all of a transaction or nothing of it")
    if connection.vendor != "sqlite":
        raise BackupFailed("PostgreSQL is backed up by pg_dump --format=custom")
    partial = path.with_name(path.name + _SUFFIX)
    try:
        if path.exists():
            raise BackupFailed(f"{path} is there already")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        connection.ensure_connection()
        with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            connection.connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE").fetchall()
            _check(copy)
        _sync(partial)
        os.link(partial, path)
        partial.unlink()
        _sync(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(str(error)) from error
    return path


def _check(copy: sqlite3.Connection) -> None:
    ((verdict,),) = copy.execute("PRAGMA quick_check(1)").fetchall()
    if verdict != "ok":
        raise BackupFailed(f"the copy is damaged: {verdict}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
