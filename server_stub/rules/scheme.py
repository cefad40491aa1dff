"""The numbers that a committee votes: each is a dated rule, in force from a day on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from typing import Final

from cardkit.errors import must


@unique
class RuleName(StrEnum):
    """What can be voted; amounts in cents, times in days unless the name says months."""

    MONTHLY_CREDIT_CENTS = "monthly_credit_cents"
    MONTHS_AHEAD = "months_ahead"
    """How many months beyond the present one are signed in advance."""
    SPENDABLE_DAYS = "spendable_days"
    """How long after its last month's beginning a card's credit can be spent."""
    DIRECTORY_DAYS = "directory_days"
    PERMIT_DAYS = "permit_days"
    SALE_MAX_CENTS = "sale_max_cents"
    CARD_DAY_MAX_CENTS = "card_day_max_cents"
    CARD_DAY_STALE_MAX_CENTS = "card_day_stale_max_cents"
    FRESH_DAYS = "fresh_days"
    UNSENT_MAX_CENTS = "unsent_max_cents"
    REFUND_DAYS = "refund_days"
    CONTRADICTION_DAYS = "contradiction_days"
    """How long a debit that its terminal denies waits for a person, before it is given back."""
    RECOVERY_DAYS = "recovery_days"
    """How long a gap that a lost terminal may explain waits for what the card still tells."""
    CARD_FLOOR_CENTS = "card_floor_cents"
    """With less value than this left in its counter, a card is to be replaced."""


STARTING_VALUES: Final = {
    RuleName.MONTHLY_CREDIT_CENTS: 100_00,
    RuleName.MONTHS_AHEAD: 1,
    RuleName.SPENDABLE_DAYS: 400,
    RuleName.DIRECTORY_DAYS: 35,
    RuleName.PERMIT_DAYS: 35,
    RuleName.SALE_MAX_CENTS: 150_00,
    RuleName.CARD_DAY_MAX_CENTS: 150_00,
    RuleName.CARD_DAY_STALE_MAX_CENTS: 80_00,
    RuleName.FRESH_DAYS: 7,
    RuleName.UNSENT_MAX_CENTS: 3_000_00,
    RuleName.REFUND_DAYS: 31,
    RuleName.CONTRADICTION_DAYS: 14,
    RuleName.RECOVERY_DAYS: 31,
    RuleName.CARD_FLOOR_CENTS: 10_000_00,
}
"""What a new caisse is given to vote upon; never read once it has rules of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedRule:
    """One vote."""

    name: RuleName
    value: int
    from_day: date


def in_force(rules: Iterable[DatedRule], name: RuleName, day: date) -> int:
    """Return the value of a rule on a day; that there is one is the caisse's first duty."""
    dated = [rule for rule in rules if rule.name is name and rule.from_day <= day]
    must(bool(dated), f"a rule {name} is in force on {day}")
    return max(dated, key=lambda rule: rule.from_day).value
