"""How long the fund lasts: months ahead, in whole cents, by what was promised and what is voted.

The fund's worth on a day is the money it has, less what merchants are owed, less the credit that
members can still spend: all of that is promised to somebody. A month adds what members pay and
takes what the caisse gives. That is why the worth does not ask when credit is spent: it counts as
gone when it is given, and comes back only where it lapses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from cardkit.errors import must

WHOLE_BP: Final = 10_000
JOINERS_MAX: Final = 100_000
"""More than any fund admits; the number is sought below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """Members who pay the same: how many, from when, until when."""

    count: int
    monthly_cents: int
    from_month: date
    until_month: date | None = None
    """The first month in which they are no members any more; None: they stay."""
    persons: int = 1
    """Of each household."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundState:
    """What is known on the day on which the projection begins."""

    cash_cents: int
    """In the bank and in the till, the equilibrium fund included."""
    owed_cents: int
    """To merchants: payable, held, waiting and in payment."""
    outstanding_cents: int
    """Credit that members can still spend."""
    late_cents: int
    """Dues that should be here and are not."""
    payers: tuple[Payer, ...]

    @property
    def worth_cents(self) -> int:
        """What would be left if everybody spent all and nobody paid any more."""
        return self.cash_cents - self.owed_cents - self.outstanding_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How things may go; a band is a projection under each of three of these."""

    paid_bp: int
    """Of dues: how much comes in, late or not."""
    late_paid_bp: int
    """Of what is late on the first day."""
    lapsed_bp: int
    """Of credit that is given: how much is never spent."""


CAUTIOUS: Final = Outlook(paid_bp=9_500, late_paid_bp=5_000, lapsed_bp=0)
EXPECTED: Final = Outlook(paid_bp=9_800, late_paid_bp=8_000, lapsed_bp=300)
HOPEFUL: Final = Outlook(paid_bp=WHOLE_BP, late_paid_bp=WHOLE_BP, lapsed_bp=800)
BAND: Final = (CAUTIOUS, EXPECTED, HOPEFUL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is voted: the credit of each month, and what a further person adds to it."""

    credit_cents: tuple[tuple[date, int], ...]
    """From which month on, how much; in the order of the months, the first before all others."""
    extra_person_cents: int = 0

    def credit_of(self, month: date, persons: int) -> int:
        """Return what a household is given in a month."""
        in_force = [cents for from_month, cents in self.credit_cents if from_month <= month]
        must(bool(in_force), f"a credit is voted for {month}")
        return in_force[-1] + (persons - 1) * self.extra_person_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthLine:
    """One month of a projection."""

    month: date
    members: int
    received_cents: int
    given_cents: int
    """Credit, less what of it lapses."""
    worth_cents: int
    """At the end of the month."""


def project(
    state: FundState, terms: Terms, outlook: Outlook, months: Sequence[date]
) -> tuple[MonthLine, ...]:
    """Return the months one after the other; shares are rounded against the fund."""
    lines = []
    worth_cents = state.worth_cents + _share(state.late_cents, outlook.late_paid_bp)
    for month in months:
        here = [it for it in state.payers if _is_member(it, month)]
        due_cents = sum(it.count * it.monthly_cents for it in here)
        credit_cents = sum(it.count * terms.credit_of(month, it.persons) for it in here)
        received_cents = _share(due_cents, outlook.paid_bp)
        given_cents = credit_cents - _share(credit_cents, outlook.lapsed_bp)
        worth_cents += received_cents - given_cents
        lines.append(
            MonthLine(
                month=month,
                members=sum(it.count for it in here),
                received_cents=received_cents,
                given_cents=given_cents,
                worth_cents=worth_cents,
            )
        )
    return tuple(lines)


def with_joiners(
    state: FundState, count: int, *, monthly_cents: int, from_month: date
) -> FundState:
    """Return the same fund with more members."""
    joiners = Payer(count=count, monthly_cents=monthly_cents, from_month=from_month)
    return replace(state, payers=(*state.payers, joiners))


def without_greatest(state: FundState, count: int, *, from_month: date) -> FundState:
    """Return the same fund as it is when those who pay most leave first."""
    payers: list[Payer] = []
    left = count
    for payer in sorted(state.payers, key=lambda it: -it.monthly_cents):
        leaving = min(left, payer.count) if _is_member(payer, from_month) else 0
        left -= leaving
        if leaving:
            payers.append(replace(payer, count=leaving, until_month=from_month))
        if payer.count > leaving:
            payers.append(replace(payer, count=payer.count - leaving))
    return replace(state, payers=tuple(payers))


def admissible(
    state: FundState,
    terms: Terms,
    outlook: Outlook,
    months: Sequence[date],
    *,
    monthly_cents: int,
    reserve_cents: int = 0,
) -> int:
    """Return how many more members who pay so much the fund carries to the last month.

    The worth of no month may fall below the reserve. Who pays for what is given could be admitted
    without end; the answer is then `JOINERS_MAX`.
    """

    def carries(count: int) -> bool:
        joined = with_joiners(state, count, monthly_cents=monthly_cents, from_month=months[0])
        lines = project(joined, terms, outlook, months)
        return all(line.worth_cents >= reserve_cents for line in lines)

    if not carries(0):
        return 0
    low, high = 0, JOINERS_MAX
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if carries(middle) else (low, middle - 1)
    return low


def _is_member(payer: Payer, month: date) -> bool:
    is_over = payer.until_month is not None and payer.until_month <= month
    return payer.from_month <= month and not is_over


def _share(cents: int, share_bp: int) -> int:
    """Return a share, rounded down."""
    return cents * share_bp // WHOLE_BP
