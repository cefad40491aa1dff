"""A real reader for the contract, and the one card that may lie on it."""

from __future__ import annotations

import pytest

from cardkit.card.connection import CardConnection
from cardkit.reader import Reader
from cardkit.reader.beep import Beep

UID_BYTES = 7


class OneCardReader:
    """A reader that ends the whole run when another card than the one named lies on it."""

    def __init__(self, reader: Reader, uid: bytes) -> None:
        self._reader = reader
        self._uid = uid

    @property
    def name(self) -> str:
        """The reader's own name."""
        return self._reader.name

    @property
    def beep(self) -> Beep:
        """Its own beep."""
        return self._reader.beep

    def wait_for_card(self, timeout_s: float) -> CardConnection | None:
        """Return a connection to that card, or None; to another one not a command is sent."""
        connection = self._reader.wait_for_card(timeout_s)
        if connection is not None and connection.uid != self._uid:
            connection.close()
            named, there = self._uid.hex().upper(), connection.uid.hex().upper()
            pytest.exit(f"CARD={named} is the card to use, and {there} lies there", 2)
        return connection

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Say whether the field is empty."""
        return self._reader.wait_for_removal(timeout_s)

    def close(self) -> None:
        """Let go of the reader."""
        self._reader.close()


def named_card(config: pytest.Config) -> bytes | None:
    """The UID that the command line names, or None without a real reader.

    Raises UsageError, which is one line, when one of the two is missing or the UID is none.
    """
    address, card = config.getoption("--reader"), config.getoption("--card")
    if not address and not card:
        return None
    if not address or not card:
        raise pytest.UsageError("a real reader needs both --reader ADDRESS and --card UID")
    try:
        uid = bytes.fromhex(card)
    except ValueError:
        uid = b""
    if len(uid) != UID_BYTES:
        raise pytest.UsageError(f"--card {card}: a UID is {2 * UID_BYTES} hex digits")
    return uid
