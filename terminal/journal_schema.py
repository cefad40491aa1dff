"""The journal's one table: signed entries, and what they are looked up by.

`content` is the entry; every other column repeats something that stands in it, and verifying the
chain compares them. Nothing may be changed or removed, and an intent has one outcome. A query for
one kind of outcome names all three kinds first, because SQLite uses a partial index only where the
query repeats its condition.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple

from cardkit.bodies import (
    Acknowledged,
    Body,
    DeclinedEntry,
    Evidence,
    Indeterminate,
    Intent,
    ReceiptPrinted,
    Refund,
    Resolution,
    Sale,
    Void,
)
from cardkit.clock import business_date
from cardkit.entries import Entry

SCHEMA: Final = """
CREATE TABLE entry (
    seq           INTEGER PRIMARY KEY CHECK (seq >= 1),
    kind          INTEGER NOT NULL,
    business_date INTEGER NOT NULL,
    training      INTEGER NOT NULL,
    about_seq     INTEGER,
    uid           BLOB,
    tmc           INTEGER,
    amount_cents  INTEGER,
    content       BLOB    NOT NULL
) STRICT;

CREATE INDEX by_kind ON entry (kind, seq);
CREATE INDEX by_card ON entry (uid, kind, seq) WHERE uid IS NOT NULL;
CREATE UNIQUE INDEX one_outcome_per_intent ON entry (about_seq) WHERE kind IN (21, 22, 23);
CREATE INDEX refunds_of_sale ON entry (about_seq) WHERE kind = 24;
CREATE INDEX answers_about_intent ON entry (about_seq) WHERE kind = 26;
CREATE INDEX receipts_about_entry ON entry (about_seq) WHERE kind = 42;

CREATE TRIGGER no_gap BEFORE INSERT ON entry
WHEN NEW.seq <> 1 + (SELECT COALESCE(MAX(seq), 0) FROM entry)
BEGIN SELECT RAISE(ABORT, 'an entry follows the last one'); END;

CREATE TRIGGER outcome_of_an_intent BEFORE INSERT ON entry
WHEN NEW.kind IN (21, 22, 23)
    AND NOT EXISTS (SELECT 1 FROM entry WHERE seq = NEW.about_seq AND kind = 20)
BEGIN SELECT RAISE(ABORT, 'an outcome has its intent'); END;

CREATE TRIGGER refunds_within_sale BEFORE INSERT ON entry
WHEN NEW.kind = 24 AND NEW.amount_cents + (
        SELECT COALESCE(SUM(amount_cents), 0) FROM entry
        WHERE about_seq = NEW.about_seq AND kind = 24
    ) > (
        SELECT COALESCE(SUM(amount_cents), 0) FROM entry
        WHERE about_seq = NEW.about_seq AND kind IN (21, 22, 23) AND kind = 21
    )
BEGIN SELECT RAISE(ABORT, 'refunds stay within their sale'); END;

CREATE TRIGGER never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;

CREATE TRIGGER never_removed BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END;

CREATE TABLE verified (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    seq      INTEGER NOT NULL,
    digest   BLOB    NOT NULL,
    base_seq INTEGER NOT NULL,
    checksum BLOB    NOT NULL
) STRICT;
"""

RULES: Final = frozenset(re.findall(r"CREATE TRIGGER .*?\bEND(?=;)", SCHEMA, re.DOTALL))
"""The triggers as SQLite keeps them: a damaged rule forbids too much or nothing."""

INSERT: Final = "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Lookup(NamedTuple):
    """What an entry is found by; the fields stand as the columns do."""

    kind: int
    business_date: int
    training: int
    about_seq: int | None = None
    """The entry that it is about, or the last one that an acknowledgement covers."""
    uid: bytes | None = None
    tmc: int | None = None
    amount_cents: int | None = None


class Facts(NamedTuple):
    """The part of a lookup that the body decides."""

    about_seq: int | None = None
    uid: bytes | None = None
    tmc: int | None = None
    amount_cents: int | None = None


def day_number(day: date) -> int:
    """Return a day as the integer YYYYMMDD, as entries write it."""
    return day.year * 10_000 + day.month * 100 + day.day


def day_of_number(number: int) -> date:
    """Return the day that an integer YYYYMMDD means."""
    return date(number // 10_000, number // 100 % 100, number % 100)


def intent_seq_of(body: Body | None) -> int | None:
    """Return the intent that a body is about."""
    match body:
        case Sale() | Void() | Indeterminate() | Refund() | Resolution():
            return body.intent_seq
    return None


def lookup(entry: Entry, intent_uid: bytes | None) -> Lookup:
    """Return what an entry is found by; `intent_uid` is the card of the intent it is about."""
    envelope = entry.envelope
    facts = _facts(entry.body, intent_uid)
    day = day_number(business_date(envelope.at))
    return Lookup(envelope.kind, day, int(envelope.training), *facts)


def movement_cents(body: Body | None, *, training: bool) -> int:
    """Return by how much a body moves the perpetual total; training moves nothing."""
    match body:
        case Sale(amount_cents=amount_cents) if not training:
            return amount_cents
        case Refund(amount_cents=amount_cents) if not training:
            return -amount_cents
    return 0


def _facts(body: Body | None, intent_uid: bytes | None) -> Facts:
    match body:
        case Intent():
            facts = Facts(None, body.uid, None, body.amount_cents)
        case Sale():
            facts = Facts(body.intent_seq, intent_uid, body.tmc, body.amount_cents)
        case Void() | Indeterminate():
            facts = Facts(body.intent_seq, intent_uid, body.tmc)
        case Refund():
            facts = Facts(body.intent_seq, body.uid, None, body.amount_cents)
        case Resolution():
            facts = Facts(body.intent_seq)
        case Evidence() | DeclinedEntry():
            facts = Facts(None, body.uid, body.tmc)
        case ReceiptPrinted():
            facts = Facts(body.seq)
        case Acknowledged():
            facts = Facts(body.up_to_seq)
        case _:
            facts = Facts()
    return facts
