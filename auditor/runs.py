"""The rules of payouts, held against the log: four eyes, one step after the other, no sum invented.

Who has the service's key can sign any act. What an act may not say after those before it is
found here, whether or not the books follow it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto, unique
from typing import Final

from auditor.evidence import Evidence
from auditor.findings import Class, Finding
from auditor.resolutions import Decisions
from cardkit.acts import (
    Act,
    ClaimAccepted,
    EpochRaised,
    RestoreFinished,
    SettlementApproved,
    SettlementConfirmed,
    SettlementLine,
    SettlementRevoked,
    SettlementSent,
)
from cardkit.payouts import PayoutEvidenced, PayoutReturned
from cardkit.resolutions import ActReversed


@unique
class _State(Enum):
    APPROVED = auto()
    SENT = auto()
    CONFIRMED = auto()
    REVOKED = auto()


_STEPS: Final[dict[type, tuple[_State, frozenset[_State]]]] = {
    SettlementSent: (_State.SENT, frozenset({_State.APPROVED})),
    SettlementConfirmed: (_State.CONFIRMED, frozenset({_State.SENT})),
    SettlementRevoked: (_State.REVOKED, frozenset({_State.APPROVED, _State.SENT})),
}
"""What a step leads to, and from where."""


@dataclass(slots=True)
class _Runs:
    lines: dict[str, tuple[SettlementLine, ...]] = field(default_factory=dict)
    states: dict[str, _State] = field(default_factory=dict)
    settled_cents: Counter[int] = field(default_factory=Counter)
    """By merchant: what is in payment or paid."""
    evidenced_cents: dict[tuple[str, int], int] = field(default_factory=dict)
    """By run and merchant: what the bank's statement proved after a restore."""
    evidence: dict[int, PayoutEvidenced] = field(default_factory=dict)
    """By act: what nobody has taken back so far."""
    reversed: Mapping[int, int] = field(default_factory=dict)
    """Acts that count no more in the end, and the act by which."""
    returned: set[tuple[str, int]] = field(default_factory=set)
    """Run and merchant of payouts that the bank gave back."""
    is_locked: bool = False
    """Whether a restore was declared, or opened again, and not finished yet."""

    def paid_cents(self, name: str, merchant: int) -> int | None:
        """Return what the bank paid a merchant: by evidence, or by a run that is confirmed."""
        if (name, merchant) in self.evidenced_cents:
            return self.evidenced_cents[name, merchant]
        if self.states.get(name) is not _State.CONFIRMED:
            return None
        lines = self.lines.get(name, ())
        return next((line.amount_cents for line in lines if line.merchant == merchant), None)


def check_runs(found: Evidence, decisions: Decisions) -> None:
    """Add every act about payouts that breaks a rule to the findings."""
    runs = _Runs(reversed=decisions.reversed)
    for act in found.acts:
        for words, cents in _broken(act, runs):
            place = f"act {act.envelope.seq}"
            found.findings.append(Finding(Class.SETTLEMENT, place, words, cents))


def _broken(act: Act, runs: _Runs) -> Iterator[tuple[str, int]]:
    """Yield what is wrong with one act, and let it take effect."""
    match act.body:
        case EpochRaised():
            runs.is_locked = True
        case RestoreFinished(entered_by=first):
            runs.is_locked = False
            yield from _four_eyes(first, act.envelope.by, 0)
        case ClaimAccepted() as claim:
            yield from _four_eyes(claim.first_person, claim.second_person, claim.amount_cents)
        case PayoutEvidenced() as payout:
            yield from _evidenced(payout, act, runs)
        case ActReversed(seq=seq) if runs.reversed.get(seq) == act.envelope.seq:
            _taken_back(seq, runs)
        case PayoutReturned() as back:
            yield from _returned(back, act.envelope.by, runs)
        case SettlementApproved() as run:
            yield from _approved(run, act.envelope.by, runs)
        case SettlementSent() | SettlementConfirmed() | SettlementRevoked() as step:
            yield from _step(step, runs)


