"""A proven sale that documents do not allow, paid all the same by a decision of two people."""

from __future__ import annotations

from enum import Enum, unique

from cardkit.acts import ClaimAccepted
from cardkit.errors import must
from server_stub.models import ActRow, Claim, ClaimDecision
from server_stub.rules.facts import APPROVED, State
from server_stub.rules.window import BEYOND_LOSS_WINDOW
from server_stub.services import acts, issue
from server_stub.services.behind import lock
from server_stub.services.caisse import Caisse
from server_stub.services.cards import reconcile_cards


@unique
class NotAccepted(Enum):
    """Why a claim is not accepted."""

    SAME_PERSON = "it takes two people"
    NOT_HELD = "nothing of this sale is held"
    NOT_FOR_ITS_DOCUMENTS = "it is not held for what its documents say"
    LOCKED = "a restore is not finished: the terminals may still tell what is missing"


def accept(caisse: Caisse, claim: Claim, *, proposed_by: int, by: int) -> ActRow | NotAccepted:
    """Pay a held sale; what the card proves stays what is paid, and never more.

    For a sale on documents that a restored service has forgotten, beyond what the terminal's
    documents allowed, or beyond the loss window of a stolen terminal: the goods are gone, and the
    caisse bears it. A new decision can't take this back; what was paid too much is a refund.
    """
    must(by > 0 and proposed_by > 0, "two people accept a claim")
    if by == proposed_by:
        return NotAccepted.SAME_PERSON
    with caisse.alone():
        claim.refresh_from_db(using=caisse.using)
        if lock(caisse) is not None:
            return NotAccepted.LOCKED
        decided = ClaimDecision.objects.using(caisse.using).filter(entry=claim.entry.digest)
        if claim.state != State.HELD.value or decided.exists():
            return NotAccepted.NOT_HELD
        is_for_documents = claim.verdict != APPROVED and claim.reason == claim.verdict
        if not is_for_documents and claim.reason != BEYOND_LOSS_WINDOW:
            return NotAccepted.NOT_FOR_ITS_DOCUMENTS
        body = ClaimAccepted(
            entry=bytes(claim.entry.digest),
            amount_cents=claim.amount_cents,
            merchant=claim.merchant,
            first_person=proposed_by,
            second_person=by,
        )
        row = acts.record(caisse, body, by=by)
        if claim.card_id is not None:
            reconcile_cards(caisse, [claim.card_id])
            issue.give_back(caisse, [claim.card_id])
        return row
