"""Whose contributions are late, for the coordinator alone: no document of a stall speaks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from cardkit.clock import business_date
from server_stub.models import Account, Person
from server_stub.rules.late import Age, by_age, is_credit_withheld, oldest_days_late
from server_stub.rules.payment_reference import payment_reference
from server_stub.rules.scheme import LateDues, RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.entitled import days_borne_by_credit
from server_stub.services.rules_in_force import value, voted
from server_stub.services.standings import standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """An account of which something is late."""

    account: Account
    missing_cents: int
    by_age: Mapping[Age, int]
    """In cents."""
    days_late: int
    """Of the oldest month."""
    months: tuple[date, ...]
    is_withheld: bool
    """No new month of credit is signed meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """What a reminder says, and whom it goes to."""

    name: str
    """Empty where the person was erased."""
    address: str
    email: str
    reached_through: str
    missing_cents: int
    months: tuple[date, ...]
    payment_reference: str


def late_accounts(caisse: Caisse) -> list[Late]:
    """Return the accounts of which something is late, the oldest first."""
    today, days_given = business_date(caisse.now()), value(caisse, RuleName.DUES_DAYS)
    days_borne = days_borne_by_credit(caisse)
    found = []
    for one in standings(caisse):
        paid = one.paid
        if not paid.late_cents:
            continue
        found.append(
            Late(
                account=one.account,
                missing_cents=paid.late_cents,
                by_age=by_age(paid, today, days_given=days_given),
                days_late=oldest_days_late(paid, today, days_given=days_given),
                months=tuple(it.month for it in paid.months if it.is_late),
                is_withheld=days_borne is not None
                and is_credit_withheld(paid, today, days_given=days_given, days_borne=days_borne),
            )
        )
    return sorted(found, key=lambda it: -it.days_late)


def reminders(caisse: Caisse) -> list[Reminder]:
    """Return whom to remind; nobody, where it is voted that lateness leads to nothing."""
    if voted(caisse, RuleName.LATE_DUES) in {None, LateDues.NOTHING}:
        return []
    people = Person.objects.using(caisse.using).in_bulk(field_name="account_id")
    return [_reminder(it, people.get(it.account.pk)) for it in late_accounts(caisse)]


def _reminder(late: Late, person: Person | None) -> Reminder:
    return Reminder(
        name=person.name if person else "",
        address=person.address if person else "",
        email=person.email if person else "",
        reached_through=", ".join(it.name for it in person.helpers.all()) if person else "",
        missing_cents=late.missing_cents,
        months=late.months,
        payment_reference=payment_reference(bytes(late.account.number)),
    )
