"""What taking in journals costs the service, beside what no implementation can do without.

From the bytes of a delivery to posted books (`services.ingest`), CPU time of the thread, user and
system, the database included. The floor of one delivery is made of the same bytes and the same
rows: every signature verified, three AES-CMACs and a token for each sale, and the rows that the
delivery led to written in bulk, by the driver alone, into tables with the same columns and indexes.
Deliveries and floors take turns, so that both see the same neighbours; medians.
"""

from __future__ import annotations

import gc
import hmac
import os
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from django.db import connection

from benchmarks.paper import PaperCaisse
from cardkit.errors import must
from cardkit.signing import parse
from cardkit.sync import ENTRIES_MAX
from server_stub.rules.ledger import Book
from server_stub.services import directory
from server_stub.services.books import balances
from server_stub.services.ingest import ingest
from tests.service_world import Stall

SIZES: Final = (1_000, 10_000, 50_000)
FULL_SIZES: Final = (*SIZES, 200_000, 1_000_000)
CARDS: Final = 250
STALLS: Final = 10
DIRECTORY_SIZES: Final = (100, 1_000, 4_000)
WINDOW: Final = 20
"""Deliveries at the end of each size whose rate is told."""
_ENTRIES_A_SALE: Final = 2
_CMACS_A_SALE: Final = 3
_SALE_BYTES: Final = 128
"""About what a Transaction MAC Input has (docs/protocol.md, 1.1)."""
_TABLES: Final = ("storedentry", "claim", "sighting", "cardtransaction", "posting", "postingline")
"""What a delivery of sales is kept in."""
_NS_PER_S: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestPlan:
    """How much is taken in: sizes rise, and each goes on where the one before ended."""

    sizes: tuple[int, ...] = SIZES
    cards: int = CARDS
    stalls: int = STALLS
    directory_sizes: tuple[int, ...] = DIRECTORY_SIZES


