"""What a PN53x chip tells of the cards it found, and what an answer to select allows; no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Self

from cardkit.card.connection import Activation
from cardkit.errors import CardCollision
from cardkit.frozen import dataclass

BASE_KBPS: Final = 106
RATES_KBPS: Final = (BASE_KBPS, 212, 424)
"""In the order of the codes of InPSL (PN532 user manual UM0701-02, 7.3.7): 0, 1, 2."""

_ATQA_BYTES = 2
_CARRIER_HZ = 13.56e6
_FRAME_BYTES = (16, 24, 32, 40, 48, 64, 96, 128, 256)  # FSCI (ISO/IEC 14443-4, table 1)
_FSCI_DEFAULT = 2
_FWI_DEFAULT = 4
_FWI_MAX = 14
_HAS_TA, _HAS_TB = 0x10, 0x20  # T0 (ISO/IEC 14443-4, 5.2.3)
_SAME_BOTH_WAYS = 0x80  # TA(1) (ISO/IEC 14443-4, 5.2.4)


@dataclass(frozen=True, slots=True)
class BitRates:
    """Of both directions, in kbit/s; each is one of `RATES_KBPS`."""

    to_card_kbps: int
    from_card_kbps: int

    @property
    def slower_kbps(self) -> int:
        """What a tap can count on."""
        return min(self.to_card_kbps, self.from_card_kbps)


@dataclass(frozen=True, slots=True)
class Ats:
    """An answer to select (ISO/IEC 14443-4, 5.2): what it allows, defaults filled in."""

    frame_bytes: int
    """FSC: a longer command goes in several blocks."""
    frame_wait_s: float
    """FWT: a card that needs longer asks for it."""
    rates: BitRates
    """The highest that a PN53x can do as well."""

    @classmethod
    def unpack(cls, ats: bytes) -> Self:
        """Read an ATS that begins with TL; what is missing or reserved is the default."""
        fields = iter(ats[1 : ats[0]] if ats else b"")
        t0 = next(fields, _FSCI_DEFAULT)
        ta = _optional(fields, bool(t0 & _HAS_TA))
        tb = _optional(fields, bool(t0 & _HAS_TB))
        fwi = _FWI_DEFAULT if tb is None else tb >> 4
        if fwi > _FWI_MAX:
            fwi = _FWI_DEFAULT
        return cls(
            frame_bytes=_FRAME_BYTES[min(t0 & 0x0F, len(_FRAME_BYTES) - 1)],
            frame_wait_s=4096 / _CARRIER_HZ * 2**fwi,
            rates=_rates(ta or 0),
        )


def parse_targets(answer: bytes) -> Activation | None:
    """Read an answer to InListPassiveTarget for type A (UM0701-02, 7.3.5), from NbTg on.

    None when no card answered whole; one whose ATS did not come is still arriving, or leaving.
    Raises CardCollision for two.
    """
    if not answer or answer[0] == 0:
        return None
    if answer[0] > 1:
        raise CardCollision(f"{answer[0]} cards lie in the field")
    atqa, rest = answer[2 : 2 + _ATQA_BYTES], answer[2 + _ATQA_BYTES :]
    size = rest[1] if len(rest) > 1 else 0
    uid, ats = rest[2 : 2 + size], rest[2 + size :]
    if size == 0 or len(uid) != size:
        return None
    found = Activation(uid=uid, atqa=atqa, sak=rest[0], ats=ats or None, bit_rate_kbps=BASE_KBPS)
    return found if found.ats or not found.speaks_apdus else None


def _optional(fields: Iterator[int], is_there: bool) -> int | None:
    return next(fields, None) if is_there else None


def _rates(ta: int) -> BitRates:
    """The best that TA(1) offers; bits 1 and 2 are 212 and 424 to the card, 5 and 6 from it."""
    to_card, from_card = ta & 0x03, ta >> 4 & 0x03
    if ta & _SAME_BOTH_WAYS:
        to_card = from_card = to_card & from_card
    return BitRates(RATES_KBPS[to_card.bit_length()], RATES_KBPS[from_card.bit_length()])
