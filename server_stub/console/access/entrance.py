"""The way in, as views: a name and a password, a passkey, a second factor; and giving up."""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from typing import Any

from allauth.account.forms import LoginForm
from allauth.account.internal.stagekit import clear_login
from allauth.account.views import LoginView
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.request import split_domain_port
from django.urls import reverse
from django.views.decorators.http import require_POST

from server_stub.console.access.door import TOO_MANY


class Login(LoginView):  # type: ignore[misc]
    """allauth's, with a status of its own where guessing is slowed down."""

    def form_invalid(self, form: LoginForm) -> HttpResponse:
        """Show the form again; 429 where the password was not even looked at."""
        response: HttpResponse = super().form_invalid(form)
        if form.has_error(NON_FIELD_ERRORS, TOO_MANY):
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Offer passkeys where a browser can have any."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "passkeys": passkeys_possible(self.request)}


@require_POST
def give_up(request: HttpRequest) -> HttpResponse:
    """Leave the second step of the way in, and begin again."""
    clear_login(request)
    return HttpResponseRedirect(reverse("account_login"))


def passkeys_possible(request: HttpRequest) -> bool:
    """Say whether this address can have passkeys: they belong to a name, never to a number."""
    host, _ = split_domain_port(request.get_host())
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return True
    return False
