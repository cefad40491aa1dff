"""Which values a rule can have, how people write them, and from which day a vote may count."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum, unique
from typing import Final

from cardkit.errors import AmountInvalid
from cardkit.money import parse_amount
from server_stub.rules.scheme import CHOICES, RuleName

VALUE_MAX: Final = 2**31 - 1


@unique
class Unit(StrEnum):
    """What the number of a rule counts; the value is the ending of the rule's name."""

    CENTS = "cents"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    PERCENT = "percent"
    KILOMETRES = "km"
    CHOICE = "choice"
    NUMBER = "number"
    """Nothing that has a name."""


@unique
class NotVoted(StrEnum):
    """Why a vote is not put on record."""

    NO_SUCH_RULE = "no_such_rule"
    NOT_A_VALUE = "not_a_value"
    """No amount, number or answer that this rule can have."""
    CLOSED_PERIOD = "closed_period"
    """It would change what was counted already."""
    NO_MINUTES = "no_minutes"
    """A vote stands in the minutes under a title of at most 120 characters."""
    VOTED_LATER = "voted_later"
    """The day of the vote lies ahead."""


_ENDINGS: Final = frozenset(it.value for it in Unit)


def unit_of(name: RuleName) -> Unit:
    """Return what a rule's number counts."""
    if name in CHOICES:
        return Unit.CHOICE
    if name is RuleName.MONTHS_AHEAD:
        return Unit.MONTHS
    ending = name.value.rsplit("_", 1)[-1]
    return Unit(ending) if ending in _ENDINGS else Unit.NUMBER


def read_value(name: RuleName, text: str) -> int | None:
    """Read a value as people write it: euros, a whole number, or an answer; None: it is none."""
    unit, written = unit_of(name), text.strip()
    if unit is Unit.CENTS:
        return _cents(written)
    if unit is Unit.CHOICE:
        answers = {it.name.lower(): int(it) for it in CHOICES[name]}
        return answers.get(written.lower().replace("-", "_"))
    digits = written.removesuffix("%").strip() if unit is Unit.PERCENT else written
    number = int(digits) if digits.isascii() and digits.isdigit() else None
    most = 100 if unit is Unit.PERCENT else VALUE_MAX
    return number if number is not None and number <= most else None


def first_open_day(*, today: date, has_begun: bool, last_settled: date | None) -> date:
    """Return the first day from which a vote may count.

    Months that are over are closed, and so is every day up to the last run of payouts that was
    approved. Before anything is promised or given (`has_begun`), everything is open.
    """
    if not has_begun:
        return date.min
    month = today.replace(day=1)
    return month if last_settled is None else max(month, last_settled + timedelta(days=1))


def _cents(written: str) -> int | None:
    if written in {"0", "0,00", "0.00", "0 €"}:
        return 0
    try:
        cents = parse_amount(written)
    except AmountInvalid:
        return None
    return cents if cents <= VALUE_MAX else None
