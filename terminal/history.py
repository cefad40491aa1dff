"""The sales of a terminal as a person looks for one: newest first, without a balance or a name."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum, unique

from cardkit.bodies import Indeterminate, Intent, Sale
from cardkit.clock import business_date
from cardkit.entries import Entry
from cardkit.errors import Bug
from cardkit.frozen import dataclass
from terminal.till import Till

_BATCH = 50


@unique
class SaleState(Enum):
    """What became of a sale."""

    PAID = "paid"
    OPEN = "open"
    VOID = "void"
    LEFT_TO_CAISSE = "left to the caisse"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSale:
    """One sale."""

    seq: int
    at: datetime
    merchant: int
    uid: bytes
    amount_cents: int
    total_cents: int
    """The whole basket, of which the card paid the amount."""
    refunded_cents: int
    state: SaleState

    @property
    def refundable_cents(self) -> int:
        """What can still be given back."""
        return self.amount_cents - self.refunded_cents if self.state is SaleState.PAID else 0


def alias(uid: bytes) -> str:
    """Return what a stall calls a card: the last four digits of its number, never a name."""
    return f"…{uid.hex().upper()[-4:]}"


def sales_of_day(till: Till, day: date) -> tuple[PastSale, ...]:
    """Return the sales of a business day, newest first."""
    found: list[PastSale] = []
    seq = till.journal.next_seq
    while True:
        entries = till.journal.intents_before(seq, _BATCH)
        for entry in entries:
            if business_date(entry.envelope.at) < day:
                return tuple(found)
            if business_date(entry.envelope.at) == day:
                found.append(_past_sale(till, entry))
        if len(entries) < _BATCH:
            return tuple(found)
        seq = entries[-1].seq


def latest_sales(till: Till, *, before_seq: int, limit: int) -> tuple[PastSale, ...]:
    """Return up to so many sales before an entry, newest first, of whatever day."""
    return tuple(_past_sale(till, it) for it in till.journal.intents_before(before_seq, limit))


def _past_sale(till: Till, entry: Entry) -> PastSale:
    intent = entry.body
    if not isinstance(intent, Intent):
        raise Bug("only intents are looked for")
    outcome = till.journal.outcome(entry.seq)
    return PastSale(
        seq=entry.seq,
        at=entry.envelope.at,
        merchant=entry.envelope.merchant,
        uid=intent.uid,
        amount_cents=intent.amount_cents,
        total_cents=intent.amount_cents if intent.total_cents is None else intent.total_cents,
        refunded_cents=till.journal.refunded_cents(entry.seq),
        state=_state(outcome),
    )


def _state(outcome: Entry | None) -> SaleState:
    if outcome is None:
        return SaleState.OPEN
    if isinstance(outcome.body, Sale):
        return SaleState.PAID
    is_left = isinstance(outcome.body, Indeterminate)
    return SaleState.LEFT_TO_CAISSE if is_left else SaleState.VOID
