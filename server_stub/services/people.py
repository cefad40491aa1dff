"""Members as people: taken in, shown to themselves, and erased; the books stay what they are."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from cardkit.clock import business_date
from cardkit.errors import must
from server_stub.models import Account, Card, Commitment, Contribution, Erasure, Person
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted

_ACCOUNT_BYTES: Final = 16
_RETENTION_DAYS: Final = 730
"""Two years, where the caisse has voted nothing shorter."""
Draw = Callable[[int], bytes]


def register(
    caisse: Caisse,
    name: str,
    *,
    applied_on: date | None = None,
    draw: Draw = secrets.token_bytes,
    **contact: str,
) -> Person:
    """Put somebody on the waiting list, with an account whose number says nothing of them."""
    must(bool(name.strip()), "a member has a name")
    today = business_date(caisse.now())
    with caisse.alone():
        account = Account.objects.using(caisse.using).create(number=draw(_ACCOUNT_BYTES))
        return Person.objects.using(caisse.using).create(
            account=account,
            name=name.strip(),
            applied_on=applied_on or today,
            last_contact_on=today,
            **contact,
        )


def waiting_list(caisse: Caisse) -> list[Person]:
    """Return who waits for a wave, in the order in which they applied."""
    waiting = Person.objects.using(caisse.using).filter(wave__isnull=True)
    return list(waiting.order_by("applied_on", "id"))


def admit(caisse: Caisse, wave: int, count: int) -> list[Person]:
    """Take so many from the waiting list into a wave, in its order."""
    with caisse.alone():
        admitted = waiting_list(caisse)[:count]
        for person in admitted:
            person.wave = wave
            person.save(using=caisse.using, update_fields=["wave"])
        return admitted


def all_about(caisse: Caisse, person: Person) -> dict[str, Any]:
    """Return everything that is known of a member, for the member (GDPR art. 15 and 20)."""
    account = person.account
    cards = Card.objects.using(caisse.using).filter(account=account)
    promised = Commitment.objects.using(caisse.using).filter(account=account)
    received = Contribution.objects.using(caisse.using).filter(account=account)
    return {
        "name": person.name,
        "address": person.address,
        "telephone": person.telephone,
        "email": person.email,
        "reached_through": person.reached_through,
        "applied_on": person.applied_on.isoformat(),
        "wave": person.wave,
        "account": account.number.hex(),
        "cards": [{"number": it.uid.hex(), "status": it.status} for it in cards],
        "commitments": [
            {
                "monthly_cents": it.monthly_cents,
                "first_month": it.first_month.isoformat(),
                "months": it.months,
                "persons": it.persons,
            }
            for it in promised
        ],
        "contributions": [
            {
                "amount_cents": it.amount_cents,
                "value_date": it.value_date.isoformat(),
                "reference": it.reference,
            }
            for it in received
        ],
    }


def erase(caisse: Caisse, person: Person, *, by: int) -> Erasure:
    """Forget who an account is; everything that was signed stays, and names nobody."""
    with caisse.alone():
        account = person.account
        person.delete(using=caisse.using)
        return Erasure.objects.using(caisse.using).create(
            account=account, erased_at=caisse.now(), erased_by=by
        )


def erase_due(caisse: Caisse) -> int:
    """Forget whom nobody has been in touch with for as long as is voted; returns how many."""
    days = voted(caisse, RuleName.RETENTION_DAYS) or _RETENTION_DAYS
    last_day = business_date(caisse.now()) - timedelta(days=days)
    due = Person.objects.using(caisse.using).filter(last_contact_on__lt=last_day)
    people = list(due.select_related("account"))
    for person in people:
        erase(caisse, person, by=0)
    return len(people)
