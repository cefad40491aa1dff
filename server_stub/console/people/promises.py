"""What a member promises: made, changed by the caisse, and renewed."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _

from cardkit.membership import CommitmentChangeKind
from server_stub.console.people.forms import (
    ChangeForm,
    FirstMonthForm,
    PromiseForm,
    RenewForm,
)
from server_stub.console.people.member import found
from server_stub.console.people.words import refusal
from server_stub.console.visit import Visit
from server_stub.models import Person
from server_stub.services import applications, commitments, renewals
from server_stub.services.amounts import euros
from server_stub.services.commitments import Promised
from server_stub.services.rule_words import day_in_words

_KINDS = {
    "lower": CommitmentChangeKind.AMOUNT,
    "month_off": CommitmentChangeKind.MONTH_OFF,
    "persons": CommitmentChangeKind.PERSONS,
}
ALL_AT_ONCE = 50


def member_promise(visit: Visit, person: int) -> HttpResponse:
    """Put a promise on record."""
    row = found(visit, person)
    months = applications.months_to_begin(visit.caisse)
    title = _("Engagement")
    if not visit.is_post:
        wish = getattr(row, "application", None)
        initial = {
            "monthly_cents": None if wish is None else wish.monthly_cents,
            "persons": 1 if wish is None else wish.persons,
        }
        form = PromiseForm(initial=initial, months=months)
        return _form(visit, row, form, title)
    form = PromiseForm(visit.request.POST, months=months)
    if form.is_valid():
        told = form.cleaned_data
        done = commitments.commit(
            visit.caisse,
            row.account,
            told["monthly_cents"],
            first_month=told["first_month"],
            persons=told["persons"],
            by=visit.user,
        )
        if isinstance(done, Promised):
            applications.wish(visit.caisse, row, monthly_cents=None)
            return visit.done(_promised(done), "member", person=person)
        form.add_error(None, refusal(done))
    return _form(visit, row, form, title, status=422)


def member_change(visit: Visit, person: int) -> HttpResponse:
    """Change a promise before its end: one thing at a time."""
    row = found(visit, person)
    months = applications.months_of_promises(visit.caisse, row.account)
    title = _("Changer l’engagement")
    if not months:
        words = _("Il n’y a pas d’engagement en cours à changer.")
        return visit.refused(words, "member", person=person)
    if not visit.is_post:
        return _form(visit, row, ChangeForm(months=months), title, note=True)
    form = ChangeForm(visit.request.POST, months=months)
    if form.is_valid():
        why = _changed(visit, row, form.cleaned_data)
        if why is None:
            return visit.done(_("L’engagement est changé."), "member", person=person)
        form.add_error(None, why)
    return _form(visit, row, form, title, note=True, status=422)


def member_renew(visit: Visit, person: int) -> HttpResponse:
    """Continue a promise, as it was or with another amount."""
    row = found(visit, person)
    plan = renewals.plan_one(visit.caisse, row.account)
    title = _("Renouveler l’engagement")
    if isinstance(plan, renewals.NotRenewed):
        return visit.refused(refusal(plan), "member", person=person)
    if not visit.is_post:
        lowered = plan.row.renewal.was_lowered
        initial = {
            "monthly_cents": None if lowered else plan.monthly_cents,
            "persons": plan.persons,
        }
        form = RenewForm(initial=initial)
        return _form(visit, row, form, title, begins=plan.first_month, was_lowered=lowered)
    form = RenewForm(visit.request.POST)
    if form.is_valid():
        told = form.cleaned_data
        done = renewals.renew(
            visit.caisse,
            row.account,
            monthly_cents=told["monthly_cents"],
            persons=told["persons"],
            by=visit.user,
        )
        if isinstance(done, Promised):
            return visit.done(_promised(done), "member", person=person)
        form.add_error(None, refusal(done))
    return _form(visit, row, form, title, begins=plan.first_month, status=422)


def first_promises(visit: Visit) -> HttpResponse:
    """Show who was admitted and has promised nothing yet; put down what they applied for."""
    months = applications.months_to_begin(visit.caisse)
    chosen = months[1] if len(months) > 1 else months[0]
    form = FirstMonthForm(
        visit.request.POST if visit.is_post else visit.request.GET or None, months=months
    )
    if form.is_bound and form.is_valid():
        chosen = form.cleaned_data["first_month"]
    if visit.is_post and form.is_valid():
        done = applications.promise_all(visit.caisse, chosen, most=ALL_AT_ONCE, by=visit.user)
        words = _("Engagements enregistrés : %(count)s, à partir du %(day)s.")
        facts = {"count": len(done), "day": day_in_words(chosen)}
        return visit.done(words % facts, "first_promises")
    told = applications.first_promises(visit.caisse, chosen, most=ALL_AT_ONCE)
    return visit.page(
        "people/first_promises.html",
        {
            "form": FirstMonthForm(initial={"first_month": chosen.isoformat()}, months=months),
            "month": chosen,
            "rows": [(it, "" if it.refusal is None else refusal(it.refusal)) for it in told],
            "ready": sum(it.is_ready for it in told),
        },
    )


def _changed(visit: Visit, row: Person, told: dict[str, Any]) -> str | None:
    kind = _KINDS[told["kind"]]
    promise = commitments.speaking_of(visit.caisse, row.account, told["month"])
    if promise is None:
        return _("Aucun engagement ne porte sur ce mois.")
    done = commitments.change(
        visit.caisse,
        promise,
        kind,
        from_month=told["month"],
        monthly_cents=told["monthly_cents"] or 0 if kind is CommitmentChangeKind.AMOUNT else 0,
        persons=told["persons"] or 0 if kind is CommitmentChangeKind.PERSONS else 0,
        by=visit.user,
    )
    return None if isinstance(done, Promised) else refusal(done)


def _promised(done: Promised) -> str:
    facts = {
        "amount": euros(done.commitment.monthly_cents),
        "months": done.commitment.months,
        "day": day_in_words(done.commitment.first_month),
    }
    return (
        _("Engagement enregistré : %(amount)s par mois, %(months)s mois à partir du %(day)s.")
        % facts
    )


def _form(
    visit: Visit,
    row: Person,
    form: forms.Form,
    title: str,
    *,
    note: bool = False,
    begins: date | None = None,
    was_lowered: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "person": row,
        "title": title,
        "verb": _("Enregistrer"),
        "terms": applications.terms(visit.caisse),
        "note": note,
        "begins": begins,
        "was_lowered": was_lowered,
    }
    return visit.page("people/promise.html", context, status=status)
