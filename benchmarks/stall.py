"""A stall with as much history as is asked for, most of it written straight into its databases.

Every card that is going to buy is a real one. The filling is copied from one real sale and one
real row, with the lengths, columns and indexes of the real thing and the signatures of what it was
copied from: opening a till looks at what is new or not acknowledged, and the filling is neither.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from cardkit import cbor
from cardkit.bodies import Acknowledged, EntryKind
from cardkit.directory import DirectoryHeader, content_hash, row_digest, sign_directory
from cardkit.entries import Envelope, sign_entry
from cardkit.errors import must
from cardkit.schema import unpack
from cardkit.signing import parse
from simulator.card import VirtualCard
from terminal.journal_schema import INSERT, lookup
from terminal.keyring import read_keyring
from terminal.outcomes import Green
from terminal.till import Till
from tests.terminal_world import CAISSE, CAPS, World

CREDIT_CENTS: Final = 100_00
FILLING_CENTS: Final = 1_00

_BULK_MODE: Final = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF")
_PROGRESS_EVERY: Final = 100_000
_UIDS: Final = bytes.fromhex("04F100")
_FIRST_SALE: Final = "SELECT * FROM entry WHERE kind IN (20, 21) ORDER BY seq LIMIT 2"
_LAST_ENTRY: Final = "SELECT content FROM entry ORDER BY seq DESC LIMIT 1"
_RULES: Final = (
    "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'entry' AND sql IS NOT NULL"
    " AND type IN ('trigger', 'index')"
)

_Columns = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Stall:
    """An open till, and the cards that have never been here."""

    size: int
    world: World
    till: Till
    buyers: tuple[VirtualCard, ...]


def build(folder: Path, *, size: int, buyers: int) -> Stall:
    """Return a stall whose directory has `size` cards and whose journal has as many sales, sent.

    Each sale is two entries. Closing the till is the caller's.
    """
    must(buyers < size, "the buyers are some of the directory's cards")
    folder.mkdir()
    world = World.make(folder)
    world.caps = replace(CAPS, unsent_max_cents=2**31 - 1)
    template = world.new_card(CREDIT_CENTS)
    cards = tuple(world.new_card(CREDIT_CENTS) for _ in range(buyers))
    world.publish()
    till = world.till()
    acknowledge(till, world)
    must(isinstance(world.sell(till, template, FILLING_CENTS), Green), "a sale to copy")
    till.stop()
    _fill_directory(world, template, size - buyers - 1)
    _fill_journal(world, size - 1)
    return Stall(size, world, world.till(), cards)


def acknowledge(till: Till, world: World) -> None:
    """Journal that the service holds everything up to here."""
    head = till.journal.head
    body = Acknowledged(
        up_to_seq=head.seq,
        head=head.digest,
        epoch=world.epoch,
        answered_at=world.now,
        answer=bytes(32),
    )
    till.journal.append(EntryKind.ACKNOWLEDGED, body)


def _fill_directory(world: World, template: VirtualCard, count: int) -> None:
    """Add rows of cards that never come, and sign a header over all of them."""
    db = sqlite3.connect(world.data().store)
    ((pattern,),) = db.execute("SELECT content FROM row WHERE uid = ?", (template.uid,)).fetchall()
    db.executemany("INSERT INTO row VALUES (?, ?, ?)", _rows(template.uid, pattern, count))
    digests = [digest for (digest,) in db.execute("SELECT digest FROM row ORDER BY uid")]
    small = unpack(DirectoryHeader, cbor.decode(parse(world.directory).payload))
    whole = replace(small, cards=len(digests), content_hash=content_hash(digests))
    db.execute("UPDATE header SET content = ?", (sign_directory(world.issuer, whole).encoded,))
    db.commit()
    db.close()


def _rows(uid: bytes, pattern: bytes, count: int) -> Iterator[tuple[bytes, bytes, bytes]]:
    for number in _progress(count, "cards"):
        other = _UIDS + number.to_bytes(4)
        content = pattern.replace(uid, other)
        yield other, row_digest(content), content


def _fill_journal(world: World, count: int) -> None:
    """Repeat the one real sale for other cards, and end with an entry that is signed for itself."""
    data = world.data()
    db = sqlite3.connect(data.journal, isolation_level=None)
    for pragma in _BULK_MODE:
        db.execute(pragma).fetchall()
    rules = db.execute(_RULES).fetchall()
    for kind, name, _ in rules:
        db.execute(f"DROP {kind} {name}")
    (intent, sale), ((content,),) = (
        db.execute(query).fetchall() for query in (_FIRST_SALE, _LAST_ENTRY)
    )
    before = unpack(Envelope, cbor.decode(parse(content).payload))
    envelope = replace(
        before,
        kind=int(EntryKind.ACKNOWLEDGED),
        seq=before.seq + 2 * count + 1,
        prev=parse(sale[-1]).digest,
        perpetual_cents=before.perpetual_cents + count * FILLING_CENTS,
    )
    all_sent = Acknowledged(
        up_to_seq=envelope.seq,  # itself too, as no service says: the filling is not looked at
        head=bytes(32),
        epoch=world.epoch,
        answered_at=world.now,
        answer=bytes(32),
    )
    last = sign_entry(read_keyring(data.keys, caisse=CAISSE).journal, envelope, all_sent)
    db.execute("BEGIN")
    db.executemany(INSERT, _sales(before.seq, count, intent, sale))
    db.execute(INSERT, (last.seq, *lookup(last, None), last.signed.encoded))
    db.execute("UPDATE verified SET seq = ?, digest = ?", (last.seq, last.digest))
    db.execute("COMMIT")
    for _, _, rule in rules:
        db.execute(rule)
    db.close()


def _sales(
    after_seq: int, count: int, intent: _Columns, sale: _Columns
) -> Iterator[tuple[object, ...]]:
    """Rows of intents and sales; the columns that they are found by are their own."""
    _, kind, day, training, _, _, _, amount_cents, content = intent
    _, sale_kind, _, _, _, _, tmc, _, sale_content = sale
    for number in _progress(count, "sales"):
        seq, uid = after_seq + 1 + 2 * number, _UIDS + number.to_bytes(4)
        yield seq, kind, day, training, None, uid, None, amount_cents, content
        yield seq + 1, sale_kind, day, training, seq, uid, tmc, amount_cents, sale_content


def _progress(count: int, what: str) -> Iterator[int]:
    """Count, and say on stderr how far a long building has come."""
    for number in range(count):
        if number and number % _PROGRESS_EVERY == 0:
            print(f"{number:,} of {count:,} {what}", file=sys.stderr)
        yield number
