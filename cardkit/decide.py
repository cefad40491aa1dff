"""May this card pay this amount, here and now: asked by the till, asked again by the service.

Pure: everything it looks at is an argument, and everything it looks at stands in the intent or
is named there by its hash. That is why the service comes to the same answer weeks later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum, unique

from cardkit.allowance import Allowance
from cardkit.directory import CardRow, CardStatus, DirectoryHeader
from cardkit.errors import must
from cardkit.frozen import dataclass
from cardkit.money import CARD_CENTS_MAX
from cardkit.permit import Permit


@unique
class Reason(IntEnum):
    """Why a sale is declined."""

    NOT_ENOUGH = 1
    CARD_BLOCKED = 2
    CARD_UNKNOWN = 3
    """Nobody gave this terminal an allowance for the card, nor does the card carry one."""
    CARD_ROLLED_BACK = 4
    """The card shows less than the service has already proven."""
    CARD_FORKED = 5
    """The card shows another proof at the same transaction counter."""
    CARD_EXHAUSTED = 6
    """The counter has no room for another sale, as after a drain: the card is to be replaced."""
    SALE_CAP = 7
    CARD_DAY_CAP = 8
    UNSENT_CAP = 9
    PERMIT_EXPIRED = 10
    DIRECTORY_EXPIRED = 11
    MERCHANT_NOT_PERMITTED = 12
    CONVENTION_OUT_OF_DATES = 13


CARD_FACTS = frozenset(
    {
        Reason.CARD_BLOCKED,
        Reason.CARD_ROLLED_BACK,
        Reason.CARD_FORKED,
        Reason.CARD_EXHAUSTED,
    }
)
"""Reasons that are about the card itself; only these let a `declined` entry name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardState:
    """What the card said in this session, before anything was changed."""

    uid: bytes
    tmc: int
    tmv: bytes
    spent_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """What the terminal knows beside the card."""

    now: datetime
    permit: Permit
    merchant: int
    directory: DirectoryHeader | None
    row: CardRow | None
    allowance: Allowance | None
    """The newest of the directory's and the card's own."""
    refunded_cents: int
    """Refunds of this terminal that the allowance does not contain yet."""
    card_day_cents: int
    """What this terminal has already taken from this card on this business day."""
    unsent_cents: int
    """Sales of this terminal that no acknowledgement covers."""


@dataclass(frozen=True, slots=True)
class Approved:
    """The card may pay; `available_cents` is what it could have paid."""

    available_cents: int


@dataclass(frozen=True, slots=True)
class Declined:
    """The card may not pay; `payable_cents` is what it could pay instead, if anything."""

    reason: Reason
    payable_cents: int = 0


Decision = Approved | Declined


def decide(amount_cents: int, card: CardState, till: Till) -> Decision:
    """Decide one sale; the order of the questions is the order of importance."""
    must(amount_cents >= 1, "an amount is positive")
    refusal = _standing(till) or _genuine(card, till)
    if refusal is not None:
        return Declined(refusal)
    allowance = till.allowance
    if allowance is None or allowance.uid != card.uid or _outlived(allowance, till.row):
        return Declined(Reason.CARD_UNKNOWN)
    available_cents = allowance.available_cents(
        till.now, spent_cents=card.spent_cents, refunded_cents=till.refunded_cents
    )
    caps = till.permit.caps
    bounds = (
        (available_cents, Reason.NOT_ENOUGH),
        (caps.sale_max_cents, Reason.SALE_CAP),
        (_card_day_cap_cents(till) - till.card_day_cents, Reason.CARD_DAY_CAP),
        (caps.unsent_max_cents - till.unsent_cents, Reason.UNSENT_CAP),
    )
    for bound_cents, reason in bounds:
        if amount_cents > bound_cents:
            payable_cents = max(0, min(cents for cents, _ in bounds))
            return Declined(reason, payable_cents)
    return Approved(available_cents)


def _standing(till: Till) -> Reason | None:
    """Say what forbids this terminal to sell to anybody."""
    if till.now > till.permit.valid_until:
        return Reason.PERMIT_EXPIRED
    grant = till.permit.grant(till.merchant)
    if grant is None:
        return Reason.MERCHANT_NOT_PERMITTED
    if not grant.convention_from <= till.now < grant.convention_until:
        return Reason.CONVENTION_OUT_OF_DATES
    if till.directory is None or till.now > till.directory.valid_until:
        return Reason.DIRECTORY_EXPIRED
    return None


def _genuine(card: CardState, till: Till) -> Reason | None:
    """Say what forbids anybody to sell to this card."""
    if CARD_CENTS_MAX - card.spent_cents < till.permit.caps.sale_max_cents:
        return Reason.CARD_EXHAUSTED
    row = till.row
    if row is None or _row_is_of_an_earlier_life(till):
        return None
    if row.status is CardStatus.BLOCKED:
        return Reason.CARD_BLOCKED
    if card.tmc < row.tmc or card.spent_cents < row.spent_cents:
        return Reason.CARD_ROLLED_BACK
    is_last = card.tmc == row.tmc and row.tmv is not None
    if is_last and (card.tmv, card.spent_cents) != (row.tmv, row.spent_cents):
        return Reason.CARD_FORKED
    return None


def _row_is_of_an_earlier_life(till: Till) -> bool:
    """A card made anew starts counting at zero; an old row says nothing about it."""
    row, allowance = till.row, till.allowance
    return row is not None and allowance is not None and allowance.generation > row.generation


def _outlived(allowance: Allowance, row: CardRow | None) -> bool:
    return row is not None and allowance.generation < row.generation


def _card_day_cap_cents(till: Till) -> int:
    caps, directory = till.permit.caps, till.directory
    if directory is None or till.now - directory.issued_at > timedelta(days=caps.fresh_days):
        return caps.card_day_stale_max_cents
    return caps.card_day_max_cents
