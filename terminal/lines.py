"""The lines of baskets, kept where they were sold: append-only, each under its salted hash.

What goes up to the caisse is the hash alone, in a signed intent. The salt keeps whoever has the
hash from guessing a basket. Lines leave the terminal on its own tickets and in a fiscal archive,
and neither names a member.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

from cardkit.errors import DocumentError, StoreError
from terminal.basket import SALT_BYTES, BasketLine, SaltedLines
from terminal.files import PRIVATE, sync_directory, write_again
from terminal.integrity import find_damage

Draw: TypeAlias = Callable[[int], bytes]
"""Where salts come from: a number of bytes in, that many out, never twice the same."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS basket (
    hash    BLOB PRIMARY KEY CHECK (length(hash) = 32),
    content BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON basket
BEGIN SELECT RAISE(ABORT, 'lines are never changed'); END;

CREATE TRIGGER IF NOT EXISTS never_removed BEFORE DELETE ON basket
BEGIN SELECT RAISE(ABORT, 'lines are never removed'); END;
"""
_RULES: Final = frozenset(
    rule.replace("IF NOT EXISTS ", "")
    for rule in re.findall(r"CREATE TRIGGER .*?\bEND(?=;)", _SCHEMA, re.DOTALL)
)
"""The triggers as SQLite keeps them."""
_MODE: Final = (
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
)
_PRIMARY: Final = 0xFF
"""The part of an extended result code that names its family."""


class BasketLines:
    """The lines of every basket that was offered to a card; every method may raise StoreError."""

    def __init__(self, db: sqlite3.Connection, draw: Draw) -> None:
        """Take an open database; use `open` instead."""
        self._db = db
        self._draw = draw
        self._stopped = False

    @classmethod
    def open(cls, path: Path, *, draw: Draw = secrets.token_bytes) -> BasketLines:
        """Open the lines of a terminal, making the file the first time; raises StoreError."""
        try:
            if not path.exists():
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, PRIVATE))
                sync_directory(path.parent)
            write_again(path.with_name(f"{path.name}-wal"))
            db = sqlite3.connect(path, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path.name}: {error}") from error
        try:
            _begin(db)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            db.close()
            raise StoreError(f"{path.name}: {error}") from error
        return cls(db, draw)

    def keep(self, lines: tuple[BasketLine, ...]) -> bytes:
        """Put lines on the disk under a new salt, and return the hash that an intent names."""
        content = SaltedLines(salt=self._draw(SALT_BYTES), lines=lines).encoded
        lines_hash = hashlib.sha256(content).digest()
        self._rows("INSERT INTO basket VALUES (?, ?)", lines_hash, content)
        return lines_hash

    def of(self, lines_hash: bytes) -> tuple[BasketLine, ...] | None:
        """Return the lines behind a hash; None when they are not here."""
        content = self.content(lines_hash)
        if content is None:
            return None
        try:
            return SaltedLines.decode(content).lines
        except DocumentError as error:
            raise StoreError(f"lines of another form: {error}") from error

    def content(self, lines_hash: bytes) -> bytes | None:
        """Return what was hashed, salt and all; None when it is not here."""
        rows = self._rows("SELECT content FROM basket WHERE hash = ?", lines_hash)
        if not rows:
            return None
        ((content,),) = rows
        if hashlib.sha256(content).digest() != lines_hash:
            raise StoreError("lines that are not those of their hash")
        return bytes(content)

    def close(self) -> None:
        """Let go of the file; calling it twice is harmless."""
        self._db.close()

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        if self._stopped:
            raise StoreError("the disk has failed: the lines have to be opened anew")
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            self._stopped = getattr(error, "sqlite_errorcode", 0) & _PRIMARY == sqlite3.SQLITE_IOERR
            raise StoreError(str(error)) from error
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise StoreError(str(error)) from error  # its own words may be damaged too


def _begin(db: sqlite3.Connection) -> None:
    """Bring a database into its mode and shape; raises sqlite3.Error."""
    for pragma in _MODE:
        db.execute(pragma).fetchall()
    db.executescript(_SCHEMA)
    damage = find_damage(db)
    if damage is not None:
        raise sqlite3.DatabaseError(damage)
    rules = db.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    if {rule for (rule,) in rules} != _RULES:
        raise sqlite3.DatabaseError("the rules are not those of lines")
