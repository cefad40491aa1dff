"""What a convention says, which days it covers, and what stands in the way of signing one.

A merchant has several over time and never two on one day. Nothing of one is ever edited: it ends
by a row of its own, and a change is an end and a new convention from that day on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from typing import Final

from cardkit import cbor
from cardkit.schema import U31, Int, ListOf, Nested, Text, document, maybe, pack, unpack, wire

WHOLE_BP: Final = 10_000
CATEGORIES_MAX: Final = 40
PRODUCTS_MAX: Final = 200
"""Of one category."""
NAME_CHARACTERS_MAX: Final = 40
PRODUCT_CHARACTERS_MAX: Final = 60
MINUTES_CHARACTERS_MAX: Final = 120


@document
class Category:
    """Some of what a merchant sells, and how much of its price credit pays."""

    name: str = wire(1, Text(NAME_CHARACTERS_MAX))
    coverage_bp: int | None = maybe(2, Int(0, WHOLE_BP), default=None)
    """Basis points; None where the committee voted no rate of its own: the usual one."""
    products: tuple[str, ...] = maybe(
        3, ListOf(Text(PRODUCT_CHARACTERS_MAX), PRODUCTS_MAX), default=()
    )
    """What is eligible, for labels and for whoever asks; empty: all of the category."""


@document
class Terms:
    """What was agreed beside the dates."""

    distance_km: int = wire(1, U31)
    """From the merchant's place to the caisse's, by road."""
    categories: tuple[Category, ...] = maybe(
        2, ListOf(Nested(Category), CATEGORIES_MAX), default=()
    )
    exception_minutes: str = maybe(3, Text(MINUTES_CHARACTERS_MAX), default="")
    """The minutes by which the committee let a merchant in from beyond the radius; never a name."""

    @property
    def encoded(self) -> bytes:
        """The terms as they are kept, word for word."""
        return cbor.encode(pack(self))

    @property
    def digest(self) -> bytes:
        """What the act names them by: SHA-256 of their encoding."""
        return hashlib.sha256(self.encoded).digest()


def read_terms(content: bytes) -> Terms:
    """Read terms back; raises DocumentMalformed."""
    return unpack(Terms, cbor.decode(content))


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Days from the first on, up to the one before the last."""

    from_day: date
    until_day: date
    """The first day that is no longer covered."""

    def covers(self, day: date) -> bool:
        """Say whether a day is covered."""
        return self.from_day <= day < self.until_day

    def overlaps(self, other: Span) -> bool:
        """Say whether two spans have a day in common."""
        return max(self.from_day, other.from_day) < min(self.until_day, other.until_day)


@unique
class NotSigned(Enum):
    """Why a convention is not put on record."""

    NO_MERCHANT = "no such merchant"
    NO_LENGTH = "it ends before it begins"
    OVERLAPS = "another convention covers one of its days"
    TOO_FAR = "beyond the voted radius, and no minutes allow an exception"
    NOT_SIGNED_YET = "the day of the signature is still to come"
    NO_CATEGORY = "it says nothing of what may be sold"


@unique
class NotEnded(Enum):
    """Why a convention does not end."""

    NOTHING_TO_END = "no convention covers that day or a later one"
    BACKDATED = "the day is over: what was sold on it was sold under the convention"


def effective(signed: Span, ends: Iterable[date]) -> Span:
    """Return the days that a convention covers once its ends are counted; it may be none."""
    return Span(signed.from_day, min((signed.until_day, *ends)))


def objection(
    new: Span,
    terms: Terms,
    held: Iterable[Span],
    *,
    signed_on: date,
    today: date,
    radius_km: int | None,
) -> NotSigned | None:
    """Say why a convention can't be signed beside those a merchant has (as effective), if at all.

    `radius_km` is None in a caisse that has voted none.
    """
    if new.from_day >= new.until_day:
        return NotSigned.NO_LENGTH
    if signed_on > today:
        return NotSigned.NOT_SIGNED_YET
    if not terms.categories:
        return NotSigned.NO_CATEGORY
    is_far = radius_km is not None and terms.distance_km > radius_km
    if is_far and not terms.exception_minutes.strip():
        return NotSigned.TOO_FAR
    return NotSigned.OVERLAPS if any(new.overlaps(one) for one in held) else None


def end_objection(until_day: date, held: Iterable[Span], *, today: date) -> NotEnded | None:
    """Say why a merchant's conventions can't end so that `until_day` is no longer covered."""
    if until_day <= today:
        return NotEnded.BACKDATED
    later = any(until_day < one.until_day and one.from_day < one.until_day for one in held)
    return None if later else NotEnded.NOTHING_TO_END


def standing(held: Iterable[Span], day: date) -> Span | None:
    """Return the days that a permit of `day` may grant: those around it that are covered.

    Conventions that follow each other without a day between count as one, so that a stall without
    network sells on through New Year's night. Else the next to begin, else the last that ended:
    a till says that it is outside the dates. None where nothing was ever signed.
    """
    stretches = joined(held)
    for one in stretches:
        if day < one.until_day:
            return one
    return stretches[-1] if stretches else None


def joined(held: Iterable[Span]) -> Sequence[Span]:
    """Return the stretches that conventions cover together, in order."""
    stretches: list[Span] = []
    for one in sorted(span for span in held if span.from_day < span.until_day):
        if stretches and one.from_day <= stretches[-1].until_day:
            last = stretches[-1]
            stretches[-1] = Span(last.from_day, max(last.until_day, one.until_day))
        else:
            stretches.append(one)
    return stretches


def coverages_bp(signed: Iterable[Terms], *, usual_bp: int) -> tuple[int, ...]:
    """Return the rates that a till may offer for an article, the highest first.

    `usual_bp` is what the caisse voted for categories without a rate of their own.
    """
    rates = {
        usual_bp if it.coverage_bp is None else it.coverage_bp
        for terms in signed
        for it in terms.categories
    }
    return tuple(sorted(rates, reverse=True))
