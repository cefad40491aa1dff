"""A day of the caisse: what came, what waits for somebody, what happens by itself.

Every question is answered by a count over an index or a bounded list: a caisse of ten years has a
home page as quick as a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum, unique
from typing import Final

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value

from cardkit.acts import ActKind
from cardkit.clock import PARIS, business_date
from cardkit.errors import must
from server_stub.models import (
    Admission,
    BankDetails,
    BankImport,
    Batch,
    CardTransaction,
    CashCount,
    Commitment,
    Dispute,
    DisputeStep,
    Finding,
    HandoverNote,
    Letter,
    LetterState,
    PairingRequest,
    PairingState,
    PaperSlip,
    Person,
    Proposal,
    Settlement,
    SettlementDraft,
    SettlementStep,
    Terminal,
    TerminalStatus,
)
from server_stub.rules.allowances import midnight, months_from
from server_stub.rules.disputes import Event
from server_stub.rules.jobs import Job
from server_stub.rules.ledger import OF_MERCHANTS, Book
from server_stub.rules.scheme import RuleName
from server_stub.services import bank_statements, books
from server_stub.services.behind import Lock, lock
from server_stub.services.caisse import Caisse
from server_stub.services.jobs import JobState, Outcome, job_states
from server_stub.services.rules_in_force import voted

ARRIVED_WITHIN: Final = timedelta(days=1)
SILENT_AFTER: Final = timedelta(days=7)
ARRIVALS_SHOWN: Final = 12
NOTE_MAX: Final = 4_000
RUNS_SHOWN: Final = 5
_ONE_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_PROMISES_SPAN: Final = timedelta(days=400)
"""A promise that began before this has ended long ago."""
_DECIDED: Final = (Event.CHARGE.value, Event.BEAR.value, Event.REJECT.value)
_ENDED: Final = (ActKind.SETTLEMENT_CONFIRMED, ActKind.SETTLEMENT_REVOKED)


@unique
class Need(StrEnum):
    """What waits for a person; the order is the one among equals."""

    LOCKED = "locked"
    SECOND_PERSON = "second_person"
    RUN_TO_APPROVE = "run_to_approve"
    RUN_TO_SEND = "run_to_send"
    RUN_TO_CONFIRM = "run_to_confirm"
    BANK_DETAILS = "bank_details"
    FINDINGS = "findings"
    DISPUTES = "disputes"
    PAPER_SLIPS = "paper_slips"
    BANK_LINES = "bank_lines"
    TERMINAL_TO_PAIR = "terminal_to_pair"
    TERMINALS_SILENT = "terminals_silent"
    LETTERS = "letters"
    JOB_FAILED = "job_failed"
    WAITING_LIST = "waiting_list"


@unique
class Task(StrEnum):
    """What a month asks for, in its order."""

    BACKUP = "backup"
    ISSUE = "issue"
    BANK_STATEMENT = "bank_statement"
    CASH_COUNT = "cash_count"
    PAYOUT = "payout"
    ALL_SENT = "all_sent"
    RENEWALS = "renewals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """So many things of one kind that wait for somebody."""

    need: Need
    count: int
    since: datetime | None = None
    """Of the oldest."""
    amount_cents: int | None = None
    """What hangs on them, where that is one sum."""
    name: str = ""
    """Of the one thing, where there is one: a run, a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What one terminal brought within a day."""

    terminal: int
    entries: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the month's checklist."""

    task: Task
    is_done: bool
    count: int = 0
    """What is missing, where that can be counted."""
    on: datetime | None = None
    """When it was done last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Sums that fit on one line."""

    payable_cents: int
    held_cents: int
    waiting_cents: int
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """Everything that the home page of the office says."""

    lock: Lock | None
    figures: Figures
    needs: tuple[Waiting, ...]
    """The oldest first; a lock before everything."""
    arrivals: tuple[Arrival, ...]
    sales_cents: int
    sales: int
    jobs: tuple[JobState, ...]
    month: tuple[Line, ...]
    note: HandoverNote | None


def today_of(caisse: Caisse) -> Today:
    """Read the day of a caisse."""
    jobs = tuple(job_states(caisse))
    locked = lock(caisse)
    arrivals = _arrivals(caisse)
    sold = _sold(caisse)
    return Today(
        lock=locked,
        figures=_figures(caisse),
        needs=tuple(sorted(_needs(caisse, locked, jobs), key=_urgency)),
        arrivals=arrivals,
        sales=sold[0],
        sales_cents=sold[1],
        jobs=jobs,
        month=tuple(_month(caisse, jobs)),
        note=note_of(caisse),
    )


def note_of(caisse: Caisse) -> HandoverNote | None:
    """Return the note that is pinned."""
    return HandoverNote.objects.using(caisse.using).first()


