"""One's own way in: second factors, password, sessions, and what was done to them."""

from __future__ import annotations

from typing import Final

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from server_stub.console.access.entrance import passkeys_possible
from server_stub.console.access.fresh import go_on
from server_stub.console.access.marks import WHOLE
from server_stub.console.access.words import EVENTS
from server_stub.console.visit import Visit
from server_stub.models import AccessEventKind
from server_stub.services.console_people import events
from server_stub.services.second_factor import NEEDED_BY, end_sessions, held_by, record

_BROWSERS: Final = {"Edg": "Edge", "Firefox": "Firefox", "Chrom": "Chrome", "Safari": "Safari"}
_SYSTEMS: Final = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux")
"""In the order in which they are told from each other: later ones are named by earlier ones too."""


def mine(visit: Visit) -> HttpResponse:
    """Show one's own way in."""
    keys = Authenticator.objects.filter(user=visit.user, type=Authenticator.Type.WEBAUTHN)
    sessions = UserSession.objects.purge_and_list(visit.request.user)
    here = visit.request.session.session_key
    return visit.page(
        "access/mine.html",
        {
            "held": held_by(visit.caisse, [visit.user])[visit.user],
            "keys": [(key, key.wrap().name) for key in keys],
            "is_needed": visit.has(*NEEDED_BY),
            "passkeys": passkeys_possible(visit.request),
            "sessions": [
                (_browser(it.user_agent), it.created_at, it.session_key == here) for it in sessions
            ],
            "hours": int(WHOLE.total_seconds() // 3600),
            "events": [(it, EVENTS[it.kind]) for it in events(visit.caisse, visit.user)],
        },
    )


def second_factor(visit: Visit) -> HttpResponse:
    """Lead whoever has no second factor to one of the two ways of having it."""
    held = held_by(visit.caisse, [visit.user])[visit.user]
    if held.is_any:
        return HttpResponseRedirect(reverse("mfa_index"))
    return visit.page(
        "access/second_factor.html",
        {"is_needed": visit.has(*NEEDED_BY), "passkeys": passkeys_possible(visit.request)},
    )


def end_others(visit: Visit) -> HttpResponse:
    """End one's sessions everywhere else."""
    here = visit.request.session.session_key or ""
    count = end_sessions(visit.caisse, visit.user, but=here)
    record(visit.caisse, visit.user, AccessEventKind.SESSIONS_ENDED, by=visit.user)
    words = ngettext(
        "%(count)d autre session est fermée.", "%(count)d autres sessions sont fermées.", count
    )
    if not count:
        words = _("Aucune autre session n’était ouverte.")
    return visit.done(words % {"count": count}, "mfa_index")


def confirmed(visit: Visit, nonce: str) -> HttpResponse:
    """Go on with what waited for a confirmation."""
    return go_on(visit.request, nonce)


def _browser(agent: str) -> str:
    """Return what a person calls a browser: Firefox, Windows."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), _("Navigateur"))
    system = next((name for name in _SYSTEMS if name in agent), "")
    return f"{browser}, {system}" if system else browser
