"""A wave of members: who would be admitted, in the voted order; then one button."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cardkit.membership import AdmissionOrder
from server_stub.console.downloads import download
from server_stub.console.people.forms import WaveForm
from server_stub.console.people.words import refusal
from server_stub.console.visit import Visit
from server_stub.exports.members import draw_list
from server_stub.services import waves
from server_stub.services.fund import ENDLESS, Forecast, forecast
from server_stub.services.waves import NotDrawn, WaveDraw

SHOWN = 50


def wave(visit: Visit) -> HttpResponse:
    """Show the waiting list and the next wave; admit it."""
    if visit.is_post:
        return _admit(visit)
    form = WaveForm(visit.request.GET) if "places" in visit.request.GET else WaveForm()
    made: WaveDraw | NotDrawn | None = None
    if form.is_bound and form.is_valid():
        told = form.cleaned_data
        made = waves.draw(visit.caisse, places=told["places"], seed=told["seed"])
        if isinstance(made, NotDrawn):
            form.add_error(None, refusal(made))
    if isinstance(made, WaveDraw) and visit.request.GET.get("format") == "csv":
        return download(draw_list(made), f"vague-{made.number}.csv")
    return visit.page("people/wave.html", _context(visit, form, made))


def _admit(visit: Visit) -> HttpResponse:
    form = WaveForm(visit.request.POST)
    if not form.is_valid():
        return visit.refused(_("Il manque le nombre de places."), "wave")
    told = form.cleaned_data
    made = waves.admit(
        visit.caisse,
        places=told["places"],
        seed=told["seed"],
        by=visit.user,
        shown=_shown(visit.request.POST.get("fingerprint", "")),
    )
    if isinstance(made, NotDrawn):
        return visit.refused(refusal(made), "wave")
    words = ngettext(
        "Vague %(number)s : %(count)s personne admise. Il reste son engagement à enregistrer.",
        "Vague %(number)s : %(count)s personnes admises. Il reste leurs engagements à enregistrer.",
        made.places,
    )
    facts = {"number": made.number, "count": made.places}
    return visit.done(words % facts, "first_promises")


def _context(visit: Visit, form: WaveForm, made: WaveDraw | NotDrawn | None) -> dict[str, Any]:
    waiting = waves.waiting_list(visit.caisse)
    drawn = made if isinstance(made, WaveDraw) else None
    order = waves.order_of(visit.caisse)
    if order is AdmissionOrder.APPLICATION:
        form.fields.pop("seed", None)
    shown = waiting if drawn is None else drawn.people
    return {
        "form": form,
        "made": drawn,
        "is_draw": order is AdmissionOrder.DRAW,
        "waiting": len(waiting),
        "fingerprint": waves.fingerprint(bytes(it.account.number) for it in waiting).hex(),
        "people": shown[:SHOWN],
        "more": max(0, len(shown) - SHOWN),
        "fund": _fund(visit),
        "query": visit.request.GET.urlencode(),
    }


def _fund(visit: Visit) -> dict[str, object]:
    """What the fund answers to: how many more, under each outlook."""
    told: Forecast = forecast(visit.caisse, _in_a_year(visit.today))
    low, expected, high = (str(it) if it < ENDLESS else "∞" for it in told.admissible)
    return {"low": low, "expected": expected, "high": high, "floor_cents": told.floor_cents}


def _in_a_year(today: date) -> date:
    return date(today.year + 1, today.month, 1)


def _shown(text: str) -> bytes:
    """Return the fingerprint that was shown; what is none is no list's."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
