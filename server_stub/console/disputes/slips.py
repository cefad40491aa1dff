"""Slips of the paper carnet: one person enters, another one reads the paper again."""

from __future__ import annotations

from typing import Final

from django import forms
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server_stub.console.declared import COORDINATOR, TREASURER
from server_stub.console.fields import EurosField, number_in
from server_stub.console.forms import DayField
from server_stub.console.log.words import in_words
from server_stub.console.visit import Visit
from server_stub.console.words import LOCKS
from server_stub.services import paper
from server_stub.services.behind import lock
from server_stub.services.deciding import Done
from server_stub.services.slips_read import (
    ALL_DOUBTS,
    PAGE_ROWS,
    SlipNotPaid,
    SlipSeen,
    all_merchants,
    carnets,
    slip_seen,
    waiting_slips,
)
from server_stub.services.work_words import NOT_PAID, doubts_in_words

_MOST: Final = 2**31 - 1


class HandOut(forms.Form):
    """A carnet, and whose it is."""

    carnet = forms.IntegerField(
        label=gettext_lazy("Numéro du carnet"), min_value=1, max_value=_MOST
    )
    merchant = forms.TypedChoiceField(label=gettext_lazy("Remis à"), coerce=int)
    first_slip = forms.IntegerField(label=gettext_lazy("Premier bon"), min_value=1, max_value=_MOST)
    last_slip = forms.IntegerField(label=gettext_lazy("Dernier bon"), min_value=1, max_value=_MOST)

    def offer(self, merchants: list[tuple[int, str]]) -> None:
        """Say to whom it may be given."""
        field = self.fields["merchant"]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(merchants)


class SlipForm(forms.Form):
    """What stands on a slip."""

    carnet = forms.IntegerField(label=gettext_lazy("Carnet n°"), min_value=1, max_value=_MOST)
    slip = forms.IntegerField(label=gettext_lazy("Bon n°"), min_value=1, max_value=_MOST)
    day = DayField(label=gettext_lazy("Jour de la vente"))
    card_number = forms.CharField(
        label=gettext_lazy("Numéro de carte"),
        help_text=gettext_lazy("Comme il est écrit sur le bon."),
        max_length=30,
    )
    amount = EurosField(label=gettext_lazy("Montant (€)"))
    is_initialled = forms.BooleanField(label=gettext_lazy("Le membre l’a paraphé"), required=False)


class SecondReading(forms.Form):
    """What a second person reads, without being shown what the first one did."""

    amount = EurosField(
        label=gettext_lazy("Montant lu sur le bon (€)"),
        help_text=gettext_lazy("Lisez le papier vous-même : il faut le même montant."),
    )
    all_the_same = forms.BooleanField(
        label=gettext_lazy("Payer malgré les réserves ci-dessus"), required=False
    )


def slips(visit: Visit) -> HttpResponse:
    """Show the slips that wait and the carnets that are out."""
    after = number_in(visit, "after")
    held = carnets(visit.caisse, after=after)
    locked = lock(visit.caisse)
    return visit.page(
        "disputes/slips.html",
        {
            "waiting": waiting_slips(visit.caisse),
            "carnets": held,
            "after": held[-1].carnet.number if len(held) == PAGE_ROWS else None,
            "is_first_page": after is None,
            "may_act": visit.has(COORDINATOR, TREASURER),
            "lock": None if locked is None else LOCKS[locked.value],
        },
    )


def hand_out(visit: Visit) -> HttpResponse:
    """Put down that a carnet was given to a merchant."""
    form = HandOut(visit.request.POST if visit.is_post else None)
    form.offer(all_merchants(visit.caisse))
    if visit.is_post and form.is_valid():
        told = form.cleaned_data
        made = paper.hand_out(
            visit.caisse,
            told["carnet"],
            merchant=told["merchant"],
            first_slip=told["first_slip"],
            last_slip=told["last_slip"],
            by=visit.user,
        )
        if not isinstance(made, SlipNotPaid):
            return visit.done(
                _("Le carnet n° %(number)s est remis.") % {"number": made.number}, "slips"
            )
        form.add_error(None, str(NOT_PAID[made]))
    status = 422 if visit.is_post else 200
    return visit.page("disputes/hand_out.html", {"form": form}, status=status)


