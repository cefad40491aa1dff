"""Filters and tags of the console's templates: money, numbers of cards, the menu."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.utils.timesince import timesince

from server_stub.console.pages import Entry, menu
from server_stub.services.amounts import NO_BREAK
from server_stub.services.amounts import euros as in_words

register = template.Library()


@register.filter
def euros(amount_cents: int | None) -> str:
    """Return an amount in the reader's language; a dash where there is none."""
    return "–" if amount_cents is None else in_words(amount_cents)


@register.filter
def or_dash(amount_cents: int | None) -> str:
    """Return an amount, or a dash for nothing: columns that are mostly empty are easier to read."""
    return in_words(amount_cents) if amount_cents else "–"


@register.filter
def signed_euros(amount_cents: int) -> str:
    """Return a difference with its sign, so that more is never read as an amount."""
    return f"+{in_words(amount_cents)}" if amount_cents > 0 else in_words(amount_cents)


@register.filter
def round_euros(amount_cents: int) -> str:
    """Return whole euros for the scale of a chart, thousands apart."""
    return f"{amount_cents // 100:,}".replace(",", NO_BREAK) + NO_BREAK + "€"


@register.filter
def day_before(day: date) -> date:
    """Return the last day before one: a promise that ends before December goes to November."""
    return day - timedelta(days=1)


@register.filter
def coordinate(place: float) -> str:
    """Return a place of a picture as SVG reads it, whatever language the page is in."""
    return f"{place:g}"


@register.filter
def age(since: datetime, now: datetime) -> str:
    """Return how long ago something was, in its largest unit: minutes matter to nobody here."""
    return timesince(since, now, depth=1)


@register.filter
def upper_hex(value: bytes | memoryview) -> str:
    """Return bytes as a card's number is printed."""
    return bytes(value).hex().upper()


@register.filter
def in_fours(number: str) -> str:
    """Return an IBAN as it stands on paper, in groups of four, to be compared by eye."""
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


@register.simple_tag(takes_context=True)
def console_menu(context: dict[str, Any]) -> Iterable[tuple[Any, list[Entry]]]:
    """Return the menu of whoever visits; nothing where nobody is known."""
    visit = context.get("visit")
    return [] if visit is None else list(menu(visit.holdings, visit.request.path))
