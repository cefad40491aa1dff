"""What the fund stands at, taken from the books, for the projection of `rules.fund`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Max

from cardkit.allowance import accept_allowance
from cardkit.clock import PARIS
from server_stub.models import AllowanceIssued, PostingLine, Rule
from server_stub.rules.allowances import midnight, month_of, months_from
from server_stub.rules.fund import (
    AS_IT_IS,
    BAND,
    JOINERS_MAX,
    FundState,
    MonthLine,
    Payer,
    Scenario,
    Terms,
    admissible,
    payers_of,
    project,
    under,
)
from server_stub.rules.ledger import OF_MERCHANTS, Book
from server_stub.rules.scheme import RuleName
from server_stub.services import books
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import value, voted
from server_stub.services.standings import Standing, standings

ENDLESS: Final = JOINERS_MAX
"""The number that says: as many as come."""
_NEEDED: Final = (
    RuleName.MONTHLY_CREDIT_CENTS,
    RuleName.EXTRA_PERSON_CENTS,
    RuleName.CONTRIBUTION_FLOOR_CENTS,
    RuleName.EQUILIBRIUM_FUND_CENTS,
    RuleName.GRACE_MONTHS,
    RuleName.DUES_DAYS,
)
_MONEY: Final = frozenset({Book.BANKED, Book.CASH_BOX, Book.CHEQUES})
"""Of contributions: where it is; what counting found missing is nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A band of projections, and the committee's number under each of them."""

    state: FundState
    months: tuple[date, ...]
    bands: tuple[tuple[MonthLine, ...], ...]
    """Under the cautious, the expected and the hopeful outlook."""
    admissible: tuple[int, ...]
    """How many more members who pay the floor the fund carries, likewise."""
    floor_cents: int
    """What they would pay."""


def forecast(
    caisse: Caisse, until: date, *, scenario: Scenario = AS_IT_IS, reserve_cents: int = 0
) -> Forecast:
    """Project the fund from the month after this one to the month of a day.

    No month may end with less than the reserve, for those who are to be admitted.
    """
    months = months_ahead(caisse, until)
    floor_cents = value(caisse, RuleName.CONTRIBUTION_FLOOR_CENTS)
    state, terms = under(
        scenario,
        fund_state(caisse, months),
        terms_of(caisse),
        floor_cents=floor_cents,
        from_month=months[0],
    )
    return Forecast(
        state=state,
        months=months,
        bands=tuple(project(state, terms, outlook, months) for outlook in BAND),
        admissible=tuple(
            admissible(
                state,
                terms,
                outlook,
                months,
                monthly_cents=floor_cents,
                reserve_cents=reserve_cents,
            )
            for outlook in BAND
        ),
        floor_cents=floor_cents,
    )


def can_project(caisse: Caisse) -> bool:
    """Say whether every rule is voted that a projection needs."""
    return all(voted(caisse, name) is not None for name in _NEEDED)


def what_if(
    caisse: Caisse,
    until: date,
    *,
    joiners: int = 0,
    leavers: int = 0,
    credit_cents: int | None = None,
    reserve_cents: int = 0,
) -> Forecast:
    """Project the fund as it would be with so many more who pay the floor, so many fewer of those
    who pay most, and another credit.
    """
    scenario = Scenario(joiners=joiners, leavers=leavers, credit_cents=credit_cents)
    return forecast(caisse, until, scenario=scenario, reserve_cents=reserve_cents)


def months_ahead(caisse: Caisse, until: date) -> tuple[date, ...]:
    """Return the months after this one up to that of a day, one at least."""
    this_month = month_of(caisse.now(), PARIS)
    count = (until.year - this_month.year) * 12 + until.month - this_month.month
    return tuple(months_from(this_month, count=max(1, count) + 1))[1:]


def fund_state(caisse: Caisse, months: Sequence[date] = ()) -> FundState:
    """Return what the fund has, what it owes, and who pays into it in these months, or the next."""
    balances = books.balances(caisse)
    ahead = months or (_next_month(caisse),)

    def stands_in(of: Collection[Book]) -> int:
        return sum(cents for (book, _), cents in balances.items() if book in of)

    paid_in_cents = stands_in(_MONEY) - stands_in({Book.PAID})
    owing = (OF_MERCHANTS - {Book.PAID}) | {Book.WAITING}
    open_cents = stands_in({Book.CREDIT, Book.SPENT})
    accounts = standings(caisse)
    return FundState(
        cash_cents=value(caisse, RuleName.EQUILIBRIUM_FUND_CENTS) + paid_in_cents,
        owed_cents=stands_in(owing),
        outstanding_cents=open_cents - _signed_ahead_cents(caisse),
        late_cents=sum(one.paid.late_cents for one in accounts),
        payers=_payers(caisse, accounts, ahead),
    )


def _signed_ahead_cents(caisse: Caisse) -> int:
    """Return the credit of later months that allowances promise already.

    A card's credit that has lapsed is not open any more, whatever month it was of.
    """
    next_month = midnight(_next_month(caisse), PARIS)
    newest = AllowanceIssued.objects.using(caisse.using).values("card").annotate(last=Max("id"))
    rows = AllowanceIssued.objects.using(caisse.using).filter(id__in=newest.values("last"))
    lapsed = PostingLine.objects.using(caisse.using).filter(account=Book.LAPSED.value)
    rows = rows.exclude(card__in=lapsed.values("posting__card"))
    ahead_cents = 0
    for row in rows:
        steps = accept_allowance(row.content, caisse.ring.trust).steps
        begun = [it.cumulative_cents for it in steps if it.from_at < next_month]
        ahead_cents += steps[-1].cumulative_cents - max(begun, default=0)
    return ahead_cents


def _next_month(caisse: Caisse) -> date:
    return tuple(months_from(month_of(caisse.now(), PARIS), count=2))[1]


def terms_of(caisse: Caisse) -> Terms:
    """Return the credit that is voted, with the days from which it counts."""
    rows = Rule.objects.using(caisse.using).filter(name=RuleName.MONTHLY_CREDIT_CENTS.value)
    return Terms(
        credit_cents=tuple((row.from_day, row.value) for row in rows.order_by("from_day")),
        extra_person_cents=value(caisse, RuleName.EXTRA_PERSON_CENTS),
    )


def _payers(
    caisse: Caisse, accounts: Sequence[Standing], months: Sequence[date]
) -> tuple[Payer, ...]:
    grace_months = value(caisse, RuleName.GRACE_MONTHS)
    return tuple(
        payer
        for one in accounts
        for payer in payers_of(
            one.commitments,
            months,
            grace_months=grace_months,
            left_from=one.left_from,
            account=one.account.pk,
        )
    )
