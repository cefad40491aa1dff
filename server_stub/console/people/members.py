"""The list of members, and somebody who applies."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.downloads import download
from server_stub.console.fields import number_in
from server_stub.console.people.forms import ApplicationForm
from server_stub.console.people.words import FILTERS, STATES, refusal
from server_stub.console.visit import Visit
from server_stub.exports.members import member_list
from server_stub.models import HelperRole
from server_stub.services import applications, people
from server_stub.services.members_read import Filter, MemberRow, every_member, members

WORDS_MAX = 60


def member_list_page(visit: Visit) -> HttpResponse:
    """Show members: all of them, or those that are looked for."""
    asked = visit.request.GET.get("show", "")
    wanted = Filter(asked) if asked in set(Filter) else Filter.EVERYBODY
    words = visit.request.GET.get("q", "")[:WORDS_MAX].strip()
    if visit.request.GET.get("format") == "csv":
        rows = every_member(visit.caisse, wanted, words)
        said = {state: str(told) for state, (told, _tag) in STATES.items()}
        name = f"membres-{visit.today.isoformat()}.csv"
        return download(member_list(rows, said), name)
    found = members(visit.caisse, wanted, words, after=number_in(visit, "after"))
    return visit.page(
        "people/members.html",
        {
            "rows": [_row(row) for row in found.rows],
            "after": found.after,
            "filters": [(it.value, told, it is wanted) for it, told in FILTERS.items()],
            "show": wanted.value,
            "asked": words,
        },
    )


def member_new(visit: Visit) -> HttpResponse:
    """Put somebody on the waiting list."""
    if not visit.is_post:
        form = ApplicationForm(initial={"applied_on": visit.today, "persons": 1})
        return _new_page(visit, form)
    form = ApplicationForm(visit.request.POST)
    if not form.is_valid():
        return _new_page(visit, form, status=422)
    told = form.cleaned_data
    if told["applied_on"] > visit.today:
        form.add_error("applied_on", _("Cette date n’est pas encore passée."))
        return _new_page(visit, form, status=422)
    why = applications.not_wished(visit.caisse, told["monthly_cents"])
    if why is not None:
        form.add_error("monthly_cents", refusal(why))
        return _new_page(visit, form, status=422)
    person = applications.apply(
        visit.caisse,
        told["name"],
        monthly_cents=told["monthly_cents"],
        persons=told["persons"],
        applied_on=told["applied_on"],
        address=told["address"],
        telephone=told["telephone"],
        email=told["email"],
    )
    if told["helper"]:
        people.add_helper(visit.caisse, person, told["helper"], role=HelperRole.OTHER)
    words = _("%(name)s est sur la liste d’attente.") % {"name": person.name}
    return visit.done(words, "member", person=person.pk)


def _new_page(visit: Visit, form: ApplicationForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "terms": applications.terms(visit.caisse)}
    return visit.page("people/new.html", context, status=status)


def _row(row: MemberRow) -> dict[str, object]:
    words, tag = STATES[row.state]
    return {"one": row, "state": words, "tag": tag}
