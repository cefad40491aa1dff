"""Which dues are paid: contributions fill the oldest month first, and what is over waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from server_stub.rules.commitments import Due


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What came in for an account on a day; below zero when it was taken back."""

    amount_cents: int
    value_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthPaid:
    """How far one month is paid."""

    month: date
    due_cents: int
    paid_cents: int
    is_late: bool
    """It is not paid in full, and the day by which it should be is over."""

    @property
    def missing_cents(self) -> int:
        """What is not paid yet."""
        return self.due_cents - self.paid_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPaid:
    """An account's dues up to a day."""

    months: tuple[MonthPaid, ...]
    surplus_cents: int
    """Paid ahead of anything that is due; below zero when more was taken back than paid."""

    @property
    def late_cents(self) -> int:
        """What should be here and is not."""
        return sum(it.missing_cents for it in self.months if it.is_late)


def paid(
    dues: Sequence[Due], payments: Iterable[Payment], *, day: date, days_given: int
) -> AccountPaid:
    """Fill dues, in the order of their months, with what was paid until a day.

    `days_given`: how long after its first day a month may be unpaid without being late.
    """
    left_cents = sum(it.amount_cents for it in payments if it.value_date <= day)
    months = []
    for due in sorted(dues, key=lambda it: it.month):
        paid_cents = min(due.due_cents, max(0, left_cents))
        left_cents -= paid_cents
        is_over = day > due.month + timedelta(days=days_given)
        months.append(
            MonthPaid(
                month=due.month,
                due_cents=due.due_cents,
                paid_cents=paid_cents,
                is_late=is_over and paid_cents < due.due_cents,
            )
        )
    return AccountPaid(months=tuple(months), surplus_cents=left_cents)
