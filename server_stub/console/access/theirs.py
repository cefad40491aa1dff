"""allauth's pages as pages of this console: behind our guard, in our frame, nothing typed lost."""

from __future__ import annotations

from typing import Any

from allauth.account.views import PasswordChangeView, ReauthenticateView
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.base.views import ReauthenticateView as CodeView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    EditWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django.http import HttpResponse
from django.views import View

from server_stub.console.access.entrance import passkeys_possible
from server_stub.console.access.fresh import ask_again
from server_stub.console.declared import EVERYBODY, Page
from server_stub.console.declared import View as PageView
from server_stub.console.visit import Visit
from server_stub.web import scripted


def _as_page(theirs: type[View]) -> PageView:
    """Return the view of one of allauth's pages as the console calls it."""

    def view(visit: Visit, **named: Any) -> HttpResponse:
        visit.request.visit = visit  # type: ignore[attr-defined]  # for those who keep records
        more = {"visit": visit, "passkeys": passkeys_possible(visit.request)}
        try:
            response = theirs.as_view(extra_context=more)(visit.request, **named)
        except ReauthenticationRequired:
            return ask_again(visit.request)
        return response  # type: ignore[return-value]  # none of them is asynchronous

    return view


def _page(path: str, name: str, theirs: type[View], *, has_script: bool = False) -> Page:
    view = _as_page(theirs)
    return Page(path=path, name=name, view=scripted(view) if has_script else view, who=EVERYBODY)


THEIRS = [
    _page("confirm/", "account_reauthenticate", ReauthenticateView),
    _page("confirm/code/", "mfa_reauthenticate", CodeView),
    _page(
        "confirm/passkey/",
        "mfa_reauthenticate_webauthn",
        ReauthenticateWebAuthnView,
        has_script=True,
    ),
    _page("access/password/", "account_change_password", PasswordChangeView),
    _page("access/app/", "mfa_activate_totp", ActivateTOTPView),
    _page("access/app/remove/", "mfa_deactivate_totp", DeactivateTOTPView),
    _page("access/codes/", "mfa_view_recovery_codes", ViewRecoveryCodesView),
    _page("access/codes/new/", "mfa_generate_recovery_codes", GenerateRecoveryCodesView),
    _page("access/passkeys/add/", "mfa_add_webauthn", AddWebAuthnView, has_script=True),
    _page("access/passkeys/<int:pk>/remove/", "mfa_remove_webauthn", RemoveWebAuthnView),
    _page("access/passkeys/<int:pk>/edit/", "mfa_edit_webauthn", EditWebAuthnView),
]
"""Under the names by which allauth's own code finds them."""
