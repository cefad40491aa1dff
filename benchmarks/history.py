"""Years of sales written as rows: what a page would find in the tables of an old caisse.

Copies of a sale that was really made, under other numbers: no signature in them is ever looked at
by a page. Rows of the same tables and indexes, so that a query costs what it would cost.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection

from cardkit.errors import must

YEARS: Final = 10
_PREFIX: Final = "clafoutis_"
_BATCH: Final = 50_000
"""Entries written at a time."""
Row = dict[str, Any]


def lengthen(entries: int, *, until: datetime) -> int:
    """Add sales before `until` until so many entries are there; returns how many there are."""
    connection.ensure_connection()
    database: sqlite3.Connection = connection.connection
    have = _count(database, "storedentry")
    if entries > have:
        _Writer(database, until).write((entries - have) // 2)
        database.execute("ANALYZE")
    return _count(database, "storedentry")


def _count(database: sqlite3.Connection, table: str) -> int:
    (count,) = database.execute(f"SELECT count(*) FROM {_PREFIX}{table}").fetchone()  # noqa: S608
    return int(count)


class _Writer:
    """Rows of one sale after the other, in every table that a sale stands in."""

    def __init__(self, database: sqlite3.Connection, until: datetime) -> None:
        self._database, self._until = database, until
        self._cards = [card for (card,) in database.execute("SELECT id FROM clafoutis_card")]
        self._sale = self._first("cardtransaction", "claim_id IS NOT NULL")
        self._claim = self._first("claim", f"id = {self._sale['claim_id']}")
        self._intent = self._first("storedentry", f"id = {self._claim['entry_id']}")
        self._done = self._first("storedentry", f"about_seq = {self._claim['seq']}")
        self._posting = self._first("posting", "subject LIKE 'transaction/%'")
        self._lines = self._all("postingline", f"posting_id = {self._posting['id']}")
        self._next = {
            table: self._last(table)
            for table in ("storedentry", "claim", "cardtransaction", "posting")
        }
        self._seq = self._number("SELECT max(seq) FROM clafoutis_storedentry")
        self._tmc = self._number("SELECT max(tmc) FROM clafoutis_cardtransaction")

    def write(self, sales: int) -> None:
        """Write sales, the oldest first, and let each terminal's journal end with its last."""
        span = timedelta(days=365 * YEARS)
        rows: dict[str, list[Row]] = {}
        for number in range(sales):
            at = self._until - span + span * (number / sales)
            for table, row in self._one(number, at):
                rows.setdefault(table, []).append(row)
            if number % (_BATCH // 2) == _BATCH // 2 - 1 or number == sales - 1:
                for table, some in rows.items():
                    self._insert(table, some)
                rows.clear()
        self._database.execute(
            f"UPDATE clafoutis_terminal SET cursor_seq = {self._seq}, head_seq = {self._seq}"  # noqa: S608
            f" WHERE id = {self._intent['terminal_id']}"
        )
        self._database.commit()

    def _one(self, number: int, at: datetime) -> Iterator[tuple[str, Row]]:
        when = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        card = self._cards[number % len(self._cards)]
        intent, done, claim = self._id("storedentry"), self._id("storedentry"), self._id("claim")
        first = self._seq + 1
        self._seq += 2
        tmc = self._tmc + 1 + number // len(self._cards)
        common = {"at": when, "digest": None}
        for key, seq, kept, about in (
            (intent, first, self._intent, None),
            (done, first + 1, self._done, first),
        ):
            changed = {**common, "id": key, "seq": seq, "about_seq": about}
            yield "storedentry", {**kept, **changed, "digest": os.urandom(32)}
        place = {"card_id": card, "tmc": tmc}
        told = {"id": claim, "seq": first, "at": when, "entry_id": intent}
        yield "claim", {**self._claim, **place, **told}
        sale = {**self._sale, "id": self._id("cardtransaction"), "seq": first, "claim_id": claim}
        yield "cardtransaction", {**sale, **place}
        posting = self._id("posting")
        subject = {"id": posting, "at": when, "card_id": card, "subject": f"transaction/{tmc}"}
        yield "posting", {**self._posting, **subject}
        for line in self._lines:
            yield "postingline", {**line, "id": None, "posting_id": posting}

    def _insert(self, table: str, rows: Sequence[Row]) -> None:
        names = list(rows[0])
        marks = ",".join("?" * len(names))
        columns = ",".join(f'"{name}"' for name in names)
        self._database.executemany(
            f"INSERT INTO {_PREFIX}{table} ({columns}) VALUES ({marks})",  # noqa: S608 - our own names
            [[row[name] for name in names] for row in rows],
        )

    def _id(self, table: str) -> int:
        self._next[table] += 1
        return self._next[table]

    def _last(self, table: str) -> int:
        return self._number(f"SELECT max(id) FROM {_PREFIX}{table}")  # noqa: S608 - our own names

    def _number(self, query: str) -> int:
        (number,) = self._database.execute(query).fetchone()
        return int(number or 0)

    def _first(self, table: str, where: str) -> Row:
        rows = self._all(table, where)
        must(bool(rows), f"a row of {table} to copy")
        return rows[0]

    def _all(self, table: str, where: str) -> list[Row]:
        found = self._database.execute(
            f"SELECT * FROM {_PREFIX}{table} WHERE {where} LIMIT 4"  # noqa: S608 - our own names
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]
