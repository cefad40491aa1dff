"""What stands on a receipt: facts of the journal, chosen so that nobody is recognised by it.

No name, no balance and no card number: a member who asks for it gets the last digits of the
card at most, and only where the merchant wants that (docs/adr/0014).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final, TypeAlias

from cardkit.bodies import ClosurePeriod, PaidOtherwise, Refund, RefundReason, VatTotal
from cardkit.entries import Entry
from cardkit.errors import must
from cardkit.frozen import dataclass
from terminal.basket import WHOLE_BP, BasketLine, total_cents
from terminal.journal_read import SoldIntent

ALIAS_DIGITS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who hands a receipt out."""

    name: str
    heading: tuple[str, ...] = ()
    """Below the name: address, SIRET, telephone."""
    shows_card: bool = False
    """Whether the last digits of the card stand on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VatShare:
    """What a receipt says of one VAT rate: with tax, without, and the tax itself."""

    vat_bp: int
    gross_cents: int
    net_cents: int

    @property
    def tax_cents(self) -> int:
        """The tax within the gross."""
        return self.gross_cents - self.net_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """A refund, as its sale's receipt names it."""

    at: datetime
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleFacts:
    """A sale that is paid."""

    lines: tuple[BasketLine, ...]
    vat: tuple[VatShare, ...]
    total_cents: int
    paid_cents: int
    remainder_cents: int
    """What was paid another way."""
    refunds: tuple[GivenBack, ...]
    card: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts:
    """Money that went back to a card."""

    sale_seq: int
    amount_cents: int
    reason: RefundReason
    vat: tuple[VatShare, ...]
    card: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureFacts:
    """The totals of a day, a month or a year that is closed (ticket Z)."""

    period: ClosurePeriod
    business_date: date
    first_seq: int
    last_seq: int
    sales: int
    sales_cents: int
    refunds: int
    refunds_cents: int
    perpetual_cents: int
    vat: tuple[VatShare, ...]
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFacts:
    """Totals that were looked at while the day went on (lecture X)."""

    business_date: date
    sales: int
    sales_cents: int
    refunds_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BillFacts:
    """What is to be paid: shown or printed before a sale, and no proof of one."""

    lines: tuple[BasketLine, ...]
    total_cents: int


Facts: TypeAlias = SaleFacts | RefundFacts | ClosureFacts | ReadingFacts | BillFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One document, whatever it is about.

    `seq` is the entry that it is about (of a sale, its intent: the ticket's number), None for a
    bill. `copy` is 0 for the original. `signature` names the entry that proves it.
    """

    seq: int | None
    at: datetime
    caisse: str
    terminal: int
    merchant: int
    issuer: Issuer
    facts: Facts
    signature: str = ""
    training: bool = False
    copy: int = 0


def sale_facts(
    sold: SoldIntent,
    *,
    refunds: Iterable[Entry],
    lines: tuple[BasketLine, ...],
    issuer: Issuer,
) -> SaleFacts:
    """Return what a receipt says of a proven sale; `refunds` are the entries of its refunds."""
    intent = sold.intent
    paid_cents = sold.sale.amount_cents
    whole_cents = paid_cents if intent.total_cents is None else intent.total_cents
    remainder_cents = intent.remainder_cents
    if remainder_cents is None:
        remainder_cents = whole_cents - paid_cents
    return SaleFacts(
        lines=lines,
        vat=vat_shares(intent.vat_totals),
        total_cents=whole_cents,
        paid_cents=paid_cents,
        remainder_cents=remainder_cents,
        refunds=tuple(
            GivenBack(at=it.envelope.at, amount_cents=it.body.amount_cents)
            for it in refunds
            if isinstance(it.body, Refund)
        ),
        card=card_alias(intent.uid, issuer),
    )


def paid_otherwise_facts(basket: PaidOtherwise, lines: tuple[BasketLine, ...]) -> SaleFacts:
    """Return what a receipt says of a basket that no card paid."""
    return SaleFacts(
        lines=lines,
        vat=vat_shares(basket.vat_totals),
        total_cents=basket.total_cents,
        paid_cents=0,
        remainder_cents=basket.total_cents,
        refunds=(),
        card=None,
    )


def refund_facts(refund: Refund, issuer: Issuer) -> RefundFacts:
    """Return what a receipt says of a refund."""
    return RefundFacts(
        sale_seq=refund.intent_seq,
        amount_cents=refund.amount_cents,
        reason=refund.reason,
        vat=vat_shares(refund.vat_totals),
        card=card_alias(refund.uid, issuer),
    )


def bill_facts(lines: tuple[BasketLine, ...], amount_cents: int | None = None) -> BillFacts:
    """Return what a bill says of a basket, or of an amount that was typed without one."""
    return BillFacts(
        lines=lines, total_cents=total_cents(lines) if amount_cents is None else amount_cents
    )


def vat_shares(totals: Iterable[VatTotal]) -> tuple[VatShare, ...]:
    """Return sums by VAT rate, whatever their coverage: the tax does not depend on who pays."""
    gross_cents: defaultdict[int, int] = defaultdict(int)
    for it in totals:
        gross_cents[it.vat_bp] += it.gross_cents
    return tuple(
        VatShare(vat_bp=vat_bp, gross_cents=cents, net_cents=net_cents(cents, vat_bp))
        for vat_bp, cents in sorted(gross_cents.items())
        if cents
    )


def net_cents(gross_cents: int, vat_bp: int) -> int:
    """Return an amount without the VAT in it; half a cent goes away from zero."""
    of = WHOLE_BP + vat_bp
    net = (2 * abs(gross_cents) * WHOLE_BP + of) // (2 * of)
    return net if gross_cents >= 0 else -net


def card_alias(uid: bytes, issuer: Issuer) -> str | None:
    """Return the last digits of a card, where its merchant wants them."""
    must(len(uid) > ALIAS_DIGITS // 2, "an alias is less than the number")
    return uid.hex().upper()[-ALIAS_DIGITS:] if issuer.shows_card else None
