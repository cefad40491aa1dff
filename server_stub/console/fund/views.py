"""The fund for the office and the committee: as it is, and as it would be."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from server_stub.console.downloads import download
from server_stub.console.forms import DayField
from server_stub.console.fund.chart import chart
from server_stub.console.visit import Visit
from server_stub.exports.fund import fund_csv
from server_stub.services.fund import ENDLESS, Forecast, can_project, what_if

MEMBERS_MAX: Final = 10_000
EUROS_MAX: Final = 1_000_000
HORIZON_YEARS: Final = 5
USUAL_YEARS: Final = 1


class WhatIf(forms.Form):
    """What would be different; empty fields are as they are."""

    until = DayField(label=_("Jusqu’au"), required=False)
    joiners = forms.IntegerField(
        label=_("Membres de plus à la cotisation plancher"),
        required=False,
        min_value=0,
        max_value=MEMBERS_MAX,
    )
    leavers = forms.IntegerField(
        label=_("Départs parmi ceux qui cotisent le plus"),
        required=False,
        min_value=0,
        max_value=MEMBERS_MAX,
    )
    credit = forms.IntegerField(
        label=_("Allocation mensuelle (€)"), required=False, min_value=1, max_value=EUROS_MAX
    )
    reserve = forms.IntegerField(
        label=_("Réserve à garder (€)"), required=False, min_value=0, max_value=EUROS_MAX
    )


def fund(visit: Visit) -> HttpResponse:
    """Show the projection; the address holds the scenario, so that a link shows the same."""
    if not can_project(visit.caisse):
        return visit.page("fund/not_yet.html")
    form = WhatIf(visit.request.GET or None)
    asked: dict[str, Any] = form.cleaned_data if form.is_bound and form.is_valid() else {}
    until = _until(visit, asked.get("until"))
    made = what_if(
        visit.caisse,
        until,
        joiners=asked.get("joiners") or 0,
        leavers=asked.get("leavers") or 0,
        credit_cents=100 * asked["credit"] if asked.get("credit") else None,
        reserve_cents=100 * (asked.get("reserve") or 0),
    )
    if visit.request.GET.get("format") == "csv":
        return download(fund_csv(visit.caisse, made), f"fonds-{visit.today.isoformat()}.csv")
    if not form.is_bound:
        form = WhatIf(initial={"until": until})
    return visit.page(
        "fund/fund.html",
        {
            "form": form,
            "made": made,
            "chart": chart(made),
            "rows": _rows(made),
            "more": _more(made),
            "empty_from": _empty_from(made),
            "until": until,
            "is_what_if": any(value for name, value in asked.items() if name != "until"),
            "query": visit.request.GET.urlencode(),
        },
    )


def _until(visit: Visit, asked: date | None) -> date:
    """Return to when the projection goes: no further than anybody can see."""
    today = visit.today
    last = today.replace(year=today.year + HORIZON_YEARS, day=1)
    usual = today.replace(year=today.year + USUAL_YEARS, day=1)
    return min(max(asked or usual, today), last)


def _rows(made: Forecast) -> list[dict[str, Any]]:
    return [
        {"month": lines[0].month, "members": lines[0].members, "lines": lines}
        for lines in zip(*made.bands, strict=True)
    ]


def _more(made: Forecast) -> list[str]:
    """The committee's number under each outlook; one without end is said in words."""
    return [str(count) if count < ENDLESS else "∞" for count in made.admissible]


def _empty_from(made: Forecast) -> date | None:
    """Return the first month that the cautious outlook ends with less than nothing."""
    return next((line.month for line in made.bands[0] if line.worth_cents < 0), None)
