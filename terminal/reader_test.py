"""A reader's test: taps that sell nothing and journal nothing, counted and timed.

A metal counter, a wallet or a bad cable shows here and not in the queue: how many taps were read
right, and how long a tap takes up to the point where a sale would begin.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from enum import Enum, unique
from typing import Final

from cardkit.card.apdu import StatusRefused
from cardkit.card.connection import CardConnection
from cardkit.card.desfire import Desfire
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.session import PurseSession
from cardkit.clock import Clock
from cardkit.errors import CardError, CardForeign
from cardkit.frozen import dataclass
from cardkit.reader import Reader
from terminal.config import TAP_TIMEOUT_S

AGAIN_TIMEOUT_S: Final = 2.0
"""For the card to be activated a second time: it lies there already."""
PERCENTILE: Final = 95


@unique
class TapResult(Enum):
    """What became of one tap."""

    READ = "read"
    OTHER = "other"
    """Read, but no card of this caisse: it says nothing about a sale."""
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class TimedTap:
    """One tap; the time is None where there was none to take."""

    result: TapResult
    took_ms: int | None = None
    bit_rate_kbps: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All taps of a test."""

    taps: tuple[TimedTap, ...]

    def count(self, result: TapResult) -> int:
        """How many ended like this."""
        return sum(tap.result is result for tap in self.taps)

    @property
    def count_right(self) -> int:
        """How many were read right."""
        return self.count(TapResult.READ)

    @property
    def success_percent(self) -> int:
        """Taps read right of all, rounded down: 100 means all."""
        return 100 * self.count_right // max(1, len(self.taps))

    @property
    def times_ms(self) -> tuple[int, ...]:
        """How long the taps took that were read right, shortest first."""
        right = (tap for tap in self.taps if tap.result is TapResult.READ)
        return tuple(sorted(tap.took_ms for tap in right if tap.took_ms is not None))

    @property
    def bit_rates_kbps(self) -> tuple[int, ...]:
        """Every rate that was told, slowest first."""
        return tuple(sorted({tap.bit_rate_kbps for tap in self.taps if tap.bit_rate_kbps}))

    def within_ms(self, percent: int) -> int:
        """The time within which so many percent of the taps were done (nearest rank)."""
        times_ms = self.times_ms
        return times_ms[max(0, -(-percent * len(times_ms) // 100) - 1)]


Examine = Callable[[CardConnection], bool]
"""Does what a sale begins with; False for a card that is none of ours. May raise CardError."""


def select_only(connection: CardConnection) -> bool:
    """Select the purse, which no key is needed for; a card without one has answered as well."""
    with contextlib.suppress(StatusRefused):
        Desfire(connection).iso_select(CLAF_PURSE_1.df_name)
    return True


def authenticating(keys: TerminalCardKeys) -> Examine:
    """Select the purse and authenticate, as a paired terminal does at each tap."""

    def examine(connection: CardConnection) -> bool:
        try:
            PurseSession.open(connection, keys)
        except CardForeign:
            return False
        return True

    return examine


class ReaderTest:
    """Taps on one reader; ReaderError from any method ends the test."""

    def __init__(self, reader: Reader, *, examine: Examine, clock: Clock) -> None:
        self._reader = reader
        self._examine = examine
        self._clock = clock

    def tap(self) -> TimedTap | None:
        """Wait for a card and examine it; None when none came.

        The wait was for a hand and is not counted. So the card is let go of and activated anew:
        the time is that of activation, selection and, if there are keys, authentication.
        """
        try:
            first = self._reader.wait_for_card(TAP_TIMEOUT_S)
        except CardError:
            return TimedTap(TapResult.LOST)
        if first is None:
            return None
        if not first.activation.speaks_apdus:
            first.close()
            return TimedTap(TapResult.OTHER)
        first.close()
        return self._timed()

    def lifted(self) -> bool:
        """Wait until the field is empty; False when the card stays."""
        return self._reader.wait_for_removal(TAP_TIMEOUT_S)

    def _timed(self) -> TimedTap:
        began_ms = self._clock.monotonic_ms()
        try:
            connection = self._reader.wait_for_card(AGAIN_TIMEOUT_S)
            if connection is None:
                return TimedTap(TapResult.LOST)
            with contextlib.closing(connection):
                is_ours = self._examine(connection)
                took_ms = self._clock.monotonic_ms() - began_ms
        except CardError:
            return TimedTap(TapResult.LOST)
        result = TapResult.READ if is_ours else TapResult.OTHER
        return TimedTap(result, took_ms, connection.activation.bit_rate_kbps)
