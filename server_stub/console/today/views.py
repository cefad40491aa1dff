"""The console's one page: what is owed, what does not match, who has reported."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from server_stub.console.visit import Visit
from server_stub.console.words import (
    ADVICE,
    FINDINGS,
    LOCKS,
    RUN_STATES,
    STATUSES,
    facts_in_words,
)
from server_stub.models import Terminal
from server_stub.services.amounts import euros
from server_stub.services.caisse import Caisse
from server_stub.services.overview import Overview, Point, overview_of


def home(visit: Visit) -> HttpResponse:
    """Show the state of a caisse."""
    return visit.page("console.html", _context(visit.caisse, overview_of(visit.caisse)))


def _context(caisse: Caisse, state: Overview) -> dict[str, object]:
    language = get_language() or "fr"
    return {
        "caisse": caisse.name,
        "now": caisse.now(),
        "cards": state.cards,
        "cards_words": ngettext("carte", "cartes", state.cards),
        "payable": euros(state.payable_cents, language),
        "owed": [
            {
                "name": one.name,
                "payable": euros(one.account.payable_cents, language),
                "held": _or_dash(one.account.held_cents, language),
                "waiting": _or_dash(
                    one.account.waiting_cents + one.account.provisional_cents, language
                ),
            }
            for one in state.owed
        ],
        "findings": [_finding(point, language) for point in state.findings],
        "findings_open": state.findings_open,
        "findings_words": ngettext("point à regarder", "points à regarder", state.findings_open),
        "terminals": [_terminal(terminal) for terminal in state.terminals],
        "terminals_words": ngettext("terminal", "terminaux", len(state.terminals)),
        "batches": state.batches,
        "lock": None if state.lock is None else LOCKS[state.lock.value],
        "runs": [
            {
                "name": run.name,
                "state": RUN_STATES[run.state.value],
                "merchants": len(run.lines),
                "sum": euros(run.sum_cents, language),
            }
            for run in state.runs
        ],
    }


def _finding(point: Point, language: str) -> dict[str, object]:
    finding, where = point.finding, []
    if finding.terminal_id is not None:
        where.append(_("terminal %(number)s") % {"number": finding.terminal_id})
    if finding.card is not None:
        where.append(_("carte %(uid)s") % {"uid": finding.card.uid.hex().upper()})
    return {
        "title": FINDINGS.get(finding.kind, finding.kind),
        "where": ", ".join(where),
        "facts": facts_in_words(finding.facts, language),
        "awaited": ", ".join(str(number) for number in point.awaited),
        "due_at": point.due_at,
        "advice": ADVICE.get(finding.kind, ""),
        "opened_at": finding.opened_at,
    }


def _terminal(terminal: Terminal) -> dict[str, object]:
    unsent = terminal.head_seq - terminal.cursor_seq
    return {
        "number": terminal.id,
        "status": STATUSES[terminal.status],
        "active": terminal.status == "active",
        "last_seen_at": terminal.last_seen_at,
        "held": terminal.cursor_seq,
        "unsent": ngettext("%(count)s connue", "%(count)s connues", unsent) % {"count": unsent}
        if unsent > 0
        else _("rien au dernier contact"),
        "software": terminal.software_version,
    }


def _or_dash(amount_cents: int, language: str) -> str:
    return euros(amount_cents, language) if amount_cents else "–"
