"""A terminal that is withdrawn, stolen or burnt: what is at stake first, then one act."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from server_stub.console.fields import as_number
from server_stub.console.terminals.views import find, told
from server_stub.console.terminals.words import NOT_DONE
from server_stub.console.visit import Visit
from server_stub.services import recover, theft
from server_stub.services.terminal_seen import TerminalSeen
from server_stub.services.theft import NotDone


def terminal_revoke(visit: Visit, terminal: int) -> HttpResponse:
    """Give a terminal nothing to sell with any more; what it tells counts all the same."""
    seen = find(visit, terminal)
    if not visit.is_post:
        return visit.page("terminals/revoke.html", _at_stake(visit, seen))
    refused = theft.revoke(visit.caisse, seen.terminal, by=visit.user)
    if refused is not None:
        return visit.refused(str(NOT_DONE[refused.name]), "terminal", terminal=terminal)
    words = _("Le terminal est retiré : il ne reçoit plus de permis. Ce qu’il envoie compte.")
    return visit.done(words, "terminal", terminal=terminal)


def terminal_stolen(visit: Visit, terminal: int) -> HttpResponse:
    """Declare a theft, all of it at once, under the bound that the page showed."""
    seen = find(visit, terminal)
    if not visit.is_post:
        return visit.page("terminals/stolen.html", _at_stake(visit, seen))
    shown_cents = as_number(visit.request.POST.get("window", ""))
    done = theft.declare_stolen(
        visit.caisse,
        seen.terminal,
        window_cents=-1 if shown_cents is None else shown_cents,
        by=visit.user,
    )
    if isinstance(done, NotDone):
        return visit.refused(str(NOT_DONE[done.name]), "terminal_stolen", terminal=terminal)
    words = _("C’est fait : permis retiré, terminal perdu, plafond posé. Suivez les étapes.")
    return visit.done(words, "terminal", terminal=terminal)


def terminal_lost(visit: Visit, terminal: int) -> HttpResponse:
    """Declare that a terminal sends nothing any more: its sales come back from the cards."""
    seen = find(visit, terminal)
    if not visit.is_post:
        return visit.page("terminals/lost.html", _at_stake(visit, seen))
    if seen.terminal.status == "lost":
        words = _("Ce terminal est déjà déclaré perdu ; rien n’a été changé.")
        return visit.refused(words, "terminal", terminal=terminal)
    found = recover.declare_lost(visit.caisse, seen.terminal, by=visit.user)
    words = ngettext(
        "Le terminal est déclaré perdu. %(count)s vente retrouvée par les cartes est à confirmer.",
        "Le terminal est déclaré perdu. %(count)s ventes retrouvées par les cartes sont à "
        "confirmer.",
        found,
    )
    return visit.done(words % {"count": found}, "terminal", terminal=terminal)


def _at_stake(visit: Visit, seen: TerminalSeen) -> dict[str, object]:
    return {**told(visit, seen), "stake": theft.exposure(visit.caisse, seen.terminal)}
