"""Disputed sales: opened for a member, answered by a producer, decided by people or by the rule."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.db.models import Sum

from cardkit.acts import ActKind
from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.resolutions import (
    DisputeAnswer,
    DisputeAnswered,
    DisputeDecided,
    DisputeKind,
    DisputeOpened,
    DisputeOutcome,
    DisputeReason,
)
from server_stub.models import ActText, CardDecision, CardTransaction, Dispute, RefundClaim
from server_stub.rules import disputes as rules
from server_stub.rules.disputes import BY_ANSWER, OPEN, Overdue, Stage
from server_stub.rules.facts import State
from server_stub.rules.scheme import DisputeBearer, RuleName, Unanswered
from server_stub.services import acts, issue
from server_stub.services.behind import lock
from server_stub.services.caisse import Caisse
from server_stub.services.cards import reconcile_cards
from server_stub.services.deciding import (
    Done,
    NeedsSecond,
    NotDone,
    Result,
    agreed,
    single_max_cents,
)
from server_stub.services.resolved import facts_of_dispute
from server_stub.services.rules_in_force import voted_or_proposed

_NUMBER_BYTES: Final = 16
TEXT_MAX: Final = 500
Draw = Callable[[int], bytes]


def open_dispute(
    caisse: Caisse,
    sale: CardTransaction,
    kind: DisputeKind,
    *,
    amount_cents: int | None = None,
    by: int,
    draw: Draw = secrets.token_bytes,
) -> Dispute | NotDone:
    """Dispute a sale that is owed, all that is left of it or a part.

    The producer has the voted days to answer. A sale that the caisse itself doubts is held, and
    waits for people.
    """
    must(by > 0, "a person opens a dispute")
    with caisse.alone():
        sale.refresh_from_db(using=caisse.using)
        if sale.state != State.PAYABLE.value:
            return NotDone.NOT_PAYABLE
        before = of_sale(caisse, sale)
        if was_returned(caisse, sale) or any(
            Stage(facts_of_dispute(it).stage) in OPEN for it in before
        ):
            return NotDone.ALREADY
        left_cents = _left_cents(caisse, sale, before)
        cents = left_cents if amount_cents is None else amount_cents
        if not 0 < cents <= left_cents:
            return NotDone.MORE_THAN_LEFT
        doubted = kind is DisputeKind.DOUBTED
        last_day = business_date(caisse.now()) + timedelta(
            days=voted_or_proposed(caisse, RuleName.DISPUTE_DAYS)
        )
        body = DisputeOpened(
            number=draw(_NUMBER_BYTES),
            uid=sale.card.uid,
            generation=sale.card.generation,
            tmc=sale.tmc,
            kind=kind,
            amount_cents=cents,
            is_held=doubted or bool(voted_or_proposed(caisse, RuleName.DISPUTE_HOLDS)),
            answer_by=None if doubted else last_day,
        )
        acts.record(caisse, body, by=by)
        reconcile_cards(caisse, [sale.card_id])
        return Dispute.objects.using(caisse.using).get(number=body.number)


def answer(
    caisse: Caisse, dispute: Dispute, said: DisputeAnswer, *, text: str = "", by: int
) -> Result:
    """Put the producer's statement on record; what they wrote is kept apart and can be erased."""
    must(len(text) <= TEXT_MAX, "a statement within its bounds")
    with caisse.alone():
        stage = stage_of(caisse, dispute)
        if rules.step(stage, BY_ANSWER[said]) is None:
            return NotDone.DECIDED if stage not in OPEN else NotDone.NOT_FOR_THIS
        row = acts.record(caisse, DisputeAnswered(number=dispute.number, answer=said), by=by)
        if text:
            ActText.objects.using(caisse.using).create(act=row, text=text)
        reconcile_cards(caisse, [dispute.card_id])
        return Done(row.seq)


def decide(
    caisse: Caisse,
    dispute: Dispute,
    *,
    to_member: bool,
    reason: DisputeReason,
    by: int,
) -> Result:
    """Return what is disputed to the member, or let the sale stand; above the limit, as two."""
    with caisse.alone():
        if lock(caisse) is not None:
            return NotDone.LOCKED
        stage = stage_of(caisse, dispute)
        if stage not in OPEN:
            return NotDone.DECIDED
        outcome = rules.outcome(to_member=to_member, borne_by=_borne_by(caisse))
        entered_by = None
        if dispute.amount_cents > single_max_cents(caisse):
            subject = f"dispute {dispute.number.hex()}"
            entered_by = agreed(caisse, subject, [outcome.name, reason.name], by=by)
            if entered_by is None:
                return NeedsSecond(by)
        return _decide(caisse, dispute, outcome, reason, by=by, entered_by=entered_by)


