"""The page behind a one-time link: somebody chooses a password."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from server_stub.console.access.forms import PasswordForm
from server_stub.services.caisse import Caisse
from server_stub.services.invitations import accept, opens_for


def invitation(serving: Callable[[], Caisse]) -> Callable[..., HttpResponse]:
    """Return the view; looking at it uses nothing: a program that previews links may."""

    @sensitive_post_parameters("password", "again")
    @require_http_methods(["GET", "POST"])
    def view(request: HttpRequest, token: str) -> HttpResponse:
        caisse = serving()
        user = opens_for(caisse, token)
        if user is None:
            return _closed(request)
        is_post = request.method == "POST"
        form = PasswordForm(user, request.POST if is_post else None)
        if not is_post or not form.is_valid():
            status = HTTPStatus.UNPROCESSABLE_ENTITY if is_post else HTTPStatus.OK
            context = {"form": form, "invited": user, "caisse": caisse}
            return render(request, "access/invitation.html", context, status=status)
        if accept(caisse, token, form.cleaned_data["password"]) is None:
            return _closed(request)
        if request.user.is_authenticated:
            logout(request)
        messages.success(request, _("Votre mot de passe est choisi. Entrez maintenant avec lui."))
        return HttpResponseRedirect(reverse("account_login"))

    return view


def _closed(request: HttpRequest) -> HttpResponse:
    return render(request, "access/no_invitation.html", status=HTTPStatus.GONE)
