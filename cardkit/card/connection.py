"""The seam between readers and cards: bytes in, bytes out."""

from __future__ import annotations

from typing import Protocol


class CardConnection(Protocol):
    """One card in the field, for as long as it stays there."""

    @property
    def uid(self) -> bytes:
        """The 7-byte UID that anticollision gave (a claim until the card has authenticated)."""

    def transceive(self, command: bytes) -> bytes:
        """Send one C-APDU and return the whole R-APDU, status word included.

        Raises CardLost when no answer came: the card may or may not have executed the command.
        After CardLost this connection is never usable again.
        """

    def close(self) -> None:
        """Let go of the card; calling it twice is harmless."""
