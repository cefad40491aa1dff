"""Rung C3: a disk that fails at operation n, once or for ever, and again while that is repaired.

A till sells, refunds, hears from the service and rests. When the disk fails it may stop, in words
that its caller knows; it must not go on as if nothing had been. Then it is closed, killed or loses
power, the disk is well again, and what was promised has to be there, also after a later cut. The
cards are the witnesses.
"""

from __future__ import annotations

import copy
import itertools
import random
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cardkit.bodies import RefundReason
from cardkit.card.connection import CardConnection
from cardkit.errors import JournalStopped, StoreError, must
from simulator.crash.report import Report
from simulator.crash.stall import MERCHANT, CrashStall
from simulator.crash.witness import ENTRIES_MAX, Sold, debits, judge, settle
from simulator.disk import Disk, Trouble
from simulator.volume import Cut
from terminal.config import DataDirectory
from terminal.outcomes import Green
from terminal.till import Till

PRICES_CENTS: Final = (2_50, 1_00)
REPAIR_MAX: Final = 60
"""About as many operations as opening a till takes."""
ENDS: Final = (None, Cut.NOTHING, Cut.UNSYNCED, Cut.SHUFFLED)
"""How a till ends that met a failing disk: closed in good order, killed, without power."""


@dataclass(frozen=True, slots=True)
class Case:
    """One trouble at one moment, how the till ended, and a trouble of the repair."""

    trouble: Trouble
    after: int
    for_ever: bool
    end: Cut | None
    again: tuple[Trouble, int] | None = None

    @property
    def words(self) -> str:
        """Where a person finds this case again."""
        end = "closed" if self.end is None else self.end.name
        often = "for ever" if self.for_ever else "once"
        return f"{self.trouble.name} after {self.after}, {often}, {end}, then {self.again}"


@dataclass(slots=True)
class _Seen:
    """What somebody outside saw, and what of it can't be."""

    greens: list[Sold] = field(default_factory=list)
    contents: tuple[bytes, ...] = ()
    """The entries that were there when a step was done."""
    wrong: list[str] = field(default_factory=list)

    def look(self, till: Till) -> None:
        """Note what the journal promises now."""
        self.contents = till.journal.contents(0, ENTRIES_MAX)

    def announce(self, green: Green) -> None:
        """Note that a screen turned green."""
        self.greens.append((green.seq, green.uid, green.tmc, green.amount_cents))


class Scene:
    """One terminal as it was enrolled, to be put through one case after the other."""

    def __init__(self, folder: Path, report: Report, *, seed: int) -> None:
        """Enrol it; cases work on copies beside it."""
        self._origin = CrashStall.enrolled(folder / "origin", seed)
        self._copy = folder / "copy"
        self._report = report
        self._seed = seed

    def cases(self, chance: random.Random) -> list[Case]:
        """Return every trouble at every moment, once and for ever; ends and repairs are drawn."""
        found = []
        for trouble, for_ever in itertools.product(Trouble, (False, True)):
            for after in range(self._length(trouble)):
                again = chance.choice(tuple(Trouble)), chance.randrange(REPAIR_MAX)
                repair = again if chance.getrandbits(1) else None
                found.append(Case(trouble, after, for_ever, chance.choice(ENDS), repair))
        return found

    def put_through(self, case: Case, chance: random.Random) -> int:
        """Let one case happen and judge it; returns how often the disk failed."""
        stall, seen = self._fresh(), _Seen()
        with Disk(stall.data.root) as disk:
            disk.fail(case.trouble, after=case.after, for_ever=case.for_ever)
            till = _work(stall, seen)
            struck = _end(till, disk, case.end, chance)
            if case.again is not None:
                struck += _repair(stall, disk, case.again, chance)
            _go_on(stall, disk, seen, chance)
        self._report.count("cases")
        self._report.count("errors_injected", struck)
        for sentence in seen.wrong:
            self._report.accuse(f"seed {self._seed}: {case.words}: {sentence}")
        return struck

    def _length(self, trouble: Trouble) -> int:
        """Return how many operations of the scene could fail so."""
        stall = self._fresh()
        with Disk(stall.data.root) as disk:
            disk.fail(trouble, after=sys.maxsize)
            till = _work(stall, _Seen())
            length = disk.passed
            must(till is not None, "a disk that is well opens")
            till.close()  # type: ignore[union-attr]  # narrowed by must()
        return length

    def _fresh(self) -> CrashStall:
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._origin.data.root, self._copy)
        stall = copy.copy(self._origin)
        stall.data = DataDirectory(self._copy)
        stall.cards, stall.blocked = copy.deepcopy((stall.cards, stall.blocked))
        return stall


