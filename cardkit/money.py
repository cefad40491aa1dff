"""Money is a whole number of cents; only typing and showing it knows of decimals."""

from __future__ import annotations

import re
from typing import Final

from cardkit.errors import AmountInvalid

CARD_CENTS_MAX: Final = 2**31 - 1
"""The most a card's counter can hold, so the bound of every amount on one card."""

_AMOUNT: Final = re.compile(r"(?P<whole>[0-9]{1,7})(?:[.,](?P<cents>[0-9]*))?")


def parse_amount(text: str) -> int:
    """Read a typed amount of euros, with a decimal comma or point, as cents.

    Raises AmountInvalid for anything that is not 0.01 or more with at most two decimals.
    """
    stripped = text.strip().removesuffix("€").strip()
    if stripped.startswith("-"):
        raise AmountInvalid(text, "negative")
    match = _AMOUNT.fullmatch(stripped)
    if match is None:
        raise AmountInvalid(text, "not a number")
    decimals = match["cents"] or ""
    if len(decimals) > 2:
        raise AmountInvalid(text, "more than two decimals")
    amount_cents = int(match["whole"]) * 100 + int(decimals.ljust(2, "0"))
    if amount_cents == 0:
        raise AmountInvalid(text, "zero")
    return amount_cents


def format_cents(amount_cents: int, *, decimal_mark: str = ",") -> str:
    """Show cents as euros with two decimals, such as `12,50` or `-0,05`."""
    sign = "-" if amount_cents < 0 else ""
    whole, cents = divmod(abs(amount_cents), 100)
    return f"{sign}{whole}{decimal_mark}{cents:02d}"
