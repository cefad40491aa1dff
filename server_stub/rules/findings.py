"""What does not match, as values: facts for a person, never a culprit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum, unique

from cardkit.frozen import dataclass


@unique
class FindingKind(StrEnum):
    """What was observed."""

    GAP = "gap"
    """A card moved in transactions that no terminal has told of yet."""
    UNCLAIMED = "unclaimed"
    """Every terminal has told all it had, and none told of these: given back to the member."""
    WITHHELD = "withheld"
    """A terminal's token is on the card for a number that its journal has for something else."""
    AWAITS_PROOF = "awaits_proof"
    """Only the card knows what became of a sale: its next tap anywhere tells."""
    OUTCOME_MISSING = "outcome_missing"
    """The card proves a debit of which its terminal has not said what became of it."""
    SEEN_AHEAD = "seen_ahead"
    """A terminal saw the card further on than anything proven."""
    NOT_GENUINE = "not_genuine"
    """A sale whose proof no card of ours made: held."""
    CARD_UNKNOWN = "card_unknown"
    HELD = "held"
    """Proven, but not allowed by the documents that the terminal held."""
    TWO_PROOFS = "two_proofs"
    """Two different transactions of one card are proven at one counter."""
    COUNTER_WENT_DOWN = "counter_went_down"
    """A later transaction begins with less spent than an earlier one had left."""
    CARD_BRANCHED = "card_branched"
    """A proven transaction does not go on from the one before it, but from another state."""
    CARD_ROLLED_BACK = "card_rolled_back"
    """A terminal declined a card that showed less than was proven."""
    CARD_FORKED = "card_forked"
    """A terminal declined a card that showed another proof at a counter that is proven."""
    REPLACE_CARD = "replace_card"
    """A card's counter has little value left, as after a drain."""
    VOID_CONTRADICTED = "void_contradicted"
    """The terminal said that it did not happen; the card says that it did."""
    TWO_OUTCOMES = "two_outcomes"
    AMOUNT_DIFFERS = "amount_differs"
    """A sale entry says another amount than the card has proven."""
    TOKEN_WRONG = "token_wrong"  # noqa: S105 - a kind of finding
    ENC_TMRI_WRONG = "enc_tmri_wrong"
    RECOVERED = "recovered"
    """A sale of a lost terminal, proven by cards: to be confirmed."""
    RECOVERY_CONTRADICTED = "recovery_contradicted"
    RETURNED_AND_GREEN = "returned_and_green"
    REFUND_WAITS = "refund_waits"
    SEQ_FORK = "seq_fork"
    """One terminal signed two entries with one number."""
    RESTORED = "restored"
    """A journal goes on a second time from one of its own entries, as after an older image."""
    CHAIN_BROKEN = "chain_broken"
    ENTRIES_MISSING = "entries_missing"
    UNREADABLE = "unreadable"
    """Signed by the terminal, and kept; but not even its place in the chain can be read."""
    TERMINAL_NOT_ACTIVE = "terminal_not_active"
    """Entries came from a terminal that was revoked or declared lost."""
    DISPUTED = "disputed"
    """Somebody says that a sale is not right; the producer, or a person, decides."""
    PAPER_DOUBLE = "paper_double"
    """A slip that was paid looks like a sale that a terminal told of later."""
    PAYOUT_RETURNED = "payout_returned"
    """The bank gave a merchant's transfer back: the merchant has not been paid."""
    RESTORE_SUSPECTED = "restore_suspected"
    """A terminal holds what this service must have signed or stored, and does not know."""


Fact = int | str


@dataclass(frozen=True, slots=True)
class FindingValue:
    """One observation; equal `kind` and `key` is the same one seen again."""

    kind: FindingKind
    key: str
    terminal: int | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)
