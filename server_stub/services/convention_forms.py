"""A convention as a form says it: days with the last one still covered, a line for each category.

`Légumes` is all of it at the usual share; `Épicerie=70` at seventy per cent; `Épicerie=70: miel,
confiture` only these products.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, unique
from typing import Final

from server_stub.models import Convention
from server_stub.rules.conventions import (
    CATEGORIES_MAX,
    MINUTES_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    PRODUCT_CHARACTERS_MAX,
    PRODUCTS_MAX,
    Category,
    NotEnded,
    NotSigned,
    Span,
    Terms,
)
from server_stub.services import conventions
from server_stub.services.caisse import Caisse

_WHOLE_PERCENT: Final = 100
_ONE_DAY: Final = timedelta(days=1)


@unique
class NotRead(Enum):
    """Why the lines of categories are not understood."""

    PERCENT = "a share is a whole percentage, 0 to 100"
    TWICE = "a category stands there twice"
    TOO_LONG = "a name or a list is longer than a convention holds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What two people signed."""

    from_day: date
    last_day: date
    """Still covered."""
    signed_on: date
    distance_km: int
    categories: str
    """A line for each."""
    exception_minutes: str = ""


def sign(
    caisse: Caisse, merchant: int, agreed: Agreed, *, replaces: bool, by: int
) -> Convention | NotSigned | NotEnded | NotRead:
    """Put a convention on record; `replaces` ends the one that covers its first day before it."""
    terms = _terms(agreed)
    if isinstance(terms, NotRead):
        return terms
    days = Span(agreed.from_day, agreed.last_day + _ONE_DAY)
    record = conventions.change if replaces else conventions.sign
    return record(caisse, merchant, days, terms, signed_on=agreed.signed_on, by=by)


def end(caisse: Caisse, merchant: int, last_day: date, *, by: int) -> NotEnded | None:
    """Let all that is signed end with `last_day`, what is still to begin included."""
    return conventions.end(caisse, merchant, last_day + _ONE_DAY, by=by)


def lines_of(terms: Terms) -> str:
    """Return what a form shows of terms, to be changed and signed anew."""
    return "\n".join(_line(it) for it in terms.categories)


def _line(category: Category) -> str:
    share = "" if category.coverage_bp is None else f"={category.coverage_bp // _WHOLE_PERCENT}"
    products = f": {', '.join(category.products)}" if category.products else ""
    return f"{category.name}{share}{products}"


def _terms(agreed: Agreed) -> Terms | NotRead:
    categories: dict[str, Category] = {}
    for line in agreed.categories.splitlines():
        said, _, products = line.partition(":")
        name, _, percent = (part.strip() for part in said.partition("="))
        if not name:
            continue
        if percent and not (percent.isdecimal() and int(percent) <= _WHOLE_PERCENT):
            return NotRead.PERCENT
        if name in categories:
            return NotRead.TWICE
        categories[name] = Category(
            name=name,
            coverage_bp=int(percent) * _WHOLE_PERCENT if percent else None,
            products=tuple(it.strip() for it in products.split(",") if it.strip()),
        )
    if len(categories) > CATEGORIES_MAX or not all(map(_fits, categories.values())):
        return NotRead.TOO_LONG
    return Terms(
        distance_km=agreed.distance_km,
        exception_minutes=agreed.exception_minutes.strip()[:MINUTES_CHARACTERS_MAX],
        categories=tuple(categories.values()),
    )


def _fits(category: Category) -> bool:
    return (
        len(category.name) <= NAME_CHARACTERS_MAX
        and len(category.products) <= PRODUCTS_MAX
        and all(len(it) <= PRODUCT_CHARACTERS_MAX for it in category.products)
    )
