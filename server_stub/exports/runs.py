"""Runs turned into files: only once they were sent, and always the same file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from cardkit.acts import ActKind
from cardkit.clock import business_date
from server_stub.exports.payout import Payee, Payout
from server_stub.models import Merchant, Settlement, SettlementFile, SettlementPaper
from server_stub.rules.settle import RunState, end_to_end_id
from server_stub.services import bank_details
from server_stub.services.caisse import Caisse
from server_stub.services.details import convention_on, merchant_details
from server_stub.services.settlement import state_of
from server_stub.services.statements import statement_of

Make = Callable[[Payout], bytes]
_LEFT: Final = (ActKind.SETTLEMENT_SENT, ActKind.SETTLEMENT_CONFIRMED)


@unique
class NotExported(Enum):
    """Why no file is made."""

    NO_SUCH_RUN = "there is no approved run of that name"
    NOT_SENT = "it was not marked as sent yet, which copies the books first"
    REVOKED = "it was revoked"
    ANOTHER_CONTENT = "a file of this form left before, with other content"
    NO_STATEMENT = "it was approved before reasons were kept with runs"
    NOT_A_PAYEE = "it pays nothing to that merchant"


@dataclass(frozen=True, slots=True)
class NoAccount:
    """Merchants of the run whose account two people have not confirmed, or not for long enough."""

    merchants: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """A file, and whether it left before."""

    content: bytes
    is_again: bool


def payout_of(caisse: Caisse, name: str) -> Payout | NoAccount:
    """Return a run with the accounts that were in force when it was sent.

    Where a restore forgot the sending, the bank's statement is the first that is known of it.
    """
    run = Settlement.objects.using(caisse.using).select_related("act").get(name=name)
    left = run.steps.using(caisse.using).filter(kind__in=_LEFT).order_by("act")
    sent_at = left.select_related("act")[0].act.at
    payees, missing = [], []
    statement = statement_of(caisse, name)
    names = dict(Merchant.objects.using(caisse.using).values_list("id", "name"))
    if statement is not None:  # a stall that took another name was approved under the old one
        names |= {part.merchant: part.name for part in statement.payees}
    for line in run.lines.using(caisse.using).order_by("merchant"):
        account = bank_details.usable(caisse, line.merchant, sent_at)
        if account is None:
            missing.append(line.merchant)
            continue
        payees.append(
            Payee(
                merchant=line.merchant,
                name=names[line.merchant],
                holder=account.holder,
                iban=account.iban,
                amount_cents=line.amount_cents,
                end_to_end_id=end_to_end_id(name, line.merchant),
                siret=merchant_details(caisse, line.merchant).siret,
                convention=convention_on(caisse, line.merchant, business_date(run.act.at)),
            )
        )
    if missing:
        return NoAccount(tuple(missing))
    return Payout(
        settlement=name, approved_at=run.act.at, payees=tuple(payees), statement=statement
    )


def export(
    caisse: Caisse, name: str, form: str, make: Make, *, by: int
) -> Exported | NotExported | NoAccount:
    """Make a file of a run that was sent, and keep its hash; the next one has to be the same."""
    with caisse.alone():
        payout = _sent(caisse, name)
        if not isinstance(payout, Payout):
            return payout
        content = make(payout)
        row, is_new = _file(caisse, name, form, content, by=by)
        if bytes(row.content_hash) != hashlib.sha256(content).digest():
            return NotExported.ANOTHER_CONTENT
        return Exported(content=content, is_again=not is_new)


def export_paper(
    caisse: Caisse, name: str, form: str, make: Make, *, by: int, merchant: int | None = None
) -> Exported | NotExported | NoAccount:
    """Make a paper of a run that was sent, or hand it out as it left; raises PaperFailed.

    A paper is about the whole run, or about what it pays to one merchant.
    """
    with caisse.alone():
        payout = _sent(caisse, name)
        if not isinstance(payout, Payout):
            return payout
        if payout.statement is None:
            return NotExported.NO_STATEMENT
        if merchant is not None and payout.statement.of(merchant) is None:
            return NotExported.NOT_A_PAYEE
        papers = SettlementPaper.objects.using(caisse.using)
        kept = papers.filter(file__settlement_id=name, file__form=form).first()
        if kept is not None:
            return Exported(content=kept.content, is_again=True)
        content = make(payout)
        row, is_new = _file(caisse, name, form, content, by=by)
        if bytes(row.content_hash) != hashlib.sha256(content).digest():
            return NotExported.ANOTHER_CONTENT
        papers.create(file=row, content=content)
        return Exported(content=content, is_again=not is_new)


def _sent(caisse: Caisse, name: str) -> Payout | NotExported | NoAccount:
    """Return a run of which files may be made."""
    state = state_of(caisse, name)
    if state is None:
        return NotExported.NO_SUCH_RUN
    if state is RunState.APPROVED:
        return NotExported.NOT_SENT
    if state is RunState.REVOKED:
        return NotExported.REVOKED
    return payout_of(caisse, name)


def _file(
    caisse: Caisse, name: str, form: str, content: bytes, *, by: int
) -> tuple[SettlementFile, bool]:
    """Put down that a file leaves, unless one of this form has left; True where it is the first."""
    return SettlementFile.objects.using(caisse.using).get_or_create(
        settlement_id=name,
        form=form,
        defaults={
            "content_hash": hashlib.sha256(content).digest(),
            "made_by": by,
            "made_at": caisse.now(),
        },
    )
