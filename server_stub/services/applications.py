"""People who apply, with what they would like to pay: once admitted, their first promise."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique

from server_stub.models import Application, Person
from server_stub.rules.scheme import RuleName
from server_stub.services import people
from server_stub.services.caisse import Caisse
from server_stub.services.commitments import NotPromised, commit, refusal_of

Draw = Callable[[int], bytes]


@unique
class NoWish(Enum):
    """Why an amount can't be applied for."""

    BELOW_FLOOR = "less than the voted floor"
    NOT_IN_STEPS = "not a multiple of the voted step"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPromise:
    """Somebody who was admitted and has promised nothing yet."""

    person: Person
    monthly_cents: int | None
    """What they applied for; None: that was not asked."""
    persons: int
    refusal: NotPromised | None
    """Why that can't be promised from the month that was asked about; None: it can, or nothing
    was applied for.
    """

    @property
    def is_ready(self) -> bool:
        """Whether what was applied for can be put on record."""
        return self.monthly_cents is not None and self.refusal is None


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


def refusal_of_wish(
    monthly_cents: int | None, rules: Mapping[RuleName, int | None]
) -> NoWish | None:
    """Say why an amount would not be taken as a promise by the rules in force; None: it would."""
    if monthly_cents is None:
        return None
    if monthly_cents < (rules.get(RuleName.CONTRIBUTION_FLOOR_CENTS) or 0):
        return NoWish.BELOW_FLOOR
    step_cents = rules.get(RuleName.CONTRIBUTION_STEP_CENTS) or 1
    return NoWish.NOT_IN_STEPS if monthly_cents % step_cents else None


def first_promises(caisse: Caisse, first_month: date, *, most: int) -> list[FirstPromise]:
    """Return who was admitted, has not left, and has promised nothing yet; `most` of them."""
    admitted = Person.objects.using(caisse.using).filter(
        account__admission__isnull=False,
        account__departure__isnull=True,
        account__commitments__isnull=True,
    )
    rows = admitted.select_related("account", "application").order_by("account__admission")
    return [_first_promise(caisse, person, first_month) for person in rows[:most]]


def promise_all(
    caisse: Caisse, first_month: date, *, most: int, by: int, draw: Draw = secrets.token_bytes
) -> list[FirstPromise]:
    """Put on record what everybody applied for whom `first_promises` shows to be ready."""
    with caisse.alone():
        told = first_promises(caisse, first_month, most=most)
        ready = [one for one in told if one.is_ready]
        for one in ready:
            commit(
                caisse,
                one.person.account,
                one.monthly_cents or 0,
                first_month=first_month,
                persons=one.persons,
                by=by,
                draw=draw,
            )
        return ready


def _first_promise(caisse: Caisse, person: Person, first_month: date) -> FirstPromise:
    applied = getattr(person, "application", None)
    if applied is None:
        return FirstPromise(person=person, monthly_cents=None, persons=1, refusal=None)
    return FirstPromise(
        person=person,
        monthly_cents=applied.monthly_cents,
        persons=applied.persons,
        refusal=refusal_of(
            caisse, person.account, applied.monthly_cents, first_month, persons=applied.persons
        ),
    )
