"""What every account has promised and paid, read in a handful of queries however many there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Sum

from cardkit.clock import business_date
from server_stub.models import Account, Contribution, Departure
from server_stub.models import Commitment as CommitmentRow
from server_stub.rules.commitments import Commitment, dues
from server_stub.rules.dues import AccountPaid, Payment, paid
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.entitled import as_rule
from server_stub.services.rules_in_force import value


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One account that has promised something."""

    account: Account
    commitments: tuple[Commitment, ...]
    """In the order in which they were signed."""
    left_from: date | None
    """The first month that it has no part in; None: it has not left."""
    paid: AccountPaid
    """Its months up to today."""


def standings(caisse: Caisse, of: Collection[int] | None = None) -> tuple[Standing, ...]:
    """Return every account with a commitment, by its number in the table.

    `of`: only these accounts; None: all of them.
    """
    promised = _commitments(caisse, of)
    accounts = Account.objects.using(caisse.using).filter(pk__in=promised)
    departures = Departure.objects.using(caisse.using).filter(account__in=promised)
    left = dict(departures.values_list("account", "from_month"))
    received = _received_cents(caisse, of)
    grace_months = value(caisse, RuleName.GRACE_MONTHS)
    days_given = value(caisse, RuleName.DUES_DAYS)
    today = business_date(caisse.now())
    return tuple(
        Standing(
            account=account,
            commitments=promised[account.pk],
            left_from=left.get(account.pk),
            paid=_paid(
                promised[account.pk],
                received.get(account.pk, 0),
                today,
                grace_months=grace_months,
                days_given=days_given,
            ),
        )
        for account in accounts.order_by("id")
    )


def _commitments(
    caisse: Caisse, of: Collection[int] | None
) -> Mapping[int, tuple[Commitment, ...]]:
    found: dict[int, tuple[Commitment, ...]] = {}
    rows = CommitmentRow.objects.using(caisse.using)
    wanted = rows.all() if of is None else rows.filter(account__in=of)
    for row in wanted.prefetch_related("changes"):
        found[row.account_id] = (*found.get(row.account_id, ()), as_rule(row))
    return found


def _received_cents(caisse: Caisse, of: Collection[int] | None) -> dict[int, int]:
    """Return what came in for each account until today."""
    rows = Contribution.objects.using(caisse.using).filter(
        value_date__lte=business_date(caisse.now())
    )
    if of is not None:
        rows = rows.filter(account__in=of)
    sums = rows.order_by().values_list("account").annotate(Sum("amount_cents"))
    return dict(sums)


def _paid(
    commitments: tuple[Commitment, ...],
    received_cents: int,
    today: date,
    *,
    grace_months: int,
    days_given: int,
) -> AccountPaid:
    first = min(it.first_month for it in commitments)
    last = max(it.after_last_month for it in commitments)
    count = (last.year - first.year) * 12 + last.month - first.month + grace_months
    due = [
        it
        for it in dues(commitments, first, count=count, grace_months=grace_months)
        if it.month <= today
    ]
    came = [Payment(amount_cents=received_cents, value_date=today)]
    return paid(due, came, day=today, days_given=days_given)
