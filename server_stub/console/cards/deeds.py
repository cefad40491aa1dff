"""Block a card, free it, replace it: each page says first what will happen."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.cards.views import find, told
from server_stub.console.cards.words import NOT_DONE
from server_stub.console.fields import as_number, number_in
from server_stub.console.visit import Visit
from server_stub.services import card_deeds
from server_stub.services.amounts import euros
from server_stub.services.card_deeds import NotDone
from server_stub.services.card_seen import CardSeen


def card_block(visit: Visit, card: str) -> HttpResponse:
    """Block a lost card, and say where a new one comes from."""
    seen = _seen(visit, card)
    if not visit.is_post:
        return visit.page("cards/block.html", told(visit, seen))
    refused = card_deeds.block(visit.caisse, *_life(seen), by=visit.user)
    words = _(
        "La carte est bloquée : chaque stand l’apprend à sa prochaine communication. Ce qui reste "
        "dessus est gardé pour le membre."
    )
    return _answered(visit, seen, refused, words, card)


def card_free(visit: Visit, card: str) -> HttpResponse:
    """Let a card that was found again buy."""
    seen = _seen(visit, card)
    if not visit.is_post:
        return visit.page("cards/free.html", told(visit, seen))
    refused = card_deeds.free(visit.caisse, *_life(seen), by=visit.user)
    words = _("La carte achète de nouveau, dès que les stands ont communiqué.")
    return _answered(visit, seen, refused, words, card)


def card_replace(visit: Visit, card: str) -> HttpResponse:
    """Lead through a replacement: block, have a new one made, give it what is left."""
    seen = _seen(visit, card)
    if not visit.is_post:
        return visit.page("cards/replace.html", told(visit, seen))
    if visit.request.POST.get("step") == "block":
        refused = card_deeds.block(visit.caisse, *_life(seen), by=visit.user)
        words = _("La carte est bloquée, et son compte est sur la liste de l’atelier.")
        return _answered(visit, seen, refused, words, card, name="card_replace")
    done = card_deeds.give_rest(visit.caisse, *_life(seen))
    if isinstance(done, NotDone):
        return _answered(visit, seen, done, "", card, name="card_replace")
    words = _(
        "%(amount)s sont passés sur la nouvelle carte : elle les apprend à son prochain passage."
    )
    return _answered(visit, seen, None, words % {"amount": euros(done.amount_cents)}, card)


def _seen(visit: Visit, card: str) -> CardSeen:
    life = number_in(visit, "life")
    return find(visit, card, as_number(visit.request.POST.get("life", "")) or life)


def _life(seen: CardSeen) -> tuple[bytes, int]:
    return bytes(seen.card.uid), seen.card.generation


def _answered(
    visit: Visit,
    seen: CardSeen,
    refused: NotDone | None,
    words: str,
    card: str,
    *,
    name: str = "card",
) -> HttpResponse:
    """Say what became of a deed on a page of the card: of the life that it was about."""
    answer = (
        visit.done(words, name, card=card)
        if refused is None
        else visit.refused(str(NOT_DONE[refused]), name, card=card)
    )
    if not seen.is_last_life:
        answer.headers["Location"] += f"?life={seen.card.generation}"
    return answer