def _four_eyes(first: int, second: int, cents: int) -> Iterator[tuple[str, int]]:
    if first == second:
        yield f"user {first} alone did what takes two people", cents


def _approved(run: SettlementApproved, by: int, runs: _Runs) -> Iterator[tuple[str, int]]:
    sum_cents = sum(line.amount_cents for line in run.lines)
    yield from _four_eyes(run.drawn_up_by, by, sum_cents)
    if runs.is_locked:
        yield f"approves run {run.settlement} before the restore is finished", sum_cents
    if run.settlement in runs.lines:
        yield f"approves run {run.settlement} a second time", sum_cents
        return
    merchants = [line.merchant for line in run.lines]
    if not merchants or merchants != sorted(set(merchants)):
        yield f"run {run.settlement} does not name each merchant once, in order", sum_cents
    for line in run.lines:
        runs.settled_cents[line.merchant] += line.amount_cents
        wrong_cents = abs(line.total_cents - runs.settled_cents[line.merchant])
        if wrong_cents:
            words = f"run {run.settlement}: wrong total of merchant {line.merchant}"
            yield words, wrong_cents
    runs.lines[run.settlement] = run.lines
    runs.states[run.settlement] = _State.APPROVED


def _evidenced(payout: PayoutEvidenced, act: Act, runs: _Runs) -> Iterator[tuple[str, int]]:
    """A payout is entered in a restore, and once."""
    name, merchant, cents = payout.settlement, payout.merchant, payout.amount_cents
    yield from _four_eyes(payout.entered_by, act.envelope.by, cents)
    if not runs.is_locked:
        yield f"enters what run {name} paid merchant {merchant} outside of a restore", cents
    if (name, merchant) in runs.evidenced_cents:
        yield f"enters what run {name} paid merchant {merchant} a second time", cents
    runs.settled_cents[merchant] += cents
    runs.evidenced_cents[name, merchant] = cents
    runs.evidence[act.envelope.seq] = payout


def _taken_back(seq: int, runs: _Runs) -> None:
    """Leave evidence out of account that was taken back: the restore is open again."""
    wrong = runs.evidence.pop(seq, None)
    if wrong is None:
        return
    runs.settled_cents[wrong.merchant] -= wrong.amount_cents
    runs.evidenced_cents.pop((wrong.settlement, wrong.merchant), None)
    runs.is_locked = True


def _returned(back: PayoutReturned, by: int, runs: _Runs) -> Iterator[tuple[str, int]]:
    """What came back was paid, by a confirmed run or evidenced, all of it, and comes back once."""
    cents, name = back.amount_cents, back.settlement
    yield from _four_eyes(back.entered_by, by, cents)
    if runs.paid_cents(name, back.merchant) != cents:
        yield f"run {name} paid merchant {back.merchant} no such amount that came back", cents
    elif (name, back.merchant) in runs.returned:
        yield f"what run {name} paid merchant {back.merchant} comes back a second time", cents
    runs.returned.add((name, back.merchant))
    runs.settled_cents[back.merchant] -= cents


def _step(
    step: SettlementSent | SettlementConfirmed | SettlementRevoked, runs: _Runs
) -> Iterator[tuple[str, int]]:
    name, (into, allowed) = step.settlement, _STEPS[type(step)]
    lines = runs.lines.get(name, ())
    sum_cents = sum(line.amount_cents for line in lines)
    if name not in runs.states:
        yield f"run {name} was never approved", 0
        return
    if runs.is_locked and into is _State.CONFIRMED:
        # A restore may have forgotten that it was sent; the bank's statement shows it.
        allowed |= {_State.APPROVED}
    if runs.states[name] not in allowed:
        yield (
            f"run {name} is {runs.states[name].name.lower()}, not to be {into.name.lower()}",
            (sum_cents),
        )
        return
    if into is _State.SENT and runs.is_locked:
        yield f"run {name} is sent before the restore is finished", sum_cents
    if into is _State.REVOKED:
        for line in lines:
            runs.settled_cents[line.merchant] -= line.amount_cents
    runs.states[name] = into
