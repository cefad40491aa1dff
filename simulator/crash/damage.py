"""Rung C1: files cut at every byte, every bit flipped, sectors zeroed, doubled and swapped.

A damaged journal is a chain that was written, as far as it goes, or it is refused in words that
its caller knows. The same for the store, which may only ask for the whole directory, and for the
small files. Whatever else comes out, an exception of another kind included, is a finding.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from cardkit.bodies import EntryKind, RefundReason, Stopped
from cardkit.clock import business_date
from cardkit.errors import JournalDamaged, JournalStopped, must
from simulator.crash.report import Report
from simulator.crash.stall import MERCHANT, CrashStall
from simulator.disk import Disk
from simulator.volume import SECTOR_BYTES
from terminal.journal import Journal
from terminal.till import Till

SALES: Final = 24
"""With its beginning, closure and acknowledgement a journal of fifty entries."""
HOT_SALES: Final = 4
ENTRIES_MAX: Final = 1_000
PRICE_CENTS: Final = 2_50
_BYTE_BITS: Final = 8


@dataclass(frozen=True, slots=True)
class Damage:
    """What became of a file, and how it came to that."""

    what: str
    """The counter that it belongs to: flips, cuts or sectors."""
    words: str
    content: bytes


def flips(content: bytes, bits: range) -> Iterator[Damage]:
    """One bit the other way round, for each bit of a range."""
    for bit in bits:
        changed = bytearray(content)
        changed[bit // _BYTE_BITS] ^= 1 << bit % _BYTE_BITS
        yield Damage("flips", f"bit {bit % _BYTE_BITS} of byte {bit // _BYTE_BITS}", bytes(changed))


def cuts(content: bytes, sizes: range) -> Iterator[Damage]:
    """The beginning alone, for each length of a range."""
    for size in sizes:
        yield Damage("cuts", f"cut at {size}", content[:size])


def sectors(content: bytes, chance: random.Random) -> Iterator[Damage]:
    """Each sector zeroed, written over its neighbour, and in the place of another one."""
    count = len(content) // SECTOR_BYTES
    for number in range(count):
        here = slice(number * SECTOR_BYTES, (number + 1) * SECTOR_BYTES)
        other = chance.randrange(count)
        there = slice(other * SECTOR_BYTES, (other + 1) * SECTOR_BYTES)
        zeroed, doubled, swapped = bytearray(content), bytearray(content), bytearray(content)
        zeroed[here] = bytes(SECTOR_BYTES)
        doubled[there] = content[here]
        swapped[here], swapped[there] = content[there], content[here]
        yield Damage("sectors", f"sector {number} zeroed", bytes(zeroed))
        yield Damage("sectors", f"sector {number} over {other}", bytes(doubled))
        yield Damage("sectors", f"sectors {number} and {other} swapped", bytes(swapped))


class Subject(Protocol):
    """One file that gets damaged, and what must hold when it is opened then."""

    @property
    def name(self) -> str:
        """What it is called in a report."""
        ...

    @property
    def content(self) -> bytes:
        """What it holds when it is whole."""
        ...

    def opened(self, damaged: bytes) -> str | None:
        """Open it damaged, and say what is wrong with what came out; None when nothing is."""
        ...


def hurt(subject: Subject, damages: Iterator[Damage], report: Report) -> None:
    """Try one damage after the other."""
    for damage in damages:
        report.count(damage.what)
        try:
            wrong = subject.opened(damage.content)
        except Exception as error:  # noqa: BLE001 - that nothing else comes out is what is asked
            wrong = f"{type(error).__name__}: {error}"
        if wrong is not None:
            report.accuse(f"{subject.name}, {damage.words}: {wrong}")


class DamagedJournal:
    """A journal of fifty entries, at rest or with its write-ahead log still hot."""

    def __init__(self, stall: CrashStall, folder: Path, damaged_name: str) -> None:
        """Take a stall's journal files; `damaged_name` is the one that gets damaged."""
        self._stall = stall
        self._folder = folder
        self._path = stall.data.journal
        self._whole = {
            path.name: path.read_bytes()
            for path in stall.data.root.glob(f"{self._path.name}*")
            if not path.name.endswith("-shm")
        }
        self.name = damaged_name
        self.content = self._whole[damaged_name]
        self._is_log = damaged_name != self._path.name
        self._lay({})
        journal = stall.journal_of(folder)
        self._written = journal.contents(0, ENTRIES_MAX)
        self._figures = figures(journal, stall)
        journal.close()

    def opened(self, damaged: bytes) -> str | None:
        """Open it: a prefix of the chain as it was written, or damaged, or stopped."""
        self._lay({self.name: damaged})
        try:
            journal = self._stall.journal_of(self._folder)
        except (JournalDamaged, JournalStopped):
            return None
        try:
            return self._look(journal)
        except (JournalDamaged, JournalStopped):
            return None
        finally:
            journal.close()

    def _look(self, journal: Journal) -> str | None:
        found = journal.contents(0, ENTRIES_MAX)
        if found != self._written[: len(found)]:
            journal.entries(0, ENTRIES_MAX)
            return "an entry that nobody wrote"
        if len(found) < len(self._written):
            return None if self._is_log else f"only {len(found)} entries of a file at rest"
        if figures(journal, self._stall) != self._figures:
            journal.verify()
            return "a figure that the entries do not say, and that verify does not find"
        journal.append(EntryKind.STOPPED, Stopped())
        return None

    def _lay(self, changed: dict[str, bytes]) -> None:
        for path in self._folder.glob(f"{self._path.name}*"):
            path.unlink()
        for name, content in (self._whole | changed).items():
            (self._folder / name).write_bytes(content)


