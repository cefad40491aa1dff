"""The addresses of the pages about access, and of the way in."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.generic import RedirectView

from server_stub.console.access import entrance, others, own
from server_stub.console.access.invitation import invitation
from server_stub.console.access.theirs import THEIRS
from server_stub.console.declared import ADMINISTRATOR, DO, EVERYBODY, READ, Group, Page
from server_stub.services.caisse import Caisse
from server_stub.web import scripted

_ADMINISTRATOR = frozenset({ADMINISTRATOR})

PAGES = [
    Page(
        path="access/people/",
        name="console_people",
        view=others.people,
        who=_ADMINISTRATOR,
        methods=READ,
        menu=(Group.CAISSE, _("Personnes de la console")),
    ),
    Page(
        path="access/people/invite/",
        name="console_invite",
        view=others.invite,
        who=_ADMINISTRATOR,
        needs_fresh_login=True,
    ),
    Page(
        path="access/people/<int:user>/",
        name="console_person",
        view=others.person,
        who=_ADMINISTRATOR,
        needs_fresh_login=True,
    ),
    Page(
        path="access/",
        name="mfa_index",
        view=own.mine,
        who=EVERYBODY,
        methods=READ,
    ),
    Page(
        path="access/second-factor/",
        name="second_factor",
        view=own.second_factor,
        who=EVERYBODY,
        methods=READ,
    ),
    Page(
        path="access/sessions/end/",
        name="end_sessions",
        view=own.end_others,
        who=EVERYBODY,
        methods=DO,
    ),
    Page(
        path="confirm/<str:nonce>/go-on/",
        name="go_on",
        view=own.confirmed,
        who=EVERYBODY,
        methods=READ,
    ),
    Page(
        path="access/passkeys/",
        name="mfa_list_webauthn",
        view=lambda visit: RedirectView.as_view(pattern_name="mfa_index")(visit.request),
        who=EVERYBODY,
        methods=READ,
    ),
    *THEIRS,
]
"""`mfa_…` and `account_…` are the names by which allauth's own code finds a page."""


def of_anybody(serving: Callable[[], Caisse]) -> list[URLPattern]:
    """Return the way in: what comes before anybody is known."""
    return [
        path("login", scripted(entrance.Login.as_view()), name="account_login"),
        path("login/factor", scripted(AuthenticateView.as_view()), name="mfa_authenticate"),
        path("login/passkey", LoginWebAuthnView.as_view(), name="mfa_login_webauthn"),
        path("login/give-up", entrance.give_up, name="give_up_login"),
        path("invitation/<str:token>", invitation(serving), name="invitation"),
    ]
