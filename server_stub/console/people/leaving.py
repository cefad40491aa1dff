"""A member leaves: told before it is done."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from server_stub.console.people.forms import LeaveForm
from server_stub.console.people.member import found
from server_stub.console.people.words import refusal
from server_stub.console.visit import Visit
from server_stub.services import exits
from server_stub.services.amounts import euros


def member_leave(visit: Visit, person: int) -> HttpResponse:
    """Show what leaving would do, for the card where it is; then do it."""
    row = found(visit, person)
    form = LeaveForm(visit.request.POST if visit.is_post else visit.request.GET or None)
    if not form.is_bound or not form.is_valid():
        context = {"form": form if form.is_bound else LeaveForm(), "person": row}
        return visit.page("people/leave.html", context)
    card = exits.CardIs(form.cleaned_data["card"])
    if visit.is_post:
        done = exits.leave(visit.caisse, row.account, card=card, by=visit.user)
        if isinstance(done, exits.NotLeft):
            return visit.refused(refusal(done), "member", person=person)
        words = _("%(name)s quitte la caisse.") % {"name": row.name}
        return visit.done(words, "member", person=person)
    plan = exits.plan(visit.caisse, row.account, card=card)
    if isinstance(plan, exits.NotLeft):
        return visit.refused(refusal(plan), "member", person=person)
    owed = [it for it in plan.last_dues.months if it.missing_cents]
    context = {"form": form, "person": row, "plan": plan, "owed": owed, "card": card.value}
    return visit.page("people/leave.html", context)


def member_card_back(visit: Visit, person: int) -> HttpResponse:
    """Block the card that a leaver had kept, and take back what can be taken back already."""
    row = found(visit, person)
    count = exits.take_card_back(visit.caisse, row.account, by=visit.user)
    if not count:
        words = _("Il n’y avait pas de carte gardée à bloquer.")
        return visit.refused(words, "member", person=person)
    words = ngettext("%(count)s carte bloquée.", "%(count)s cartes bloquées.", count)
    return visit.done(words % {"count": count}, "member", person=person)


def lapse(visit: Visit) -> HttpResponse:
    """Take back what leavers' blocked cards have left, where every stall knows of the block."""
    cents = exits.lapse_due(visit.caisse, by=visit.user)
    if not cents:
        words = _("Rien à reprendre : les terminaux ne connaissent pas encore tous les blocages.")
        return visit.refused(words, "members")
    words = _("Revenu à la caisse : %(amount)s.") % {"amount": euros(cents)}
    return visit.done(words, "members")
