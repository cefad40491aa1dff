"""Conventions and deputies: signed, ended, appointed, forgotten."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.fields import as_number
from server_stub.console.merchants.forms import ConventionForm, DeputyForm, EndForm
from server_stub.console.merchants.views import form_page, named
from server_stub.console.merchants.words import NOT_DEPUTED, NOT_READ, NOT_SIGNED
from server_stub.console.visit import Visit
from server_stub.models import Convention
from server_stub.services import convention_forms, deputies
from server_stub.services.convention_forms import NotRead
from server_stub.services.merchants_read import merchant_seen

_ONE_DAY = timedelta(days=1)


def merchant_convention(visit: Visit, merchant: int) -> HttpResponse:
    """Put a signed convention on record, beside the one before or in its place."""
    found = named(visit, merchant)
    form = ConventionForm(
        visit.request.POST if visit.is_post else None, initial=_proposed(visit, merchant)
    )
    if visit.is_post and form.is_valid():
        done = convention_forms.sign(
            visit.caisse,
            merchant,
            form.agreed(),
            replaces=form.cleaned_data["replaces"],
            by=visit.user,
        )
        if isinstance(done, Convention):
            words = _(
                "La convention est signée et enregistrée : ses terminaux l’apprennent à leur "
                "prochaine communication."
            )
            return visit.done(words, "merchant", merchant=merchant)
        if isinstance(done, NotRead):
            form.add_error("categories", str(NOT_READ[done]))
        else:
            form.add_error(None, str(NOT_SIGNED[done.name]))
    effect = (
        _("Une convention ne se corrige pas : elle se termine, ou une autre la remplace."),
        _("Le terminal vend pour ce producteur ces jours-là, dès qu’il a communiqué."),
        _("Ce qui serait vendu hors de ces jours est retenu, et se décide à part."),
    )
    title, verb = _("Signer une convention"), _("Enregistrer la convention")
    return form_page(visit, found, form, title=title, verb=verb, effect=effect)


def merchant_convention_end(visit: Visit, merchant: int) -> HttpResponse:
    """Let all that is signed end with a day."""
    found = named(visit, merchant)
    form = EndForm(visit.request.POST if visit.is_post else None, initial={"last_day": visit.today})
    if visit.is_post and form.is_valid():
        day = form.cleaned_data["last_day"]
        refused = convention_forms.end(visit.caisse, merchant, day, by=visit.user)
        if refused is None:
            words = _("La fin est enregistrée. Ce qui a été vendu avant est payé comme d’habitude.")
            return visit.done(words, "merchant", merchant=merchant)
        form.add_error("last_day", str(NOT_SIGNED[refused.name]))
    effect = (
        _("Tout ce qui est signé finit ce jour-là, les conventions à venir comprises."),
        _("Ses terminaux ne vendent plus rien après, dès qu’ils l’ont appris."),
        _("Ce qu’un stand vend avant de l’apprendre lui est payé ; ensuite, c’est retenu."),
        _("Ce qui est dû reste dû."),
    )
    title, verb = _("Terminer la convention"), _("Terminer la convention")
    return form_page(visit, found, form, title=title, verb=verb, effect=effect)


def merchant_deputy(visit: Visit, merchant: int) -> HttpResponse:
    """Put down who may act for a merchant; or let that end, or forget it."""
    found = named(visit, merchant)
    if visit.is_post and "gone" in visit.request.POST:
        return _gone(visit, merchant)
    form = DeputyForm(visit.request.POST if visit.is_post else None)
    if visit.is_post and form.is_valid():
        last = form.last()
        done = deputies.appoint(
            visit.caisse,
            merchant,
            form.cleaned_data["name"],
            by=visit.user,
            telephone=form.cleaned_data["telephone"],
            until_day=None if last is None else last + _ONE_DAY,
        )
        if not isinstance(done, deputies.NotDeputed):
            words = _("%(name)s peut agir pour ce producteur.") % {"name": done.name}
            return visit.done(words, "merchant", merchant=merchant)
        form.add_error(None, str(NOT_DEPUTED[done.name]))
    effect = (
        _("Cette personne peut demander un code oublié et parler d’argent, après un rappel."),
        _("Son nom n’est sur aucun terminal ni aucun papier, et s’efface avec le temps voté."),
    )
    title, verb = _("Qui peut agir pour ce producteur"), _("Enregistrer")
    return form_page(visit, found, form, title=title, verb=verb, effect=effect)


def _gone(visit: Visit, merchant: int) -> HttpResponse:
    number = as_number(visit.request.POST.get("gone", ""))
    seen = merchant_seen(visit.caisse, merchant, sees_people=True)
    mine = set() if seen is None else {it.pk for it in seen.deputies}
    if number is None or number not in mine:
        return visit.refused(str(NOT_DEPUTED["NO_DEPUTY"]), "merchant", merchant=merchant)
    if "forget" in visit.request.POST:
        deputies.erase(visit.caisse, number)
        return visit.done(_("Le nom est effacé."), "merchant", merchant=merchant)
    refused = deputies.dismiss(visit.caisse, number)
    if refused is not None:
        return visit.refused(str(NOT_DEPUTED[refused.name]), "merchant", merchant=merchant)
    return visit.done(_("Cette délégation finit aujourd’hui."), "merchant", merchant=merchant)


def _proposed(visit: Visit, merchant: int) -> dict[str, object]:
    """Begin with what was agreed last: a convention is mostly the one before for another year."""
    seen = merchant_seen(visit.caisse, merchant, sees_people=True)
    if seen is None or not seen.conventions:
        return {"from_day": visit.today, "signed_on": visit.today}
    last = seen.conventions[0]
    return {
        "from_day": max(last.days.until_day, visit.today),
        "signed_on": visit.today,
        "distance_km": last.terms.distance_km,
        "categories": convention_forms.lines_of(last.terms),
        "exception_minutes": last.terms.exception_minutes,
    }