def figures(journal: Journal, stall: CrashStall) -> tuple[object, ...]:
    """What a till asks its journal in taps, closures and exchanges."""
    day = business_date(stall.clock.now().at)
    return (
        journal.head,
        journal.unsent_cents(),
        tuple(it.seq for it in journal.open_intents()),
        journal.acknowledged_seq,
        journal.totals(1, journal.head.seq),
        tuple(
            (
                journal.last_known_tmc(card.uid),
                journal.card_day_cents(card.uid, day),
                journal.refunds(card.uid, 0),
            )
            for card in stall.cards
        ),
    )


def hot_journal(folder: Path, seed: int) -> CrashStall:
    """A terminal that was killed with fifty entries, the last of them in the log alone."""
    stall = rested_journal(folder, seed)
    with Disk(folder) as disk:
        till = stall.till()
        for number in range(HOT_SALES):
            card = stall.cards[number % len(stall.cards)]
            stall.tap(card, lambda it: till.sell(it, PRICE_CENTS, merchant=MERCHANT))
        disk.freeze()
        till.close()
    return stall


def rested_journal(folder: Path, seed: int) -> CrashStall:
    """A terminal whose journal holds fifty entries and is closed."""
    stall = CrashStall.enrolled(folder, seed)
    till = stall.till()
    work(stall, till, SALES)
    till.stop()
    stall.open_till().close()  # so that all of it counts as verified
    return stall


def work(stall: CrashStall, till: Till, sales: int) -> None:
    """Sell so often, refund once, hear from the service, close the day."""
    for number in range(sales):
        card = stall.cards[number % len(stall.cards)]
        stall.tap(card, lambda it: till.sell(it, PRICE_CENTS, merchant=MERCHANT))
        if number == sales // 2:
            stall.leave_answer(till.journal)
            till.consume_inbox()
    last = till.journal.last(EntryKind.INTENT)
    must(last is not None, "something was sold")
    till.refund(last.seq, None, RefundReason.GOODS_RETURNED)  # type: ignore[union-attr]  # must()
    till.close_day(business_date(stall.clock.now().at))
