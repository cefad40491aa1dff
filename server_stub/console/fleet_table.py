"""Terminals as lines of text: the fleet, one of them, what is missing, what a theft is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cardkit.clock import PARIS
from server_stub.console.fleet_words import CLOCKS, EVIDENCE, TROUBLES
from server_stub.console.words import STATUSES
from server_stub.services.amounts import euros
from server_stub.services.fleet import TerminalState
from server_stub.services.theft import Exposure


def fleet_table(states: Iterable[TerminalState]) -> Iterator[str]:
    """Yield a line for each terminal: whom it sells for, when it was heard, what is the matter."""
    states = list(states)
    if not states:
        yield _("Aucun terminal.")
    for state in states:
        troubles = ", ".join(str(TROUBLES[it.value]) for it in state.troubles) or _("rien à faire")
        said = troubles if state.terminal.status == "active" else STATUSES[state.terminal.status]
        yield f"{state.terminal.id:>4}  {_heard(state):<16}  {_merchants(state)}  {said}"


def terminal_lines(state: TerminalState) -> Iterator[str]:
    """Yield what is known of one terminal."""
    terminal, report = state.terminal, state.report
    yield _("Terminal %(id)s : %(status)s") % {
        "id": terminal.id,
        "status": STATUSES[terminal.status],
    }
    facts: list[tuple[str, object]] = [
        (_("Vend pour"), _merchants(state)),
        (_("Entendu le"), _heard(state)),
        (_("Version"), terminal.software_version or "–"),
        (_("Horloge"), CLOCKS[state.clock.name] if state.clock is not None else "–"),
        (_("Permis jusqu’au"), _moment(state.permit_until)),
        (_("Annuaire"), f"{terminal.directory_epoch}.{terminal.directory_version}"),
        (_("Annuaire jusqu’au"), _moment(state.directory_until)),
        (_("Journal reçu"), ", ".join(f"{it.first_seq}–{it.last_seq}" for it in state.held) or "–"),
        (_("Pas encore envoyé"), state.unsent_entries),
    ]
    if report is not None:
        facts += [
            (_("Écriture sur disque, p95"), _unit(report.fsync_p95_ms, "ms")),
            (_("Disque libre"), _unit(report.disk_free_mb, _("Mo"))),
            (_("Température"), _unit(report.temperature_c, "°C")),
            (
                _("Alimentation"),
                "–" if report.undervoltage is None else f"{report.undervoltage:#x}",
            ),
        ]
    width = max(len(name) for name, _fact in facts)
    yield from (f"  {name:<{width}}  {fact}" for name, fact in facts)
    yield from missing_lines(state)
    for trouble in state.troubles:
        yield f"  ! {TROUBLES[trouble.value]}"


def missing_lines(state: TerminalState) -> Iterator[str]:
    """Yield a line for each range of numbers that is not here."""
    for gap in state.missing:
        text = _("  Terminal %(id)s, manquent %(first)s à %(last)s (%(count)s) : %(evidence)s")
        yield text % {
            "id": state.terminal.id,
            "first": gap.numbers.first_seq,
            "last": gap.numbers.last_seq,
            "count": gap.numbers.count,
            "evidence": EVIDENCE[gap.evidence.value],
        }


def exposure_lines(shown: Exposure) -> Iterator[str]:
    """Yield what a theft is about, before anybody confirms it."""
    language = get_language() or "fr"
    yield _("Terminal %(id)s, journal reçu jusqu’au n° %(seq)s : ce qu’il dit est dû.") % {
        "id": shown.terminal.id,
        "seq": shown.last_seq,
    }
    yield _("Écritures connues et pas reçues : %(count)s") % {"count": shown.unsent_entries}
    yield _(
        "Ce qui n’a pas été envoyé peut encore faire bouger au plus %(sum)s ; au-delà, chaque vente"
        " attend deux personnes."
    ) % {"sum": euros(shown.window_cents, language)}
    yield _("Sans réseau, il peut vendre au plus tard jusqu’au %(moment)s.") % {
        "moment": _moment(shown.sells_until)
    }
    for one in shown.owed:
        account = one.account
        yield _("%(name)s : dû %(payable)s, en attente %(waiting)s, retenu %(held)s") % {
            "name": one.name,
            "payable": euros(account.payable_cents, language),
            "waiting": euros(account.waiting_cents + account.provisional_cents, language),
            "held": euros(account.held_cents, language),
        }


def next_steps(terminal: int) -> Iterator[str]:
    """Yield what a person does after a theft, in order."""
    yield _("C’est fait : permis retiré, terminal perdu, plafond posé. Maintenant :")
    yield _("1. Appelez le producteur : tout ce qui a été envoyé lui est payé comme d’habitude.")
    yield _("2. Prêtez-lui un terminal : clafoutis-server terminal loan NUMÉRO --by NOM")
    yield _(
        "3. Demandez aux clients de ce jour-là de toucher un autre terminal : leurs cartes"
        " racontent les ventes perdues. À suivre : clafoutis-server terminal missing %(id)s"
    ) % {"id": terminal}
    yield _(
        "4. Les clés de ce terminal imitent des cartes sur les stands sans réseau : faites changer"
        " la clé des cartes (clafoutis-provision card rekey)."
    )
    yield _("5. Portez plainte, et notez-en le numéro.")
    yield _(
        "6. S’il est retrouvé, prenez ce qu’il sait (clafoutis-server stick), puis appairez-le de"
        " nouveau : sous l’ancien numéro, il ne vendra plus."
    )


def _merchants(state: TerminalState) -> str:
    if state.permit is None:
        return "–"
    names = ", ".join(grant.name for grant in state.permit.merchants)
    return (
        _("prêté jusqu’au %(moment)s") % {"moment": _moment(state.permit.valid_until)}
        if state.permit.loan
        else names
    )


def _heard(state: TerminalState) -> str:
    return _moment(state.terminal.last_seen_at)


def _moment(at: datetime | None) -> str:
    return "–" if at is None else f"{at.astimezone(PARIS):%Y-%m-%d %H:%M}"


def _unit(value: int | None, unit: str) -> str:
    return "–" if value is None else f"{value} {unit}"
