"""Rung C4: kill -9 of a real till, at random and at named points, judged by greens and cards.

The till sells to cards that live in this process, refunds, rests, hears from the service, and
announces greens through a pipe. What it believed when it died counts for nothing. Another process
takes in one permit after the other; it is killed too, and may not have gone back afterwards.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, unique
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from cardkit.bodies import RefundReason
from cardkit.clock import Instant
from cardkit.errors import JournalLocked, must
from simulator.clock import ManualClock
from simulator.crash.report import Report
from simulator.crash.stall import MERCHANT, SOFTWARE, START, CrashStall
from simulator.crash.witness import Sold, judge, settle
from simulator.remote import CardHost, RemoteReader
from terminal.config import DataDirectory
from terminal.outcomes import Green
from terminal.store import Store
from terminal.wiring import open_till

PRICES_CENTS: Final = (1_00, 2_50)
LIFE_MAX_S: Final = 0.02
"""How long a till may live after its first exchange; some ten sales."""
READINGS_MAX: Final = 40
"""Of the clock, before a till that dies at one of them is dead: a few sales."""
GREENS_MAX: Final = 6
LOCKED_OUT: Final = 10
"""One of so many tills meets a second one that wants its files."""
PATIENCE_S: Final = 60.0


@unique
class Point(Enum):
    """Where a till dies."""

    ANYWHERE = "at any moment after its first exchange"
    OPENING = "while it opens its files"
    BEFORE_ENTRY = "when it reads the clock, as before every entry"
    BEFORE_GREEN = "when a sale is on the disk and nobody has seen green"
    AFTER_GREEN = "when somebody has just seen green"


@dataclass(frozen=True, slots=True)
class Death:
    """One point, and how often it is passed before."""

    point: Point
    number: int

    def comes(self, point: Point, passed: int) -> None:
        """Die, if this is the moment."""
        if self.point is point and passed >= self.number:
            os.kill(os.getpid(), signal.SIGKILL)


class _MortalClock(ManualClock):
    """A clock at one of whose readings its program dies."""

    def __init__(self, death: Death) -> None:
        super().__init__(START)
        self._death = death
        self._readings = 0

    def now(self) -> Instant:
        """Return the time that was set, if there is anybody to hear it."""
        self._readings += 1
        self._death.comes(Point.BEFORE_ENTRY, self._readings)
        return super().now()


def sell_without_end(
    data: DataDirectory, cards: Connection, greens: Connection, seed: int, death: Death
) -> None:
    """The till's process: open, recover, sell, until it is killed."""
    chance, stall = random.Random(seed), CrashStall(data)
    reader = RemoteReader(cards)
    till = open_till(data, clock=_MortalClock(death), software=SOFTWARE)
    till.start()
    seen = 0

    def announce(green: Green) -> None:
        nonlocal seen
        seen += 1
        death.comes(Point.BEFORE_GREEN, seen)
        greens.send((green.seq, green.uid, green.tmc, green.amount_cents))
        death.comes(Point.AFTER_GREEN, seen)
        if chance.random() < 0.2:
            till.refund(green.seq, None, RefundReason.GOODS_RETURNED)

    while True:
        connection = reader.wait_for_card(PATIENCE_S)
        must(connection is not None, "there is always a card")
        till.sell(connection, chance.choice(PRICES_CENTS), merchant=MERCHANT, announce=announce)  # type: ignore[arg-type]  # narrowed by must()
        connection.close()  # type: ignore[union-attr]  # narrowed by must()
        if chance.random() < 0.2:
            stall.leave_answer(till.journal)
            till.rest()


def take_in_without_end(data: DataDirectory, taken: Connection, first: int) -> None:
    """The other process: one newer permit after the other, until it is killed."""
    stall, version = CrashStall(data), first
    store = Store.open(data)
    while True:
        store.accept_permit(stall.permit(version))
        taken.send(version)
        version += 1


