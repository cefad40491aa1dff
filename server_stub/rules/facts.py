"""What is known of one card and of its sales, as values: what the rules decide upon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from enum import StrEnum, unique

from cardkit.acts import ReturnReason
from cardkit.bodies import ResolutionChoice
from cardkit.card.tmac import NO_TMRI
from cardkit.card.token import SaleRecord
from cardkit.decide import Reason
from cardkit.frozen import dataclass
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
    accepted: bool = False
    """Whether two people decided to pay it, whatever the terminal's documents say."""
    number_taken_twice: bool = False
    """Whether the terminal signed another entry too under the number of this intent."""
    beyond_window: bool = False
    """Whether a stolen terminal tells of it, beyond what its loss window has room for."""

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
    refused: Reason | None = None
    """Why a terminal declined the card that showed this."""


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
    beyond_window: bool = False
    """As of a claim."""
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
class Teller:
    """A terminal that may still tell of what it did, and how far it has told."""

    terminal: int
    up_to_seq: int
    """Its journal is held without a gap up to here."""
    token_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What an act has given back of the transactions from `first_tmc` to `last_tmc`."""

    first_tmc: int
    last_tmc: int
    amount_cents: int
    reason: ReturnReason
    is_reversed: bool = False
    """The member keeps it, and the sale is looked at as if nobody had returned it."""

    @property
    def subject(self) -> str:
        """What postings call it."""
        return f"returned/{self.first_tmc}-{self.last_tmc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A recovered sale that a person confirmed, and for whom."""

    terminal: int
    seq: int
    merchant: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFacts:
    """A sale that somebody disputes, as far as that has come."""

    number: bytes
    tmc: int
    amount_cents: int
    is_held: bool
    stage: str
    """A `rules.disputes.Stage`."""
    returned_cents: int = 0
    answer_by: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTwin:
    """A paid slip, and a sale of the same card, merchant, day and amount that came later."""

    carnet: int
    slip: int
    amount_cents: int
    terminal: int
    seq: int


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
    returned: tuple[Returned, ...] = ()
    """What acts have given back to the member already."""
    tellers: Mapping[int, Teller] = field(default_factory=dict)
    """Every terminal that was not declared lost."""
    told: frozenset[tuple[int, int]] = frozenset()
    """Gaps, by first and last counter, of which nobody will tell any more."""
    overdue: frozenset[int] = frozenset()
    """Transactions whose contradiction has waited for a person for as long as the rule says."""
    disputes: tuple[DisputeFacts, ...] = ()
    """In the order in which they were opened."""
    twins: tuple[PaperTwin, ...] = ()
    floor_cents: int = 0
    """A card with less value than this left in its counter is to be replaced."""
    blocked: bool = False
    emptied: bool = False
    """What it had left was moved to another card or has lapsed; it stays blocked."""

    def returned_at(self, tmc: int) -> Returned | None:
        """Return the act, if any, that gave back the money of a transaction."""
        covering = (one for one in self.returned if one.first_tmc <= tmc <= one.last_tmc)
        return min(covering, key=lambda one: one.last_tmc - one.first_tmc, default=None)
