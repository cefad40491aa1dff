"""The page of what was found; the field stands in every page's head."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import COORDINATOR, TREASURER
from server_stub.console.visit import Visit
from server_stub.services.search import WORDS_MAX, Found, Kind, search

KINDS: Final[dict[Kind, Promise]] = {
    Kind.PERSON: _("Membre"),
    Kind.CARD: _("Carte"),
    Kind.MERCHANT: _("Producteur"),
    Kind.TERMINAL: _("Terminal"),
    Kind.SALE: _("Vente"),
    Kind.FINDING: _("Point à regarder"),
    Kind.RUN: _("Paiement"),
}
WHERE: Final[dict[Kind, tuple[str, str]]] = {
    Kind.PERSON: ("member", "person"),
    Kind.CARD: ("card", "card"),
    Kind.MERCHANT: ("merchant", "merchant"),
    Kind.TERMINAL: ("terminal", "terminal"),
    Kind.SALE: ("card", "card"),
    Kind.FINDING: ("finding", "finding"),
    Kind.RUN: ("payout", "run"),
}
"""The page of each kind, and what its address calls the key."""


def results(visit: Visit) -> HttpResponse:
    """Show what some words may mean."""
    wanted = visit.request.GET.get("q", "")[:WORDS_MAX]
    found = search(visit.caisse, wanted, sees_people=visit.has(COORDINATOR, TREASURER))
    shown = [{"kind": KINDS[one.kind], "one": one, "address": _address(one)} for one in found]
    return visit.page("search/results.html", {"wanted": wanted, "found": shown})


def _address(one: Found) -> str | None:
    if not one.key:
        return None
    name, argument = WHERE[one.kind]
    return reverse(name, kwargs={argument: one.key})