def settle_due(caisse: Caisse) -> int:
    """Let the voted rule decide where producers' days are over; returns how many it decided."""
    must(not caisse.replaying, "nothing is decided while the books are recomputed")
    today = business_date(caisse.now())
    with caisse.alone():
        unanswered = Dispute.objects.using(caisse.using).filter(
            answer_by__lt=today, steps__isnull=True
        )
        overdue = Overdue(
            unanswered=Unanswered(voted_or_proposed(caisse, RuleName.DISPUTE_UNANSWERED)),
            borne_by=_borne_by(caisse),
        )
        decided = 0
        for dispute in unanswered.select_related("card"):
            facts = facts_of_dispute(dispute)
            outcome = rules.decided_by_day(Stage(facts.stage), facts.answer_by, today, overdue)
            if outcome is not None:
                _decide(caisse, dispute, outcome, DisputeReason.UNANSWERED, by=0, entered_by=None)
                decided += 1
        return decided


def was_returned(caisse: Caisse, sale: CardTransaction) -> bool:
    """Say whether an act gave a sale's money back already, alone or with others around it."""
    rows = CardDecision.objects.using(caisse.using).filter(
        card=sale.card_id, kind=ActKind.SPEND_RETURNED, tmc__gte=sale.tmc
    )
    spans = rows.values_list("first_tmc", "tmc")
    return any((first_tmc or tmc) <= sale.tmc for first_tmc, tmc in spans)


def of_sale(caisse: Caisse, sale: CardTransaction) -> list[Dispute]:
    """Return every dispute of a sale, the oldest first."""
    rows = Dispute.objects.using(caisse.using).filter(card=sale.card_id, tmc=sale.tmc)
    return list(rows.order_by("act").prefetch_related("steps"))


def sale_of(caisse: Caisse, uid: str, tmc: int) -> CardTransaction | None:
    """Return a proven sale by the card's UID and counter; of several lives, the newest."""
    sales = (it for it in sales_of(caisse, uid) if it.tmc == tmc)
    return max(sales, key=lambda it: it.card.generation, default=None)


def sales_of(caisse: Caisse, uid: str) -> list[CardTransaction]:
    """Return the proven sales of a card by its UID, the newest first."""
    try:
        card = bytes.fromhex("".join(uid.split()).replace(":", ""))
    except ValueError:
        return []
    rows = CardTransaction.objects.using(caisse.using).select_related("card", "claim")
    return list(rows.filter(card__uid=card).order_by("-card__generation", "-tmc"))


def find(caisse: Caisse, number: str) -> Dispute | NotDone:
    """Return the dispute whose number begins so, when it is the only one."""
    rows = Dispute.objects.using(caisse.using).select_related("card").prefetch_related("steps")
    found = [it for it in rows if number and it.number.hex().startswith(number.lower())]
    return found[0] if len(found) == 1 else NotDone.NO_SUCH_DISPUTE


def all_disputes(caisse: Caisse) -> list[Dispute]:
    """Return every dispute, the newest first."""
    rows = Dispute.objects.using(caisse.using).select_related("card").prefetch_related("steps")
    return list(rows.order_by("-act"))


def stage_of(caisse: Caisse, dispute: Dispute) -> Stage:
    """Return how far a dispute has come, by the tables as they are now."""
    rows = Dispute.objects.using(caisse.using).prefetch_related("steps")
    return Stage(facts_of_dispute(rows.get(pk=dispute.pk)).stage)


def _decide(
    caisse: Caisse,
    dispute: Dispute,
    outcome: DisputeOutcome,
    reason: DisputeReason,
    *,
    by: int,
    entered_by: int | None,
) -> Done:
    rejected = outcome is DisputeOutcome.REJECTED
    body = DisputeDecided(
        number=dispute.number,
        outcome=outcome,
        amount_cents=0 if rejected else dispute.amount_cents,
        reason=reason,
        entered_by=entered_by,
    )
    row = acts.record(caisse, body, by=by)
    reconcile_cards(caisse, [dispute.card_id])
    issue.give_back(caisse, [dispute.card_id])
    return Done(row.seq)


def _borne_by(caisse: Caisse) -> DisputeBearer:
    return DisputeBearer(voted_or_proposed(caisse, RuleName.DISPUTE_BORNE_BY))


def _left_cents(caisse: Caisse, sale: CardTransaction, before: list[Dispute]) -> int:
    refunds = RefundClaim.objects.using(caisse.using).filter(
        card=sale.card_id, selling_terminal=sale.terminal, intent_seq=sale.seq, granted=True
    )
    refunded_cents = refunds.aggregate(sum=Sum("amount_cents"))["sum"] or 0
    return rules.left_to_dispute_cents(
        sale.amount_cents,
        refunded_cents=refunded_cents,
        disputes=[facts_of_dispute(it) for it in before],
    )
