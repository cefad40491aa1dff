"""Taking back what people did: a new act that says which one it reverses, and never an edit."""

from __future__ import annotations

from typing import Final

from cardkit.acts import ActBody, ActKind, CardStatusSet, ReturnReason, SpendReturned, open_act
from cardkit.certificates import Role
from cardkit.directory import CardStatus
from cardkit.payouts import PayoutEvidenced
from cardkit.resolutions import ActReversed
from server_stub.models import (
    ActReversal,
    ActRow,
    Card,
    CardDecision,
    ClaimDecision,
    Dispute,
    DisputeStep,
    PaperClaim,
)
from server_stub.rules.disputes import Event, Stage, step
from server_stub.services import acts, blocks, issue
from server_stub.services.behind import Lock, lock
from server_stub.services.books import LAPSED, MOVED, net_of
from server_stub.services.caisse import Caisse
from server_stub.services.cards import reconcile_cards
from server_stub.services.deciding import Done, NeedsSecond, NotDone, Result, agreed
from server_stub.services.disputes import stage_of
from server_stub.services.settlement import is_owed_again

ALWAYS: Final = frozenset(
    {
        ActKind.CLAIM_ACCEPTED,
        ActKind.RECOVERY_CONFIRMED,
        ActKind.PAPER_ACCEPTED,
        ActKind.FINDING_HANDLED,
        ActKind.TERMINAL_REVOKED,
        ActKind.PAYOUT_EVIDENCED,
    }
)
"""Kinds that can be taken back whatever came after them, but for what a return rests on."""


def take_back(caisse: Caisse, seq: int, *, by: int) -> Result:
    """Reverse an act of a person; what had taken two people takes two again.

    What a member was given stays theirs: no signed credit is ever lowered. A return that is
    taken back is the fund's loss from then on, and its sale stands as it stood before.
    """
    with caisse.alone():
        takes_two = takes_two_back(caisse, seq)
        if isinstance(takes_two, NotDone):
            return takes_two
        row = ActRow.objects.using(caisse.using).get(seq=seq)
        if not _is_free(caisse, row):
            return NotDone.LOCKED
        first = None
        if takes_two:
            first = agreed(caisse, f"act {seq}", ["take_back"], by=by)
            if first is None:
                return NeedsSecond(by)
        return reverse(caisse, row, first=first, by=by)


def takes_two_back(caisse: Caisse, seq: int) -> bool | NotDone:
    """Say whether two people have to take an act back, or why nobody can."""
    row = ActRow.objects.using(caisse.using).filter(seq=seq).first()
    if row is None:
        return NotDone.NO_SUCH_ACT
    if ActReversal.objects.using(caisse.using).filter(reversed=row).exists():
        return NotDone.REVERSED_ALREADY
    body = _body(caisse, row)
    if not _is_reversible(caisse, row, body):
        return NotDone.NOT_REVERSIBLE
    if isinstance(body, PayoutEvidenced) and is_owed_again(caisse, body.settlement, body.merchant):
        return NotDone.CAME_BACK
    return _took_two(body)


def reverse(caisse: Caisse, row: ActRow, *, first: int | None, by: int) -> Done:
    """Put the reversal of an act on record, and let its card be looked at again."""
    card = _card_of(caisse, row)
    if row.kind == ActKind.CARD_STATUS_SET and card is not None:
        blocks.free_card(caisse, card, by=by)
    body = ActReversed(seq=row.seq, digest=bytes(row.digest), entered_by=first)
    made = acts.record(caisse, body, by=by)
    if card is not None:
        reconcile_cards(caisse, [card.pk])
        issue.give_back(caisse, [card.pk])
    return Done(made.seq)


def _is_free(caisse: Caisse, row: ActRow) -> bool:
    """Whether no restore stands in the way; it waits for the right evidence of the statement."""
    locked = lock(caisse)
    if row.kind == ActKind.PAYOUT_EVIDENCED:
        return locked is not Lock.SUSPECTED
    return locked is None


def _is_reversible(caisse: Caisse, row: ActRow, body: ActBody | None) -> bool:
    if row.kind in ALWAYS:
        return True
    match body:
        case SpendReturned(reason=ReturnReason.CLAIM_REFUSED):
            return True
        case CardStatusSet(status=CardStatus.BLOCKED):
            card = _card_of(caisse, row)
            gone = (MOVED, LAPSED)
            return card is not None and not any(net_of(caisse, card, it) for it in gone)
    dispute = _dispute_of(caisse, row)
    if dispute is None:
        return False
    stage = stage_of(caisse, dispute)
    last = DisputeStep.objects.using(caisse.using).filter(dispute=dispute).last()
    is_opening = row.kind == ActKind.DISPUTE_OPENED
    is_last = last is not None and last.act_id == row.seq
    decided = stage in {Stage.CHARGED, Stage.REJECTED}
    may = step(stage, Event.TAKE_BACK) is not None
    return may and (is_last if decided else is_opening)


def _took_two(body: ActBody | None) -> bool:
    return getattr(body, "entered_by", None) is not None or hasattr(body, "second_person")


def _dispute_of(caisse: Caisse, row: ActRow) -> Dispute | None:
    if row.kind == ActKind.DISPUTE_OPENED:
        return Dispute.objects.using(caisse.using).filter(act=row).first()
    if row.kind == ActKind.DISPUTE_DECIDED:
        steps = DisputeStep.objects.using(caisse.using).select_related("dispute")
        taken = steps.filter(act=row).first()
        return None if taken is None else taken.dispute
    return None


def _card_of(caisse: Caisse, row: ActRow) -> Card | None:
    """Return the card whose books an act bears upon, if it is about one."""
    decision = CardDecision.objects.using(caisse.using).filter(act=row).first()
    if decision is not None:
        return decision.card
    dispute = _dispute_of(caisse, row)
    if dispute is not None:
        return dispute.card
    paper = PaperClaim.objects.using(caisse.using).filter(act=row).first()
    if paper is not None:
        return paper.card
    claim = ClaimDecision.objects.using(caisse.using).filter(act=row).first()
    cards = Card.objects.using(caisse.using)
    if claim is not None:
        return cards.filter(claims__entry__digest=claim.entry).first()
    body = _body(caisse, row)
    if isinstance(body, CardStatusSet):
        return cards.filter(uid=body.uid, generation=body.generation).first()
    return None


def _body(caisse: Caisse, row: ActRow) -> ActBody | None:
    keys = list(caisse.ring.trust.keys(Role.SERVICE))
    return open_act(row.content, keys, caisse=caisse.name).body
