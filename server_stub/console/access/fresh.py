"""Whoever moves money or rights has shown lately who they are; what they sent is kept meanwhile."""

from __future__ import annotations

import secrets
from typing import Any, Final

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import resolve, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from server_stub.console.access.marks import machine_s

_KEPT: Final = "access.kept"
_KEPT_MAX: Final = 3
"""Requests that wait for a confirmation in one session; the oldest is forgotten first."""
_KEPT_CHARACTERS: Final = 100_000
_NONCE_BYTES: Final = 16
_WHOLE_S: Final = 1
"""Our clock tells whole seconds, and allauth's parts of them: a proof just given is ahead of it."""


def recently_authenticated(request: HttpRequest) -> bool:
    """Say whether whoever is logged in gave a password or a factor in the last minutes.

    The minutes are `ACCOUNT_REAUTHENTICATION_TIMEOUT` by the machine's clock; entering counts.
    """
    records = get_authentication_records(request, request.user)
    if not records:
        return False
    since_s = machine_s() - max(float(record["at"]) for record in records)
    return -_WHOLE_S < since_s < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def ask_again(request: HttpRequest) -> HttpResponse:
    """Lead to the page that asks for a password or a factor, and from there on to `go_on`.

    What was typed waits in the session under a number of its own, and is sent on as it is. A file
    does not: whoever sent one finds the form again, and a sentence that says so.
    """
    if request.method != "POST":
        return _confirm(request, request.get_full_path())
    typed = "" if request.FILES else request.POST.urlencode()
    if request.FILES or len(typed) > _KEPT_CHARACTERS:
        words = _("Rien n’a été fait : confirmez, puis choisissez à nouveau le fichier.")
        messages.error(request, words)
        return _confirm(request, request.get_full_path())
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    kept = {"path": request.path, "query": request.GET.urlencode(), "typed": typed}
    waiting = list(request.session.get(_KEPT, {}).items())[1 - _KEPT_MAX :]
    request.session[_KEPT] = dict([*waiting, (nonce, kept)])
    return _confirm(request, reverse("go_on", args=[nonce]))


def go_on(request: HttpRequest, nonce: str) -> HttpResponse:
    """Send on what waited for a confirmation, once; nothing is done where nothing waits."""
    if not recently_authenticated(request):
        return _confirm(request, request.path)
    waiting = request.session.get(_KEPT, {})
    kept = waiting.pop(nonce, None)
    request.session[_KEPT] = waiting
    if kept is None:
        messages.error(request, _("Rien n’attendait d’être confirmé : rien n’a été fait."))
        return HttpResponseRedirect(reverse("console"))
    return _sent_on(request, kept)


def _confirm(request: HttpRequest, afterwards: str) -> HttpResponse:
    method = get_adapter(request).get_reauthentication_methods(request.user)[0]
    return HttpResponseRedirect(f"{method['url']}?{urlencode({'next': afterwards})}")


def _sent_on(request: HttpRequest, kept: dict[str, Any]) -> HttpResponse:
    """Answer a request as if it were the one that was kept; its token was checked when it came."""
    request.method = "POST"
    request.path = request.path_info = kept["path"]
    request.META["QUERY_STRING"] = kept["query"]
    request.GET = QueryDict(kept["query"])
    request.POST = QueryDict(kept["typed"])
    match = request.resolver_match = resolve(kept["path"])
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response