def _work(stall: CrashStall, seen: _Seen) -> Till | None:
    """Work until all is done or the till stops; returns the till if it ever opened."""
    till = None
    try:
        till = stall.open_till()
        till.start()
        seen.look(till)
        for price_cents in PRICES_CENTS:
            _sell(stall, till, price_cents, seen)
        till.refund(seen.greens[0][0], None, RefundReason.GOODS_RETURNED)
        seen.look(till)
        _rest(stall, till, seen)
        _sell(stall, till, PRICES_CENTS[0], seen)
    except (JournalStopped, StoreError):
        if till is not None and not till.journal.is_running:
            _try_to_go_on(stall, till, seen)
    except Exception as error:  # noqa: BLE001 - that nothing else comes out is what is asked
        seen.wrong.append(f"{type(error).__name__}: {error}")
    return till


def _sell(stall: CrashStall, till: Till, price_cents: int, seen: _Seen) -> None:
    card = stall.cards[len(seen.greens) % len(stall.cards)]

    def sell(connection: CardConnection) -> None:
        till.sell(connection, price_cents, merchant=MERCHANT, announce=seen.announce)

    stall.tap(card, sell)
    seen.look(till)


def _rest(stall: CrashStall, till: Till, seen: _Seen) -> None:
    stall.leave_answer(till.journal)
    try:
        till.rest()
    except StoreError:
        till.rest()  # it may be tried again, and selling goes on meanwhile
    seen.look(till)


def _try_to_go_on(stall: CrashStall, till: Till, seen: _Seen) -> None:
    """Try to sell with a till that has stopped: no card may be debited."""
    before, greens = debits(stall.cards), len(seen.greens)
    try:
        _sell(stall, till, PRICES_CENTS[0], seen)
    except JournalStopped:
        pass
    else:
        seen.wrong.append("a till that had stopped went on")
    if debits(stall.cards) != before or len(seen.greens) != greens:
        seen.wrong.append("a till that had stopped debited a card, or said green")


def _end(till: Till | None, disk: Disk, end: Cut | None, chance: random.Random) -> int:
    """End a till while the disk still fails, and let the disk be well; returns the failures."""
    if end is not None:
        disk.freeze()
    if till is not None:
        till.close()
    struck = disk.heal()
    if end is not None:
        disk.thaw(end, chance)
    return struck


def _repair(
    stall: CrashStall, disk: Disk, again: tuple[Trouble, int], chance: random.Random
) -> int:
    """Open the till on a disk that fails once more, and end that too."""
    trouble, after = again
    disk.fail(trouble, after=after)
    till = None
    try:
        till = stall.open_till()
        till.start()
        settle(stall, till)
    except (JournalStopped, StoreError):
        pass
    return _end(till, disk, chance.choice(ENDS), chance)


def _go_on(stall: CrashStall, disk: Disk, seen: _Seen, chance: random.Random) -> None:
    """Open the till on a disk that is well, sell, lose power, and judge what is left."""
    for _ in range(2):
        try:
            till = stall.till()
            settle(stall, till)
        except Exception as error:  # noqa: BLE001 - a disk that is well is no reason for any
            seen.wrong.append(f"does not open again: {type(error).__name__}: {error}")
            return
        if till.journal.contents(0, len(seen.contents)) != seen.contents:
            seen.wrong.append("an entry that was promised is gone")
        seen.wrong.extend(judge(stall, till, seen.greens).wrong)
        _sell(stall, till, PRICES_CENTS[1], seen)
        _end(till, disk, Cut.UNSYNCED, chance)
