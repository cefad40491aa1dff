"""A robot at a card table: lays cards on a real pcscd, tears them off, kills the program."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path
from typing import IO

from cardkit.reader.pcsc import PcscReader
from provisioning.batch_book import BatchBook, Entry, State
from simulator.card import VirtualCard
from simulator.pcscd import PrivatePcscd
from simulator.plastic import Plastic
from simulator.vpcd import VpcdSlot

TREE = Path(__file__).resolve().parent.parent
EXCHANGES = 61
"""Of one card's issue, when nothing goes wrong."""
_LOOK_S = 0.005
_STILL_S = 10.0
_HOLDS = 30
_EMPTY_S = 60.0
_END_S = 60.0


@unique
class Accident(Enum):
    """What happens to one card on its way."""

    NONE = "nothing"
    TORN_BEFORE = "torn before an exchange"
    TORN_AFTER = "torn after an exchange"
    KILLED_BEFORE = "program killed before an exchange"
    KILLED_AFTER = "program killed after an exchange"
    KILLED_ASKING = "program killed while it asks the service"


@dataclass(frozen=True, slots=True)
class Mishap:
    """An accident and its moment: an exchange of 61, or a question of two."""

    accident: Accident
    moment: int


def mishaps(seed: int, cards: int) -> list[Mishap]:
    """Draw what happens to each card of a box: to two of three something does."""
    chance = random.Random(seed)
    drawn = []
    for _ in range(cards):
        accident = Accident.NONE
        if chance.random() < 2 / 3:
            accident = chance.choice([it for it in Accident if it is not Accident.NONE])
        asks = accident is Accident.KILLED_ASKING
        drawn.append(Mishap(accident, chance.randint(1, 2 if asks else EXCHANGES)))
    return drawn


class Mortal:
    """A card at one of whose exchanges something happens to others (a `Plastic`)."""

    def __init__(self, card: VirtualCard, at: int, happens: Callable[[], None], *, after: bool):
        self._card, self._at, self._happens, self._after = card, at, happens, after
        self.uid, self.atqa, self.sak, self.ats = card.uid, card.atqa, card.sak, card.ats

    def reset(self) -> None:
        """The field is gone."""
        self._card.reset()

    def transmit(self, command: bytes) -> bytes | None:
        """Answer, before or after it has happened; the answer then finds nobody."""
        self._at -= 1
        if self._at:
            return self._card.transmit(command)
        if self._after:
            self._card.transmit(command)
        self._happens()
        return None


@dataclass(slots=True, kw_only=True)
class Robot:
    """One table: a daemon's slot, a command that is started anew whenever it was killed."""

    daemon: PrivatePcscd
    slot: VpcdSlot
    command: Sequence[str]
    book: Path
    log: IO[str]
    happened: dict[Accident, int] = field(default_factory=lambda: dict.fromkeys(Accident, 0))
    kill_at_question: int = 0
    """The question to the service, from now, that kills the program; 0 is none."""
    _program: subprocess.Popen[str] | None = None

    def work(self, cards: Sequence[VirtualCard], plan: Sequence[Mishap]) -> int:
        """Issue every card, whatever happens; the exit status of the last program."""
        for card, mishap in zip(cards, plan, strict=True):
            self._lay(self._prepared(card, mishap), mishap)
            while not self._is_done(card.uid):
                self._lay(card, Mishap(Accident.NONE, 0))
            self.happened[mishap.accident] += 1
        assert self._program is not None
        return self._program.wait(_END_S)

    def shows(self, stranger: Plastic) -> None:
        """Lay something down that is no card of ours, until the program has said what it is."""
        self._start()
        log = Path(self.log.name)
        said_bytes = log.stat().st_size
        self._hold(stranger, lambda: log.stat().st_size > said_bytes)

    def asked(self) -> None:
        """A question has reached the service: it may be the program's last."""
        if self.kill_at_question:
            self.kill_at_question -= 1
            if not self.kill_at_question:
                self.kill()

    def kill(self) -> None:
        """End the program as a power cut does."""
        if self._program is not None:
            self._program.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Leave no program behind."""
        if self._program is not None:
            self._program.kill()
            self._program.wait()

    def _prepared(self, card: VirtualCard, mishap: Mishap) -> Plastic:
        match mishap.accident:
            case Accident.KILLED_BEFORE:
                return Mortal(card, mishap.moment, self.kill, after=False)
            case Accident.KILLED_AFTER:
                return Mortal(card, mishap.moment, self.kill, after=True)
        return card

    def _lay(self, card: Plastic, mishap: Mishap) -> None:
        """Lay a card down until it is done, has left, or the program has died."""
        self._start()
        match mishap.accident:
            case Accident.TORN_BEFORE:
                self.slot.tear_before(mishap.moment)
            case Accident.TORN_AFTER:
                self.slot.tear_after(mishap.moment)
            case Accident.KILLED_ASKING:
                self.kill_at_question = mishap.moment
        self._hold(card, lambda: self._is_done(card.uid))

    def _hold(self, card: Plastic, is_over: Callable[[], bool]) -> None:
        """Lay a card down, once more when nothing moves: what pcscd missed, a hand repeats.

        It does miss a card that comes while the one before is being powered off.
        """
        for _ in range(_HOLDS):
            self.slot.insert(card)
            moved = self._until(is_over)
            self._take_away()
            if moved:
                return
        raise AssertionError("the program does nothing with the card")

    def _until(self, is_over: Callable[[], bool]) -> bool:
        """Wait until it is over, the card left or the program died; False: nothing moves."""
        assert self._program is not None
        exchanges, since_s = self.slot.exchanges, time.monotonic()
        while time.monotonic() - since_s < _STILL_S:
            has_left = self.slot.wait_until_left(_LOOK_S)
            if has_left or self._program.poll() is not None or is_over():
                return True
            if self.slot.exchanges != exchanges:
                exchanges, since_s = self.slot.exchanges, time.monotonic()
        return False

    def _take_away(self) -> None:
        self.slot.remove()
        reader = PcscReader(self.daemon.reader_names[0])
        try:
            assert reader.wait_for_removal(_EMPTY_S)
        finally:
            reader.close()

    def _start(self) -> None:
        """Start the program, unless one is at work."""
        ended = None if self._program is None else self._program.poll()
        assert ended in {None, -signal.SIGKILL}, f"the program ended by itself: {ended}"
        if self._program is None or ended is not None:
            self._program = subprocess.Popen(
                [sys.executable, "-m", "tests.batch_program", *self.command],
                cwd=TREE,
                stdout=self.log,
                stderr=self.log,
                text=True,
            )

    def _is_done(self, uid: bytes) -> bool:
        entry = next(self._entries(uid), None)
        return entry is not None and entry.state is State.ISSUED and not entry.is_owed

    def _entries(self, uid: bytes) -> Iterator[Entry]:
        if self.book.exists():
            with BatchBook.open(self.book) as book:
                found = book.of_card(uid)
                if found is not None:
                    yield found
