"""Who shops where and when: a week of 30 members, three stalls and a grocery, from a seed.

28 September to 4 October 2026: the month turns on Thursday, while two stalls have no network.
Nothing here knows of cards or terminals; it is what people mean to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, unique
from random import Random
from typing import Final

from cardkit.clock import PARIS

MONDAY: Final = date(2026, 9, 28)
MEMBERS: Final = 30
CREDIT_CENTS: Final = 100_00
CONTRIBUTION_STEP_CENTS: Final = 5_00


@unique
class Happening(Enum):
    """What goes wrong, or simply happens, beside plain sales."""

    TORN_BEFORE = "the card is lifted before it has committed"
    TORN_AFTER = "the card has committed and the answer is lost"
    TORN_AND_GONE = "the answer is lost and the card does not come back to this stall"
    RUNS_DRY = "the card can pay a part only"
    NEW_MONTH = "an offline stall learns the new month from the card"


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant with one terminal."""

    key: str
    name: str
    days: tuple[int, ...]
    """Days of the week, Monday is 0."""
    opens: time
    closes: time
    online: bool
    baskets_cents: tuple[int, int]


SHOPS: Final = (
    Shop(
        "tilleuls",
        "Ferme des Tilleuls (maraîcher)",
        (2, 5),
        time(8),
        time(13),
        False,
        (350, 1900),
    ),
    Shop(
        "bruyere",
        "Fromagerie de la Bruyère",
        (2, 5),
        time(8),
        time(13),
        False,
        (280, 1450),
    ),
    Shop(
        "moulin",
        "Boulangerie du Moulin",
        (1, 2, 4, 5),
        time(8),
        time(13),
        True,
        (190, 820),
    ),
    Shop(
        "epicerie",
        "L'Épicerie du Bocage",
        (0, 1, 2, 3, 4, 5),
        time(9),
        time(19),
        True,
        (420, 2600),
    ),
)
"""Two of the stalls are offline all day; the third and the grocery have network."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the workshop knows them: by a number."""

    number: int
    contribution_cents: int


@dataclass(frozen=True, slots=True)
class Visit:
    """A member stands at a shop and means to pay."""

    at: datetime
    shop: str
    member: int
    amount_cents: int
    happening: Happening | None = None


def members(random: Random) -> tuple[Member, ...]:
    """Return the members: contributions of 20 to 180 € in steps of 5 €."""
    amounts = [random.choice((2000, 2500, 3000, 4000, 5000, 8000)) for _ in range(MEMBERS // 2)]
    amounts += [random.choice((10000, 11000, 12000, 14000, 15000)) for _ in range(MEMBERS - 15)]
    amounts[0], amounts[-1] = 2000, 18000
    return tuple(Member(number, cents) for number, cents in enumerate(amounts, start=1))


def local(day: date, at: time) -> datetime:
    """Return an hour in Flers as UTC."""
    return datetime.combine(day, at, PARIS).astimezone(UTC)


def visits(random: Random) -> tuple[Visit, ...]:
    """Return the week's visits in the order of their time, at most one a minute and shop."""
    planned: list[Visit] = []
    for offset in range(6):
        for shop in SHOPS:
            if offset in shop.days:
                planned += _day_at(shop, MONDAY + timedelta(days=offset), random)
    return tuple(sorted(planned, key=lambda visit: (visit.at, visit.shop)))


def _day_at(shop: Shop, day: date, random: Random) -> list[Visit]:
    customers = random.sample(range(1, MEMBERS + 1), random.randint(9, 14))
    opens, closes = local(day, shop.opens), local(day, shop.closes)
    minutes = int((closes - opens) / timedelta(minutes=1))
    moments = sorted(random.sample(range(5, minutes - 5), len(customers)))
    low, high = shop.baskets_cents
    return [
        Visit(opens + timedelta(minutes=minute), shop.key, customer, random.randrange(low, high, 5))
        for minute, customer in zip(moments, customers, strict=True)
    ]
