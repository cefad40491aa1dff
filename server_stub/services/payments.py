"""Members' money as it comes in by hand: transfers, cash, cheques, and what is taken back of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from typing import Final

from cardkit.acts import ContributionReceived
from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.till_box import Means
from server_stub.models import Account, Contribution, PaymentMeans, Person, QuittancePrint
from server_stub.rules.payment_reference import in_groups, payment_reference
from server_stub.rules.payments import (
    WITH_QUITTANCE,
    is_code,
    quittance,
    read_quittance,
    taken_back,
)
from server_stub.services import acts
from server_stub.services.caisse import Caisse

CENTS_MAX: Final = 2**31 - 1
_BEGINNING: Final = 8
"""Characters of an account's number that tell it from the others."""


@unique
class NotTaken(Enum):
    """Why a payment is not put on record, or not taken back."""

    NO_AMOUNT = "an amount is at least a cent, and no more than anybody pays"
    DAY_AHEAD = "the day lies ahead"
    NO_CODE = "the reference of a transfer is a number or code, never a name"
    ANOTHER_NUMBER = "the carnet goes on with another number"
    NO_SUCH_PAYMENT = "there is no such payment"
    NO_SUCH_ACCOUNT = "no account, or more than one, begins like that"
    NO_QUITTANCE = "it was neither cash nor a cheque"
    TAKEN_BACK_ALREADY = "it was taken back already"


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment is on record."""

    contribution: Contribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Quittance:
    """What a quittance says when it is printed; the name stands nowhere else."""

    reference: str
    means: Means
    amount_cents: int
    value_date: date
    name: str
    """Empty where the person was erased."""
    cancelled_by: str
    """The reference of the entry that took it back; empty while it counts."""
    is_duplicate: bool


def take(
    caisse: Caisse,
    account: Account,
    amount_cents: int,
    *,
    means: Means,
    value_date: date,
    reference: str = "",
    number: int | None = None,
    by: int,
) -> Taken | NotTaken:
    """Put a payment on record; cash and cheques get the next quittance of this year.

    `reference` is the bank's, of a transfer. `number` is that of the paper stub, where one was
    written already: it has to be the next one.
    """
    must(by > 0, "a person takes a payment")
    with caisse.alone():
        if not 0 < amount_cents <= CENTS_MAX:
            return NotTaken.NO_AMOUNT
        if value_date > business_date(caisse.now()):
            return NotTaken.DAY_AHEAD
        if means in WITH_QUITTANCE:
            year, following = next_quittance(caisse)
            if number not in {None, following}:
                return NotTaken.ANOTHER_NUMBER
            reference = quittance(year, following)
        elif not is_code(reference) or read_quittance(reference) is not None:
            return NotTaken.NO_CODE
        body = ContributionReceived(
            account=bytes(account.number),
            amount_cents=amount_cents,
            value_date=value_date,
            reference=reference,
            means=means,
        )
        return record(caisse, body, by=by)


def take_back(
    caisse: Caisse, contribution: Contribution, *, day: date, by: int
) -> Taken | NotTaken:
    """Take a whole payment back by an entry of its own; the first one stays as it was."""
    must(by > 0, "a person takes a payment back")
    with caisse.alone():
        if day > business_date(caisse.now()):
            return NotTaken.DAY_AHEAD
        rows = PaymentMeans.objects.using(caisse.using)
        if contribution.amount_cents < 0 or rows.filter(cancels=contribution).exists():
            return NotTaken.TAKEN_BACK_ALREADY
        told = rows.filter(contribution=contribution).first()
        body = ContributionReceived(
            account=bytes(contribution.account.number),
            amount_cents=-contribution.amount_cents,
            value_date=day,
            reference=taken_back(contribution.reference),
            means=Means(told.means) if told else Means.TRANSFER,
            cancels=contribution.act_id,
        )
        return record(caisse, body, by=by)


def record(caisse: Caisse, body: ContributionReceived, *, by: int) -> Taken:
    """Sign a contribution that was looked at."""
    row = acts.record(caisse, body, by=by)
    return Taken(Contribution.objects.using(caisse.using).get(act=row))


def next_quittance(caisse: Caisse) -> tuple[int, int]:
    """Return year and number of the next quittance; numbers begin again with each year."""
    year = business_date(caisse.now()).year
    rows = PaymentMeans.objects.using(caisse.using).filter(quittance_year=year)
    last = rows.order_by("-quittance_number").first()
    return year, (last.quittance_number or 0) + 1 if last else 1


def find(caisse: Caisse, reference: str) -> Contribution | NotTaken:
    """Return the payment of a quittance, or the one that a reference names alone."""
    rows = Contribution.objects.using(caisse.using).select_related("account")
    found = list(rows.filter(reference=reference, amount_cents__gt=0)[:2])
    if len(found) > 1:
        found = [it for it in found if not _is_cancelled(caisse, it)]
    return found[0] if len(found) == 1 else NotTaken.NO_SUCH_PAYMENT


def find_account(caisse: Caisse, words: str) -> Account | NotTaken:
    """Return the account of a payment reference, or the one whose number begins like that."""
    wanted = "".join(words.split())
    rows = list(Account.objects.using(caisse.using).all())
    if wanted.upper().startswith("RF"):
        found = [it for it in rows if payment_reference(bytes(it.number)) == wanted.upper()]
    else:
        found = [
            it
            for it in rows
            if len(wanted) >= _BEGINNING and it.number.hex().startswith(wanted.lower())
        ]
    return found[0] if len(found) == 1 else NotTaken.NO_SUCH_ACCOUNT


def reference_of(account: Account) -> str:
    """Return what a member puts on transfers, as it is printed."""
    return in_groups(payment_reference(bytes(account.number)))


def whose(caisse: Caisse) -> dict[int, str]:
    """Return how the coordinator calls each account: its beginning, and the name if there is one.

    For the screen alone: what is kept of a payment names an account.
    """
    names = dict(Person.objects.using(caisse.using).values_list("account_id", "name"))
    rows = Account.objects.using(caisse.using).values_list("id", "number")
    return {
        number: f"{bytes(it).hex()[:_BEGINNING]} {names.get(number, '')}".strip()
        for number, it in rows
    }


def print_quittance(caisse: Caisse, contribution: Contribution, *, by: int) -> Quittance | NotTaken:
    """Return what to print, and keep that it was printed: a second print is a duplicate."""
    must(by > 0, "a person prints a quittance")
    with caisse.alone():
        told = PaymentMeans.objects.using(caisse.using).filter(contribution=contribution).first()
        if told is None or told.quittance_number is None:
            return NotTaken.NO_QUITTANCE
        person = Person.objects.using(caisse.using).filter(account=contribution.account_id).first()
        prints = QuittancePrint.objects.using(caisse.using)
        is_duplicate = prints.filter(contribution=contribution).exists()
        prints.create(contribution=contribution, printed_at=caisse.now(), printed_by=by)
        undone = PaymentMeans.objects.using(caisse.using).filter(cancels=contribution)
        back = undone.select_related("contribution").first()
        return Quittance(
            reference=contribution.reference,
            means=Means(told.means),
            amount_cents=contribution.amount_cents,
            value_date=contribution.value_date,
            name=person.name if person else "",
            cancelled_by=back.contribution.reference if back else "",
            is_duplicate=is_duplicate,
        )


def _is_cancelled(caisse: Caisse, contribution: Contribution) -> bool:
    return PaymentMeans.objects.using(caisse.using).filter(cancels=contribution).exists()
