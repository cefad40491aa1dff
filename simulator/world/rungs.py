"""Two ways from a till to a card: APDUs handed over at once, or bytes on a PN532's serial line.

Both carry the same APDUs, so that a world lives the same life on either; the wire is slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum, unique
from typing import Protocol

from cardkit.card.connection import CardConnection
from cardkit.reader.nfc import ChipLink, HostLink, open_serial
from cardkit.reader.polled import PolledReader
from simulator.card import VirtualCard
from simulator.field import Field
from simulator.pn532 import VirtualPn532


@unique
class Rung(StrEnum):
    """How much lies between a till and a card."""

    BYTES = "bytes"
    """Nothing: whole APDUs go into the virtual card."""
    WIRE = "wire"
    """Our own driver on nfcpy, a serial line, the frames of a PN532 and ISO-DEP blocks."""


class Antenna(Protocol):
    """A reader, and the hand above it."""

    def place(self, card: VirtualCard) -> None:
        """Lay a card into the empty field."""

    def lift(self) -> None:
        """Take away what lies there; an empty field stays empty."""

    def wait_for_card(self, timeout_s: float) -> CardConnection | None:
        """Connect to what lies there."""


class _Wire:
    """A virtual PN532, and our driver of it."""

    def __init__(self, chip: VirtualPn532, reader: PolledReader) -> None:
        self._chip = chip
        self._reader = reader

    def place(self, card: VirtualCard) -> None:
        card.reset()
        self._chip.place(card)

    def lift(self) -> None:
        self._chip.lift()

    def wait_for_card(self, timeout_s: float) -> CardConnection | None:
        return self._reader.wait_for_card(timeout_s)


@contextmanager
def antennas(rung: Rung) -> Iterator[tuple[Antenna, ...]]:
    """Give the readers of a world: every till takes one of them in turn.

    On the wire there are two: one chip does ISO/IEC 14443-4 itself, for the other nfcpy does.
    """
    if rung is Rung.BYTES:
        yield (Field(),)
        return
    with (
        VirtualPn532() as chip,
        VirtualPn532() as bare,
        closing(open_serial(chip.path, make_link=ChipLink)) as reader,
        closing(open_serial(bare.path, make_link=HostLink)) as frame_reader,
    ):
        yield _Wire(chip, reader), _Wire(bare, frame_reader)
