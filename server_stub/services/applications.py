"""People who apply, with what they would like to pay: once admitted, their first promise."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique

from cardkit.clock import business_date
from cardkit.errors import must
from server_stub.models import Account, Application, Commitment, Person
from server_stub.rules.allowances import months_from
from server_stub.rules.scheme import RuleName, of_month
from server_stub.services import people
from server_stub.services.caisse import Caisse
from server_stub.services.commitments import Promised, commit
from server_stub.services.entitled import commitments_of
from server_stub.services.rules_in_force import dated

Draw = Callable[[int], bytes]


@unique
class NoWish(Enum):
    """Why an amount can't be applied for."""

    BELOW_FLOOR = "less than the voted floor"
    NOT_IN_STEPS = "not a multiple of the voted step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a promise is made of today, as it was voted; all of it for a month."""

    floor_cents: int
    step_cents: int
    months: int
    credit_cents: int
    extra_person_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPromise:
    """Somebody who was admitted and has promised nothing yet."""

    person: Person
    monthly_cents: int | None
    """What they applied for; None: that was not asked."""
    persons: int
    refusal: NoWish | None
    """Why that can't be promised from the month that was asked about; None: it can, or nothing
    was applied for.
    """

    @property
    def is_ready(self) -> bool:
        """Whether what was applied for can be put on record."""
        return self.monthly_cents is not None and self.refusal is None


def terms(caisse: Caisse, day: date | None = None) -> Terms:
    """Return what a promise is made of on a day, today by default; one query."""
    names = (
        RuleName.CONTRIBUTION_FLOOR_CENTS,
        RuleName.CONTRIBUTION_STEP_CENTS,
        RuleName.COMMITMENT_MONTHS,
        RuleName.MONTHLY_CREDIT_CENTS,
        RuleName.EXTRA_PERSON_CENTS,
    )
    rules, when = dated(caisse, names), day or business_date(caisse.now())
    floor, step, months, credit, extra = (of_month(rules, name, when) or 0 for name in names)
    return Terms(
        floor_cents=floor,
        step_cents=step,
        months=months,
        credit_cents=credit,
        extra_person_cents=extra,
    )


def months_to_begin(caisse: Caisse, *, count: int = 4) -> tuple[date, ...]:
    """Return the months that a promise may begin with, this one first."""
    return tuple(months_from(business_date(caisse.now()).replace(day=1), count=count))


def apply(
    caisse: Caisse,
    name: str,
    *,
    monthly_cents: int | None,
    persons: int = 1,
    applied_on: date | None = None,
    draw: Draw = secrets.token_bytes,
    **contact: str,
) -> Person:
    """Put somebody on the waiting list, with what they would like to pay; None: not said."""
    with caisse.alone():
        person = people.register(caisse, name, applied_on=applied_on, draw=draw, **contact)
        wish(caisse, person, monthly_cents=monthly_cents, persons=persons)
        return person


def wish(caisse: Caisse, person: Person, *, monthly_cents: int | None, persons: int = 1) -> None:
    """Keep what somebody would like to pay, in the place of what they said before."""
    rows = Application.objects.using(caisse.using)
    if monthly_cents is None:
        rows.filter(person=person).delete()
        return
    told = {"monthly_cents": monthly_cents, "persons": persons}
    rows.update_or_create(person=person, defaults=told)


def change(
    caisse: Caisse, person: Person, *, name: str, address: str, telephone: str, email: str
) -> None:
    """Keep who somebody is and how they are reached."""
    must(bool(name.strip()), "a member has a name")
    person.name, person.address = name.strip(), address
    person.telephone, person.email = telephone, email
    fields = ["name", "address", "telephone", "email"]
    person.save(using=caisse.using, update_fields=fields)


def has_promised(caisse: Caisse, person: Person) -> bool:
    """Say whether somebody ever promised something: what they applied for is over then."""
    return Commitment.objects.using(caisse.using).filter(account=person.account_id).exists()


def not_wished(caisse: Caisse, monthly_cents: int | None) -> NoWish | None:
    """Say why an amount can't be applied for today; None: it can, or none was named."""
    return refusal_of_wish(monthly_cents, terms(caisse))


def months_of_promises(caisse: Caisse, account: Account) -> tuple[date, ...]:
    """Return the months, this one and later, that a member's promises speak of."""
    this = business_date(caisse.now()).replace(day=1)
    promised = commitments_of(caisse, account.pk)
    months = {month for one in promised for month in months_from(one.first_month, count=one.months)}
    return tuple(sorted(month for month in months if month >= this))


def refusal_of_wish(monthly_cents: int | None, told: Terms) -> NoWish | None:
    """Say why an amount would not be taken as a promise by these terms; None: it would."""
    if monthly_cents is None:
        return None
    if monthly_cents < told.floor_cents:
        return NoWish.BELOW_FLOOR
    return NoWish.NOT_IN_STEPS if monthly_cents % (told.step_cents or 1) else None


def first_promises(caisse: Caisse, first_month: date, *, most: int) -> list[FirstPromise]:
    """Return who was admitted, has not left, and has promised nothing yet; `most` of them."""
    admitted = Person.objects.using(caisse.using).filter(
        account__admission__isnull=False,
        account__departure__isnull=True,
        account__commitments__isnull=True,
    )
    rows = admitted.select_related("account", "application").order_by("account__admission")
    told = terms(caisse, first_month)
    return [_first_promise(person, told) for person in rows[:most]]


def promise_all(
    caisse: Caisse, first_month: date, *, most: int, by: int, draw: Draw = secrets.token_bytes
) -> list[FirstPromise]:
    """Put on record what everybody applied for whom `first_promises` shows to be ready.

    What was applied for is forgotten then: the promise says it.
    """
    with caisse.alone():
        told = first_promises(caisse, first_month, most=most)
        ready = [one for one in told if one.is_ready]
        for one in ready:
            done = commit(
                caisse,
                one.person.account,
                one.monthly_cents or 0,
                first_month=first_month,
                persons=one.persons,
                by=by,
                draw=draw,
            )
            must(isinstance(done, Promised), "what is ready can be promised")
            wish(caisse, one.person, monthly_cents=None)
        return ready


def _first_promise(person: Person, told: Terms) -> FirstPromise:
    applied = getattr(person, "application", None)
    if applied is None:
        return FirstPromise(person=person, monthly_cents=None, persons=1, refusal=None)
    return FirstPromise(
        person=person,
        monthly_cents=applied.monthly_cents,
        persons=applied.persons,
        refusal=refusal_of_wish(applied.monthly_cents, told),
    )
