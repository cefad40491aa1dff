"""The reference that a member puts on a transfer: a creditor reference with check digits.

ISO 11649: `RF`, two check digits by mod 97-10 (ISO 7064), then at most 21 characters. Made of an
account's or a commitment's random number, so it names nobody; what is mistyped is no reference.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_BYTES: Final = 5
"""Eight characters: two of a thousand accounts share one with a chance of 1 in 2 million."""
_REFERENCE: Final = re.compile(r"(?=(RF[0-9]{2}[A-Z2-7]{8}))")
_MODULUS: Final = 97


def payment_reference(number: bytes) -> str:
    """Return the reference of an account or a commitment, such as `RF18ABCDEFGH`."""
    body = base64.b32encode(number[:_BYTES]).decode("ascii")
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
