"""The public page: figures that were counted during the night, and the rules of today."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cardkit.clock import business_date
from server_stub.console.fund.chart import of_worths
from server_stub.services.caisse import Caisse
from server_stub.services.public_figures import PEOPLE_MIN, newest
from server_stub.services.rules_in_force import printed


def public(serving: Callable[[], Caisse]) -> Callable[[HttpRequest], HttpResponse]:
    """Return the view of a caisse's public page."""

    @require_safe
    def view(request: HttpRequest) -> HttpResponse:
        caisse = serving()
        figures = newest(caisse)
        context: dict[str, object] = {
            "caisse": caisse.name,
            "figures": figures,
            "least": PEOPLE_MIN,
            "rules": printed(caisse, business_date(caisse.now())),
            "chart": None,
        }
        if figures is not None and figures.ahead:
            months, *bands = zip(*figures.ahead, strict=True)
            context["chart"] = of_worths([[figures.worth_cents, *band] for band in bands], months)
        return render(request, "public/public.html", context)

    return view