def leave_note(caisse: Caisse, text: str, *, by: int) -> None:
    """Pin a note in the place of the last one; an empty text takes it away."""
    must(by > 0 and len(text) <= NOTE_MAX, "a person leaves a note within its bounds")
    with caisse.alone():
        HandoverNote.objects.using(caisse.using).all().delete()
        if text.strip():
            HandoverNote.objects.using(caisse.using).create(
                text=text.strip(), written_by=by, written_at=caisse.now()
            )


def _figures(caisse: Caisse) -> Figures:
    stands = books.balances(caisse)

    def of(*wanted: Book) -> int:
        return sum(cents for account, cents in stands.items() if account[0] in wanted)

    members = Admission.objects.using(caisse.using).filter(account__departure__isnull=True)
    waiting = (OF_MERCHANTS - {Book.PAYABLE, Book.HELD, Book.PAID}) | {Book.WAITING}
    return Figures(
        payable_cents=of(Book.PAYABLE),
        held_cents=of(Book.HELD),
        waiting_cents=of(*waiting),
        members=members.count(),
    )


def _arrivals(caisse: Caisse) -> tuple[Arrival, ...]:
    since = caisse.now() - ARRIVED_WITHIN
    brought = Batch.objects.using(caisse.using).filter(received_at__gte=since, new_entries__gt=0)
    rows = (
        brought.order_by()
        .values("terminal")
        .annotate(entries=Sum("new_entries"), last_at=Max("received_at"))
        .order_by("-last_at")
    )
    return tuple(
        Arrival(terminal=row["terminal"], entries=row["entries"], last_at=row["last_at"])
        for row in rows[:ARRIVALS_SHOWN]
    )


def _sold(caisse: Caisse) -> tuple[int, int]:
    """Return how many proven sales the last day's deliveries brought, and their sum."""
    since = caisse.now() - ARRIVED_WITHIN
    brought = Batch.objects.using(caisse.using).filter(received_at__gte=since, new_entries__gt=0)
    sold = CardTransaction.objects.using(caisse.using).filter(
        claim__entry__batch__in=brought.order_by().values("id")
    )
    sums = sold.aggregate(count=Count("id"), cents=Sum("amount_cents"))
    return sums["count"], sums["cents"] or 0


def _needs(caisse: Caisse, locked: Lock | None, jobs: tuple[JobState, ...]) -> Iterator[Waiting]:
    if locked is not None:
        yield Waiting(need=Need.LOCKED, count=1)
    yield from _runs(caisse)
    yield from _dated(caisse)
    yield from _counted(caisse)
    for state in jobs:
        if state.outcome is Outcome.FAILED:
            yield Waiting(need=Need.JOB_FAILED, count=1, since=state.began_at, name=state.job.value)


def _dated(caisse: Caisse) -> Iterator[Waiting]:
    """What waits since a moment that is on record: all kinds in one query."""
    first, *others = (
        rows.using(caisse.using)
        .order_by()
        .annotate(need=Value(need.value))
        .values("need")
        .annotate(n=Count("pk"), oldest=Min(moment))
        for need, rows, moment in (
            (Need.SECOND_PERSON, Proposal.objects.all(), "at"),
            (Need.BANK_DETAILS, _unconfirmed(), "entered_at"),
            (Need.FINDINGS, Finding.objects.filter(closed_at__isnull=True), "opened_at"),
            (Need.DISPUTES, undecided(), "act__at"),
            (Need.PAPER_SLIPS, PaperSlip.objects.all(), "entered_at"),
            (Need.TERMINAL_TO_PAIR, _asking(caisse), "received_at"),
            (Need.LETTERS, Letter.objects.filter(state=LetterState.QUEUED), "queued_at"),
        )
    )
    for row in first.union(*others, all=True):
        if not row["n"]:
            continue
        yield Waiting(need=Need(row["need"]), count=row["n"], since=row["oldest"])


def _urgency(waiting: Waiting) -> tuple[bool, datetime, int]:
    far = datetime.max.replace(tzinfo=UTC)
    order = list(Need).index(waiting.need)
    return waiting.need is not Need.LOCKED, waiting.since or far, order


def _unconfirmed() -> QuerySet[BankDetails]:
    """Bank details that nobody has confirmed, and that no later ones have replaced."""
    newest = BankDetails.objects.order_by().values("merchant").annotate(last=Max("id"))
    return BankDetails.objects.filter(id__in=newest.values("last"), confirmation__isnull=True)


def undecided() -> QuerySet[Dispute]:
    """Disputes that wait for an answer or a decision; taking a decision back opens one again."""
    steps = DisputeStep.objects.filter(dispute=OuterRef("pk"))
    rows = Dispute.objects.annotate(
        last=Subquery(steps.order_by("-act").values("event")[:1]),
        was_decided=Exists(steps.filter(event__in=_DECIDED)),
    )
    withdrawn = Q(last=Event.TAKE_BACK.value, was_decided=False)
    return rows.filter(Q(last__isnull=True) | ~Q(last__in=_DECIDED)).exclude(withdrawn)


