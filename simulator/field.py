"""The reader's field, in-process: a reader without hardware, and the world's verbs for it.

`Field` has two faces. To a program it is a `Reader`. To a test it is the world: `place`, `lift`,
`tear_before`, `tear_after`, `garble`. What a tear loses is the card's field: the card forgets its
session and transaction, lies there no more, and has to be placed again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cardkit.card.connection import Activation
from cardkit.errors import CardLost, must
from cardkit.reader.beep import Beep
from simulator.plastic import Plastic

# Enough for a long sale and its repair; a week of them must not fill the memory.
TRACE_LENGTH_MAX = 1000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One APDU as the air saw it; `answer` is None when the reader got nothing."""

    command: bytes
    answer: bytes | None


@dataclass(slots=True)
class Faults:
    """Exchanges that go wrong, by number; each happens once."""

    lost_before: int | None = None
    lost_after: int | None = None
    garbled: int | None = None


class FieldConnection:
    """One card for as long as it lies there (a `CardConnection`)."""

    def __init__(self, field: Field, card: Plastic) -> None:
        self._field = field
        self._card = card
        self._is_open = True

    @property
    def uid(self) -> bytes:
        """The card's UID."""
        return self._card.uid

    @property
    def activation(self) -> Activation:
        """What the card showed when it was selected."""
        card = self._card
        return Activation(uid=card.uid, atqa=card.atqa, sak=card.sak, ats=card.ats)

    def transceive(self, command: bytes) -> bytes:
        """Exchange one APDU; raises CardLost, and ever after, when there was no answer."""
        if not self._is_open:
            raise CardLost("this connection is closed")
        try:
            return self._field.exchange(self, command)
        except CardLost:
            self._is_open = False
            raise

    def close(self) -> None:
        """Let go of the card, which loses its session."""
        if self._is_open:
            self._is_open = False
            self._field.release(self)


class Field:
    """A reader and what lies on it.

    `while_waiting` is called in place of a pause when nothing is there to report, with the
    seconds that the program is ready to wait: a single-threaded world goes on in it. Without
    it the wait is a real one and `place` or `lift` from another thread ends it.
    """

    def __init__(
        self, name: str = "virtual field", *, while_waiting: Callable[[float], None] | None = None
    ) -> None:
        self._name = name
        self._while_waiting = while_waiting
        self._changed = threading.Condition(threading.RLock())
        self._card: Plastic | None = None
        self._connection: FieldConnection | None = None
        self._faults = Faults()
        self._is_open = True
        self.exchanges = 0
        self.trace: deque[Exchange] = deque(maxlen=TRACE_LENGTH_MAX)

    @property
    def name(self) -> str:
        """What a person would call this reader."""
        return self._name

    @property
    def beep(self) -> Beep:
        """It is silent."""
        return Beep.NONE

    @property
    def card(self) -> Plastic | None:
        """What lies in the field."""
        return self._card

    def place(self, card: Plastic) -> None:
        """Put a card into the empty field."""
        with self._changed:
            must(self._card is None, "one card at a time lies in the field")
            card.reset()
            self._card = card
            self._changed.notify_all()

    def lift(self) -> None:
        """Take the card away, wherever it was in its work; an empty field stays empty."""
        with self._changed:
            if self._card is not None:
                self._card.reset()
            self._card = self._connection = None
            self._changed.notify_all()

    def tear_before(self, number: int) -> None:
        """Lose the n-th APDU from now (1 is the next) before the card receives it."""
        self._faults.lost_before = self._numbered(number)

    def tear_after(self, number: int) -> None:
        """Lose the answer to the n-th APDU from now: the card has executed it."""
        self._faults.lost_after = self._numbered(number)

    def garble(self, number: int) -> None:
        """Flip a bit in the answer to the n-th APDU from now; the card stays."""
        self._faults.garbled = self._numbered(number)

    def wait_for_card(self, timeout_s: float) -> FieldConnection | None:
        """Connect to the card, which is reset; None when none came in time."""
        with self._changed:
            self._wait(lambda: self._card is not None, timeout_s)
            card = self._card
            if card is None or not self._is_open:
                return None
            card.reset()
            self._connection = FieldConnection(self, card)
            return self._connection

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Say whether the field is empty, waiting up to `timeout_s` for it."""
        with self._changed:
            return self._wait(lambda: self._card is None, timeout_s)

    def close(self) -> None:
        """Let go of the reader; connections end."""
        with self._changed:
            self._is_open = False
            self._connection = None

    def exchange(self, connection: FieldConnection, command: bytes) -> bytes:
        """Carry one APDU for a connection; raises CardLost."""
        with self._changed:
            card = self._card
            if card is None or connection is not self._connection:
                raise CardLost("the card left the field")
            self.exchanges += 1
            answer = self._carry(card, command)
            self.trace.append(Exchange(command, answer))
            if answer is None:
                raise CardLost("no answer")
            return answer

    def release(self, connection: FieldConnection) -> None:
        """End a connection; the card that it held is powered down."""
        with self._changed:
            if connection is self._connection and self._card is not None:
                self._card.reset()
                self._connection = None

    def _carry(self, card: Plastic, command: bytes) -> bytes | None:
        if self.exchanges == self._faults.lost_before:
            self.lift()
            return None
        answer = card.transmit(command)
        if self.exchanges == self._faults.lost_after:
            self.lift()
            return None
        if answer is None:
            self._connection = None
        elif self.exchanges == self._faults.garbled:
            answer = bytes([answer[0] ^ 0x01]) + answer[1:]
        return answer

    def _wait(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        if self._while_waiting is None:
            return self._changed.wait_for(reached, timeout_s)
        if not reached():
            self._while_waiting(timeout_s)
        return reached()

    def _numbered(self, number: int) -> int:
        must(number >= 1, "exchanges are counted from 1, the next one")
        return self.exchanges + number
