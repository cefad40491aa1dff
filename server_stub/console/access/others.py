"""Who else may enter the console: invitations, roles, and accesses that are closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from server_stub.console.access.forms import InviteForm, RolesForm
from server_stub.console.access.words import EVENTS, REFUSALS, ROLE_NAMES
from server_stub.console.visit import Visit
from server_stub.models import AccessEventKind
from server_stub.services import console_people, invitations, roles, second_factor
from server_stub.services.console_people import ConsolePerson
from server_stub.services.invitations import LASTING, Invited, Wish
from server_stub.services.roles import NotGranted
from server_stub.services.second_factor import NEEDED_BY


def people(visit: Visit) -> HttpResponse:
    """Show everybody who may enter, and what was last done to their ways in."""
    shown = [(found, _state(found)) for found in console_people.everybody(visit.caisse)]
    lately = [(it, EVENTS[it.kind]) for it in console_people.events(visit.caisse)]
    names = {found.number: found.full_name or found.username for found, _tag in shown}
    return visit.page(
        "access/people.html",
        {"people": shown, "role_names": ROLE_NAMES, "events": lately, "names": names},
    )


def invite(visit: Visit) -> HttpResponse:
    """Invite somebody: a name, roles, and a link that is shown once."""
    form = InviteForm(visit.caisse, visit.request.POST if visit.is_post else None)
    if not visit.is_post:
        return visit.page("access/invite.html", {"form": form})
    if form.is_valid():
        data = form.cleaned_data
        made = invitations.invite(
            visit.caisse, data["username"], data["full_name"], form.wishes(), by=visit.user
        )
        if isinstance(made, Invited):
            return _link(visit, made)
        form.add_error(None, str(REFUSALS[made]))
    return visit.page("access/invite.html", {"form": form}, status=422)


def person(visit: Visit, user: int) -> HttpResponse:
    """Show somebody's access, or change it."""
    found = console_people.one(visit.caisse, user)
    if found is None:
        raise Http404
    act = _ACTS.get(visit.request.POST.get("act", "")) if visit.is_post else None
    if act is not None:
        return act(visit, user)
    return _shown(visit, found, RolesForm(visit.caisse))


def _shown(visit: Visit, found: ConsolePerson, form: RolesForm, status: int = 200) -> HttpResponse:
    needs_factor = any(grant.role in NEEDED_BY for grant in found.grants)
    lately = console_people.events(visit.caisse, found.number)
    return visit.page(
        "access/person.html",
        {
            "person": found,
            "state": _state(found),
            "form": form,
            "is_self": found.number == visit.user,
            "needs_factor": needs_factor,
            "role_names": ROLE_NAMES,
            "events": [(it, EVENTS[it.kind]) for it in lately],
        },
        status=status,
    )


def _grant(visit: Visit, user: int) -> HttpResponse:
    form = RolesForm(visit.caisse, visit.request.POST)
    if not form.is_valid():
        found = console_people.one(visit.caisse, user)
        if found is None:
            raise Http404
        return _shown(visit, found, form, 422)
    for wish in form.wishes():
        refusal = _granted(visit, user, wish)
        if refusal is not None:
            return visit.refused(str(REFUSALS[refusal]), "console_person", user=user)
    return visit.done(_("Le rôle est donné."), "console_person", user=user)


def _granted(visit: Visit, user: int, wish: Wish) -> NotGranted | None:
    given = roles.grant(
        visit.caisse,
        user,
        wish.role,
        by=visit.user,
        merchant=wish.merchant,
        from_day=wish.from_day,
        until_day=wish.until_day,
    )
    return given if isinstance(given, NotGranted) else None


def _end_role(visit: Visit, user: int) -> HttpResponse:
    number = str(visit.request.POST.get("grant", ""))
    refusal = (
        roles.end(visit.caisse, int(number), by=visit.user)
        if number.isdecimal()
        else NotGranted.NO_GRANT
    )
    if refusal is not None:
        return visit.refused(str(REFUSALS[refusal]), "console_person", user=user)
    return visit.done(_("Ce rôle a pris fin."), "console_person", user=user)


def _renew(visit: Visit, user: int) -> HttpResponse:
    made = invitations.renew(visit.caisse, user, by=visit.user)
    if isinstance(made, Invited):
        return _link(visit, made)
    return visit.refused(str(REFUSALS[made]), "console_person", user=user)


def _revoke(visit: Visit, user: int) -> HttpResponse:
    if invitations.revoke(visit.caisse, user, by=visit.user):
        return visit.done(_("Le lien n’ouvre plus rien."), "console_person", user=user)
    return visit.refused(_("Aucun lien n’était ouvert."), "console_person", user=user)


def _reset(visit: Visit, user: int) -> HttpResponse:
    refusal = second_factor.reset(visit.caisse, user, by=visit.user)
    if refusal is not None:
        return visit.refused(str(REFUSALS[refusal]), "console_person", user=user)
    words = _(
        "Ses seconds facteurs sont retirés et ses sessions fermées. Cette personne en choisit "
        "un nouveau quand elle entre."
    )
    return visit.done(words, "console_person", user=user)


def _end_sessions(visit: Visit, user: int) -> HttpResponse:
    second_factor.end_sessions(visit.caisse, user)
    second_factor.record(visit.caisse, user, AccessEventKind.SESSIONS_ENDED, by=visit.user)
    return visit.done(_("Ses sessions sont fermées partout."), "console_person", user=user)


def _close(visit: Visit, user: int) -> HttpResponse:
    refusal = console_people.close(visit.caisse, user, by=visit.user)
    if refusal is not None:
        return visit.refused(str(REFUSALS[refusal]), "console_person", user=user)
    words = _("L’accès est fermé : rôles, lien et sessions ont pris fin.")
    return visit.done(words, "console_person", user=user)


def _reopen(visit: Visit, user: int) -> HttpResponse:
    refusal = console_people.reopen(visit.caisse, user, by=visit.user)
    if refusal is not None:
        return visit.refused(str(REFUSALS[refusal]), "console_person", user=user)
    words = _("L’accès est rouvert. Donnez-lui un rôle, et un lien si le mot de passe est oublié.")
    return visit.done(words, "console_person", user=user)


_ACTS: Final[dict[str, Callable[[Visit, int], HttpResponse]]] = {
    "grant": _grant,
    "end_role": _end_role,
    "renew": _renew,
    "revoke": _revoke,
    "reset": _reset,
    "end_sessions": _end_sessions,
    "close": _close,
    "reopen": _reopen,
}


def _link(visit: Visit, made: Invited) -> HttpResponse:
    """Show a link, on this one answer."""
    found = console_people.one(visit.caisse, made.user)
    address = visit.request.build_absolute_uri(reverse("invitation", args=[made.token]))
    hours = int(LASTING.total_seconds() // 3600)
    return visit.page("access/link.html", {"person": found, "address": address, "hours": hours})


def _state(found: ConsolePerson) -> tuple[str, str]:
    """Return how an access stands: how it looks, and a word."""
    if not found.is_open:
        return "off", _("fermé")
    if found.has_password:
        return "good", _("ouvert")
    if found.link_until is not None:
        return "warn", _("invitation envoyée")
    return "bad", _("invitation expirée")
