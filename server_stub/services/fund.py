"""What the fund stands at, taken from the books, for the projection of `rules.fund`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Max, Sum

from cardkit.allowance import accept_allowance
from cardkit.clock import PARIS, business_date
from server_stub.models import Account, AllowanceIssued, Contribution, Rule
from server_stub.rules.allowances import midnight, month_of, months_from
from server_stub.rules.commitments import due_of
from server_stub.rules.fund import BAND, FundState, MonthLine, Payer, Terms, admissible, project
from server_stub.rules.ledger import OF_MERCHANTS, Book
from server_stub.rules.scheme import RuleName
from server_stub.services import books
from server_stub.services.caisse import Caisse
from server_stub.services.commitments import standing
from server_stub.services.entitled import commitments_of
from server_stub.services.rules_in_force import value


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A band of projections, and the committee's number under each of them."""

    state: FundState
    months: tuple[date, ...]
    bands: tuple[tuple[MonthLine, ...], ...]
    """Under the cautious, the expected and the hopeful outlook."""
    admissible: tuple[int, ...]
    """How many more members who pay the floor the fund carries, likewise."""


def forecast(caisse: Caisse, until: date) -> Forecast:
    """Project the fund from the month after this one to the month of a day."""
    state, terms = fund_state(caisse), terms_of(caisse)
    this_month = month_of(caisse.now(), PARIS)
    count = (until.year - this_month.year) * 12 + until.month - this_month.month
    months = tuple(months_from(this_month, count=max(1, count) + 1))[1:]
    floor_cents = value(caisse, RuleName.CONTRIBUTION_FLOOR_CENTS)
    return Forecast(
        state=state,
        months=months,
        bands=tuple(project(state, terms, outlook, months) for outlook in BAND),
        admissible=tuple(
            admissible(state, terms, outlook, months, monthly_cents=floor_cents) for outlook in BAND
        ),
    )


def fund_state(caisse: Caisse) -> FundState:
    """Return what the fund has, what it owes, and who pays into it."""
    balances = books.balances(caisse)
    received = Contribution.objects.using(caisse.using).filter(
        value_date__lte=business_date(caisse.now())
    )
    received_cents = received.aggregate(sum=Sum("amount_cents"))["sum"] or 0
    paid_cents = sum(cents for (book, _), cents in balances.items() if book is Book.PAID)
    owing = (OF_MERCHANTS - {Book.PAID}) | {Book.WAITING}
    owed_cents = sum(cents for (book, _), cents in balances.items() if book in owing)
    credit = (Book.CREDIT, Book.SPENT)
    open_cents = sum(cents for (book, _), cents in balances.items() if book in credit)
    promised = Account.objects.using(caisse.using).filter(commitments__isnull=False)
    accounts = list(promised.distinct())
    return FundState(
        cash_cents=value(caisse, RuleName.EQUILIBRIUM_FUND_CENTS) + received_cents - paid_cents,
        owed_cents=owed_cents,
        outstanding_cents=open_cents - _signed_ahead_cents(caisse),
        late_cents=sum(standing(caisse, account).late_cents for account in accounts),
        payers=_payers(caisse, accounts),
    )


def _signed_ahead_cents(caisse: Caisse) -> int:
    """Return the credit of later months that allowances promise already."""
    next_month = midnight(_next_month(caisse), PARIS)
    newest = AllowanceIssued.objects.using(caisse.using).values("card").annotate(last=Max("id"))
    rows = AllowanceIssued.objects.using(caisse.using).filter(id__in=newest.values("last"))
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


def _payers(caisse: Caisse, accounts: list[Account]) -> tuple[Payer, ...]:
    """Return who pays what next month: whoever has promised it is taken to renew."""
    next_month = _next_month(caisse)
    grace_months = value(caisse, RuleName.GRACE_MONTHS)
    payers = []
    for account in accounts:
        due = due_of(commitments_of(caisse, account.pk), next_month, grace_months=grace_months)
        if due is not None:
            payer = Payer(
                count=1, monthly_cents=due.due_cents, from_month=due.month, persons=due.persons
            )
            payers.append(payer)
    return tuple(payers)
