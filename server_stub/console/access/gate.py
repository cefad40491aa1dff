"""What stands between a person who is known and a page: time, a second factor, a fresh proof."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from server_stub.console.access.fresh import ask_again, recently_authenticated
from server_stub.console.visit import Visit
from server_stub.services.second_factor import NEEDED_BY, may_enter

WHOLE: Final = timedelta(hours=8)
"""How long anybody stays in, whatever they do."""
IDLE: Final = timedelta(minutes=30)
"""How long somebody who moves money or sees members stays in without doing anything."""
_NOTED_EVERY: Final = timedelta(minutes=1)
_BEGAN: Final = "access.began"
_SEEN: Final = "access.seen"


_BEFORE_A_FACTOR: Final = frozenset(
    {
        "account_reauthenticate",
        "go_on",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "second_factor",
    }
)
"""Names of the pages that lead to a second factor."""


def held_back(visit: Visit, page: str, *, needs_fresh: bool) -> HttpResponse | None:
    """Return where a visitor of the page of that name goes first; None: nowhere else.

    `needs_fresh` is true where a POST moves money or rights.
    """
    if _is_over(visit):
        return _let_out(visit)
    if page not in _BEFORE_A_FACTOR and _lacks_factor(visit):
        return HttpResponseRedirect(f"{reverse('second_factor')}?{_next(visit)}")
    if needs_fresh and visit.is_post and not recently_authenticated(visit.request):
        return ask_again(visit.request)
    return None


def _is_over(visit: Visit) -> bool:
    """Say whether a session has lasted too long, and note that somebody is there."""
    session, now = visit.request.session, visit.caisse.now().timestamp()
    began, seen = session.get(_BEGAN, now), session.get(_SEEN, now)
    if not 0 <= now - began < WHOLE.total_seconds():
        return True
    idle_s = now - seen
    if visit.has(*NEEDED_BY) and idle_s >= IDLE.total_seconds():
        return True
    if _SEEN not in session or idle_s >= _NOTED_EVERY.total_seconds():
        session[_BEGAN], session[_SEEN] = began, now
    return False


def _let_out(visit: Visit) -> HttpResponse:
    """End a session that lasted too long; what was sent with it is not done."""
    lost = visit.is_post
    logout(visit.request)
    words = _("Votre session s’est terminée, faute d’activité. Entrez à nouveau pour continuer.")
    if lost:
        words += " " + _("Ce que vous veniez d’envoyer n’a pas été enregistré.")
    messages.warning(visit.request, words)
    return HttpResponseRedirect(f"{reverse('account_login')}?{_next(visit)}")


def _lacks_factor(visit: Visit) -> bool:
    return visit.has(*NEEDED_BY) and not may_enter(visit.caisse, visit.user)


def _next(visit: Visit) -> str:
    request = visit.request
    return urlencode({"next": request.path if visit.is_post else request.get_full_path()})
