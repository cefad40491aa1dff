"""What terminals say of cards: each sale they asked for, what became of it, its refunds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from auditor.evidence import Evidence
from cardkit.bodies import (
    AllowanceSeen,
    DeclinedEntry,
    Indeterminate,
    Intent,
    Refund,
    Resolution,
    ResolutionChoice,
    Sale,
    Void,
)
from cardkit.bodies import (
    Evidence as CardEvidence,
)
from cardkit.card.token import ReaderId, SaleRecord
from cardkit.entries import Entry

Life = tuple[bytes, int]
"""A card's UID and generation."""
Place = tuple[int, int]
"""A terminal and a number of its journal."""


@dataclass(slots=True)
class Claim:
    """One intent, and what its terminal said of it later."""

    entry: Entry
    intent: Intent
    sale: Sale | None = None
    void: Void | None = None
    indeterminate: Indeterminate | None = None
    said_at: int = 0
    """The number of the entry that says what became of it; 0 while none does."""
    choice: ResolutionChoice | None = None

    @property
    def place(self) -> Place:
        """Terminal and number of the sale."""
        return self.entry.envelope.terminal, self.entry.seq

    @property
    def tmc(self) -> int:
        """The transaction of the card that it claims."""
        return self.intent.tmc0 + 1

    @property
    def record(self) -> SaleRecord:
        """What its terminal must have written on the card."""
        terminal, seq = self.place
        return SaleRecord(
            terminal=terminal,
            seq=seq,
            amount_cents=self.intent.amount_cents,
            spent0_cents=self.intent.spent0_cents,
            tmv0=self.intent.tmv0,
            token=self.intent.token,
        )

    @property
    def tmri(self) -> bytes:
        """The reader id that its terminal must have left."""
        terminal, seq = self.place
        return ReaderId(terminal=terminal, seq=seq, token=self.intent.token).pack()


@dataclass(slots=True)
class Told:
    """Everything that was told, by card and by sale."""

    claims: dict[Life, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    refunds: dict[Place, list[tuple[Place, Refund, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By sale: place of the refund, the refund, and the merchant that it is of."""
    refund_entries: list[tuple[Entry, Refund]] = field(default_factory=list)
    seen: dict[bytes, dict[int, set[bytes]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    """By UID and counter: proofs that somebody saw on the card."""
    records: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    """By UID: sale records that somebody read."""
    named: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    """By UID: proofs that such a record names, of whatever transaction was before its own."""
    allowances: dict[bytes, bytes] = field(default_factory=dict)
    """Allowances that came back from cards."""

    def seen_at(self, uid: bytes, tmc: int) -> set[bytes]:
        """Return proofs that a card may have given of one transaction.

        A record of a terminal that tells nothing names one too; only its token, which is not
        public, would say of which transaction. The key of another one does not fit to it.
        """
        return self.seen[uid].get(tmc, set()) | self.named[uid]


def collect(found: Evidence) -> Told:
    """Read every entry once; those of a training are nobody's money."""
    told = Told()
    for entries in found.entries.values():
        by_seq: dict[int, list[Claim]] = defaultdict(list)
        for entry in entries:
            if not entry.envelope.training:
                _read(entry, told, by_seq)
    for lives in told.claims.values():
        for claim in lives:
            _see_record(told, claim)
    return told


def _read(entry: Entry, told: Told, by_seq: dict[int, list[Claim]]) -> None:
    match entry.body:
        case Intent() as intent:
            claim = Claim(entry, intent)
            by_seq[entry.seq].append(claim)
            told.claims[intent.uid, intent.generation].append(claim)
            told.seen[intent.uid][intent.tmc0].add(intent.tmv0)
        case Sale() | Void() | Indeterminate() as outcome:
            for claim in by_seq.get(outcome.intent_seq, ()):
                _outcome(entry, outcome, claim, told)
        case Resolution() as answer:
            for claim in by_seq.get(answer.intent_seq, ()):
                claim.choice = answer.choice
        case Refund() as refund:
            terminal = refund.selling_terminal or entry.envelope.terminal
            place = entry.envelope.terminal, entry.seq
            told.refund_entries.append((entry, refund))
            told.refunds[terminal, refund.intent_seq].append(
                (place, refund, entry.envelope.merchant)
            )
        case CardEvidence() as seen:
            told.seen[seen.uid][seen.tmc].add(seen.tmv)
            told.records[seen.uid].update(seen.records)
            told.named[seen.uid].update(
                record.tmv0 for raw in seen.records if (record := SaleRecord.unpack(raw))
            )
        case DeclinedEntry(uid=bytes(uid), tmc=int(tmc), tmv=bytes(tmv)):
            told.seen[uid][tmc].add(tmv)
        case AllowanceSeen(content=content):
            told.allowances[entry.digest] = content


def _outcome(entry: Entry, outcome: Sale | Void | Indeterminate, claim: Claim, told: Told) -> None:
    """Note what a terminal said; of two things, the sale weighs most."""
    if outcome.tmv is not None and outcome.tmc is not None:
        told.seen[claim.intent.uid][outcome.tmc].add(outcome.tmv)
    match outcome:
        case Sale():
            claim.sale = claim.sale or outcome
        case Indeterminate():
            claim.indeterminate = claim.indeterminate or outcome
        case Void():
            claim.void = claim.void or outcome
    claim.said_at = max(claim.said_at, entry.seq)


def _see_record(told: Told, claim: Claim) -> None:
    """A record that is just this claim's tells the proof of the transaction before it."""
    if claim.record.pack() in told.records[claim.intent.uid]:
        told.seen[claim.intent.uid][claim.intent.tmc0].add(claim.intent.tmv0)
