"""How long the fund lasts: months ahead, in whole cents, by what was promised and what is voted.

The fund's worth on a day is the money it has, less what merchants are owed, less the credit that
members can still spend: all of that is promised to somebody. A month adds what members pay and
takes what the caisse gives. That is why the worth does not ask when credit is spent: it counts as
gone when it is given, and comes back only where it lapses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from cardkit.errors import must
from server_stub.rules.allowances import months_from
from server_stub.rules.commitments import Commitment, due_of, last_of, nothing_from

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
    account: int = 0
    """Of one whose payments change, so that it has several rows; 0: of nobody in particular."""


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

    def from_month_on(self, first: date, credit_cents: int) -> Terms:
        """Return what would be voted if the credit were another from a month on."""
        before = tuple(it for it in self.credit_cents if it[0] < first)
        return replace(self, credit_cents=(*before, (first, credit_cents)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What if, from the first month of the projection on."""

    joiners: int = 0
    """More members who pay the floor."""
    leavers: int = 0
    """Of the members who pay most."""
    credit_cents: int | None = None
    """Another credit; None: what is voted."""


AS_IT_IS: Final = Scenario()


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


def under(
    scenario: Scenario, state: FundState, terms: Terms, *, floor_cents: int, from_month: date
) -> tuple[FundState, Terms]:
    """Return the fund and what is voted as a scenario would have them from a month on."""
    fewer = without_greatest(state, scenario.leavers, from_month=from_month)
    more = with_joiners(fewer, scenario.joiners, monthly_cents=floor_cents, from_month=from_month)
    if scenario.credit_cents is None:
        return more, terms
    return more, terms.from_month_on(from_month, scenario.credit_cents)


def payers_of(
    commitments: Sequence[Commitment],
    months: Sequence[date],
    *,
    grace_months: int,
    left_from: date | None = None,
    account: int = 0,
) -> Iterator[Payer]:
    """Yield what one account pays in a row of months, where that changes.

    Promised months are what was promised, changes included. Who does not leave is taken to renew
    what was promised at first, as long as the promise, or its grace, reaches the first month.
    """
    asked = list(_asked(commitments, months, grace_months=grace_months, left_from=left_from))
    start = 0
    for index in range(1, len(asked) + 1):
        if index < len(asked) and asked[index] == asked[start]:
            continue
        one = asked[start]
        if one is not None:
            until = months[index] if index < len(asked) else None
            yield Payer(
                count=1,
                monthly_cents=one[0],
                persons=one[1],
                from_month=months[start],
                until_month=until,
                account=account,
            )
        start = index


def with_joiners(
    state: FundState, count: int, *, monthly_cents: int, from_month: date
) -> FundState:
    """Return the same fund with more members."""
    joiners = Payer(count=count, monthly_cents=monthly_cents, from_month=from_month)
    return replace(state, payers=(*state.payers, joiners))


def without_greatest(state: FundState, count: int, *, from_month: date) -> FundState:
    """Return the same fund as it is when those who pay most leave first."""
    payers: list[Payer] = []
    left, gone = count, set()
    for payer in sorted(state.payers, key=lambda it: -it.monthly_cents):
        leaving = min(left, payer.count) if _is_member(payer, from_month) else 0
        left -= leaving
        if leaving and payer.account:
            gone.add(payer.account)
        if leaving:
            payers.append(replace(payer, count=leaving, until_month=from_month))
        if payer.count > leaving:
            payers.append(replace(payer, count=payer.count - leaving))
    stay = (it for it in payers if it.account not in gone or it.from_month <= from_month)
    return replace(state, payers=tuple(stay))


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


def _asked(
    commitments: Sequence[Commitment],
    months: Iterable[date],
    *,
    grace_months: int,
    left_from: date | None,
) -> Iterator[tuple[int, int] | None]:
    """Yield cents and persons of each month; None: it asks for nothing and gives nothing."""
    months = list(months)
    last = last_of(commitments)
    is_here = last is not None and last.ended_on is None
    renews = is_here and last is not None and months[0] < nothing_from(last, grace_months)
    for month in months:
        due = due_of(commitments, month, grace_months=0)
        if left_from is not None and month >= left_from:
            yield None
        elif due is not None:
            yield due.due_cents, due.persons
        elif last is not None and renews and month >= last.after_last_month:
            yield last.monthly_cents, _last_persons(commitments, last)
        else:
            yield None


def _last_persons(commitments: Sequence[Commitment], last: Commitment) -> int:
    """Return of how many a household is at the end of its last promise."""
    for month in reversed(tuple(months_from(last.first_month, count=last.months))):
        due = due_of(commitments, month, grace_months=0)
        if due is not None:
            return due.persons
    return last.persons


def _is_member(payer: Payer, month: date) -> bool:
    is_over = payer.until_month is not None and payer.until_month <= month
    return payer.from_month <= month and not is_over


def _share(cents: int, share_bp: int) -> int:
    """Return a share, rounded down."""
    return cents * share_bp // WHOLE_BP