def _asking(caisse: Caisse) -> QuerySet[PairingRequest]:
    return PairingRequest.objects.filter(
        pairing__state=PairingState.OPEN, pairing__expires_at__gt=caisse.now()
    )


def _runs(caisse: Caisse) -> Iterator[Waiting]:
    using = caisse.using
    for draft in SettlementDraft.objects.using(using).all():
        yield Waiting(
            need=Need.RUN_TO_APPROVE,
            count=1,
            since=draft.drawn_up_at,
            amount_cents=sum(cents for _merchant, cents, _total in draft.lines),
            name=draft.name,
        )
    steps = SettlementStep.objects.using(using)
    ended = steps.filter(kind__in=_ENDED).values("settlement")
    sent = steps.filter(kind=ActKind.SETTLEMENT_SENT).values("settlement")
    for run in (
        Settlement.objects.using(using)
        .exclude(name__in=ended)
        .select_related("act")
        .annotate(cents=Sum("lines__amount_cents"), is_sent=Q(name__in=sent))
        .order_by("act")[:RUNS_SHOWN]
    ):
        yield Waiting(
            need=Need.RUN_TO_CONFIRM if run.is_sent else Need.RUN_TO_SEND,
            count=1,
            since=run.act.at,
            amount_cents=run.cents,
            name=run.name,
        )


def _counted(caisse: Caisse) -> Iterator[Waiting]:
    """What has no moment of its own: lines of the bank, silent stalls, people who wait."""
    using = caisse.using
    lines = bank_statements.waiting(caisse).order_by()
    found = lines.aggregate(n=Count("pk"), oldest=Min("source__kept_at"))
    if found["n"]:
        yield Waiting(need=Need.BANK_LINES, count=found["n"], since=found["oldest"])
    silent = _silent_since(caisse, caisse.now() - SILENT_AFTER)
    if silent:
        yield Waiting(need=Need.TERMINALS_SILENT, count=silent)
    waiting = Person.objects.using(using).filter(
        account__admission__isnull=True, account__departure__isnull=True
    )
    if count := waiting.count():
        yield Waiting(need=Need.WAITING_LIST, count=count)


def _silent_since(caisse: Caisse, moment: datetime) -> int:
    active = Terminal.objects.using(caisse.using).filter(status=TerminalStatus.ACTIVE)
    return active.exclude(last_seen_at__gte=moment).count()


def _month(caisse: Caisse, jobs: tuple[JobState, ...]) -> Iterator[Line]:
    using, now = caisse.using, caisse.now()
    today = business_date(now)
    begins = today.replace(day=1)
    since = midnight(begins, PARIS)
    by_job = {state.job: state for state in jobs}
    for task, job in ((Task.BACKUP, Job.BACKUP), (Task.ISSUE, Job.ISSUE)):
        state = by_job[job]
        yield Line(task=task, is_done=state.due_at > now, on=state.succeeded_at)
    statement = BankImport.objects.using(using).filter(kept_at__gte=since).last()
    yield _done(Task.BANK_STATEMENT, None if statement is None else statement.kept_at)
    counted = CashCount.objects.using(using).filter(day__gte=begins).select_related("act").last()
    yield _done(Task.CASH_COUNT, None if counted is None else counted.act.at)
    sent = SettlementStep.objects.using(using).filter(kind=ActKind.SETTLEMENT_SENT)
    last = sent.select_related("act").last()
    weekly = last is not None and last.act.at > now - _WEEK
    yield Line(task=Task.PAYOUT, is_done=weekly, on=None if last is None else last.act.at)
    silent = _silent_since(caisse, min(since, now - _ONE_DAY))
    yield Line(task=Task.ALL_SENT, is_done=not silent, count=silent)
    ending = _ending(caisse, today)
    yield Line(task=Task.RENEWALS, is_done=not ending, count=ending)


def _done(task: Task, on: datetime | None) -> Line:
    return Line(task=task, is_done=on is not None, on=on)


def _ending(caisse: Caisse, today: date) -> int:
    """Return how many members' promises end within the weeks that are voted, or have ended."""
    weeks = voted(caisse, RuleName.RENEWAL_WEEKS) or 0
    rows = Commitment.objects.using(caisse.using).filter(
        account__departure__isnull=True, first_month__gt=today - _PROMISES_SPAN
    )
    last: dict[int, date] = {}
    for account, first_month, months in rows.values_list("account", "first_month", "months"):
        after = tuple(months_from(first_month, count=months + 1))[-1]
        last[account] = max(after, last.get(account, after))
    return sum(today >= after - timedelta(weeks=weeks) for after in last.values())
