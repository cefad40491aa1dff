"""Runs that pay merchants: drawn up by one person, approved by another, then sent and confirmed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cardkit.acts import (
    ActKind,
    SettlementApproved,
    SettlementConfirmed,
    SettlementLine,
    SettlementRevoked,
    SettlementSent,
)
from cardkit.errors import must
from cardkit.payouts import PayoutReturned
from server_stub.models import (
    ActRow,
    Finding,
    PayoutEvidence,
    PayoutReturn,
    Settlement,
    SettlementDraft,
    SettlementStep,
)
from server_stub.models import (
    SettlementLine as LineRow,
)
from server_stub.rules.findings import FindingKind
from server_stub.rules.settle import (
    Refusal,
    RunState,
    end_to_end_id,
    lines_hash,
    run_lines,
    still_right,
)
from server_stub.rules.statement import RunStatement
from server_stub.services import acts, statements
from server_stub.services.behind import Lock, lock, proven
from server_stub.services.books import balances
from server_stub.services.caisse import Caisse
from server_stub.services.findings import settle_findings

_STATES: Final = {
    ActKind.SETTLEMENT_SENT: RunState.SENT,
    ActKind.SETTLEMENT_CONFIRMED: RunState.CONFIRMED,
    ActKind.SETTLEMENT_REVOKED: RunState.REVOKED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as people see it."""

    name: str
    state: RunState
    lines: tuple[SettlementLine, ...]

    @property
    def sum_cents(self) -> int:
        """What it pays in all."""
        return sum(line.amount_cents for line in self.lines)


def draw_up(caisse: Caisse, *, by: int) -> SettlementDraft | Refusal:
    """Draft a run that pays every merchant what is owed now; there is one draft at a time."""
    must(by > 0, "a person draws up a run")
    with caisse.alone():
        if lock(caisse) is not None:
            return Refusal.LOCKED
        if SettlementDraft.objects.using(caisse.using).exists():
            return Refusal.ANOTHER_DRAFT
        lines = run_lines(balances(caisse))
        if not lines:
            return Refusal.NOTHING_OWED
        name = _next_name(caisse)
        return SettlementDraft.objects.using(caisse.using).create(
            name=name,
            lines=[[line.merchant, line.amount_cents, line.total_cents] for line in lines],
            lines_hash=lines_hash(name, lines),
            drawn_up_by=by,
            drawn_up_at=caisse.now(),
            up_to_posting=statements.last_posting(caisse),
        )


def drop(caisse: Caisse) -> None:
    """Throw the draft away, if there is one."""
    SettlementDraft.objects.using(caisse.using).all().delete()


def approve(
    caisse: Caisse, name: str, *, by: int, seen: bytes | None = None
) -> Settlement | Refusal:
    """Put a draft in force, as a second person; from here on nothing of it changes.

    `seen`: `SettlementDraft.lines_hash` as that person saw it; a draft that was dropped and drawn
    up again since bears the same name.
    """
    must(by > 0, "a person approves a run")
    with caisse.alone():
        if lock(caisse) is not None:
            return Refusal.LOCKED
        draft = SettlementDraft.objects.using(caisse.using).filter(name=name).first()
        if draft is None:
            return Refusal.NO_SUCH_RUN
        if draft.drawn_up_by == by:
            return Refusal.SAME_PERSON
        if seen is not None and seen != draft.lines_hash:
            return Refusal.DRAFT_CHANGED
        lines = lines_of(draft)
        statement = _reasons(caisse, draft, lines)
        if isinstance(statement, Refusal):
            return statement
        body = SettlementApproved(settlement=name, lines=lines, drawn_up_by=draft.drawn_up_by)
        acts.record(caisse, body, by=by)
        run = Settlement.objects.using(caisse.using).get(name=name)
        statements.keep(caisse, run, statement, up_to_posting=draft.up_to_posting)
        draft.delete(using=caisse.using)
        return run


def mark_sent(
    caisse: Caisse, name: str, *, by: int, backup: Callable[[], object]
) -> ActRow | Refusal:
    """Say that a run leaves for the bank now; only after this may it.

    `backup` makes a copy of the database, which contains the approved run; when it raises, the
    run is not sent. It is called outside of a transaction.
    """
    must(by > 0, "a person sends a run")
    refusal = _not_sendable(caisse, name)
    if refusal is not None:
        return refusal
    backup()
    with caisse.alone():
        refusal = _not_sendable(caisse, name)  # again: the copy took its time
        return refusal or acts.record(caisse, SettlementSent(settlement=name), by=by)


def confirm(caisse: Caisse, name: str, *, by: int) -> ActRow | Refusal:
    """Say that the bank's statement shows the whole run.

    After a restore that forgot the sending, the statement is also what proves it.
    """
    must(by > 0, "a person confirms a run")
    with caisse.alone():
        state = state_of(caisse, name)
        restored = lock(caisse) is Lock.UNFINISHED and state is RunState.APPROVED
        if state is not RunState.SENT and not restored:
            return _refused(state)
        return acts.record(caisse, SettlementConfirmed(settlement=name), by=by)


def revoke(caisse: Caisse, name: str, *, by: int) -> ActRow | Refusal:
    """Take back a run that the bank has not executed: its merchants are owed again."""
    must(by > 0, "a person revokes a run")
    with caisse.alone():
        state = state_of(caisse, name)
        if state not in {RunState.APPROVED, RunState.SENT}:
            return _refused(state)
        return acts.record(caisse, SettlementRevoked(settlement=name), by=by)


