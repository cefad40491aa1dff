"""A card's facts, through the rules, into the books."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from cardkit.acts import RecoveryReversed, SpendReturned
from cardkit.errors import must
from server_stub.models import Card, CardStatus, CardTransaction, StoredEntry
from server_stub.rules.reconcile import CardBooks, reconcile
from server_stub.services import acts
from server_stub.services.caisse import Caisse
from server_stub.services.card_facts import NOTHING, AtHand, facts_of, fetch, settled
from server_stub.services.card_rows import save
from server_stub.services.surroundings import surroundings


def reconcile_cards(
    caisse: Caisse,
    card_ids: Iterable[int],
    *,
    came: Mapping[int, int] | None = None,
    at_hand: AtHand = NOTHING,
) -> None:
    """Bring the books of these cards to what their facts come to.

    `came`: further cards, and the first counter about which something has just come; of a card
    that is settled before that, no more than what came is looked at. Money that the facts call to
    be returned becomes an act first, and then a fact itself. Only under `Caisse.alone`.
    """
    came = came or {}
    cards = _issued(caisse, {*card_ids, *came}, at_hand.cards)
    if not cards:
        return
    around = surroundings(caisse)
    since = settled(caisse, cards, came)
    rows = fetch(caisse, cards, since, at_hand.claims)
    outcomes = {card: reconcile(facts_of(caisse, card, rows, around)) for card in cards}
    if not caisse.replaying:
        returned = [card for card, outcome in outcomes.items() if _return(caisse, card, outcome)]
        gone_back = {card.id for card in returned}
        if returned:
            since = {card: state for card, state in since.items() if card not in gone_back}
            rows = fetch(caisse, cards, since, at_hand.claims)
        for card in returned:
            outcomes[card] = reconcile(facts_of(caisse, card, rows, around))
            must(not outcomes[card].returns, "what an act returned is returned")
        for card, outcome in outcomes.items():
            _reverse(caisse, card, outcome, rows.transactions.get(card.id, []))
    save(caisse, outcomes, rows)


def _issued(caisse: Caisse, card_ids: Collection[int], at_hand: Mapping[int, Card]) -> list[Card]:
    """Return cards that the workshop has finished, in the order of their ids."""
    cards = [at_hand[number] for number in card_ids if number in at_hand]
    unread = [number for number in card_ids if number not in at_hand]
    if unread:
        cards += Card.objects.using(caisse.using).filter(id__in=unread).order_by()
    issued = (card for card in cards if card.status != CardStatus.ISSUING)
    return sorted(issued, key=lambda card: card.id)


def _return(caisse: Caisse, card: Card, outcome: CardBooks) -> bool:
    for item in outcome.returns:
        body = SpendReturned(
            uid=card.uid,
            generation=card.generation,
            tmc=item.last_tmc,
            amount_cents=item.amount_cents,
            reason=item.reason,
            first_tmc=item.first_tmc if item.first_tmc < item.last_tmc else None,
        )
        acts.record(caisse, body)
    return bool(outcome.returns)


def _reverse(
    caisse: Caisse, card: Card, outcome: CardBooks, before: Iterable[CardTransaction]
) -> None:
    """Put on record that a lost journal, which turned up, contradicts a recovered sale."""
    standing = {one.proven.sale.tmc for one in outcome.transactions}
    for gone in before:
        if gone.claim_id is not None or gone.tmc in standing:
            continue
        told = (
            StoredEntry.objects.using(caisse.using)
            .filter(terminal_id=gone.terminal, seq=gone.seq)
            .order_by("digest")
            .first()
        )
        if told is not None:
            reversal = RecoveryReversed(
                uid=card.uid, generation=card.generation, tmc=gone.tmc, entry=told.digest
            )
            acts.record(caisse, reversal)
