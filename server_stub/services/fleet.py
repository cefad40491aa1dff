"""Every terminal as it is: its own last word, what its journal lacks, and what it may do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from cardkit.clock import ClockTrust
from cardkit.permit import Permit
from cardkit.sync import Health, SyncRequest
from server_stub.models import (
    CardTransaction,
    DirectoryVersion,
    Finding,
    PermitIssued,
    StoredEntry,
    Terminal,
    TerminalReport,
    TerminalStatus,
)
from server_stub.rules.findings import FindingKind
from server_stub.rules.fleet import Condition, Trouble, troubles
from server_stub.rules.missing import Evidence, Missing, Range, held_ranges, missing
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.documents import permit_of
from server_stub.services.rules_in_force import value


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalState:
    """One terminal, and what the service knows of it."""

    terminal: Terminal
    report: TerminalReport | None
    clock: ClockTrust | None
    permit: Permit | None
    """The newest that was signed for it."""
    permit_until: datetime | None
    """When the permit ends that it last said it holds."""
    directory_until: datetime | None
    """When the directory ends that it last said it holds."""
    held: tuple[Range, ...]
    missing: tuple[Missing, ...]
    troubles: tuple[Trouble, ...]
    """Of a terminal in use; the gravest first."""

    @property
    def unsent_entries(self) -> int:
        """How many entries it said it has, that have not come."""
        return sum(it.numbers.count for it in self.missing if it.evidence is Evidence.TOLD)


def keep_report(caisse: Caisse, terminal: Terminal, request: SyncRequest) -> None:
    """Keep what a request says of its terminal; one that was made earlier says nothing new."""
    reports = TerminalReport.objects.using(caisse.using)
    before = reports.filter(terminal=terminal).first()
    if before is not None and request.head_seq < before.head_seq:
        return
    reports.update_or_create(
        terminal=terminal,
        defaults={
            "reported_at": caisse.now(),
            "head_seq": request.head_seq,
            "acknowledged_seq": request.acknowledged_seq,
            "permit_epoch": request.permit_epoch,
            "permit_version": request.permit_version,
            **_health(request.health),
        },
    )


def fleet(caisse: Caisse) -> tuple[TerminalState, ...]:
    """Return every terminal, by number."""
    terminals = Terminal.objects.using(caisse.using).order_by("id")
    return tuple(state_of(caisse, one) for one in terminals)


def state_of(caisse: Caisse, terminal: Terminal) -> TerminalState:
    """Return one terminal as it is."""
    report = TerminalReport.objects.using(caisse.using).filter(terminal=terminal).first()
    held, lacks = journal_of(caisse, terminal)
    issued = PermitIssued.objects.using(caisse.using).filter(terminal=terminal)
    newest = issued.last()
    in_hand = (
        report and issued.filter(epoch=report.permit_epoch, version=report.permit_version).first()
    )
    directory = DirectoryVersion.objects.using(caisse.using).filter(
        epoch=terminal.directory_epoch, version=terminal.directory_version
    )
    until = directory.values_list("valid_until", flat=True).first()
    clock = None if report is None or report.clock is None else ClockTrust(report.clock)
    state = TerminalState(
        terminal=terminal,
        report=report,
        clock=clock,
        permit=permit_of(newest.content) if newest else None,
        permit_until=in_hand.valid_until if in_hand else None,
        directory_until=until,
        held=held,
        missing=lacks,
        troubles=(),
    )
    return state if terminal.status != TerminalStatus.ACTIVE else _looked_at(caisse, state)


def journal_of(caisse: Caisse, terminal: Terminal) -> tuple[tuple[Range, ...], tuple[Missing, ...]]:
    """Return which numbers of a journal are held, and which are known to exist and are not."""
    beyond = StoredEntry.objects.using(caisse.using).filter(
        terminal=terminal, seq__gt=terminal.cursor_seq
    )
    held = held_ranges(terminal.cursor_seq, beyond.values_list("seq", flat=True))
    return held, missing(
        held, told_head_seq=terminal.head_seq, marked_seqs=_marked(caisse, terminal)
    )


def _looked_at(caisse: Caisse, state: TerminalState) -> TerminalState:
    report = state.report
    condition = Condition(
        last_seen_at=state.terminal.last_seen_at,
        permit_until=state.permit_until,
        has_gap=any(it.evidence is not Evidence.TOLD for it in state.missing),
        unsent_entries=state.unsent_entries,
        clock_trusted=None if state.clock is None else state.clock is not ClockTrust.UNTRUSTED,
        undervoltage=report.undervoltage if report else None,
        disk_free_mb=report.disk_free_mb if report else None,
        fsync_p95_ms=report.fsync_p95_ms if report else None,
        temperature_c=report.temperature_c if report else None,
    )
    found = troubles(condition, now=caisse.now(), silent_days=value(caisse, RuleName.FRESH_DAYS))
    return replace(state, troubles=tuple(found))


def _marked(caisse: Caisse, terminal: Terminal) -> Iterator[int]:
    """Numbers that only cards tell of: recovered sales, and marks in gaps that wait."""
    recovered = CardTransaction.objects.using(caisse.using).filter(
        terminal=terminal.id, claim__isnull=True
    )
    yield from recovered.values_list("seq", flat=True)
    gaps = Finding.objects.using(caisse.using).filter(
        kind=FindingKind.GAP.value, closed_at__isnull=True
    )
    for facts in gaps.values_list("facts", flat=True):
        for mark in filter(None, str(facts.get("marks", "")).split(", ")):
            number, _, seq = mark.partition("/")
            if int(number) == terminal.id:
                yield int(seq)


def _health(health: Health | None) -> dict[str, int | str | None]:
    if health is None:
        return {}
    return {
        "sqlite_version": health.sqlite_version,
        "clock": int(health.clock),
        "fsync_p95_ms": health.fsync_p95_ms,
        "disk_free_mb": health.disk_free_mb,
        "temperature_c": health.temperature_c,
        "undervoltage": health.undervoltage,
    }