def enter_slip(visit: Visit) -> HttpResponse:
    """Keep what one person read; a number that was entered before is shown."""
    form = SlipForm(visit.request.POST if visit.is_post else None)
    double = None
    if visit.is_post and form.is_valid():
        told = form.cleaned_data
        made = paper.enter(
            visit.caisse,
            told["carnet"],
            told["slip"],
            day=told["day"],
            card_number=told["card_number"],
            amount_cents=told["amount"],
            is_initialled=told["is_initialled"],
            by=visit.user,
        )
        if not isinstance(made, SlipNotPaid):
            words = _("Le bon est saisi. Une deuxième personne doit le lire avant qu’il soit dû.")
            return visit.done(words, "slip", carnet=told["carnet"], slip=told["slip"])
        form.add_error(None, str(NOT_PAID[made]))
        if made is SlipNotPaid.KNOWN_ALREADY:
            double = slip_seen(visit.caisse, told["carnet"], told["slip"])
    status = 422 if visit.is_post else 200
    return visit.page("disputes/enter.html", {"form": form, "double": double}, status=status)


def slip(visit: Visit, carnet: int, slip: int) -> HttpResponse:
    """Show one slip, what speaks against it, and let a second person read it."""
    found = _found(visit, carnet, slip)
    return visit.page("disputes/slip.html", _told(visit, found, SecondReading()))


def drop_slip(visit: Visit, carnet: int, slip: int) -> HttpResponse:
    """Forget a slip that was read wrongly and is not paid."""
    refused = paper.drop(visit.caisse, carnet, slip)
    if refused is not None:
        return visit.refused(str(NOT_PAID[refused]), "slips")
    return visit.done(_("La saisie est oubliée ; le bon peut être saisi de nouveau."), "slips")


def confirm_slip(visit: Visit, carnet: int, slip: int) -> HttpResponse:
    """Let a slip be owed, as the second person who has read it."""
    found = _found(visit, carnet, slip)
    form = SecondReading(visit.request.POST if visit.is_post else None)
    if visit.is_post and form.is_valid():
        done = paper.confirm(
            visit.caisse,
            carnet,
            slip,
            amount_cents=form.cleaned_data["amount"],
            doubts=ALL_DOUBTS if form.cleaned_data["all_the_same"] else 0,
            by=visit.user,
        )
        if isinstance(done, Done):
            words = _("Le bon est dû au producteur : acte n° %(act)s.") % {"act": done.act}
            return visit.done(words, "slip", carnet=carnet, slip=slip)
        why = "" if done is not SlipNotPaid.DOUBTFUL else ", ".join(doubts_in_words(found.doubts))
        form.add_error(None, f"{NOT_PAID[done]} {why}".strip())
    status = 422 if visit.is_post else 200
    return visit.page("disputes/slip.html", _told(visit, found, form), status=status)


def _found(visit: Visit, carnet: int, number: int) -> SlipSeen:
    found = slip_seen(visit.caisse, carnet, number)
    if found is None:
        raise Http404
    return found


def _told(visit: Visit, found: SlipSeen, form: SecondReading) -> dict[str, object]:
    may_act = visit.has(COORDINATOR, TREASURER)
    return {
        "found": found,
        "doubts": doubts_in_words(found.doubts) if found.act is None else [],
        "form": form,
        "is_own": found.slip.entered_by == visit.user,
        "may_act": may_act and found.act is None,
        "acts": [] if found.act is None else [in_words(found.act, sees_texts=may_act)],
    }
