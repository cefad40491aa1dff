"""How allauth lets people into this console: nobody signs up, and guessing is slowed down."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final
from unicodedata import normalize

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from server_stub.console.access.fresh import recently_authenticated
from server_stub.console.access.marks import begin
from server_stub.services import guesses

ATTEMPTS_MAX: Final = 5
PATIENCE: Final = timedelta(minutes=5)
TOO_MANY: Final = "too_many_login_attempts"
_EASIEST_FIRST: Final = ("mfa_reauthenticate:webauthn", "mfa_reauthenticate", "reauthenticate")
_NO_ADDRESS: Final = "127.0.0.1"
"""A proxy that speaks through a socket has none, and stands on this machine."""


class Door(DefaultAccountAdapter):  # type: ignore[misc]
    """What allauth asks of us; its own answers where we have no other."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("Le nom ou le mot de passe n’est pas le bon."),
        "incorrect_password": _("Ce n’est pas le bon mot de passe."),
        "enter_current_password": _("Ce n’est pas votre mot de passe actuel."),
        "incorrect_code": _("Ce n’est pas le bon code. Chaque code ne sert qu’une fois."),
        TOO_MANY: _("Trop d’essais. Réessayez dans cinq minutes."),
        "rate_limited": _("Trop d’essais. Réessayez dans cinq minutes."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's
        """Nobody signs up: people are invited."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return who is connected; what a header claims is anybody's word."""
        return request.META.get("REMOTE_ADDR") or _NO_ADDRESS

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse to look at a password after too many wrong ones."""
        key = attempts_key(request, str(credentials.get("username", "")))
        if guesses.failures(key, within=PATIENCE) >= ATTEMPTS_MAX:
            raise self.validation_error(TOO_MANY)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check a name and a password; forget the mistakes of whoever knew it after all."""
        user: User | None = super().authenticate(request, **credentials)
        if user is not None:
            guesses.forget(attempts_key(request, str(credentials.get("username", ""))))
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a mistake, in the database: for all processes that serve."""
        guesses.count(attempts_key(request, str(credentials.get("username", ""))))

    def login(self, request: HttpRequest, user: User) -> None:
        """Give a session to somebody who has passed every step: a new number, and a beginning."""
        super().login(request, user)
        begin(request.session)

    def is_safe_url(self, url: str) -> bool:
        """Lead nobody to another site, nor to another name of this one, after they entered."""
        host, secure = self.request.get_host(), self.request.is_secure()
        return url_has_allowed_host_and_scheme(url, allowed_hosts={host}, require_https=secure)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:  # noqa: ARG002 - allauth's
        """Return to one's own access after a new password."""
        return reverse("mfa_index")

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:  # noqa: ARG002 - allauth's
        """Say no more to somebody whose access was closed than to a stranger."""
        messages.error(request, str(self.error_messages["username_password_mismatch"]))
        return HttpResponseRedirect(reverse("account_login"))

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:  # noqa: ARG002 - allauth's
        """Ask for a password or factor before factors change, unless one was just given."""
        return not recently_authenticated(self.request)

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Return the ways to show again who one is, the easiest first, in our words."""
        words = {
            "reauthenticate": _now("Avec mon mot de passe"),
            "mfa_reauthenticate": _now("Avec un code"),
            "mfa_reauthenticate:webauthn": _now("Avec ma clé d’accès"),
        }
        methods = super().get_reauthentication_methods(user)
        return [
            {**method, "description": words[wanted]}
            for wanted in _EASIEST_FIRST
            for method in methods
            if method["id"] == wanted
        ]


def attempts_key(request: HttpRequest, name: str) -> str:
    """Return where attempts of a name from this address are counted.

    The name as the form reads it: blanks and look-alike letters buy nobody five more attempts.
    """
    same = normalize("NFKC", name.strip()).casefold()
    who = f"{request.META.get('REMOTE_ADDR', '')}|{same}"
    return hashlib.sha256(who.encode()).hexdigest()
