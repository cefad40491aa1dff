"""Slips of the paper carnet: what makes one doubtful, and how months to come make it good.

A slip is no proof: the card was not there, and its counter knows nothing of it. So it is paid by
two people, out of a book of its own, and what it spent can only be held back of credit that is
not signed yet: no terminal learns of a slip, and a signed credit is never lowered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum, unique
from typing import Final

from cardkit.errors import must
from server_stub.rules.allowances import MonthCredit

SAME_SALE: Final = 1
"""A terminal tells of a sale to the same card, of the same merchant, day and amount."""
WAS_SELLING: Final = 2
"""The stall's terminal made sales on that day: it was not dead all of it."""
NOT_INITIALLED: Final = 4
CARD_UNKNOWN: Final = 8
DOUBTS: Final = (SAME_SALE, WAS_SELLING, NOT_INITIALLED, CARD_UNKNOWN)
"""The bits of `cardkit.resolutions.PaperAccepted.doubts`."""


@unique
class NotPaid(StrEnum):
    """Why a slip is not entered or not paid; it is kept where it was entered."""

    NO_SUCH_CARNET = "no_such_carnet"
    NOT_IN_CARNET = "not_in_carnet"
    """The carnet has no slip of this number."""
    CARNET_KNOWN = "carnet_known"
    KNOWN_ALREADY = "known_already"
    """This number of this carnet was entered before."""
    NOT_A_SLIP = "not_a_slip"
    """No amount, or a day that lies ahead or before the carnet was handed out."""
    NOT_ENTERED = "not_entered"
    PAID_ALREADY = "paid_already"
    SAME_PERSON = "same_person"
    NOT_THE_SAME = "not_the_same"
    """The second person read something else than the first one entered."""
    DOUBTFUL = "doubtful"
    """Something speaks against it, and nobody has said that it is to be paid all the same."""
    OVER_CEILING = "over_ceiling"
    """The voted ceiling of this stall's slips of one day is reached."""
    LOCKED = "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """What stands on a slip."""

    day: date
    amount_cents: int
    is_initialled: bool
    is_of_known_card: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleSeen:
    """A green sale of the slip's merchant on the slip's business day."""

    is_of_card: bool
    """Whether the slip's card bought."""
    amount_cents: int


def doubts_of(slip: Slip, sales: Iterable[SaleSeen]) -> int:
    """Return everything that speaks against a slip, as bits."""
    seen = tuple(sales)
    found = 0
    if any(it.is_of_card and it.amount_cents == slip.amount_cents for it in seen):
        found |= SAME_SALE
    if seen:
        found |= WAS_SELLING
    if not slip.is_initialled:
        found |= NOT_INITIALLED
    if not slip.is_of_known_card:
        found |= CARD_UNKNOWN
    return found


def is_over_ceiling(paid_cents: int, amount_cents: int, *, day_max_cents: int) -> bool:
    """Say whether a slip would lead above what a stall's slips of one day may come to."""
    return paid_cents + amount_cents > day_max_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """What one month is signed with less."""

    from_at: datetime
    amount_cents: int


def withhold(
    months: Iterable[MonthCredit], *, due_cents: int, month_max_cents: int
) -> tuple[tuple[MonthCredit, ...], tuple[Withheld, ...]]:
    """Take what slips have spent out of months that are not signed yet, the earliest first.

    No month gives more than it has or than the rule allows; what is left waits for the next one.
    """
    must(month_max_cents >= 0, "a ceiling is an amount")
    left_cents = max(0, due_cents)
    given: list[MonthCredit] = []
    taken: list[Withheld] = []
    for month in sorted(months, key=lambda it: it.from_at):
        part_cents = min(left_cents, month_max_cents, month.amount_cents)
        left_cents -= part_cents
        given.append(replace(month, amount_cents=month.amount_cents - part_cents))
        if part_cents:
            taken.append(Withheld(from_at=month.from_at, amount_cents=part_cents))
    return tuple(given), tuple(taken)
