"""What stands between a person who is known and a page: time, a second factor, a fresh proof."""

from __future__ import annotations

from typing import Final

from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from server_stub.console.access.fresh import ask_again, recently_authenticated
from server_stub.console.access.marks import is_over
from server_stub.console.visit import Visit
from server_stub.services.second_factor import NEEDED_BY, may_enter

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
    if is_over(visit.request.session, ends_when_idle=visit.has(*NEEDED_BY)):
        return _let_out(visit)
    if page not in _BEFORE_A_FACTOR and _lacks_factor(visit):
        return HttpResponseRedirect(f"{reverse('second_factor')}?{_next(visit)}")
    if needs_fresh and visit.is_post and not recently_authenticated(visit.request):
        return ask_again(visit.request)
    return None


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
    """Ask the database only where nobody proved a second factor in this session."""
    if not visit.has(*NEEDED_BY):
        return False
    records = get_authentication_records(visit.request, visit.request.user)
    proved = any(record["method"] == "mfa" for record in records)
    return not proved and not may_enter(visit.caisse, visit.user)


def _next(visit: Visit) -> str:
    request = visit.request
    return urlencode({"next": request.path if visit.is_post else request.get_full_path()})
