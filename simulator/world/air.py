"""What can go wrong at one exchange with a card, decided before the tap and struck in it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cardkit.card.connection import Activation, CardConnection
from cardkit.errors import CardLost, ReaderError
from simulator.card import VirtualCard
from simulator.faults import STATUSES, Killed
from simulator.world.catalogue import Kind
from simulator.world.chance import Chance

AT_COMMIT: Final = 0
"""In the place of a number: the exchange that commits."""
_COMMIT: Final = 0xC7
_EXCHANGES: Final = 14
"""A sale with a look at the records has about so many."""
_OFTEN_AT_COMMIT: Final = 0.4
_CUT_BYTES_MAX: Final = 40


class PowerCut(Killed):
    """The power is gone: the process with it, and what the disk was not told to keep."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault of one tap."""

    kind: Kind
    number: int
    """Of the exchange, from 1 on, or AT_COMMIT."""
    detail: random.Random


BEFORE: Final = frozenset(
    {
        Kind.AIR_LOST_BEFORE,
        Kind.AIR_SWAPPED,
        Kind.AIR_UNPLUGGED,
        Kind.AIR_LATE,
        Kind.AIR_CARD_TORN,
        Kind.PROCESS_KILLED_BEFORE,
    }
)
AFTER: Final = frozenset(
    {
        Kind.AIR_LOST_AFTER,
        Kind.AIR_ANSWER_LOST,
        Kind.AIR_GARBLED,
        Kind.AIR_STATUS,
        Kind.PROCESS_KILLED_AFTER,
        Kind.DISK_CUT,
        Kind.DISK_CUT_TORN,
        Kind.DISK_CUT_SHUFFLED,
    }
)
CUTS: Final = frozenset({Kind.DISK_CUT, Kind.DISK_CUT_TORN, Kind.DISK_CUT_SHUFFLED})


def strikes_of_tap(chance: Chance) -> tuple[Strike, ...]:
    """Draw what goes wrong at one tap."""
    drawn = ((kind, chance.strikes(kind)) for kind in Kind if kind in BEFORE | AFTER)
    return tuple(
        Strike(kind, _number(detail), detail) for kind, detail in drawn if detail is not None
    )


class AirConnection:
    """A connection in which strikes happen (a `CardConnection`)."""

    def __init__(
        self,
        inner: CardConnection,
        card: VirtualCard,
        strikes: tuple[Strike, ...],
        *,
        lift: Callable[[], None],
        wait: Callable[[], None],
    ) -> None:
        """`lift` takes the card away; `wait` lets half a minute go by."""
        self.struck: Strike | None = None
        """The last one that happened."""
        self._inner = inner
        self._card = card
        self._strikes = list(strikes)
        self._lift = lift
        self._wait = wait
        self._exchanges = 0

    @property
    def uid(self) -> bytes:
        """The card's."""
        return self._inner.uid

    @property
    def activation(self) -> Activation:
        """The card's."""
        return self._inner.activation

    def close(self) -> None:
        """Let go of the card."""
        self._inner.close()

    def transceive(self, command: bytes) -> bytes:
        """Exchange one APDU; raises CardLost, ReaderError, Killed, or what is below raises."""
        self._exchanges += 1
        due = [it for it in self._strikes if it.number == self._number_of(command)]
        for strike in due:
            self._strikes.remove(strike)
        for strike in due:
            if strike.kind in BEFORE:
                self.struck = strike
                self._before(strike)
        answer = self._inner.transceive(command)
        for strike in due:
            if strike.kind in AFTER:
                self.struck = strike
                answer = self._after(strike, answer)
        return answer

    def _number_of(self, command: bytes) -> int:
        return AT_COMMIT if command[1:2] == bytes([_COMMIT]) else self._exchanges

    def _before(self, strike: Strike) -> None:
        match strike.kind:
            case Kind.AIR_LATE:
                self._wait()
            case Kind.AIR_CARD_TORN:
                self._card.cut_power_in_next_write(strike.detail.randrange(_CUT_BYTES_MAX))
            case Kind.AIR_UNPLUGGED:
                self._lift()
                raise ReaderError("the reader is gone")
            case Kind.PROCESS_KILLED_BEFORE:
                raise Killed
            case _:
                self._lift()
                raise CardLost("lifted")

    def _after(self, strike: Strike, answer: bytes) -> bytes:
        match strike.kind:
            case Kind.AIR_LOST_AFTER:
                self._lift()
                raise CardLost("lifted")
            case Kind.AIR_ANSWER_LOST:
                raise CardLost("no answer")
            case Kind.AIR_STATUS:
                return strike.detail.choice(STATUSES).to_bytes(2)
            case Kind.AIR_GARBLED:
                at = strike.detail.randrange(8 * len(answer))
                garbled = bytearray(answer)
                garbled[at // 8] ^= 1 << at % 8
                return bytes(garbled)
            case Kind.PROCESS_KILLED_AFTER:
                raise Killed
            case _:
                raise PowerCut


def _number(detail: random.Random) -> int:
    if detail.random() < _OFTEN_AT_COMMIT:
        return AT_COMMIT
    return detail.randint(1, _EXCHANGES)
