"""From books to rows: only what has changed is written, and all cards of a delivery together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from server_stub.models import Card, CardTransaction, Claim, RefundClaim
from server_stub.rules.reconcile import CardBooks, Transaction
from server_stub.services import books, bulk
from server_stub.services.caisse import Caisse
from server_stub.services.card_facts import Rows
from server_stub.services.findings import Observed, settle_all

_TRANSACTION_FIELDS: Final = (
    "tmv",
    "spent0_cents",
    "amount_cents",
    "terminal",
    "seq",
    "merchant",
    "claim",
    "state",
    "reason",
)


def save(caisse: Caisse, outcomes: Mapping[Card, CardBooks], rows: Rows) -> None:
    """Write what cards' facts come to."""
    using = caisse.using
    changed = [row for card, one in outcomes.items() for row in _claims(one, rows, card)]
    bulk.update(Claim.objects.using(using), changed, ("state", "reason"))
    refunds = [row for card, one in outcomes.items() for row in _refunds(one, rows, card)]
    bulk.update(RefundClaim.objects.using(using), refunds, ("granted", "reason"))
    _save_transactions(caisse, outcomes, rows)
    wanted = [(card, one.postings, rows.posted.get(card.id, {})) for card, one in outcomes.items()]
    books.correct(caisse, wanted)
    settle_all(
        caisse,
        (
            Observed(values=one.findings, open_rows=rows.findings.get(card.id, []), card=card)
            for card, one in outcomes.items()
        ),
    )
    bulk.update(
        Card.objects.using(using),
        [card for card, one in outcomes.items() if _moved(card, one)],
        ("proven_tmc", "proven_tmv", "proven_spent_cents", "is_settled"),
    )


def _claims(outcome: CardBooks, rows: Rows, card: Card) -> Iterator[Claim]:
    for claim in rows.claims.get(card.id, []):
        closing = outcome.claims[claim.entry.digest]
        if (claim.state, claim.reason) != (closing.state.value, closing.reason):
            claim.state, claim.reason = closing.state.value, closing.reason
            yield claim


def _refunds(outcome: CardBooks, rows: Rows, card: Card) -> Iterator[RefundClaim]:
    closings = {one.refund.entry: one for one in outcome.refunds}
    for refund in rows.refunds.get(card.id, []):
        closing = closings[refund.entry.digest]
        if (refund.granted, refund.reason) != (closing.granted, closing.reason):
            refund.granted, refund.reason = closing.granted, closing.reason
            yield refund


def _moved(card: Card, outcome: CardBooks) -> bool:
    last = outcome.last
    before = card.proven_tmc, card.proven_tmv, card.is_settled
    if before == (last.tmc, last.tmv, outcome.settled):
        return False
    card.proven_tmc, card.proven_tmv = last.tmc, last.tmv
    card.proven_spent_cents = last.spent_cents
    card.is_settled = outcome.settled
    return True


def _save_transactions(caisse: Caisse, outcomes: Mapping[Card, CardBooks], rows: Rows) -> None:
    new: list[CardTransaction] = []
    changed: list[CardTransaction] = []
    gone: list[int] = []
    for card, outcome in outcomes.items():
        claim_ids = {claim.entry.digest: claim.id for claim in rows.claims.get(card.id, [])}
        before = {row.tmc: row for row in rows.transactions.get(card.id, [])}
        for row in _transactions(card, outcome.transactions, claim_ids):
            held = before.pop(row.tmc, None)
            if held is None:
                new.append(row)
            elif any(getattr(held, name) != getattr(row, name) for name in _compared()):
                row.pk = held.pk
                changed.append(row)
        gone += [row.pk for row in before.values()]
    manager = CardTransaction.objects.using(caisse.using)
    if gone:
        manager.filter(pk__in=gone).delete()
    bulk.insert(manager, new)
    bulk.update(manager, changed, _TRANSACTION_FIELDS)


def _compared() -> Iterable[str]:
    return ("claim_id" if name == "claim" else name for name in _TRANSACTION_FIELDS)


def _transactions(
    card: Card, transactions: Iterable[Transaction], claim_ids: Mapping[bytes, int]
) -> Iterator[CardTransaction]:
    for one in transactions:
        sale, claim = one.proven.sale, one.proven.claim
        yield bulk.made(
            CardTransaction,
            card_id=card.id,
            tmc=sale.tmc,
            tmv=one.proven.tmv,
            spent0_cents=sale.spent0_cents,
            amount_cents=sale.amount_cents,
            terminal=sale.terminal,
            seq=sale.seq,
            merchant=one.merchant,
            claim_id=claim_ids[claim.entry] if claim else None,
            state=one.closing.state.value,
            reason=one.closing.reason,
        )
