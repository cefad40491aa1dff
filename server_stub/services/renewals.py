"""The renewal campaign: whose promise ends, and new promises that continue old ones."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from typing import Final

from cardkit.clock import business_date
from server_stub.models import Account, Commitment, Person
from server_stub.rules.renewals import Renewal, Stage, first_month_of, renewal_of
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.commitments import NotPromised, Promised, commit, refusal_of
from server_stub.services.entitled import commitments_of
from server_stub.services.rules_in_force import voted
from server_stub.services.standings import standings

Draw = Callable[[int], bytes]
_OPEN: Final = (Stage.TO_RENEW, Stage.IN_GRACE)


@unique
class NotRenewed(Enum):
    """Why a promise is not continued."""

    NOTHING_TO_RENEW = "no promise that ends soon, or has ended"
    ASK_FIRST = "the amount was lowered for a while: what to promise next is asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalRow:
    """One account of the campaign."""

    account: Account
    person: Person | None
    """None: the person was forgotten."""
    renewal: Renewal


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What renewing an account would do."""

    row: RenewalRow
    first_month: date
    monthly_cents: int
    persons: int
    refusal: NotPromised | NotRenewed | None
    """Why it would not; None: it would."""


def campaign(caisse: Caisse) -> list[RenewalRow]:
    """Return whom the renewal concerns today, those whose credit ends first at the top."""
    today, weeks, grace = _terms(caisse)
    people = Person.objects.using(caisse.using).in_bulk(field_name="account_id")
    found = [
        RenewalRow(account=one.account, person=people.get(one.account.pk), renewal=renewal)
        for one in standings(caisse)
        if one.left_from is None
        and (renewal := renewal_of(one.commitments, today, weeks_ahead=weeks, grace_months=grace))
    ]
    return sorted(found, key=lambda row: (row.renewal.nothing_from, row.account.pk))


def answered(caisse: Caisse) -> list[Person]:
    """Return whose promise goes on already: the next one begins after today."""
    today = business_date(caisse.now())
    people = Person.objects.using(caisse.using).filter(
        account__departure__isnull=True,
        account__commitments__first_month__gt=today,
        account__in=Commitment.objects.using(caisse.using)
        .filter(first_month__lte=today)
        .values("account"),
    )
    return list(people.distinct())


def plan_one(
    caisse: Caisse,
    account: Account,
    *,
    monthly_cents: int | None = None,
    persons: int | None = None,
) -> Planned | NotRenewed:
    """Return what renewing an account would do; what is not given stays the same."""
    row = _row(caisse, account)
    if row is None:
        return NotRenewed.NOTHING_TO_RENEW
    cents = row.renewal.monthly_cents if monthly_cents is None else monthly_cents
    household = row.renewal.persons if persons is None else persons
    first_month = first_month_of(row.renewal, business_date(caisse.now()))
    refusal: NotPromised | NotRenewed | None = NotRenewed.ASK_FIRST
    if monthly_cents is not None or not row.renewal.was_lowered:
        refusal = refusal_of(caisse, account, cents, first_month, persons=household)
    return Planned(
        row=row, first_month=first_month, monthly_cents=cents, persons=household, refusal=refusal
    )


def renew(
    caisse: Caisse,
    account: Account,
    *,
    monthly_cents: int | None = None,
    persons: int | None = None,
    by: int,
    draw: Draw = secrets.token_bytes,
) -> Promised | NotPromised | NotRenewed:
    """Continue an account's promise for the voted months, as `plan_one` tells."""
    with caisse.alone():
        plan = plan_one(caisse, account, monthly_cents=monthly_cents, persons=persons)
        if isinstance(plan, NotRenewed):
            return plan
        if plan.refusal is not None:
            return plan.refusal
        return commit(
            caisse,
            account,
            plan.monthly_cents,
            first_month=plan.first_month,
            persons=plan.persons,
            by=by,
            draw=draw,
        )


def plan_same(caisse: Caisse) -> list[Planned]:
    """Return what renewing everybody who is due with the same amount would do; writes nothing."""
    due = (row for row in campaign(caisse) if row.renewal.stage in _OPEN)
    plans = (plan_one(caisse, row.account) for row in due)
    return [plan for plan in plans if isinstance(plan, Planned)]


def renew_same(caisse: Caisse, *, by: int) -> list[Planned]:
    """Renew everybody whom `plan_same` lists without a refusal; all of them, or none."""
    with caisse.alone():
        plans = plan_same(caisse)
        for plan in plans:
            if plan.refusal is None:
                renew(caisse, plan.row.account, by=by)
        return plans


def _row(caisse: Caisse, account: Account) -> RenewalRow | None:
    today, weeks, grace = _terms(caisse)
    promised = commitments_of(caisse, account.pk)
    renewal = renewal_of(promised, today, weeks_ahead=weeks, grace_months=grace)
    if renewal is None:
        return None
    person = Person.objects.using(caisse.using).filter(account=account).first()
    return RenewalRow(account=account, person=person, renewal=renewal)


def _terms(caisse: Caisse) -> tuple[date, int, int]:
    """Return today, the weeks ahead of an end, and the months of grace after it."""
    weeks, grace = (
        voted(caisse, name) or 0 for name in (RuleName.RENEWAL_WEEKS, RuleName.GRACE_MONTHS)
    )
    return business_date(caisse.now()), weeks, grace
