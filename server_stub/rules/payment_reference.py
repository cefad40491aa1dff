"""The reference that a member puts on a transfer: a creditor reference with check digits.

ISO 11649: `RF`, two check digits by mod 97-10 (ISO 7064), then at most 21 characters. Made of an
account's or a commitment's random number, so it names nobody. It has digits alone, because then
the check finds every wrong digit and every two that changed places.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_DIGITS: Final = 10
"""Of a thousand accounts two share them with a chance of 1 in 20,000: then a person decides."""
_REFERENCE: Final = re.compile(rf"(?=(RF[0-9]{{{2 + _DIGITS}}}))")
_MODULUS: Final = 97


def payment_reference(number: bytes) -> str:
    """Return the reference of an account or a commitment, such as `RF181234567890`."""
    body = f"{int.from_bytes(number) % 10**_DIGITS:0{_DIGITS}}"
    return f"RF{check_digits(body)}{body}"


def check_digits(body: str) -> str:
    """Return the two digits that make a creditor reference of capitals and digits right."""
    return f"{98 - _remainder(f'{body}RF00'):02}"


def in_groups(reference: str) -> str:
    """Return a reference in groups of four, as it is printed (ISO 11649, presentation)."""
    return " ".join(reference[start : start + 4] for start in range(0, len(reference), 4))


def references_in(text: str) -> Iterator[str]:
    """Yield every right reference in a text, whatever blanks and signs stand in between."""
    packed = "".join(
        it for it in unicodedata.normalize("NFKD", text).upper() if it.isascii() and it.isalnum()
    )
    for match in _REFERENCE.finditer(packed):
        reference = match[1]
        if _remainder(reference[4:] + reference[:4]) == 1:
            yield reference


def _remainder(text: str) -> int:
    return int("".join(str(int(character, 36)) for character in text)) % _MODULUS
