"""The way in: a name, a password, and patience after five mistakes."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final
from unicodedata import normalize

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from server_stub.services import guesses

ATTEMPTS_MAX: Final = 5
PATIENCE: Final = timedelta(minutes=5)


class Login(LoginView):
    """Django's, with our page and a bound on guessing.

    Mistakes count for a name from an address, in the database: for all processes that serve.
    """

    template_name = "login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check a password, unless too many were wrong."""
        self._key = attempts_key(request)
        if guesses.failures(self._key, within=PATIENCE) >= ATTEMPTS_MAX:
            form = self.get_form()
            form.is_bound = False
            context = self.get_context_data(
                form=form, refused=_("Trop d’essais. Réessayez dans cinq minutes.")
            )
            return self.render_to_response(context, status=429)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Count a mistake."""
        guesses.count(self._key)
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Forget the mistakes."""
        guesses.forget(self._key)
        return super().form_valid(form)


def attempts_key(request: HttpRequest) -> str:
    """Return where attempts of this name from this address are counted.

    The name as the form reads it: blanks and look-alike letters buy nobody five more attempts.
    """
    name = normalize("NFKC", str(request.POST.get("username", "")).strip()).casefold()
    who = f"{request.META.get('REMOTE_ADDR', '')}|{name}"
    return hashlib.sha256(who.encode()).hexdigest()
