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


def back_up(caisse: Caisse, path: Path, *, holding: str | None = None) -> Path:
    """Write a copy of all that is committed, and read it; raises BackupFailed.

    `holding` names an approved run that the copy has to hold, or it is none. A file that is there
    is never written over, and none is left behind that is not whole. PostgreSQL has a program of
    its own for this.
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
        try:
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            connection.ensure_connection()
            with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
                connection.connection.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE").fetchall()
            _sync(partial)
            _check(partial, holding)
            os.link(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        _sync(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{path}: {error}") from error
    return path


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


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
