"""Hands out what anybody needs to check this caisse: what was signed, and what the books claim.

No name, no secret: cards are UIDs, members are accounts that only the caisse can read
(docs/protocol.md, "The audit export").
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from cardkit.acts import ActKind, DigestSigned
from server_stub.models import (
    ActRow,
    CardTransaction,
    DirectoryRow,
    PostingLine,
    StoredEntry,
    Terminal,
)
from server_stub.rules.ledger import Book
from server_stub.services import acts
from server_stub.services.books import balances
from server_stub.services.caisse import Caisse

FORMAT: Final = "clafoutis-audit/1"
_TABLES: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE certificate (n INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE act (seq INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE entry (n INTEGER PRIMARY KEY, terminal INTEGER NOT NULL, content BLOB NOT NULL) STRICT;
CREATE TABLE directory_row (
    n INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, version INTEGER NOT NULL,
    uid BLOB NOT NULL, content BLOB
) STRICT;
CREATE TABLE digest (n INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE card_transaction (
    n INTEGER PRIMARY KEY, uid BLOB NOT NULL, generation INTEGER NOT NULL, tmc INTEGER NOT NULL,
    tmv BLOB NOT NULL, spent0_cents INTEGER NOT NULL, amount_cents INTEGER NOT NULL,
    terminal INTEGER NOT NULL, seq INTEGER NOT NULL, merchant INTEGER NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE TABLE posting_line (
    n INTEGER PRIMARY KEY, posting INTEGER NOT NULL, subject TEXT NOT NULL, uid BLOB NOT NULL,
    generation INTEGER NOT NULL, book TEXT NOT NULL, merchant INTEGER NOT NULL,
    amount_cents INTEGER NOT NULL
) STRICT;
CREATE TABLE owed (merchant INTEGER PRIMARY KEY, payable_cents INTEGER NOT NULL) STRICT;
"""


def export_audit(caisse: Caisse, path: Path) -> None:
    """Write everything into a new file; raises FileExistsError."""
    if path.exists():
        raise FileExistsError(path)
    with caisse.alone(), closing(sqlite3.connect(path)) as db, db:
        db.executescript(_TABLES)
        meta = {
            "format": FORMAT,
            "caisse": caisse.name,
            "root": caisse.ring.public.root.hex(),
            "made_at": caisse.now().isoformat(),
        }
        db.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        _signed(caisse, db)
        _claimed(caisse, db)


def _signed(caisse: Caisse, db: sqlite3.Connection) -> None:
    terminals = Terminal.objects.using(caisse.using).order_by("id")
    certificates = [
        *caisse.ring.public.certificates,
        *(bytes(one.certificate) for one in terminals),
    ]
    _insert(db, "certificate", ((content,) for content in certificates))
    rows = ActRow.objects.using(caisse.using).order_by("seq")
    db.executemany("INSERT INTO act VALUES (?, ?)", ((row.seq, bytes(row.content)) for row in rows))
    entries = StoredEntry.objects.using(caisse.using).order_by("terminal_id", "seq", "digest")
    _insert(db, "entry", ((row.terminal_id, bytes(row.content)) for row in entries.iterator()))
    _insert(db, "directory_row", _directory_rows(caisse))
    digests = (
        act.body.content
        for act in acts.log(caisse, using=caisse.using)
        if act.envelope.kind == ActKind.DIGEST_SIGNED and isinstance(act.body, DigestSigned)
    )
    _insert(db, "digest", ((content,) for content in digests))


def _directory_rows(caisse: Caisse) -> Iterable[tuple[int, int, bytes, bytes | None]]:
    """Each row where it begins, and nothing where a card left the directory."""
    rows = list(
        DirectoryRow.objects.using(caisse.using)
        .select_related("directory", "until")
        .order_by("directory_id", "uid")
    )
    begun = {(row.directory_id, bytes(row.uid)) for row in rows}
    for row in rows:
        yield row.directory.epoch, row.directory.version, bytes(row.uid), bytes(row.encoded)
    for row in rows:
        until = row.until
        if until is not None and (until.id, bytes(row.uid)) not in begun:
            yield until.epoch, until.version, bytes(row.uid), None


def _claimed(caisse: Caisse, db: sqlite3.Connection) -> None:
    sales = CardTransaction.objects.using(caisse.using).select_related("card")
    _insert(
        db,
        "card_transaction",
        (
            (
                bytes(row.card.uid),
                row.card.generation,
                row.tmc,
                bytes(row.tmv),
                row.spent0_cents,
                row.amount_cents,
                row.terminal,
                row.seq,
                row.merchant,
                row.state,
                row.reason,
            )
            for row in sales.order_by("card__uid", "card__generation", "tmc")
        ),
    )
    lines = PostingLine.objects.using(caisse.using).select_related("posting__card").order_by("id")
    _insert(
        db,
        "posting_line",
        (
            (
                line.posting_id,
                line.posting.subject,
                bytes(line.posting.card.uid) if line.posting.card else b"",
                line.posting.card.generation if line.posting.card else 0,
                line.account,
                line.merchant,
                line.amount_cents,
            )
            for line in lines.iterator()
        ),
    )
    owed = {
        merchant: cents
        for (book, merchant), cents in balances(caisse).items()
        if book is Book.PAYABLE
    }
    db.executemany("INSERT INTO owed VALUES (?, ?)", owed.items())


def _insert(db: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Insert rows behind a number of their own."""
    for number, row in enumerate(rows, start=1):
        marks = ", ".join("?" * (len(row) + 1))
        db.execute(f"INSERT INTO {table} VALUES ({marks})", (number, *row))  # noqa: S608 - ours
