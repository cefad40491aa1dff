"""Forms, posters, labels and carnets: one click each; and what stands at the head of them all."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cardkit.errors import PaperFailed
from server_stub.console.downloads import download
from server_stub.console.fields import number_in
from server_stub.console.letters.queue import BROKEN, stationery
from server_stub.console.visit import Visit
from server_stub.exports.printed import Asked, Made, NotMade, Printed, print_paper
from server_stub.exports.stationery import LANGUAGES
from server_stub.models import CaisseDetails
from server_stub.services.details import Contact, details_of, keep_details, merchant_names
from server_stub.services.paper_words import NOT_KEPT, NOT_MADE, PAPERS

_BLANK: Final = (
    Printed.MEMBERSHIP,
    Printed.NOTICE,
    Printed.CONVENTION,
    Printed.POUCHES,
    Printed.POSTER_A4,
    Printed.POSTER_A3,
)
OF_MERCHANTS: Final = (
    Printed.CONVENTION,
    Printed.POSTER_A4,
    Printed.POSTER_A3,
    Printed.LABELS,
)
_NUMBERS: Final = ("merchant", "person", "carnet")


class HeadForm(forms.Form):
    """How the caisse is called and reached."""

    name = forms.CharField(label=gettext_lazy("Nom de la caisse"), max_length=120)
    address = forms.CharField(
        label=gettext_lazy("Adresse"), max_length=240, widget=forms.Textarea({"rows": 3})
    )
    place = forms.CharField(
        label=gettext_lazy("Ville"),
        max_length=60,
        help_text=gettext_lazy("Celle qui précède la date d’un courrier."),
    )
    telephone = forms.CharField(label=gettext_lazy("Téléphone"), max_length=40)
    lost_card_telephone = forms.CharField(
        label=gettext_lazy("Téléphone pour une carte perdue"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("Celui où quelqu’un répond, même le samedi. Vide : le même."),
    )
    email = forms.EmailField(label=gettext_lazy("Courriel"), required=False)
    hours = forms.CharField(
        label=gettext_lazy("Horaires"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Par exemple : mardi et jeudi, 9 h – 12 h."),
    )
    controller = forms.CharField(
        label=gettext_lazy("Responsable des données personnelles"),
        max_length=160,
        required=False,
        help_text=gettext_lazy("L’organisme et son adresse. Vide : la caisse elle-même."),
    )


def papers(visit: Visit) -> HttpResponse:
    """Show everything that can be printed."""
    context = {
        "blank": [(it.value, PAPERS[it.value]) for it in _BLANK],
        "of_merchants": [(it.value, PAPERS[it.value]) for it in OF_MERCHANTS],
        "merchants": merchant_names(visit.caisse),
        "head": details_of(visit.caisse),
    }
    return visit.page("letters/papers.html", context)


def one_paper(visit: Visit, kind: str) -> HttpResponse:
    """Hand out a paper: blank, for a member, a merchant or a carnet."""
    first, last = number_in(visit, "first"), number_in(visit, "last")
    numbers: dict[str, Any] = {it: number_in(visit, it) for it in _NUMBERS}
    asked = Asked(
        kind=_kind(kind),
        stationery=stationery(_language(visit)),
        first_slip=1 if first is None else first,
        last_slip=0 if last is None else last,
        **numbers,
    )
    return _file(visit, asked, "papers")


def merchant_paper(visit: Visit, merchant: int, kind: str) -> HttpResponse:
    """Hand out a paper of one merchant, to the office or to the merchant."""
    chosen = _kind(kind)
    if chosen not in OF_MERCHANTS:
        raise Http404
    asked = Asked(kind=chosen, stationery=stationery(_language(visit)), merchant=merchant)
    made = print_paper(visit.caisse, asked)
    if not isinstance(made, Made):
        raise Http404
    return download(made.content, made.name)


def paper_head(visit: Visit) -> HttpResponse:
    """Say how the caisse is called and reached."""
    known = details_of(visit.caisse) or CaisseDetails()
    if not visit.is_post:
        initial = {name: getattr(known, name) for name in HeadForm.base_fields}
        return visit.page("letters/head.html", {"form": HeadForm(initial=initial), "known": known})
    form = HeadForm(visit.request.POST)
    if form.is_valid():
        done = keep_details(visit.caisse, Contact(**form.cleaned_data), by=visit.user)
        if isinstance(done, CaisseDetails):
            words = _("Enregistré : les prochains papiers porteront cet en-tête.")
            return visit.done(words, "papers")
        form.add_error(None, str(NOT_KEPT[done.name]))
    return visit.page("letters/head.html", {"form": form, "known": known}, status=422)


def _file(visit: Visit, asked: Asked, back: str) -> HttpResponse:
    try:
        made = print_paper(visit.caisse, asked)
    except PaperFailed:
        return visit.refused(str(BROKEN), back)
    if isinstance(made, NotMade):
        return visit.refused(str(NOT_MADE[made.name]), back)
    return download(made.content, made.name)


def _kind(value: str) -> Printed:
    try:
        return Printed(value)
    except ValueError as error:
        raise Http404 from error


def _language(visit: Visit) -> str:
    language = visit.request.GET.get("in", "fr")
    if language not in LANGUAGES:
        raise Http404
    return language
