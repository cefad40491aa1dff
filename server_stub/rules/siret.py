"""The official number of a French establishment: fourteen digits, the last of which checks them.

SIREN of the company (nine digits) and NIC of the place (five), with the check of ISO/IEC 7812-1
("Luhn") over all fourteen; those of La Poste have a rule of their own (INSEE, "Numéro SIRET").
"""

from __future__ import annotations

from typing import Final

_DIGITS: Final = 14
_LA_POSTE: Final = "356000000"


def read_siret(text: str) -> str | None:
    """Read a number as people write it, with blanks; None: a digit is wrong or missing."""
    digits = "".join(text.split())
    if len(digits) != _DIGITS or not (digits.isascii() and digits.isdecimal()):
        return None
    if digits.startswith(_LA_POSTE) and sum(map(int, digits)) % 5 == 0:
        return digits
    return digits if _checks(digits) else None


def in_groups(siret: str) -> str:
    """Return a number as it is printed: `123 456 789 00012`."""
    return " ".join(part for part in (siret[:3], siret[3:6], siret[6:9], siret[9:]) if part)


def _checks(digits: str) -> bool:
    """Say whether the digits, every second one doubled from the right, add up to a ten."""
    doubled = (int(it) * (1 + at % 2) for at, it in enumerate(reversed(digits)))
    return sum(it - 9 if it > 9 else it for it in doubled) % 10 == 0
