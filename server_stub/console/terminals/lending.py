"""Whom a terminal sells for: for good, lent for a day, or given back."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.terminals.forms import LoanForm, PayeesForm
from server_stub.console.terminals.views import find, told
from server_stub.console.terminals.words import NOT_PERMITTED
from server_stub.console.visit import Visit
from server_stub.services import lending
from server_stub.services.lending import NotPermitted
from server_stub.services.terminal_seen import payees

_ONE_DAY = timedelta(days=1)


def terminal_merchants(visit: Visit, terminal: int) -> HttpResponse:
    """Let a terminal sell for these merchants from its next exchange on."""
    seen = find(visit, terminal)
    permit = seen.own or seen.state.permit
    initial = [] if permit is None else [grant.merchant for grant in permit.merchants]
    form = PayeesForm(
        payees(visit.caisse),
        visit.request.POST if visit.is_post else None,
        initial={"merchants": initial},
    )
    if visit.is_post and form.is_valid():
        done = lending.assign(
            visit.caisse, seen.terminal, form.cleaned_data["merchants"], by=visit.user
        )
        if not isinstance(done, NotPermitted):
            words = _("C’est signé : le terminal l’apprend à sa prochaine communication.")
            return visit.done(words, "terminal", terminal=terminal)
        form.add_error(None, str(NOT_PERMITTED[done.name]))
    context = {**told(visit, seen), "form": form}
    return visit.page("terminals/merchants.html", context, status=422 if visit.is_post else 200)


def terminal_lend(visit: Visit, terminal: int) -> HttpResponse:
    """Lend a terminal until midnight, or give it back to its own merchants before."""
    seen = find(visit, terminal)
    if visit.is_post and "back" in visit.request.POST:
        if seen.own is None:
            words = _("Ce terminal n’est pas prêté. Rien n’a été changé.")
            return visit.refused(words, "terminal", terminal=terminal)
        own = [grant.merchant for grant in seen.own.merchants]
        back = lending.assign(visit.caisse, seen.terminal, own, by=visit.user)
        if isinstance(back, NotPermitted):
            return visit.refused(str(NOT_PERMITTED[back.name]), "terminal", terminal=terminal)
        words = _("Le prêt est fini : le terminal revient à ses producteurs dès qu’il communique.")
        return visit.done(words, "terminal", terminal=terminal)
    form = LoanForm(payees(visit.caisse), visit.request.POST if visit.is_post else None)
    if visit.is_post and form.is_valid():
        done = lending.lend(
            visit.caisse,
            seen.terminal,
            by=visit.user,
            day=visit.today + (_ONE_DAY if form.cleaned_data["is_tomorrow"] else timedelta(0)),
            merchants=form.cleaned_data["merchants"],
        )
        if not isinstance(done, NotPermitted):
            words = _("Prêté. Faites-le communiquer une fois avant de partir au marché.")
            return visit.done(words, "terminal", terminal=terminal)
        form.add_error(None, str(NOT_PERMITTED[done.name]))
    context = {**told(visit, seen), "form": form}
    return visit.page("terminals/lend.html", context, status=422 if visit.is_post else 200)
