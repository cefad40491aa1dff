"""What every card that can lie in a virtual field has in common, ours or not."""

from __future__ import annotations

from typing import Protocol


class Plastic(Protocol):
    """One contactless card: how it is activated, and what it answers.

    `atqa` is MSB first. `ats` begins with TL and is None for a card that stops at ISO/IEC 14443-3,
    such as an NTAG; that one is mute to every APDU.
    """

    @property
    def uid(self) -> bytes:
        """What anticollision gives: 4, 7 or 10 bytes."""

    @property
    def atqa(self) -> bytes:
        """Two bytes, answer to request of type A."""

    @property
    def sak(self) -> int:
        """The last select acknowledge."""

    @property
    def ats(self) -> bytes | None:
        """The answer to select, length byte first."""

    def reset(self) -> None:
        """The field is gone."""

    def transmit(self, command: bytes) -> bytes | None:
        """Answer one C-APDU with a whole R-APDU; None when the card stays mute."""
