"""The home page: a day for the office, and a way in for everybody else."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server_stub.console.declared import AUDITOR, COMMITTEE, COORDINATOR, MERCHANT, TREASURER
from server_stub.console.today.words import JOBS, NEEDS, TASKS, TASKS_WHERE, WHERE
from server_stub.console.visit import Visit
from server_stub.console.words import LOCKS
from server_stub.services.amounts import euros
from server_stub.services.jobs import JobState
from server_stub.services.today import NOTE_MAX, Line, Waiting, leave_note, note_of, today_of


class NoteForm(forms.Form):
    """What is left for whoever comes next."""

    text = forms.CharField(
        label=gettext_lazy("Note de passation"),
        help_text=gettext_lazy(
            "Pour qui reprend pendant vos congés. Une seule note est gardée : la dernière."
        ),
        max_length=NOTE_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )


def home(visit: Visit) -> HttpResponse:
    """Show the day to the office; lead everybody else to what is theirs."""
    if visit.has(COORDINATOR, TREASURER):
        return _day(visit)
    for role, name in ((AUDITOR, "books"), (COMMITTEE, "fund"), (MERCHANT, "my_merchants")):
        if visit.has(role):
            return HttpResponseRedirect(reverse(name))
    return HttpResponseRedirect(reverse("console_people"))


def note(visit: Visit) -> HttpResponse:
    """Pin the handover note, or write it."""
    if not visit.is_post:
        kept = note_of(visit.caisse)
        form = NoteForm(initial={"text": "" if kept is None else kept.text})
        return visit.page("today/note.html", {"form": form})
    form = NoteForm(visit.request.POST)
    if not form.is_valid():
        return visit.page("today/note.html", {"form": form}, status=422)
    leave_note(visit.caisse, form.cleaned_data["text"], by=visit.user)
    return visit.done(_("La note est épinglée sur la page d’accueil."), "console")


def _day(visit: Visit) -> HttpResponse:
    day = today_of(visit.caisse)
    return visit.page(
        "today/today.html",
        {
            "day": day,
            "now": visit.caisse.now(),
            "lock": None if day.lock is None else LOCKS[day.lock.value],
            "needs": [_need(one) for one in day.needs],
            "jobs": [_job(one) for one in day.jobs],
            "month": [_task(line) for line in day.month],
        },
    )


def _need(waiting: Waiting) -> dict[str, object]:
    name = str(JOBS.get(waiting.name, waiting.name))
    words = str(NEEDS[waiting.need] % {"count": waiting.count, "name": name})
    run = {"run": waiting.name} if WHERE.get(waiting.need) == "payout" else {}
    return {
        "words": words,
        "since": waiting.since,
        "sum": None if waiting.amount_cents is None else euros(waiting.amount_cents),
        "address": _address(WHERE.get(waiting.need), **run),
    }


def _task(line: Line) -> dict[str, object]:
    return {
        "words": TASKS[line.task],
        "line": line,
        "address": _address(TASKS_WHERE.get(line.task)),
    }


def _job(state: JobState) -> dict[str, object]:
    return {"words": JOBS[state.job.value], "state": state}


def _address(name: str | None, **arguments: str) -> str | None:
    if name is None:
        return None
    return reverse(name, kwargs=arguments or None)
