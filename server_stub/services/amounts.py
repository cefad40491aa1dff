"""Money as a language writes it, for whoever reads it on a screen or on paper."""

from __future__ import annotations

from typing import Final

from django.utils.translation import get_language

from cardkit.money import format_cents

NO_BREAK: Final = "\u00a0"
THIN_NO_BREAK: Final = "\u202f"


def euros(amount_cents: int, language: str | None = None) -> str:
    """Return `1 012,50 €` in French, `€1,012.50` or `-€12.50` in English; no line breaks inside.

    None is the language that is active.
    """
    sign = "-" if amount_cents < 0 else ""
    if (language or get_language()) == "en":
        return f"{sign}€{grouped(format_cents(abs(amount_cents), decimal_mark='.'), ',')}"
    return f"{sign}{grouped(format_cents(abs(amount_cents)), THIN_NO_BREAK)}{NO_BREAK}€"


def grouped(amount: str, mark: str) -> str:
    """Return an amount with a mark between its thousands."""
    whole = f"{int(amount[:-3]):,}".replace(",", mark)
    return whole + amount[-3:]
