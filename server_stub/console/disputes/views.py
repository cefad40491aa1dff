"""Disputed sales: the list with its days, opening one, and what is decided."""

from __future__ import annotations

from typing import Final

from django import forms
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server_stub.console.decided import answered
from server_stub.console.declared import COORDINATOR, TREASURER
from server_stub.console.disputes.words import BECAUSE, DECISIONS, EFFECTS, KINDS, STATES
from server_stub.console.fields import EurosField, number_in
from server_stub.console.log.words import in_words
from server_stub.console.visit import Visit
from server_stub.console.words import LOCKS
from server_stub.services import disputes as service
from server_stub.services.behind import lock
from server_stub.services.deciding import NotDone
from server_stub.services.disputes_read import (
    ANSWERS,
    REASONS,
    DisputeListed,
    DisputeSeen,
    dispute_seen,
    ended_disputes,
    open_disputes,
    open_for_member,
    sales_page,
)
from server_stub.services.work_words import NOT_DONE, stage_in_words

UID_MAX: Final = 20


class WhichCard(forms.Form):
    """Whose sales are shown."""

    card = forms.CharField(
        label=gettext_lazy("Numéro de la carte"),
        help_text=gettext_lazy("Imprimé sur la carte, en chiffres et lettres de A à F."),
        max_length=UID_MAX,
    )


class WhichSale(forms.Form):
    """Which sale is disputed, and how much of it."""

    tmc = forms.IntegerField(min_value=0, max_value=2**32, widget=forms.HiddenInput)
    amount = EurosField(
        label=gettext_lazy("Somme contestée (€)"),
        help_text=gettext_lazy("Vide : toute la vente."),
        required=False,
    )


class Answer(forms.Form):
    """What the producer said."""

    said = forms.ChoiceField(
        label=gettext_lazy("Le producteur est"),
        choices=[("agrees", gettext_lazy("d’accord")), ("contests", gettext_lazy("en désaccord"))],
        widget=forms.RadioSelect,
    )
    text = forms.CharField(
        label=gettext_lazy("Ce qu’il a écrit"),
        help_text=gettext_lazy("Gardé à côté du journal, et effaçable."),
        max_length=service.TEXT_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class Because(forms.Form):
    """Why it is decided so."""

    because = forms.ChoiceField(
        label=gettext_lazy("Pourquoi"), choices=list(BECAUSE.items()), widget=forms.RadioSelect
    )


def disputes(visit: Visit) -> HttpResponse:
    """Show what waits, by the day of the answer, and what is over."""
    after = number_in(visit, "after")
    ended = ended_disputes(visit.caisse, after=after)
    locked = lock(visit.caisse)
    return visit.page(
        "disputes/list.html",
        {
            "waiting": [_row(visit, one) for one in open_disputes(visit.caisse)],
            "ended": [_row(visit, one) for one in ended.disputes],
            "after": ended.after,
            "is_first_page": after is None,
            "may_act": visit.has(COORDINATOR, TREASURER),
            "lock": None if locked is None else LOCKS[locked.value],
        },
    )


def open_one(visit: Visit) -> HttpResponse:
    """Let a sale of a card be chosen, and dispute it."""
    asked = visit.request.POST if visit.is_post else visit.request.GET
    card = "".join(asked.get("card", "").split())[:UID_MAX]
    form = WhichSale(visit.request.POST) if visit.is_post else None
    if form is not None and form.is_valid():
        return _open(visit, card, form)
    page = sales_page(visit.caisse, card, after=number_in(visit, "after")) if card else None
    return visit.page(
        "disputes/new.html",
        {
            "form": WhichCard(initial={"card": card}),
            "card": card,
            "page": page,
            "sales": [] if page is None else [(it, STATES.get(it.state, "")) for it in page.sales],
            "errors": None if form is None else form.errors,
        },
        status=422 if visit.is_post else 200,
    )


def dispute(visit: Visit, dispute: str) -> HttpResponse:
    """Show one dispute: its sale, its days, what was said, and what can be decided."""
    return visit.page("disputes/dispute.html", _told(visit, _found(visit, dispute)))


def answer(visit: Visit, dispute: str) -> HttpResponse:
    """Put down what the producer answered."""
    found, form = _found(visit, dispute), Answer(visit.request.POST)
    if not form.is_valid():
        told = _told(visit, found) | {"answer": form}
        return visit.page("disputes/dispute.html", told, status=422)
    said = ANSWERS[form.cleaned_data["said"]]
    text = form.cleaned_data["text"]
    done = service.answer(visit.caisse, found.dispute, said, text=text, by=visit.user)
    return answered(visit, done, "dispute", dispute=dispute)


def decide(visit: Visit, dispute: str, kind: str) -> HttpResponse:
    """Say what a decision will do; then decide, or keep it for a second person."""
    if kind not in DECISIONS:
        raise Http404
    found = _found(visit, dispute)
    form = Because(visit.request.POST if visit.is_post else None)
    if visit.is_post and form.is_valid():
        done = service.decide(
            visit.caisse,
            found.dispute,
            to_member=kind == "return",
            reason=REASONS[form.cleaned_data["because"]],
            by=visit.user,
        )
        return answered(visit, done, "dispute", dispute=dispute)
    told = _told(visit, found)
    told |= {"words": DECISIONS[kind], "effect": EFFECTS[kind], "form": form, "kind": kind}
    return visit.page("disputes/decide.html", told, status=422 if visit.is_post else 200)


def _open(visit: Visit, card: str, form: WhichSale) -> HttpResponse:
    made = open_for_member(
        visit.caisse,
        card,
        form.cleaned_data["tmc"],
        amount_cents=form.cleaned_data["amount"],
        by=visit.user,
    )
    if made is None:
        return visit.refused(_("Cette carte n’a pas cette vente. Rien n’a changé."), "dispute_open")
    if isinstance(made, NotDone):
        visit.refused(str(NOT_DONE[made]), "dispute_open")
        return HttpResponseRedirect(f"{reverse('dispute_open')}?card={card}")
    words = _("Le litige est ouvert. Écrivez au producteur : il a jusqu’à la date dite.")
    return visit.done(words, "dispute", dispute=bytes(made.number).hex())


def _found(visit: Visit, number: str) -> DisputeSeen:
    found = dispute_seen(visit.caisse, number)
    if found is None:
        raise Http404
    return found


def _row(visit: Visit, one: DisputeListed) -> dict[str, object]:
    day = one.facts.answer_by
    return {
        "one": one,
        "stage": stage_in_words(one.facts.stage),
        "answer_by": day,
        "is_late": day is not None and day < visit.today,
    }


def _told(visit: Visit, one: DisputeSeen) -> dict[str, object]:
    may_act = visit.has(COORDINATOR, TREASURER)
    proposal = one.proposal
    outcome = None if proposal is None else str(proposal.content[0]).lower()
    return {
        "one": one,
        "kind_words": KINDS[one.kind],
        "stage": stage_in_words(one.facts.stage),
        "acts": [in_words(act, sees_texts=may_act) for act in one.acts],
        "may_act": may_act and one.is_open,
        "answer": Answer() if one.may_answer else None,
        "decisions": [
            {"kind": kind, "words": words, "effect": EFFECTS[kind]}
            for kind, words in DECISIONS.items()
        ],
        "proposal": proposal,
        "proposal_words": DECISIONS["reject" if outcome == "rejected" else "return"],
        "is_own_proposal": proposal is not None and proposal.by == visit.user,
        "sale_state": None if one.sale is None else STATES.get(one.sale.state, ""),
    }