def give_back(
    caisse: Caisse, name: str, merchant: int, amount_cents: int, *, entered_by: int, by: int
) -> ActRow | Refusal:
    """Owe a merchant again what the bank gave back of a payout; two people say so.

    What terminals are told was sent stays what it was: it did leave.
    """
    with caisse.alone():
        if entered_by == by:
            return Refusal.SAME_PERSON
        paid = _paid(caisse, name, merchant)
        if isinstance(paid, Refusal):
            return paid
        if paid.amount_cents != amount_cents:
            return Refusal.NOT_A_PAYOUT
        if is_owed_again(caisse, name, merchant):
            return Refusal.KNOWN_ALREADY
        body = PayoutReturned(
            settlement=name, merchant=merchant, amount_cents=amount_cents, entered_by=entered_by
        )
        row = acts.record(caisse, body, by=by)
        settle_findings(caisse, (), returns_open(caisse, name, merchant))
        return row


def is_owed_again(caisse: Caisse, name: str, merchant: int) -> bool:
    """Say whether it is on record that the bank gave a payment back."""
    rows = PayoutReturn.objects.using(caisse.using).filter(settlement=name)
    return rows.filter(merchant=merchant).exists()


def returns_open(caisse: Caisse, name: str, merchant: int) -> list[Finding]:
    """Return what is still to be decided of a payment that the bank gave back."""
    rows = Finding.objects.using(caisse.using).filter(closed_at=None)
    key = end_to_end_id(name, merchant)
    return list(rows.filter(kind=FindingKind.PAYOUT_RETURNED.value, key=key))


def state_of(caisse: Caisse, name: str) -> RunState | None:
    """Return how far a run has come; None when there is none of that name."""
    if not Settlement.objects.using(caisse.using).filter(name=name).exists():
        return None
    steps = SettlementStep.objects.using(caisse.using).filter(settlement_id=name)
    last = steps.order_by("act").last()
    return RunState.APPROVED if last is None else _STATES[ActKind(last.kind)]


def lines_of(draft: SettlementDraft) -> tuple[SettlementLine, ...]:
    """Read the lines of a draft."""
    return tuple(
        SettlementLine(merchant=merchant, amount_cents=amount_cents, total_cents=total_cents)
        for merchant, amount_cents, total_cents in draft.lines
    )


def runs(caisse: Caisse, *, newest: int) -> tuple[Run, ...]:
    """Return the draft and the last runs, newest first."""
    drafts = SettlementDraft.objects.using(caisse.using).all()
    approved = Settlement.objects.using(caisse.using).order_by("-act")[:newest]
    return (
        *(Run(name=one.name, state=RunState.DRAFT, lines=lines_of(one)) for one in drafts),
        *(_run(caisse, one) for one in approved),
    )


def _run(caisse: Caisse, run: Settlement) -> Run:
    state = state_of(caisse, run.name)
    must(state is not None, "a run that is there has a state")
    assert state is not None  # noqa: S101 - what must() said, for the type checker
    lines = tuple(
        SettlementLine(
            merchant=line.merchant, amount_cents=line.amount_cents, total_cents=line.total_cents
        )
        for line in run.lines.using(caisse.using).all()
    )
    return Run(name=run.name, state=state, lines=lines)


def _next_name(caisse: Caisse) -> str:
    """Number the runs of an epoch: what a restore forgot bears an earlier epoch's name."""
    epoch = acts.epoch(caisse)
    approved = Settlement.objects.using(caisse.using).filter(name__startswith=f"R{epoch}-")
    return f"R{epoch}-{approved.count() + 1:04}"


def _reasons(
    caisse: Caisse, draft: SettlementDraft, lines: tuple[SettlementLine, ...]
) -> RunStatement | Refusal:
    """Return why a draft pays what it pays; a refusal where it would pay something else."""
    if draft.lines_hash != lines_hash(draft.name, lines):
        return Refusal.DRAFT_CHANGED
    if not still_right(lines, balances(caisse)):
        return Refusal.NO_LONGER_OWED
    return statements.drawn_up(caisse, draft, lines) or Refusal.DRAFT_CHANGED


def _not_sendable(caisse: Caisse, name: str) -> Refusal | None:
    if lock(caisse) is not None:
        return Refusal.LOCKED
    state = state_of(caisse, name)
    return None if state is RunState.APPROVED else _refused(state)


def _paid(caisse: Caisse, name: str, merchant: int) -> LineRow | PayoutEvidence | Refusal:
    """Return what the bank paid a merchant: by a run, or by one that a restore has forgotten."""
    evidence = proven(caisse).filter(settlement=name, merchant=merchant).first()
    if evidence is not None:
        return evidence
    if state_of(caisse, name) is not RunState.CONFIRMED:
        return Refusal.NOT_IN_THAT_STATE
    lines = LineRow.objects.using(caisse.using).filter(settlement=name)
    return lines.filter(merchant=merchant).first() or Refusal.NOT_A_PAYOUT


def _refused(state: RunState | None) -> Refusal:
    return Refusal.NO_SUCH_RUN if state is None else Refusal.NOT_IN_THAT_STATE
