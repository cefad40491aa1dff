"""Readers carry bytes and know no card application; `open_reader` finds one by its address."""

from __future__ import annotations

from typing import Protocol

from cardkit.card.connection import CardConnection
from cardkit.errors import ReaderMissing


class Reader(Protocol):
    """A contactless reader."""

    @property
    def name(self) -> str:
        """What a person would call this reader."""

    def wait_for_card(self, timeout_s: float) -> CardConnection | None:
        """Return a connection to the card in the field, or None when none came in time."""

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Say whether the field is empty, waiting up to `timeout_s` for it."""

    def close(self) -> None:
        """Let go of the reader."""


def open_reader(address: str) -> Reader:
    """Open the reader at an address such as `pcsc:` (the first one) or `pcsc:NAME`.

    Raises ReaderMissing when there is none, or the kind is not known.
    """
    kind, _, rest = address.partition(":")
    if kind == "pcsc":
        from cardkit.reader.pcsc import PcscReader

        return PcscReader(rest)
    raise ReaderMissing(f"unknown kind of reader: {address!r} (known: pcsc:NAME)")
