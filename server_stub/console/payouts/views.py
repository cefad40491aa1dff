"""The list of runs, one run, and one merchant's part of it."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse

from server_stub.console.declared import COORDINATOR, TREASURER
from server_stub.console.downloads import download
from server_stub.console.fields import number_in
from server_stub.console.log.words import in_words
from server_stub.console.payouts.qr import qr_svg
from server_stub.console.payouts.words import FORMS, KEPT_STATES, NEXT, STATE_TAGS
from server_stub.console.visit import Visit
from server_stub.console.words import LOCKS, REASONS, RUN_STATES
from server_stub.exports.runs_csv import run_csv
from server_stub.services.behind import lock
from server_stub.services.owed import owed_to_merchants
from server_stub.services.payouts_read import STATES, run_seen, runs_page
from server_stub.services.runs_seen import RunSeen


def locked_in_words(visit: Visit) -> dict[str, object]:
    """Return what stands in the way of money, for the top of a page."""
    locked = lock(visit.caisse)
    return {"lock": None if locked is None else LOCKS[locked.value]}


def found(visit: Visit, run: str) -> RunSeen:
    """Return a run; raises Http404."""
    seen = run_seen(visit.caisse, run)
    if seen is None:
        raise Http404
    return seen


def payouts(visit: Visit) -> HttpResponse:
    """Show what is owed now, and the runs, newest first."""
    state = visit.request.GET.get("state", "")
    state = state if state in STATES else ""
    after = number_in(visit, "after")
    page = runs_page(visit.caisse, state=state, after=after)
    owed = [one.account for one in owed_to_merchants(visit.caisse)]
    return visit.page(
        "payouts/list.html",
        {
            "runs": [(it, RUN_STATES[it.state], STATE_TAGS[it.state]) for it in page.runs],
            "after": page.after,
            "is_first_page": after is None,
            "state": state,
            "states": [(it, RUN_STATES[it]) for it in STATES],
            "payable_cents": sum(max(it.payable_cents, 0) for it in owed),
            "held_cents": sum(it.held_cents for it in owed),
            "waiting_cents": sum(it.waiting_cents + it.provisional_cents for it in owed),
            "may_act": visit.has(COORDINATOR, TREASURER),
            **locked_in_words(visit),
        },
    )


def payout(visit: Visit, run: str) -> HttpResponse:
    """Show a run with its lines, what was done, and what comes next."""
    seen = found(visit, run)
    if visit.request.GET.get("format") == "csv":
        return download(run_csv(seen), f"paiement-{seen.name}.csv")
    may_act = visit.has(COORDINATOR, TREASURER)
    address = visit.request.build_absolute_uri(reverse("payout_approve", kwargs={"run": seen.name}))
    is_draft = seen.state == "draft"
    return visit.page(
        "payouts/run.html",
        {
            "run": seen,
            "state": RUN_STATES[seen.state],
            "tag": STATE_TAGS[seen.state],
            "next": NEXT[seen.state],
            "acts": [in_words(act, sees_texts=may_act) for act in seen.acts],
            "files": [(_form(it.form), it) for it in seen.files],
            "may_act": may_act,
            "is_own": seen.drawn_up_by == visit.user,
            "link": address.partition("://")[2] if is_draft else None,
            "qr": qr_svg(address) if is_draft and may_act else None,
            "today": visit.today,
            **locked_in_words(visit),
        },
    )


def line(visit: Visit, run: str, merchant: int) -> HttpResponse:
    """Show why a run pays one merchant what it pays: days, corrections, what is kept back."""
    seen = found(visit, run)
    one = next((it for it in seen.lines if it.merchant == merchant), None)
    if one is None:
        raise Http404
    kept = [] if one.part is None else one.part.kept
    return visit.page(
        "payouts/line.html",
        {
            "run": seen,
            "line": one,
            "kept": [
                (row, KEPT_STATES.get(row.state.value, ""), REASONS.get(row.reason, ""))
                for row in kept
            ],
        },
    )


def _form(form: str) -> str:
    name, _, merchant = form.partition("/")
    words = str(FORMS.get(name, name))
    return f"{words}, n° {merchant}" if merchant else words
