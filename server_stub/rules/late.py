"""How late dues are, and what that leads to where it was voted."""

from __future__ import annotations

from datetime import date, timedelta
from enum import IntEnum, unique

from server_stub.rules.dues import AccountPaid


@unique
class Age(IntEnum):
    """Groups of an aged balance: the most days that a due of it is late."""

    MONTH = 30
    TWO_MONTHS = 60
    THREE_MONTHS = 90
    OLDER = 2**31 - 1


def days_late(month: date, day: date, *, days_given: int) -> int:
    """Return how long a month's due is late on a day: 0 on the last day that was given."""
    return max(0, (day - month - timedelta(days=days_given)).days)


def oldest_days_late(paid: AccountPaid, day: date, *, days_given: int) -> int:
    """Return how late the oldest unpaid due is; 0 where nothing is late."""
    late = (it.month for it in paid.months if it.is_late)
    return max((days_late(it, day, days_given=days_given) for it in late), default=0)


def is_credit_withheld(
    paid: AccountPaid, day: date, *, days_given: int, days_borne: int | None
) -> bool:
    """Say whether no new month is signed; None: lateness has no such consequence."""
    if days_borne is None:
        return False
    return oldest_days_late(paid, day, days_given=days_given) > days_borne


def by_age(paid: AccountPaid, day: date, *, days_given: int) -> dict[Age, int]:
    """Return what is missing, in cents, by how long it has been late."""
    missing = dict.fromkeys(Age, 0)
    for month in paid.months:
        if month.is_late:
            days = days_late(month.month, day, days_given=days_given)
            missing[next(age for age in Age if days <= age)] += month.missing_cents
    return missing
