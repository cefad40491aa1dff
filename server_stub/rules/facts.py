"""What is known of one card and of its sales, as values: what the rules decide upon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique

from cardkit.bodies import ResolutionChoice
from cardkit.card.tmac import NO_TMRI
from cardkit.card.token import SaleRecord
from server_stub.rules.proof import CardKey, CardSale

APPROVED = "approved"


@unique
class Outcome(StrEnum):
    """What the terminal said became of its intent."""

    OPEN = "open"
    SALE = "sale"
    VOID = "void"
    INDETERMINATE = "indeterminate"


@unique
class State(StrEnum):
    """What the service makes of a sale."""

    PAYABLE = "payable"
    HELD = "held"
    WAITING = "waiting"
    PROVISIONAL = "provisional"
    """Proven by cards alone: a person confirms it."""
    RETURNED = "returned"
    NOTHING = "nothing"
    """No money moved, or another entry is paid for the same transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The card right after a transaction that it has proven; its birth is the first."""

    tmc: int
    tmv: bytes
    spent_cents: int
    tmri: bytes = NO_TMRI


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFacts:
    """One intent, and what was learnt of it since."""

    entry: bytes
    """Digest of the intent's entry."""
    terminal: int
    seq: int
    merchant: int
    at: datetime
    tmc: int
    """The transaction that it claims: tmc0 + 1."""
    tmv0: bytes
    spent0_cents: int
    amount_cents: int
    token: bytes
    enc_tmri: bytes
    expected_tmv: bytes | None
    """What the card must have answered if it executed just this."""
    token_right: bool
    verdict: str
    """APPROVED, or why decide() says no on the documents that the terminal held."""
    allowance: tuple[int, int] = (0, 0)
    """Epoch and version of the allowance that the terminal decided upon."""
    leans_on: tuple[tuple[int, int], ...] = ()
    """Refunds (seq, cents) without which decide() would have said no."""
    outcome: Outcome = Outcome.OPEN
    outcome_amount_cents: int | None = None
    outcome_tmv: bytes | None = None
    outcome_complete: bool = False
    """Whether the journal is held without a gap up to the outcome."""
    outcomes_disagree: bool = False
    choice: ResolutionChoice | None = None

    @property
    def sale(self) -> CardSale:
        """The transaction that it claims."""
        return CardSale(
            tmc=self.tmc,
            terminal=self.terminal,
            seq=self.seq,
            spent0_cents=self.spent0_cents,
            amount_cents=self.amount_cents,
            tmv0=self.tmv0,
            token=self.token,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Somebody saw this proof at this counter; true only where a claim fits to it."""

    tmc: int
    tmv: bytes
    spent_cents: int | None = None
    next_enc_tmri: bytes | None = None
    """The card's word on this transaction's reader, encrypted for tmc + 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts:
    """A refund entry about one of this card's sales."""

    terminal: int
    seq: int
    selling_terminal: int
    intent_seq: int
    amount_cents: int
    merchant: int
    entry: bytes
    contained_from: tuple[int, int] | None = None
    """The first version of the allowance that contains it, whether or not later ones list it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A terminal that was declared lost, and what makes its traces readable."""

    terminal: int
    last_seq: int
    """Its journal is held up to here; what is missing comes after."""
    token_key: bytes = field(repr=False)
    merchant: int | None
    """None when its permit named several."""
    told_seqs: frozenset[int] = frozenset()
    """Entries after last_seq that turned up all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A recovered sale that a person confirmed, and for whom."""

    terminal: int
    seq: int
    merchant: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """Everything that bears on the money of one card in one of its lives."""

    key: CardKey
    birth: Known
    claims: tuple[ClaimFacts, ...]
    sightings: tuple[Sighting, ...] = ()
    records: Mapping[int, tuple[SaleRecord, ...]] = field(default_factory=dict)
    """Records that some terminal read, by the transaction that their token puts them at."""
    refunds: tuple[RefundFacts, ...] = ()
    lost: Mapping[int, Lost] = field(default_factory=dict)
    confirmed: Mapping[int, Confirmed] = field(default_factory=dict)
    """By transaction counter."""
    returned: Mapping[int, int] = field(default_factory=dict)
    """Cents already given back to the member, by transaction counter."""
