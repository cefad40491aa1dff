"""What a tap at the till can come to: values, because none of them is an error."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, unique
from typing import TypeAlias

from cardkit.bodies import SaleProof, VatTotal
from cardkit.decide import Declined
from cardkit.frozen import dataclass
from terminal.borne import RefusedAllowance
from terminal.torn import NotExecuted, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What stands behind an amount, when the till knows more than the amount."""

    total_cents: int | None = None
    remainder_cents: int | None = None
    """What the client pays another way."""
    vat_totals: tuple[VatTotal, ...] = ()
    lines_hash: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """An earlier amber sale of this card, settled at this tap."""

    intent_seq: int
    amount_cents: int
    verdict: Verdict
    refund_seq: int | None = None
    """The refund that was entered by itself, because the client had paid another way, or left."""

    @property
    def is_void(self) -> bool:
        """Whether nothing was debited; only then may the same tap go on to sell."""
        return isinstance(self.verdict, NotExecuted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Green:
    """The card has paid; `seq` is the number of the sale."""

    seq: int
    uid: bytes
    amount_cents: int
    tmc: int
    proof: SaleProof
    remaining_cents: int | None = None
    """What may still be spent; unknown for a sale that was settled at a later tap."""
    settled: tuple[Settlement, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether this very tap made it, and not one that was in doubt until now."""
        return self.remaining_cents is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The card may not pay."""

    declined: Declined
    settled: tuple[Settlement, ...] = ()
    refused: tuple[RefusedAllowance, ...] = ()
    """Allowances of this card that were looked at and do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amber:
    """Nobody knows yet whether the card has paid: the same card is to be tapped again."""

    seq: int
    uid: bytes
    amount_cents: int
    settled: tuple[Settlement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An earlier sale of this card was settled, and nothing else was done."""

    settled: tuple[Settlement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The same card has just paid the same amount: a person is asked, nothing was debited."""

    seq: int
    """The sale that was made."""
    uid: bytes
    amount_cents: int
    ago: timedelta
    settled: tuple[Settlement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCard:
    """Not the card that is waited for; nothing was debited and nothing journalled."""

    uid: bytes
    expected_uid: bytes
    settled: tuple[Settlement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One of a card's last sales, as the card remembers it."""

    terminal: int
    seq: int
    amount_cents: int
    at: datetime | None
    """Known for sales of this terminal only: a card keeps no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a card may spend."""

    uid: bytes
    available_cents: int
    spent_cents: int
    spendable_until: datetime | None
    movements: tuple[Movement, ...] = ()
    """What it paid last, newest first, where that was asked for."""
    settled: tuple[Settlement, ...] = ()
    refused: tuple[RefusedAllowance, ...] = ()
    """Allowances of this card that were looked at and do not count."""


SaleOutcome: TypeAlias = Green | Refused | Amber | Settled | Repeated | OtherCard
BalanceOutcome: TypeAlias = Balance | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """A refund is entered; it counts here at once, elsewhere when the service knows of it."""

    seq: int
    intent_seq: int
    amount_cents: int


@unique
class RefundObstacle(Enum):
    """Why a refund can't be entered."""

    NO_SUCH_SALE = "no proven sale of this terminal has that number"
    TOO_MUCH = "more than what is left of the sale"
    TOO_LATE = "the time for refunds has passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRefused:
    """A refund was not entered."""

    obstacle: RefundObstacle
    refundable_cents: int = 0


RefundOutcome: TypeAlias = Refunded | RefundRefused
