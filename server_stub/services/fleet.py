"""Every terminal as it is: its own last word, what its journal lacks, and what it may do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from cardkit.clock import ClockTrust
from cardkit.permit import Permit
from cardkit.sync import Health, SyncRequest
from server_stub.models import (
    CardTransaction,
    DirectoryVersion,
    Finding,
    PermitIssued,
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
    said = {
        "reported_at": caisse.now(),
        "head_seq": request.head_seq,
        "acknowledged_seq": request.acknowledged_seq,
        "permit_epoch": request.permit_epoch,
        "permit_version": request.permit_version,
        **_health(request.health),
    }
    if before is None:
        reports.create(terminal=terminal, **said)
    else:
        reports.filter(pk=before.pk).update(**said)


def fleet(caisse: Caisse) -> tuple[TerminalState, ...]:
    """Return every terminal, by number; as many queries for a hundred as for one."""
    return _states(caisse, Terminal.objects.using(caisse.using))


def state_of(caisse: Caisse, terminal: Terminal) -> TerminalState:
    """Return one terminal as it is."""
    (state,) = _states(caisse, Terminal.objects.using(caisse.using).filter(pk=terminal.pk))
    return state


def journal_of(caisse: Caisse, terminal: Terminal) -> tuple[tuple[Range, ...], tuple[Missing, ...]]:
    """Return which numbers of a journal are held, and which are known to exist and are not."""
    return _journals(caisse, [terminal])[terminal.pk]


def _states(caisse: Caisse, wanted: QuerySet[Terminal]) -> tuple[TerminalState, ...]:
    terminals = list(_with_documents(caisse, wanted).select_related("report").order_by("id"))
    journals = _journals(caisse, terminals)
    contents = PermitIssued.objects.using(caisse.using).in_bulk(
        [number for it in terminals for number in (it.newest, it.in_hand) if number]
    )
    silent_days = value(caisse, RuleName.FRESH_DAYS)
    states = []
    for terminal in terminals:
        report = getattr(terminal, "report", None)
        newest, in_hand = contents.get(terminal.newest), contents.get(terminal.in_hand)
        held, lacks = journals[terminal.pk]
        state = TerminalState(
            terminal=terminal,
            report=report,
            clock=None if report is None or report.clock is None else ClockTrust(report.clock),
            permit=permit_of(newest.content) if newest else None,
            permit_until=in_hand.valid_until if in_hand else None,
            directory_until=terminal.directory_until,
            held=held,
            missing=lacks,
            troubles=(),
        )
        is_used = terminal.status == TerminalStatus.ACTIVE
        states.append(_looked_at(caisse, state, silent_days=silent_days) if is_used else state)
    return tuple(states)


def _with_documents(caisse: Caisse, wanted: QuerySet[Terminal]) -> QuerySet[Any]:
    """Add which permit was signed last, which one is in hand, and when the directory ends."""
    issued = PermitIssued.objects.using(caisse.using).filter(terminal=OuterRef("pk"))
    reported = issued.filter(
        epoch=OuterRef("report__permit_epoch"), version=OuterRef("report__permit_version")
    )
    directory = DirectoryVersion.objects.using(caisse.using).filter(
        epoch=OuterRef("directory_epoch"), version=OuterRef("directory_version")
    )
    return wanted.annotate(
        newest=Subquery(issued.order_by("-epoch", "-version").values("pk")[:1]),
        in_hand=Subquery(reported.values("pk")[:1]),
        directory_until=Subquery(directory.values("valid_until")[:1]),
    )


def _journals(
    caisse: Caisse, terminals: Sequence[Terminal]
) -> dict[int, tuple[tuple[Range, ...], tuple[Missing, ...]]]:
    beyond: dict[int, list[int]] = defaultdict(list)
    # From the terminals to their entries, so that an index leads past what is contiguous.
    after = Terminal.objects.using(caisse.using).filter(
        pk__in=[it.pk for it in terminals], entries__seq__gt=F("cursor_seq")
    )
    for number, seq in after.order_by("pk", "entries__seq").values_list("pk", "entries__seq"):
        beyond[number].append(seq)
    marked: dict[int, list[int]] = defaultdict(list)
    for number, seq in _marked(caisse):
        marked[number].append(seq)
    journals = {}
    for it in terminals:
        held = held_ranges(it.cursor_seq, beyond[it.pk])
        lacks = missing(held, told_head_seq=it.head_seq, marked_seqs=marked[it.pk])
        journals[it.pk] = held, lacks
    return journals


def _looked_at(caisse: Caisse, state: TerminalState, *, silent_days: int) -> TerminalState:
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
    found = troubles(condition, now=caisse.now(), silent_days=silent_days)
    return replace(state, troubles=tuple(found))


def _marked(caisse: Caisse) -> Iterator[tuple[int, int]]:
    """Terminals and numbers that only cards tell of: recovered sales, and marks in open gaps."""
    recovered = CardTransaction.objects.using(caisse.using).filter(claim__isnull=True)
    yield from recovered.order_by().values_list("terminal", "seq")
    gaps = Finding.objects.using(caisse.using).filter(
        kind=FindingKind.GAP.value, closed_at__isnull=True
    )
    for facts in gaps.values_list("facts", flat=True):
        for mark in filter(None, str(facts.get("marks", "")).split(", ")):
            number, _, seq = mark.partition("/")
            yield int(number), int(seq)


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