@dataclass
class Market:
    """One stall that is killed again and again, its cards, and what was seen of it."""

    stall: CrashStall
    report: Report
    chance: random.Random
    greens: list[Sold] = field(default_factory=list)
    permit_version: int = 1

    @classmethod
    def enrolled(cls, folder: Path, report: Report, *, seed: int) -> Market:
        """A stall that was never killed."""
        return cls(CrashStall.enrolled(folder, seed), report, random.Random(f"kills {seed}"))

    def kill_till(self) -> None:
        """Let the till sell, and kill it."""
        self.report.count("kills")
        death = Death(self.chance.choice(tuple(Point)), self.chance.randrange(1, READINGS_MAX))
        if death.point in {Point.BEFORE_GREEN, Point.AFTER_GREEN}:
            death = Death(death.point, self.chance.randrange(1, GREENS_MAX))
        cards, cards_end = multiprocessing.Pipe()
        greens, greens_end = multiprocessing.Pipe(duplex=False)
        arguments = (self.stall.data, cards_end, greens_end, self.chance.getrandbits(32), death)
        process = _started(sell_without_end, arguments)
        cards_end.close()
        greens_end.close()
        host = CardHost(cards, lambda: self.chance.choice(self.stall.cards))
        self._serve(process, host, cards, death)
        process.kill()
        process.join()
        host.power_off()
        self.greens.extend(_received(greens))
        cards.close()
        process.close()

    def kill_taker(self) -> None:
        """Let the other process take in permits, kill it, and look that none is forgotten."""
        self.report.count("kills")
        taken, taken_end = multiprocessing.Pipe(duplex=False)
        arguments = (self.stall.data, taken_end, self.permit_version + 1)
        process = _started(take_in_without_end, arguments)
        taken_end.close()
        must(taken.poll(PATIENCE_S), "a process comes up")
        wait([process.sentinel], self.chance.uniform(0, LIFE_MAX_S))
        process.kill()
        process.join()
        process.close()
        seen = _received(taken)
        store = Store.open(self.stall.data)
        _, self.permit_version = store.permit.permit.order
        store.close()
        if self.permit_version < max(seen):
            self.report.accuse(f"permit {max(seen)} was taken in and is {self.permit_version} now")

    def judge(self) -> int:
        """Open the till once more, settle, and judge; returns the sales that were settled."""
        till = self.stall.till()
        settle(self.stall, till)
        verdict = judge(self.stall, till, self.greens)
        till.stop()
        for sentence in verdict.wrong:
            self.report.accuse(f"killed: {sentence}")
        return verdict.recovered

    def _serve(self, process: BaseProcess, host: CardHost, cards: Connection, death: Death) -> None:
        """Answer the till until its moment has come."""
        if death.point is Point.OPENING:
            wait([process.sentinel], self.chance.uniform(0, LIFE_MAX_S))
            return
        if not cards.poll(PATIENCE_S):
            self.report.accuse("a till did not come up")
            return
        if process.is_alive() and not self.chance.randrange(LOCKED_OUT):
            self._meet(process)
        is_timed = death.point is Point.ANYWHERE
        life_s = self.chance.uniform(0, LIFE_MAX_S) if is_timed else PATIENCE_S
        ends_at = time.monotonic() + life_s
        with suppress(EOFError, OSError):
            while (left_s := ends_at - time.monotonic()) > 0:
                ready = wait([cards, process.sentinel], left_s)
                if cards in ready:
                    host.serve()
                elif ready:
                    return

    def _meet(self, process: BaseProcess) -> None:
        """Try to open what the till has open."""
        try:
            self.stall.open_till().close()
        except JournalLocked:
            return
        if process.is_alive():
            self.report.accuse("a second till opened the files of a living one")


def _started(target: Callable[..., None], arguments: tuple[Any, ...]) -> BaseProcess:
    process = multiprocessing.get_context("forkserver").Process(target=target, args=arguments)
    process.start()
    return process


def warm_up(program: str) -> None:
    """Let a process import everything once, from which each till is forked.

    `program` is the module that was started: every child runs it again under another name.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload([program, __name__])


def _received(pipe: Connection) -> list[Any]:
    """Return what was sent before the kill; a half message was never said."""
    found = []
    with suppress(EOFError, OSError):
        while True:
            found.append(pipe.recv())
    pipe.close()
    return found
