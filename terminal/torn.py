"""A sale whose end nobody saw: what the card's facts prove about it, as a pure function.

That the counter moved on by one proves nothing, because another stall may have moved it. What
proves is the record that this terminal wrote in the same transaction, with a token that nobody
else can make (docs/protocol.md, "Torn").
"""

from __future__ import annotations

import hmac
from typing import Final

from cardkit.bodies import DoubtReason, Intent, SaleProof, VoidReason
from cardkit.card.profile import CardProfile
from cardkit.card.token import SaleRecord
from cardkit.frozen import dataclass

BIRTH_TRANSACTIONS: Final = 1
"""The transaction that ends issuing leaves no record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What the card shows now."""

    tmc: int
    tmv: bytes
    spent_cents: int
    records: tuple[SaleRecord | None, ...] | None = None
    """Newest first; None when they were not read or could not be."""


@dataclass(frozen=True, slots=True)
class Executed:
    """The card was debited by this intent."""

    tmc: int
    proof: SaleProof
    tmv: bytes | None


@dataclass(frozen=True, slots=True)
class NotExecuted:
    """The card was not debited by this intent, and never will be."""

    reason: VoidReason


@dataclass(frozen=True, slots=True)
class Undecidable:
    """The card can't tell this terminal any more; the service finds out."""

    reason: DoubtReason


Verdict = Executed | NotExecuted | Undecidable


def needs_records(intent: Intent, tmc: int) -> bool:
    """Say whether the counter alone leaves the question open."""
    return tmc != intent.tmc0


def judge(
    intent: Intent, facts: CardFacts, *, terminal: int, seq: int, profile: CardProfile
) -> Verdict:
    """Say what became of the intent with number `seq` of this terminal."""
    passed = facts.tmc - intent.tmc0
    if passed <= 0:
        return _unmoved(intent, facts)
    if facts.records is None:
        return Undecidable(DoubtReason.RECORDS_UNREADABLE)
    if any(_is_ours(record, intent, terminal, seq) for record in facts.records):
        return _executed(intent, facts, passed)
    readable = profile.records_readable
    expected = min(readable, facts.tmc - BIRTH_TRANSACTIONS)
    written = sum(record is not None for record in facts.records)
    if passed > readable or written < expected:
        return Undecidable(DoubtReason.RECORDS_OVERWRITTEN)
    return NotExecuted(VoidReason.RECORD_ABSENT)


def _unmoved(intent: Intent, facts: CardFacts) -> Verdict:
    """A counter that stands where it stood; anything else that moved contradicts it."""
    before = intent.tmc0, intent.tmv0, intent.spent0_cents
    if (facts.tmc, facts.tmv, facts.spent_cents) == before:
        return NotExecuted(VoidReason.COUNTER_UNCHANGED)
    return Undecidable(DoubtReason.FACTS_CONTRADICT)


def _executed(intent: Intent, facts: CardFacts, passed: int) -> Verdict:
    spent_after_cents = intent.spent0_cents + intent.amount_cents
    tmc = intent.tmc0 + 1
    if passed == 1:
        if facts.spent_cents == spent_after_cents:
            return Executed(tmc, SaleProof.READ_BACK, facts.tmv)
    elif facts.spent_cents >= spent_after_cents:
        return Executed(tmc, SaleProof.RECORD_ONLY, None)
    return Undecidable(DoubtReason.FACTS_CONTRADICT)


def _is_ours(record: SaleRecord | None, intent: Intent, terminal: int, seq: int) -> bool:
    """Recognise our own record; the token in our signed intent is what it has to show."""
    if record is None or (record.terminal, record.seq) != (terminal, seq):
        return False
    same_sale = (record.amount_cents, record.spent0_cents, record.tmv0) == (
        intent.amount_cents,
        intent.spent0_cents,
        intent.tmv0,
    )
    return same_sale and hmac.compare_digest(record.token, intent.token)
