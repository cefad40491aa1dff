"""Members' promises made and changed, and what comes in of them; an account, never a name."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from typing import Final

from cardkit.acts import CommitmentChanged, CommitmentChangeKind, CommitmentMade
from cardkit.acts import ContributionReceived as ContributionAct
from cardkit.errors import must
from server_stub.models import Account, Commitment, Contribution
from server_stub.rules.allowances import months_from
from server_stub.rules.dues import AccountPaid
from server_stub.rules.scheme import RuleName
from server_stub.services import acts
from server_stub.services.caisse import Caisse
from server_stub.services.entitled import dues_of, standing_of
from server_stub.services.rules_in_force import value

_NUMBER_BYTES: Final = 16
Draw = Callable[[int], bytes]


@unique
class NotPromised(Enum):
    """Why a commitment can't be made or changed as asked."""

    BELOW_FLOOR = "less than the voted floor"
    NOT_IN_STEPS = "not a multiple of the voted step"
    NOT_A_MONTH = "a commitment begins with the first day of a month"
    SPOKEN_FOR = "another commitment speaks of these months"
    NOT_OF_IT = "the commitment does not speak of this month"


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
        refusal = _refusal(caisse, account, monthly_cents, first_month, length)
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
        return Promised(Commitment.objects.using(caisse.using).get(number=number))


def change(
    caisse: Caisse,
    commitment: Commitment,
    kind: CommitmentChangeKind,
    *,
    from_month: date,
    monthly_cents: int = 0,
    by: int,
) -> Promised | NotPromised:
    """Change a commitment from a month on, as only the caisse may.

    Nothing is asked back of months whose credit was signed: they are the member's.
    """
    must(kind is CommitmentChangeKind.AMOUNT or not monthly_cents, "an amount of an amount")
    with caisse.alone():
        if from_month.day != 1:
            return NotPromised.NOT_A_MONTH
        spoken_of = {due.month for due in dues_of(caisse, commitment.account_id, grace_months=0)}
        if from_month not in spoken_of:
            return NotPromised.NOT_OF_IT
        body = CommitmentChanged(
            number=bytes(commitment.number),
            kind=kind,
            from_month=from_month,
            monthly_cents=monthly_cents if kind is CommitmentChangeKind.AMOUNT else None,
        )
        acts.record(caisse, body, by=by)
        commitment.refresh_from_db(using=caisse.using)
        return Promised(commitment)


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


def _refusal(
    caisse: Caisse, account: Account, monthly_cents: int, first_month: date, months: int
) -> NotPromised | None:
    if first_month.day != 1:
        return NotPromised.NOT_A_MONTH
    if monthly_cents < value(caisse, RuleName.CONTRIBUTION_FLOOR_CENTS, day=first_month):
        return NotPromised.BELOW_FLOOR
    if monthly_cents % value(caisse, RuleName.CONTRIBUTION_STEP_CENTS, day=first_month):
        return NotPromised.NOT_IN_STEPS
    wanted = set(months_from(first_month, count=months))
    spoken_for = {due.month for due in dues_of(caisse, account.pk, grace_months=0)}
    return NotPromised.SPOKEN_FOR if wanted & spoken_for else None
