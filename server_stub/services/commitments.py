"""Members' promises made and changed, and what comes in of them; an account, never a name."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from typing import Final

from cardkit.acts import ContributionReceived as ContributionAct
from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.membership import CommitmentChanged, CommitmentChangeKind, CommitmentMade
from server_stub.models import Account, Commitment, Contribution, Person
from server_stub.rules.allowances import months_from
from server_stub.rules.commitments import due_of
from server_stub.rules.dues import AccountPaid
from server_stub.rules.scheme import RuleName
from server_stub.services import acts, issue
from server_stub.services.caisse import Caisse
from server_stub.services.entitled import as_rule, dues_of, standing_of
from server_stub.services.membership import is_waiting, left_from
from server_stub.services.rules_in_force import value

_NUMBER_BYTES: Final = 16
_PERSONS_MAX: Final = 50
Draw = Callable[[int], bytes]


@unique
class NotPromised(Enum):
    """Why a commitment can't be made or changed as asked."""

    BELOW_FLOOR = "less than the voted floor"
    NOT_IN_STEPS = "not a multiple of the voted step"
    NOT_A_MONTH = "a commitment begins with the first day of a month"
    SPOKEN_FOR = "another commitment speaks of these months"
    NOT_OF_IT = "the commitment does not speak of this month"
    WAITING = "no wave has admitted this account"
    LEFT = "this account has left"
    NOT_LOWER = "until its end an amount is only ever lowered"
    SIGNED_ALREADY = "credit of this month is signed already, and is the member's"
    NO_HOUSEHOLD = "a household has one to fifty persons"


@dataclass(frozen=True, slots=True)
class Promised:
    """A commitment was made or changed."""

    commitment: Commitment


def commit(
    caisse: Caisse,
    account: Account,
    monthly_cents: int,
    *,
    first_month: date,
    persons: int = 1,
    months: int | None = None,
    by: int,
    draw: Draw = secrets.token_bytes,
) -> Promised | NotPromised:
    """Put a member's promise on record; `months` is the voted number where it is not given."""
    with caisse.alone():
        length = months or value(caisse, RuleName.COMMITMENT_MONTHS, day=first_month)
        refusal = refusal_of(
            caisse, account, monthly_cents, first_month, persons=persons, months=length
        )
        if refusal is not None:
            return refusal
        number = draw(_NUMBER_BYTES)
        body = CommitmentMade(
            account=bytes(account.number),
            number=number,
            monthly_cents=monthly_cents,
            first_month=first_month,
            months=length,
            persons=persons,
        )
        acts.record(caisse, body, by=by)
        _in_touch(caisse, account)
        return Promised(Commitment.objects.using(caisse.using).get(number=number))


def change(
    caisse: Caisse,
    commitment: Commitment,
    kind: CommitmentChangeKind,
    *,
    from_month: date,
    monthly_cents: int = 0,
    persons: int = 0,
    by: int,
) -> Promised | NotPromised:
    """Change a commitment from a month on, as only the caisse may.

    Nothing is asked back of months whose credit was signed: they are the member's. So what changes
    the credit, a month off or another number of persons, is of a month that is not signed.
    """
    is_amount, is_persons = (
        kind is CommitmentChangeKind.AMOUNT,
        kind is CommitmentChangeKind.PERSONS,
    )
    must(is_amount or not monthly_cents, "an amount of an amount")
    must(is_persons or not persons, "persons of a household")
    with caisse.alone():
        refusal = _not_changed(
            caisse, commitment, kind, from_month, monthly_cents=monthly_cents, persons=persons
        )
        if refusal is not None:
            return refusal
        body = CommitmentChanged(
            number=bytes(commitment.number),
            kind=kind,
            from_month=from_month,
            monthly_cents=monthly_cents if is_amount else None,
            persons=persons if is_persons else None,
        )
        acts.record(caisse, body, by=by)
        commitment.refresh_from_db(using=caisse.using)
        return Promised(commitment)


