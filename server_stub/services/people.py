"""Members as people: taken in, shown to themselves, and erased; the books stay what they are."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.membership import CommitmentChangeKind
from server_stub.models import (
    Account,
    Admission,
    Application,
    Card,
    Commitment,
    CommitmentChange,
    Contribution,
    Erasure,
    Helper,
    HelperRole,
    Person,
)
from server_stub.rules.scheme import RuleName
from server_stub.services import bank_statements
from server_stub.services.caisse import Caisse
from server_stub.services.entitled import commitments_of
from server_stub.services.letters import letters_of
from server_stub.services.membership import left_from
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
    reached_through: str = "",
    **contact: str,
) -> Person:
    """Put somebody on the waiting list, with an account whose number says nothing of them.

    `reached_through`: who speaks for them, if somebody does; more is said by `add_helper`.
    """
    must(bool(name.strip()), "a member has a name")
    today = business_date(caisse.now())
    with caisse.alone():
        account = Account.objects.using(caisse.using).create(number=draw(_ACCOUNT_BYTES))
        person = Person.objects.using(caisse.using).create(
            account=account,
            name=name.strip(),
            applied_on=applied_on or today,
            last_contact_on=today,
            **contact,
        )
        if reached_through.strip():
            add_helper(caisse, person, reached_through, role=HelperRole.OTHER)
        return person


def add_helper(
    caisse: Caisse,
    person: Person,
    name: str,
    *,
    role: HelperRole,
    telephone: str = "",
    email: str = "",
) -> Helper:
    """Put down somebody else who is spoken to for a member; erased with the member."""
    must(bool(name.strip()), "a helper has a name")
    return Helper.objects.using(caisse.using).create(
        person=person, name=name.strip(), role=role.value, telephone=telephone, email=email
    )


def remove_helper(caisse: Caisse, helper: Helper) -> None:
    """Forget somebody who helps no longer."""
    helper.delete(using=caisse.using)


def in_touch(caisse: Caisse, person: Person) -> None:
    """Say that somebody was in touch today: a name is kept for the voted time after it."""
    person.last_contact_on = business_date(caisse.now())
    person.save(using=caisse.using, update_fields=["last_contact_on"])


def all_about(caisse: Caisse, person: Person) -> dict[str, Any]:
    """Return everything that is known of a member, for the member (GDPR art. 15 and 20)."""
    account = person.account
    cards = Card.objects.using(caisse.using).filter(account=account)
    admission = Admission.objects.using(caisse.using).filter(account=account).first()
    left = left_from(caisse, account.pk)
    return {
        "name": person.name,
        "address": person.address,
        "telephone": person.telephone,
        "email": person.email,
        "helpers": [
            {"name": it.name, "role": it.role, "telephone": it.telephone, "email": it.email}
            for it in Helper.objects.using(caisse.using).filter(person=person)
        ],
        "applied_on": person.applied_on.isoformat(),
        "applied_for": _applied_for(caisse, person),
        "last_contact_on": person.last_contact_on.isoformat(),
        "wave": None if admission is None else admission.wave.number,
        "left_from": None if left is None else left.isoformat(),
        "account": account.number.hex(),
        "cards": [{"number": it.uid.hex(), "status": it.status} for it in cards],
        "commitments": _commitments(caisse, account),
        "contributions": [
            {
                "amount_cents": it.amount_cents,
                "value_date": it.value_date.isoformat(),
                "reference": it.reference,
            }
            for it in Contribution.objects.using(caisse.using).filter(account=account)
        ],
        "bank_statement": [
            {"label": it.label, "payer": it.payer, "reference": it.reference}
            for it in bank_statements.texts_of(caisse, account)
        ],
        "letters": letters_of(caisse, person),
    }


def erase(caisse: Caisse, person: Person, *, by: int) -> Erasure:
    """Forget who an account is, and who helped; everything that was signed stays, and names nobody.

    The rows are gone from the database; what a backup still has goes with the backup.
    """
    with caisse.alone():
        account = person.account
        bank_statements.erase_texts(caisse, account)
        person.delete(using=caisse.using)
        return Erasure.objects.using(caisse.using).create(
            account=account, erased_at=caisse.now(), erased_by=by
        )


def erase_due(caisse: Caisse) -> int:
    """Forget whom nobody has been in touch with for as long as is voted; returns how many.

    Never a member with a promise that goes on: they are known because of it.
    """
    days = voted(caisse, RuleName.RETENTION_DAYS) or _RETENTION_DAYS
    today = business_date(caisse.now())
    last_day = today - timedelta(days=days)
    due = Person.objects.using(caisse.using).filter(last_contact_on__lt=last_day)
    people = [it for it in due.select_related("account") if not _is_bound(caisse, it, today)]
    for person in people:
        erase(caisse, person, by=0)
    bank_statements.erase_old_texts(caisse)
    return len(people)


def _is_bound(caisse: Caisse, person: Person, day: date) -> bool:
    return any(
        it.after_last_month > day and (it.ended_on is None or it.ended_on > day)
        for it in commitments_of(caisse, person.account_id)
    )


def _applied_for(caisse: Caisse, person: Person) -> dict[str, int] | None:
    row = Application.objects.using(caisse.using).filter(person=person).first()
    return None if row is None else {"monthly_cents": row.monthly_cents, "persons": row.persons}


def _commitments(caisse: Caisse, account: Account) -> list[dict[str, Any]]:
    rows = Commitment.objects.using(caisse.using).filter(account=account)
    return [
        {
            "monthly_cents": it.monthly_cents,
            "first_month": it.first_month.isoformat(),
            "months": it.months,
            "persons": it.persons,
            "changes": [_change(change) for change in it.changes.all()],
        }
        for it in rows.prefetch_related("changes")
    ]


def _change(change: CommitmentChange) -> dict[str, Any]:
    kind = CommitmentChangeKind(change.kind)
    told: dict[str, Any] = {"kind": kind.name.lower(), "from_month": change.from_month.isoformat()}
    if kind is CommitmentChangeKind.AMOUNT:
        told["monthly_cents"] = change.monthly_cents
    if kind is CommitmentChangeKind.PERSONS:
        told["persons"] = change.persons
    return told
