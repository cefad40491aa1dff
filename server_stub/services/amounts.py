"""Money as a language writes it, for whoever reads it on a screen or on paper."""

from __future__ import annotations

from typing import Final

from django.utils.translation import get_language

from cardkit.money import format_cents

NO_BREAK: Final = "\u00a0"


def euros(amount_cents: int, language: str | None = None) -> str:
    """Return `12,50 €` in French, `€12.50` or `-€12.50` in English; no line is broken inside.

    None is the language that is active.
    """
    if (language or get_language()) == "en":
        sign = "-" if amount_cents < 0 else ""
        return f"{sign}€{format_cents(abs(amount_cents), decimal_mark='.')}"
    return format_cents(amount_cents) + NO_BREAK + "€"
