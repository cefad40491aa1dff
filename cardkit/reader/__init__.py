"""Readers carry bytes and know no card application; `open_reader` finds one by its address."""

from __future__ import annotations

from typing import Protocol

from cardkit.card.connection import CardConnection
from cardkit.errors import ReaderMissing
from cardkit.reader.beep import Beep


class Reader(Protocol):
    """A contactless reader."""

    @property
    def name(self) -> str:
        """What a person would call this reader."""

    @property
    def beep(self) -> Beep:
        """Its own beep at a card, which is muted where that can be: people take it for "paid"."""

    def wait_for_card(self, timeout_s: float) -> CardConnection | None:
        """Return a connection to the card in the field, or None when none came in time."""

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Say whether the field is empty, waiting up to `timeout_s` for it."""

    def close(self) -> None:
        """Let go of the reader."""


def open_reader(address: str) -> Reader:
    """Open the reader at an address.

    `pcsc:` (the first of pcscd) or `pcsc:NAME`; `pn532:` (the first serial line with one) or
    `pn532:/dev/…`; `usb:`, `usb:VVVV:PPPP` (hex) or `usb:BUS:DEV` for the USB readers of nfcpy;
    `auto` for the first that is there (`cardkit.reader.auto`).
    Raises ReaderMissing when there is none, or the kind is not known; ReaderBusy, ReaderForbidden.
    """
    kind, _, rest = address.partition(":")
    match kind:
        case "auto" if not rest:
            from cardkit.reader.auto import open_first

            return open_first()
        case "pcsc":
            from cardkit.reader.pcsc import PcscReader

            return PcscReader(rest)
        case "pn532" if rest:
            from cardkit.reader.nfc import open_serial

            return open_serial(rest)
        case "pn532":
            from cardkit.reader.auto import open_first_serial

            return open_first_serial()
        case "usb":
            from cardkit.reader.nfc import open_usb

            return open_usb(rest)
    known = "auto, pcsc:NAME, pn532:PATH, usb:VVVV:PPPP"
    raise ReaderMissing(f"unknown kind of reader: {address!r} (known: {known})")
