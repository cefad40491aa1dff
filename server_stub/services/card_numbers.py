"""The number of a card as people read it: printed on the card, on its pouch, and in letters."""

from __future__ import annotations

from typing import Final

_GROUP: Final = 4


def printed(uid: bytes) -> str:
    """Return a UID in capitals and groups of four: `04C1 AF00 0000 01`."""
    digits = uid.hex().upper()
    return " ".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))