def speaking_of(caisse: Caisse, account: Account, month: date) -> Commitment | None:
    """Return the commitment that decides a month of an account; None: none speaks of it."""
    rows = (
        Commitment.objects.using(caisse.using).filter(account=account).prefetch_related("changes")
    )
    speaking = [
        row
        for row, rule in ((row, as_rule(row)) for row in rows)
        if rule.first_month <= month < rule.after_last_month
    ]
    return speaking[-1] if speaking else None


def receive(
    caisse: Caisse,
    account: Account,
    amount_cents: int,
    *,
    value_date: date,
    reference: str,
    by: int,
) -> Contribution:
    """Put on record what came in for an account, or, below zero, what was taken back."""
    must(amount_cents != 0, "a contribution is not nothing")
    body = ContributionAct(
        account=bytes(account.number),
        amount_cents=amount_cents,
        value_date=value_date,
        reference=reference,
    )
    with caisse.alone():
        row = acts.record(caisse, body, by=by)
        return Contribution.objects.using(caisse.using).get(act=row)


def standing(caisse: Caisse, account: Account) -> AccountPaid:
    """Return what an account owes and has paid up to today; a stall never learns it."""
    return standing_of(caisse, account.pk)


def refusal_of(
    caisse: Caisse,
    account: Account,
    monthly_cents: int,
    first_month: date,
    *,
    persons: int = 1,
    months: int | None = None,
) -> NotPromised | None:
    """Return why a promise would not be taken; None: it would."""
    if first_month.day != 1:
        return NotPromised.NOT_A_MONTH
    if is_waiting(caisse, account.pk) or left_from(caisse, account.pk) is not None:
        return NotPromised.WAITING if is_waiting(caisse, account.pk) else NotPromised.LEFT
    if not 1 <= persons <= _PERSONS_MAX:
        return NotPromised.NO_HOUSEHOLD
    length = months or value(caisse, RuleName.COMMITMENT_MONTHS, day=first_month)
    if monthly_cents < value(caisse, RuleName.CONTRIBUTION_FLOOR_CENTS, day=first_month):
        return NotPromised.BELOW_FLOOR
    if monthly_cents % value(caisse, RuleName.CONTRIBUTION_STEP_CENTS, day=first_month):
        return NotPromised.NOT_IN_STEPS
    wanted = set(months_from(first_month, count=length))
    spoken_for = {due.month for due in dues_of(caisse, account.pk, grace_months=0)}
    return NotPromised.SPOKEN_FOR if wanted & spoken_for else None


def _not_changed(
    caisse: Caisse,
    row: Commitment,
    kind: CommitmentChangeKind,
    month: date,
    *,
    monthly_cents: int,
    persons: int,
) -> NotPromised | None:
    if month.day != 1:
        return NotPromised.NOT_A_MONTH
    promised = as_rule(Commitment.objects.using(caisse.using).get(pk=row.pk))
    due = due_of([promised], month, grace_months=0)
    if due is None:
        return NotPromised.NOT_OF_IT
    if kind is CommitmentChangeKind.AMOUNT and monthly_cents >= due.due_cents:
        return NotPromised.NOT_LOWER
    if kind is CommitmentChangeKind.PERSONS and not 1 <= persons <= _PERSONS_MAX:
        return NotPromised.NO_HOUSEHOLD
    if kind in {CommitmentChangeKind.MONTH_OFF, CommitmentChangeKind.PERSONS}:
        signed = issue.last_signed_month(caisse, row.account_id)
        return NotPromised.SIGNED_ALREADY if signed is not None and month <= signed else None
    return None


def _in_touch(caisse: Caisse, account: Account) -> None:
    """Say that there was contact: a name is kept for the voted time after the last one."""
    people = Person.objects.using(caisse.using).filter(account=account)
    people.update(last_contact_on=business_date(caisse.now()))
