"""A till's working day over a recording disk, and what was promised at every moment of it.

An entry is promised when the journal's `append` returns. Before it appends the next one it reads
the clock: so the clock, which is injected, is where promises are witnessed.
"""

from __future__ import annotations

import random
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cardkit.bodies import RefundReason
from cardkit.card.connection import CardConnection
from cardkit.clock import Instant, business_date
from simulator.clock import ManualClock
from simulator.crash.stall import MERCHANT, START, CrashStall
from simulator.disk import Disk
from simulator.volume import Cut, Operation
from terminal.till import Till

STEPS: Final = 14
PRICES_CENTS: Final = (1_00, 2_50, 12_50)
_ACTS: Final = ("sell",) * 6 + ("refund", "answer", "rest", "close day", "restart", "kill")
_PAUSE: Final = timedelta(minutes=7)

Row = tuple[Any, ...]
"""A row of the journal's table, every column of it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """After so many operations of the disk the journal had promised so many entries."""

    operations: int
    promised_seq: int


@dataclass(frozen=True, slots=True)
class Life:
    """What a till did to its disk, and what it had promised when."""

    stall: CrashStall
    history: tuple[Operation, ...]
    moments: tuple[Moment, ...]
    rows: tuple[Row, ...]
    """Every entry that was ever attempted, in order."""

    def promised_seq(self, operations: int) -> int:
        """Return the last entry that was promised when so many operations were done."""
        at = bisect_right(self.moments, operations, key=lambda it: it.operations)
        return self.moments[at - 1].promised_seq if at else 0

    def attempted_seq(self, operations: int) -> int:
        """Return the last entry that may have been under way when so many were done."""
        at = bisect_left(self.moments, operations, key=lambda it: it.operations)
        return self.moments[at].promised_seq if at < len(self.moments) else len(self.rows)


class WitnessClock(ManualClock):
    """A clock that calls somebody whenever it is read."""

    def __init__(self, witness: Callable[[], None]) -> None:
        super().__init__(START)
        self._witness = witness

    def now(self) -> Instant:
        """Return the time that was set."""
        self._witness()
        return super().now()


class _Recorder:
    """A till that lives, and the notes about it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._chance = random.Random(f"life {seed}")
        self.stall = CrashStall.enrolled(folder, seed)
        self.stall.clock = WitnessClock(self.note)
        self.disk = Disk(folder, records=True)
        self.moments: list[Moment] = []
        self._till: Till | None = None
        self._greens: list[int] = []

    def live(self, steps: int) -> Life:
        """Work for so many steps."""
        with self.disk:
            till = self._start()
            for _ in range(steps):
                till = self._act(till, self._chance.choice(_ACTS))
                self.note()
                self.stall.clock.pass_time(_PAUSE)
            self._stop(till)
        rows = read_rows(self.stall.data.journal)
        return Life(self.stall, tuple(self.disk.history), tuple(self.moments), rows)

    def note(self) -> None:
        """Note what is promised at this moment."""
        if self._till is not None and self._till.journal.is_running:
            head = self._till.journal.head
            self.moments.append(Moment(len(self.disk.history), head.seq))

    def _act(self, till: Till, act: str) -> Till:
        match act:
            case "sell":
                self._sell(till)
            case "refund" if self._greens:
                seq = self._greens.pop(self._chance.randrange(len(self._greens)))
                till.refund(seq, None, RefundReason.GOODS_RETURNED)
            case "answer":
                self.stall.leave_answer(till.journal)
                till.consume_inbox()
            case "rest":
                till.rest()
            case "close day":
                till.close_day(business_date(self.stall.clock.now().at))
            case "restart":
                self._stop(till)
                return self._start()
            case "kill":
                self._till = None
                self.disk.freeze()
                till.close()
                self.disk.thaw(Cut.NOTHING, self._chance)
                return self._start()
        return till

    def _sell(self, till: Till) -> None:
        card, price_cents = self._chance.choice(self.stall.cards), self._chance.choice(PRICES_CENTS)

        def sell(connection: CardConnection) -> None:
            till.sell(
                connection,
                price_cents,
                merchant=MERCHANT,
                announce=lambda green: self._greens.append(green.seq),
            )

        self.stall.tap(card, sell)

    def _start(self) -> Till:
        till = self.stall.open_till()
        self._till = till
        till.start()
        return till

    def _stop(self, till: Till) -> None:
        till.stop()
        self._till = None


def record_life(folder: Path, seed: int, *, steps: int = STEPS) -> Life:
    """Let a till live in a new folder; the same seed gives the same life."""
    return _Recorder(folder, seed).live(steps)


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read a journal's table with SQLite alone; raises sqlite3.Error."""
    db = sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None)
    try:
        return tuple(db.execute("SELECT * FROM entry ORDER BY seq"))
    finally:
        db.close()
