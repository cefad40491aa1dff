"""Amounts, days and accounts as a French paper writes them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from django.utils import formats, translation
from num2words import num2words

from cardkit.clock import PARIS
from cardkit.errors import must

_NARROW: Final = "\u202f"
_NO_BREAK: Final = "\u00a0"
_MINUS: Final = "\u2212"
_MILLION: Final = 1_000_000


def euros(amount_cents: int) -> str:
    """Return `1 234,50 €`, with spaces that no line is broken at."""
    return f"{amount(amount_cents)}{_NO_BREAK}€"


def amount(amount_cents: int) -> str:
    """Return `1 234,50`."""
    whole, cents = divmod(abs(amount_cents), 100)
    grouped = f"{whole:,}".replace(",", _NARROW)
    sign = _MINUS if amount_cents < 0 else ""
    return f"{sign}{grouped},{cents:02d}"


def euros_in_words(amount_cents: int) -> str:
    """Return `douze euros et cinquante centimes`, as a sum is written out to close an account."""
    must(amount_cents >= 0, "a sum that is written out is not negative")
    whole, cents = divmod(amount_cents, 100)
    parts = []
    if whole or not cents:
        unit = "euro" if whole < 2 else "euros"
        of = "d’" if whole and whole % _MILLION == 0 else ""  # un million d’euros
        parts.append(f"{_words(whole)} {of}{unit}")
    if cents:
        parts.append(f"{_words(cents)} centime{'' if cents == 1 else 's'}")
    return " et ".join(parts)


def short_day(on: date) -> str:
    """Return `sam. 03/10/2026`."""
    with translation.override("fr"):
        return formats.date_format(on, "D d/m/Y")


def minute(at: datetime) -> str:
    """Return `03/10/2026 à 10 h 05`, as clocks in France show it."""
    return at.astimezone(PARIS).strftime(f"%d/%m/%Y à %H{_NO_BREAK}h{_NO_BREAK}%M")


def account(iban: str) -> str:
    """Return an IBAN in groups of four (ISO 13616)."""
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def _words(number: int) -> str:
    return str(num2words(number, lang="fr"))
