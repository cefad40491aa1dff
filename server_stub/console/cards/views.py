"""The list of cards, who waits for one, and a card with its line of proofs."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.cards.words import FILTERS
from server_stub.console.declared import COORDINATOR, TREASURER
from server_stub.console.downloads import download
from server_stub.console.fields import number_in
from server_stub.console.links import link
from server_stub.console.mine.words import SALE_STATES
from server_stub.console.people.words import CARDS
from server_stub.console.visit import Visit
from server_stub.console.words import REASONS
from server_stub.exports.sheet import sheet
from server_stub.services.card_line import Link, card_line
from server_stub.services.card_numbers import printed
from server_stub.services.card_seen import CardSeen, Seen, card_seen, uid_of
from server_stub.services.cards_read import (
    CardRow,
    Filter,
    WithoutCard,
    cards,
    everybody_without_card,
    without_card,
)

WORDS_MAX = 60


def card_list(visit: Visit) -> HttpResponse:
    """Show cards: the last made first, or those that are looked for."""
    asked = visit.request.GET.get("show", "")
    wanted = Filter(asked) if asked in set(Filter) else Filter.ALL
    words = visit.request.GET.get("q", "")[:WORDS_MAX].strip()
    after = number_in(visit, "after")
    found = cards(visit.caisse, wanted, words, sees_people=sees_people(visit), after=after)
    return visit.page(
        "cards/list.html",
        {
            "rows": [_row(row) for row in found.rows],
            "after": found.after,
            "is_first_page": after is None,
            "filters": [(it.value, told, it is wanted) for it, told in FILTERS.items()],
            "show": wanted.value,
            "words": words,
            "sees_people": sees_people(visit),
        },
    )


def to_issue(visit: Visit) -> HttpResponse:
    """Show who was admitted and has no card that buys; the file for the workshop has no name."""
    if visit.request.GET.get("format") == "csv":
        numbers = everybody_without_card(visit.caisse)
        rows = [["account"], *([number.hex()] for number in numbers)]
        return download(sheet(rows), f"cartes-a-faire-{visit.today.isoformat()}.csv")
    after = number_in(visit, "after")
    waiting = without_card(visit.caisse, sees_people=sees_people(visit), after=after)
    return visit.page(
        "cards/to_issue.html",
        {
            "rows": [_waiting(row) for row in waiting.rows],
            "after": waiting.after,
            "is_first_page": after is None,
            "sees_people": sees_people(visit),
        },
    )


def card_page(visit: Visit, card: str) -> HttpResponse:
    """Show one life of a card, the last one unless another is asked for."""
    seen = find(visit, card, number_in(visit, "life"))
    after = number_in(visit, "after")
    line = card_line(visit.caisse, seen.card, after=after)
    return visit.page(
        "cards/card.html",
        {
            **told(visit, seen),
            "line": [_link(it) for it in line.links],
            "after": line.after,
            "is_first_page": after is None,
            "lives": [(it, *CARDS[it.status]) for it in seen.lives],
            "sightings": [_sighting(it) for it in seen.sightings],
        },
    )


def sees_people(visit: Visit) -> bool:
    """Say whether whoever visits sees names."""
    return visit.has(COORDINATOR, TREASURER)


def find(visit: Visit, card: str, life: int | None) -> CardSeen:
    """Return a card by what stands in the address; a page that is not there where there is none."""
    uid = uid_of(card)
    if uid is None:
        raise Http404
    seen = card_seen(visit.caisse, uid, life, sees_people=sees_people(visit))
    if seen is None:
        raise Http404
    return seen


def told(visit: Visit, seen: CardSeen) -> dict[str, object]:
    """Return what every page of a card says of it."""
    state, tag = CARDS[seen.card.status]
    person = seen.holder
    successor = seen.successor
    return {
        "it": seen,
        "card": seen.card.uid.hex().upper(),
        "number": printed(seen.card.uid),
        "state": state,
        "tag": tag,
        "may_act": sees_people(visit),
        "sees_people": sees_people(visit),
        "holder_address": None if person is None else link("member", person=person.pk),
        "successor": None if successor is None else successor.uid.hex().upper(),
        "behind": [(number, link("terminal", terminal=number)) for number in seen.behind],
    }


def _row(row: CardRow) -> dict[str, object]:
    words, tag = CARDS[row.status]
    return {"one": row, "number": printed(row.uid), "state": words, "tag": tag}


def _waiting(row: WithoutCard) -> dict[str, object]:
    address = None if row.person is None else link("member", person=row.person)
    return {"one": row, "address": address}


def _link(one: Link) -> dict[str, object]:
    state = SALE_STATES.get(one.state, one.state)
    return {
        "one": one,
        "state": state,
        "tag": {"payable": "", "held": "warn", "nothing": "off", "returned": "off"}.get(
            one.state, "warn"
        ),
        "reason": REASONS.get(one.reason, ""),
        "merchant_address": link("merchant", merchant=one.merchant) if one.name else None,
        "terminal_address": link("terminal", terminal=one.terminal) if one.terminal else None,
        "counters": str(one.tmc) if one.tmc == one.first_tmc else f"{one.first_tmc}–{one.tmc}",
    }


def _sighting(one: Seen) -> dict[str, object]:
    why = REASONS.get(one.refused, one.refused) if one.refused else _("vue plus loin que prouvé")
    return {"one": one, "why": why}
