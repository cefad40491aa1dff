"""What an office does about one card: block it, free it, give what is left to the new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique

from cardkit.errors import must
from server_stub.models import Card, CardStatus
from server_stub.services import blocks
from server_stub.services.caisse import Caisse
from server_stub.services.card_seen import CardSeen, card_seen


@unique
class NotDone(Enum):
    """Why nothing was done about a card."""

    NO_CARD = "no such card"
    NOT_ACTIVE = "it does not buy already"
    NOT_BLOCKED = "it is not blocked"
    EMPTIED = "what it had went to another card, or back to the caisse"
    FOLLOWED = "the card has a later life"
    NO_NEW_CARD = "the account has no other card that buys"
    NOTHING_LEFT = "nothing is left to move"
    LOCKED = "nothing is signed while the books are behind"
    NOT_YET = "some terminals may still sell to the old card, or hold sales to it"


@dataclass(frozen=True, slots=True)
class Moved:
    """What the new card was given, in cents."""

    amount_cents: int


def block(caisse: Caisse, uid: bytes, generation: int, *, by: int) -> NotDone | None:
    """Block a card that buys."""
    must(by > 0, "a person blocks a card")
    return _with(caisse, uid, generation, lambda card: _block(caisse, card, by))


def free(caisse: Caisse, uid: bytes, generation: int, *, by: int) -> NotDone | None:
    """Let a blocked card buy again, while what it had is still its own."""
    must(by > 0, "a person frees a card")
    return _with(caisse, uid, generation, lambda card: _free(caisse, card, by))


def give_rest(caisse: Caisse, uid: bytes, generation: int) -> Moved | NotDone:
    """Give the account's new card what a blocked one has left, once no stall can sell to it."""
    with caisse.alone():
        seen = card_seen(caisse, uid, generation, sees_people=False)
        if seen is None:
            return NotDone.NO_CARD
        why_not = _stays(seen)
        if why_not is not None or seen.successor is None:
            return why_not or NotDone.NO_NEW_CARD
        given = blocks.move_remainder(caisse, seen.card, seen.successor)
        if isinstance(given, blocks.NotYet):
            return NotDone.NOT_YET
        return NotDone.LOCKED if given is None else Moved(seen.left_cents)


def _stays(seen: CardSeen) -> NotDone | None:
    """Say why what a card has left stays on it."""
    if not seen.is_blocked:
        return NotDone.NOT_BLOCKED
    if seen.successor is None:
        return NotDone.NO_NEW_CARD
    if seen.behind:
        return NotDone.NOT_YET
    return NotDone.NOTHING_LEFT if seen.left_cents <= 0 else None


def _with(
    caisse: Caisse, uid: bytes, generation: int, deed: Callable[[Card], NotDone | None]
) -> NotDone | None:
    with caisse.alone():
        cards = Card.objects.using(caisse.using).select_for_update()
        card = cards.filter(uid=uid, generation=generation).first()
        return NotDone.NO_CARD if card is None else deed(card)


def _block(caisse: Caisse, card: Card, by: int) -> NotDone | None:
    if card.status != CardStatus.ACTIVE:
        return NotDone.NOT_ACTIVE
    blocks.block_card(caisse, card, by=by)
    return None


def _free(caisse: Caisse, card: Card, by: int) -> NotDone | None:
    seen = card_seen(caisse, bytes(card.uid), card.generation, sees_people=False)
    if card.status != CardStatus.BLOCKED or seen is None:
        return NotDone.NOT_BLOCKED
    if not seen.is_last_life:
        return NotDone.FOLLOWED
    if not seen.may_free:
        return NotDone.EMPTIED
    blocks.free_card(caisse, card, by=by)
    return None