@dataclass(slots=True, kw_only=True)
class IngestFigures:
    """What came out; rates are medians over deliveries, by CPU time."""

    flat: dict[int, float] = field(default_factory=dict)
    """Entries per second when so many are held."""
    floor: dict[int, float] = field(default_factory=dict)
    ratios: dict[int, float] = field(default_factory=dict)
    memory_mib: dict[int, float] = field(default_factory=dict)
    """The highest resident size of the process by then."""
    delta_ms: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By cards: publishing one changed row, and answering a terminal that lacks it."""

    def lines(self) -> list[str]:
        """Return the table for a person."""
        rule = "-" * 78
        shown = [f"Journals taken in, CPU of one core, {ENTRIES_MAX} entries a delivery", rule]
        shown.append(f"{'held':>10}{'entries/s':>14}{'floor':>14}{'ratio':>10}{'peak MiB':>12}")
        for size, rate in self.flat.items():
            figures = f"{rate:>14,.0f}{self.floor[size]:>14,.0f}{self.ratios[size]:>10.2f}"
            shown.append(f"{size:>10,}{figures}{self.memory_mib[size]:>12.0f}")
        shown += [rule, f"{'cards':>10}{'publish one change, ms':>28}{'answer it, ms':>20}"]
        for cards, (publish_ms, answer_ms) in self.delta_ms.items():
            shown.append(f"{cards:>10,}{publish_ms:>28.1f}{answer_ms:>20.1f}")
        return [*shown, ""]

    def summary(self) -> dict[str, object]:
        """Return the last line: numbers that a machine compares from run to run."""
        last = max(self.flat)
        return {
            "entries_per_s": round(self.flat[last]),
            "sales_per_s": round(self.flat[last] / _ENTRIES_A_SALE),
            "floor_entries_per_s": round(self.floor[last]),
            "ratio": round(self.ratios[last], 2),
            "flat": {str(size): round(rate) for size, rate in self.flat.items()},
            "memory_mib": {str(size): round(mib) for size, mib in self.memory_mib.items()},
            "delta_ms": {
                str(cards): [round(ms, 1) for ms in both] for cards, both in self.delta_ms.items()
            },
        }


def measure_ingest(plan: IngestPlan, folder: Path) -> IngestFigures:
    """Take in more and more, and return how fast that was at each size."""
    figures = IngestFigures()
    caisse = PaperCaisse()
    caisse.enrol(plan.stalls)
    caisse.issue(plan.cards)
    floor = _Floor(folder)
    held = 0
    for stall in caisse.stalls:  # the entries that a journal begins with
        ingest(caisse.world.caisse, stall.terminal, stall.unsent)
        stall.acknowledged = len(stall.entries)
    gc.collect()
    for size in plan.sizes:
        taken: list[tuple[float, float]] = []
        for stall, delivery in _deliveries(caisse, size - held):
            gc.freeze()  # what was sold, on paper, is no part of the service's heap
            ours = _timed(partial(ingest, caisse.world.caisse, stall.terminal, delivery))
            taken.append((ours / len(delivery), floor.cost(stall, delivery) / len(delivery)))
        held = size
        window = taken[-WINDOW:]
        figures.flat[size] = 1 / median(ours for ours, _ in window)
        figures.floor[size] = 1 / median(bare for _, bare in window)
        figures.ratios[size] = median(ours / bare for ours, bare in window)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        figures.memory_mib[size] = peak / 1024
    _check(caisse)
    floor.close()
    for cards in plan.directory_sizes:
        caisse.issue(max(0, cards - len(caisse.cards)))
        figures.delta_ms[cards] = _delta_ms(caisse)
    return figures


def _deliveries(caisse: PaperCaisse, entries: int) -> Iterator[tuple[Stall, list[bytes]]]:
    """Yield deliveries of stalls in turn, each with sales of cards in turn."""
    left, number = entries, 0
    while left > 0:
        stall = caisse.stalls[number % len(caisse.stalls)]
        for sale in range(min(left, ENTRIES_MAX) // _ENTRIES_A_SALE):
            place = number * ENTRIES_MAX // _ENTRIES_A_SALE + sale
            caisse.sell(stall, caisse.cards[place % len(caisse.cards)])
        sent = stall.unsent
        stall.acknowledged = len(stall.entries)
        for start in range(0, len(sent), ENTRIES_MAX):
            yield stall, sent[start : start + ENTRIES_MAX]
        stall.entries = stall.entries[:1] * len(stall.entries)  # only their number is needed now
        left -= ENTRIES_MAX
        number += 1


def _check(caisse: PaperCaisse) -> None:
    """What was measured was work done: every sale is owed, to the cent."""
    books = balances(caisse.world.caisse)
    owed_cents = sum(cents for (book, _), cents in books.items() if book is Book.PAYABLE)
    must(owed_cents == sum(card.spent_cents for card in caisse.cards), "every sale is owed")


def _delta_ms(caisse: PaperCaisse) -> tuple[float, float]:
    """Publish one changed card, and answer a terminal that holds the directory before it."""
    published: list[float] = []
    answered: list[float] = []
    serving = caisse.world.caisse
    before = directory.publish(serving)
    for _ in range(5):
        stall = caisse.stalls[0]
        caisse.sell(stall, caisse.cards[0])
        ingest(serving, stall.terminal, stall.unsent)
        stall.acknowledged = len(stall.entries)
        published.append(_timed(partial(directory.publish, serving)))
        held = before.epoch, before.version
        answered.append(_timed(partial(directory.update_since, serving, *held)))
        before = directory.publish(serving)
    return 1e3 * median(published), 1e3 * median(answered)


class _Floor:
    """The bare work of a delivery, into a database of its own."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        with connection.cursor() as cursor:
            for table in _TABLES:
                cursor.execute(
                    "SELECT sql FROM sqlite_schema WHERE tbl_name = %s AND sql IS NOT NULL"
                    " AND type IN ('table', 'index') ORDER BY type DESC",
                    [f"clafoutis_{table}"],
                )
                for (sql,) in cursor.fetchall():
                    self._db.execute(sql)
        self._cmac_key, self._message = os.urandom(16), os.urandom(_SALE_BYTES)
        self._last = dict.fromkeys(_TABLES, 0)

    def cost(self, stall: Stall, delivery: Sequence[bytes]) -> float:
        """Return the seconds that a delivery costs which has just been taken in."""
        key: ec.EllipticCurvePublicKey = stall.key.public.key
        signed = [(one.signature, one.sig_structure) for one in map(parse, delivery)]
        pairs = [(_der(signature), message) for signature, message in signed]
        rows = {table: self._new_rows(table) for table in _TABLES}

        def work() -> None:
            for signature, message in pairs:
                key.verify(signature, message, ec.ECDSA(SHA256()))
            for _ in range(len(delivery) // _ENTRIES_A_SALE):
                for _ in range(_CMACS_A_SALE):
                    state = CMAC(AES(self._cmac_key))
                    state.update(self._message)
                    state.finalize()
                hmac.digest(self._cmac_key, self._message, "sha256")
            self._db.execute("BEGIN IMMEDIATE")
            for table, new in rows.items():
                if new:
                    marks = ", ".join("?" * len(new[0]))
                    self._db.executemany(f"INSERT INTO clafoutis_{table} VALUES ({marks})", new)  # noqa: S608 - ours
            self._db.execute("COMMIT")

        return _timed(work)

    def close(self) -> None:
        """Forget it."""
        self._db.close()

    def _new_rows(self, table: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM clafoutis_{table} WHERE id > %s", [self._last[table]])  # noqa: S608 - ours
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        self._last[table] = max((row[0] for row in rows), default=self._last[table])
        return rows


def _timed(work: Callable[[], object]) -> float:
    begun_ns = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - begun_ns) / _NS_PER_S


def _der(signature: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
