"""decide(), asked again on the documents that the terminal held when it sold."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cardkit.allowance import Allowance, RefundRef
from cardkit.bodies import Intent
from cardkit.decide import Approved, CardState, Declined, Till, decide
from cardkit.directory import CardRow, DirectoryHeader
from cardkit.frozen import dataclass
from cardkit.permit import Permit
from server_stub.rules.facts import APPROVED

DOCUMENTS_UNKNOWN: Final = "documents_unknown"
"""An intent names a document that this service has never signed, nor seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What an intent names by its hashes, as far as it is known here."""

    permit: Permit | None
    directory: DirectoryHeader | None
    row: CardRow | None
    allowance: Allowance | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """APPROVED or a reason; and the refunds without which it would have been another."""

    text: str
    allowance: tuple[int, int] = (0, 0)
    """Epoch and version of the allowance that it was judged by."""
    leans_on: tuple[tuple[int, int], ...] = ()


def judge(
    intent: Intent, *, terminal: int, merchant: int, at: datetime, documents: Documents
) -> Verdict:
    """Say whether the terminal was allowed to make this sale, by what it could know."""
    permit, directory, allowance = documents.permit, documents.directory, documents.allowance
    if permit is None or directory is None or allowance is None:
        return Verdict(DOCUMENTS_UNKNOWN)
    counted = tuple(
        (refund.seq, refund.amount_cents)
        for refund in intent.refunds_counted
        if RefundRef(terminal, refund.seq) not in allowance.refunds
    )

    def ask(refunded_cents: int) -> Approved | Declined:
        card = CardState(
            uid=intent.uid,
            tmc=intent.tmc0,
            tmv=intent.tmv0,
            spent_cents=intent.spent0_cents,
        )
        till = Till(
            now=at,
            permit=permit,
            merchant=merchant,
            directory=directory,
            row=documents.row,
            allowance=allowance,
            refunded_cents=refunded_cents,
            card_day_cents=intent.card_day_cents,
            unsent_cents=intent.unsent_cents,
        )
        return decide(intent.amount_cents, card, till)

    decision = ask(sum(cents for _, cents in counted))
    if isinstance(decision, Declined):
        return Verdict(decision.reason.name.lower())
    leans_on = () if isinstance(ask(0), Approved) else counted
    return Verdict(APPROVED, (allowance.epoch, allowance.version), leans_on)
