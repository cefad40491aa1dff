"""The seam between readers and cards: bytes in, bytes out."""

from __future__ import annotations

from typing import Protocol

from cardkit.frozen import dataclass

_SPEAKS_APDUS = 0x20  # SAK bit 6 (ISO/IEC 14443-3, 6.5.3.4)
_MEMORY_CARD_RID = bytes.fromhex("A000000306")
"""The RID in the ATR that a PC/SC reader makes for a memory card (PC/SC part 3, 3.1.3.2.3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What anticollision and activation showed of a card, before any command.

    `atqa` is MSB first (ISO/IEC 14443-3 A), `sak` its last select acknowledge, `ats` begins with
    TL; `atr` is what a PC/SC reader made of them (PC/SC part 3, 3.1.3.2.3). None is what this
    reader does not tell. `bit_rate_kbps` is 106, 212 or 424, the slower of both directions.
    Everything here is a claim until the card has authenticated.
    """

    uid: bytes
    atqa: bytes | None = None
    sak: int | None = None
    ats: bytes | None = None
    atr: bytes | None = None
    bit_rate_kbps: int | None = None

    @property
    def speaks_apdus(self) -> bool:
        """Whether the card may speak ISO/IEC 14443-4: unless its SAK or its ATR denies it."""
        if self.sak is None:
            return self.atr is None or _MEMORY_CARD_RID not in self.atr
        return bool(self.sak & _SPEAKS_APDUS)


class CardConnection(Protocol):
    """One card in the field, for as long as it stays there."""

    @property
    def uid(self) -> bytes:
        """The 7-byte UID that anticollision gave (a claim until the card has authenticated)."""

    @property
    def activation(self) -> Activation:
        """What the card showed before any command; its UID is `uid`."""

    def transceive(self, command: bytes) -> bytes:
        """Send one C-APDU and return the whole R-APDU, status word included.

        Raises CardLost when no answer came: the card may or may not have executed the command.
        After CardLost this connection is never usable again.
        """

    def close(self) -> None:
        """Let go of the card; calling it twice is harmless."""
