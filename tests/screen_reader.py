"""A reader on a cable: it can be pulled out, and held while it speaks to a card."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from typing import Final

from cardkit.card.connection import Activation
from cardkit.errors import CardCollision, ReaderLost, ReaderMissing, must
from cardkit.reader.beep import Beep
from simulator.field import Field, FieldConnection

WAIT_S: Final = 20.0


@dataclass
class Cable:
    """A field (a `Reader`) that a person can unplug, or slow down as a stubborn card does."""

    field: Field
    is_plugged: bool = True
    has_two_cards: bool = False
    """Whether another card lies beside the one in the field."""
    _free: threading.Event = dataclasses.field(default_factory=threading.Event)
    _held: threading.Event = dataclasses.field(default_factory=threading.Event)
    _missed: threading.Event = dataclasses.field(default_factory=threading.Event)
    _hold_at: int | None = None

    # The world

    def find(self) -> Cable:
        """Find this reader, when it is plugged in."""
        if not self.is_plugged:
            self._missed.set()
            raise ReaderMissing("no reader")
        return self

    def hold_at(self, exchange: int) -> None:
        """Keep the n-th APDU from now (1 is the next) from the card until `go_on`."""
        self._free.clear()
        self._held.clear()
        self._hold_at = self.field.exchanges + exchange - 1

    def hold_after(self, exchange: int) -> None:
        """Keep the answer to the n-th APDU from now until `go_on`; the card has executed it."""
        self.hold_at(exchange + 1)

    def wait_until_missed(self) -> None:
        """Wait until somebody has looked for it and has not found it."""
        must(self._missed.wait(WAIT_S), "the reader was looked for")

    @property
    def is_held(self) -> bool:
        """Whether the card is being spoken to, and nothing moves."""
        return self._held.is_set()

    def wait_until_held(self) -> None:
        """Wait for it without letting the screen hear of anything in the meantime."""
        must(self._held.wait(WAIT_S), "a card was asked for")

    def go_on(self) -> None:
        """Let the card be spoken to again."""
        self._free.set()

    # A reader

    @property
    def name(self) -> str:
        """What a person would call it."""
        return self.field.name

    @property
    def beep(self) -> Beep:
        """It is silent."""
        return Beep.NONE

    def wait_for_card(self, timeout_s: float) -> CableConnection | None:
        """Connect to the card; raises CardCollision, and ReaderLost without a cable."""
        self.check()
        connection = self.field.wait_for_card(timeout_s)
        if connection is not None and self.has_two_cards:
            raise CardCollision("two")
        return None if connection is None else CableConnection(self, connection)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Say whether the field is empty; raises ReaderLost without a cable."""
        self.check()
        return self.field.wait_for_removal(timeout_s)

    def close(self) -> None:
        """Let go of it; it can be found again."""

    def check(self) -> None:
        """Raise ReaderLost without a cable."""
        if not self.is_plugged:
            raise ReaderLost("unplugged")

    def pass_gate(self) -> None:
        """Wait where a test holds the exchange."""
        if self._hold_at is not None and self.field.exchanges == self._hold_at:
            self._hold_at = None
            self._held.set()
            self._free.wait(WAIT_S)


@dataclass
class CableConnection:
    """A card at the end of a cable (a `CardConnection`)."""

    cable: Cable
    inner: FieldConnection

    @property
    def uid(self) -> bytes:
        """The card's UID."""
        return self.inner.uid

    @property
    def activation(self) -> Activation:
        """What the card showed when it was selected."""
        return self.inner.activation

    def transceive(self, command: bytes) -> bytes:
        """Exchange one APDU; raises CardLost, or ReaderLost without a cable."""
        self.cable.pass_gate()
        self.cable.check()
        answer = self.inner.transceive(command)
        self.cable.pass_gate()
        self.cable.check()
        return answer

    def close(self) -> None:
        """Let go of the card."""
        self.inner.close()
