"""The fleet, one terminal, and who is at the door."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.declared import COORDINATOR, TREASURER
from server_stub.console.fleet_words import CLOCKS, EVIDENCE, TROUBLES
from server_stub.console.links import link
from server_stub.console.terminals.forms import PayeesForm
from server_stub.console.visit import Visit
from server_stub.console.words import STATUSES
from server_stub.services.fleet import TerminalState, fleet
from server_stub.services.pairing_read import pairings
from server_stub.services.terminal_seen import TerminalSeen, payees, terminal_seen

ROWS_SHOWN = 200


def terminal_list(visit: Visit) -> HttpResponse:
    """Show every terminal: the ones with the gravest trouble first, those out of use last."""
    states = fleet(visit.caisse)
    used = [it for it in states if it.terminal.status == "active"]
    gone = [it for it in states if it.terminal.status != "active"]
    used.sort(key=lambda it: (not it.missing, -len(it.troubles), it.terminal.pk))
    return visit.page(
        "terminals/list.html",
        {
            "rows": [row(it) for it in used[:ROWS_SHOWN]],
            "gone": [row(it) for it in gone[-ROWS_SHOWN:]],
            "lacks": [
                {"row": row(it), "missing": missing(it)} for it in states[:ROWS_SHOWN] if it.missing
            ],
            "pairings": pairings(visit.caisse) if visit.has(COORDINATOR, TREASURER) else (),
            "may_act": visit.has(COORDINATOR),
            "sees_pairings": visit.has(COORDINATOR, TREASURER),
        },
    )


def terminal_page(visit: Visit, terminal: int) -> HttpResponse:
    """Show everything that is known of one terminal."""
    seen = find(visit, terminal)
    return visit.page(
        "terminals/terminal.html",
        {
            **told(visit, seen),
            "health": _health(seen.state),
            "missing": missing(seen.state),
            "findings": link("findings"),
            "sees_deliveries": bool(seen.deliveries),
        },
    )


def terminal_pairing(visit: Visit) -> HttpResponse:
    """Show how a terminal is let in, and the words of those that ask to be."""
    asked = visit.request.GET
    known = payees(visit.caisse)
    form = PayeesForm(known, asked if "merchants" in asked else None)
    wanted = form.cleaned_data["merchants"] if form.is_bound and form.is_valid() else []
    return visit.page(
        "terminals/pairing.html",
        {
            "form": form,
            "has_merchants": bool(known),
            "chosen": wanted,
            "command": " ".join(f"--merchant {number}" for number in wanted),
            "not_covered": [it for it in known if it.merchant.pk in wanted and not it.is_covered],
            "pairings": pairings(visit.caisse),
            "now": visit.caisse.now(),
        },
    )


def find(visit: Visit, terminal: int) -> TerminalSeen:
    """Return a terminal; a page that is not there where there is none."""
    seen = terminal_seen(visit.caisse, terminal)
    if seen is None:
        raise Http404
    return seen


def told(visit: Visit, seen: TerminalSeen) -> dict[str, Any]:
    """Return what every page of a terminal says of it."""
    return {"it": seen, "row": row(seen.state), "may_act": visit.has(COORDINATOR)}


def row(state: TerminalState) -> dict[str, Any]:
    """Return one line on a terminal: whom it sells for, and what is the matter with it."""
    permit = state.permit
    is_used = state.terminal.status == "active"
    return {
        "one": state,
        "terminal": state.terminal,
        "status": STATUSES[state.terminal.status],
        "is_used": is_used,
        "is_lent": permit is not None and permit.loan,
        "merchants": () if permit is None else permit.merchants,
        "troubles": [TROUBLES[it.value] for it in state.troubles],
    }


def missing(state: TerminalState) -> list[dict[str, object]]:
    """Return the numbers that exist and are not here, each with what says so."""
    return [
        {"numbers": it.numbers, "evidence": EVIDENCE[it.evidence.value]} for it in state.missing
    ]


def _health(state: TerminalState) -> list[tuple[str, str]]:
    report = state.report
    clock = "–" if state.clock is None else str(CLOCKS[state.clock.name])
    facts = [(_("Version"), state.terminal.software_version or "–"), (_("Horloge"), clock)]
    if report is None:
        return facts
    power = "–" if report.undervoltage is None else _power(report.undervoltage)
    return [
        *facts,
        (_("Disque libre"), _unit(report.disk_free_mb, _("Mo"))),
        (_("Écriture sur disque, 95 %"), _unit(report.fsync_p95_ms, "ms")),
        (_("Température"), _unit(report.temperature_c, "°C")),
        (_("Alimentation"), power),
    ]


def _power(bits: int) -> str:
    return _("suffisante") if bits == 0 else _("faible à un moment")


def _unit(value: int | None, unit: str) -> str:
    return "–" if value is None else f"{value}\u00a0{unit}"
