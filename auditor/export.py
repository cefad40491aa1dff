"""What a caisse hands out to be checked: one SQLite file (docs/protocol.md, "The audit export").

Read as rows and nothing more: no byte of it is believed here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FORMAT: Final = "clafoutis-audit/1"


class NotAnExport(Exception):
    """The file is no audit export of a form that is known here."""


@dataclass(frozen=True, slots=True)
class ClaimedSale:
    """A transaction of a card as the books have it."""

    uid: bytes
    generation: int
    tmc: int
    tmv: bytes
    spent0_cents: int
    amount_cents: int
    terminal: int
    seq: int
    merchant: int
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClaimedLine:
    """A line of a posting as the books have it; the card's UID is empty where there is none."""

    posting: int
    subject: str
    uid: bytes
    generation: int
    book: str
    merchant: int
    amount_cents: int


@dataclass(slots=True)
class Export:
    """An export as it was read."""

    caisse: str
    root: bytes
    certificates: list[bytes] = field(default_factory=list)
    acts: list[bytes] = field(default_factory=list)
    entries: list[tuple[int, bytes]] = field(default_factory=list)
    """Terminal and signed entry, in the order in which they stand in the file."""
    rows: list[tuple[int, int, bytes, bytes | None]] = field(default_factory=list)
    """Of directories: epoch, version, UID, the row that begins there; None where it ends."""
    digests: list[bytes] = field(default_factory=list)
    sales: list[ClaimedSale] = field(default_factory=list)
    lines: list[ClaimedLine] = field(default_factory=list)
    payable: dict[int, int] = field(default_factory=dict)
    """What the caisse says that it owes, by merchant."""


def read_export(path: Path) -> Export:
    """Read an export; raises NotAnExport."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return _read(db)
    except (sqlite3.Error, KeyError, ValueError, TypeError) as error:
        raise NotAnExport(f"{path}: {error}") from error


def _read(db: sqlite3.Connection) -> Export:
    meta = dict(_rows(db, "SELECT name, value FROM meta"))
    if meta.get("format") != FORMAT:
        raise NotAnExport(f"format {meta.get('format')!r}")
    return Export(
        caisse=meta["caisse"],
        root=bytes.fromhex(meta["root"]),
        certificates=[row[0] for row in _rows(db, "SELECT content FROM certificate ORDER BY n")],
        acts=[row[0] for row in _rows(db, "SELECT content FROM act ORDER BY seq")],
        entries=list(_rows(db, "SELECT terminal, content FROM entry ORDER BY n")),
        rows=list(_rows(db, "SELECT epoch, version, uid, content FROM directory_row ORDER BY n")),
        digests=[row[0] for row in _rows(db, "SELECT content FROM digest ORDER BY n")],
        sales=[ClaimedSale(*row) for row in _rows(db, _SALES)],
        lines=[ClaimedLine(*row) for row in _rows(db, _LINES)],
        payable=dict(_rows(db, "SELECT merchant, payable_cents FROM owed")),
    )


_SALES: Final = """
SELECT uid, generation, tmc, tmv, spent0_cents, amount_cents, terminal, seq, merchant, state, reason
FROM card_transaction ORDER BY uid, generation, tmc
"""
_LINES: Final = """
SELECT posting, subject, uid, generation, book, merchant, amount_cents
FROM posting_line ORDER BY n
"""


def _rows(db: sqlite3.Connection, sql: str) -> Iterator[tuple[Any, ...]]:
    yield from db.execute(sql)
