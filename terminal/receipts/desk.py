"""Receipts of one journal: built from its entries, counted in it, and entered once printed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from cardkit.bodies import Closure, EntryKind, PaidOtherwise, Reading, ReceiptPrinted, Refund
from cardkit.entries import Entry, OperatorRole
from terminal.basket import BasketLine
from terminal.journal import Journal
from terminal.receipts.content import (
    ClosureFacts,
    Facts,
    Issuer,
    ReadingFacts,
    Receipt,
    bill_facts,
    paid_otherwise_facts,
    refund_facts,
    sale_facts,
    vat_shares,
)

NOBODY: Final = 0
"""The merchant of an entry that concerns none, such as a closure of the whole terminal."""
IssuerOf: TypeAlias = Callable[[int], Issuer]
"""Who a receipt of a merchant's number is from; asked also for NOBODY."""
Sign: TypeAlias = Callable[[Entry], str]
"""The short signature of an entry, as a ticket shows it."""


class LinesKept(Protocol):
    """Where the lines of baskets are kept."""

    def of(self, lines_hash: bytes) -> tuple[BasketLine, ...] | None:
        """Return the lines behind a hash; None when they are not here."""


class Receipts:
    """What may be printed, from one journal; every method may raise JournalStopped or StoreError.

    Printing takes seconds and must not hold the till: build a receipt, draw and print it in any
    thread, and call `printed` in the journal's own once the printer has taken it.
    """

    def __init__(
        self, journal: Journal, lines: LinesKept, *, issuer_of: IssuerOf, sign: Sign
    ) -> None:
        self._journal = journal
        self._lines = lines
        self._issuer_of = issuer_of
        self._sign = sign

    def of_sale(self, intent_seq: int) -> Receipt | None:
        """Return the ticket of a sale; None unless it is proven that the card has paid."""
        sold = self._journal.sold(intent_seq)
        if sold is None:
            return None
        issuer = self._issuer_of(sold.entry.envelope.merchant)
        lines_hash = sold.intent.lines_hash
        lines = self._lines.of(lines_hash) if lines_hash is not None else ()
        refunds = self._journal.refunds_of(intent_seq)
        facts = sale_facts(sold, refunds=refunds, lines=lines or (), issuer=issuer)
        return self._receipt(sold.entry, facts, issuer, about_seq=intent_seq)

    def of_entry(self, seq: int) -> Receipt | None:
        """Return the receipt of a refund, of a basket that no card paid, or of totals; or None."""
        entry = self._journal.entry(seq)
        if entry is None:
            return None
        issuer = self._issuer_of(entry.envelope.merchant)
        match entry.body:
            case Refund() as refund:
                facts: Facts = refund_facts(refund, issuer)
            case PaidOtherwise() as basket:
                lines = self._lines.of(basket.lines_hash)
                facts = paid_otherwise_facts(basket, lines or ())
            case Closure() as closure:
                facts = _closure_facts(closure)
            case Reading() as reading:
                facts = _reading_facts(reading)
            case _:
                return None
        return self._receipt(entry, facts, issuer, about_seq=seq)

    def bill(
        self,
        lines: tuple[BasketLine, ...] = (),
        amount_cents: int | None = None,
        *,
        merchant: int,
        at: datetime,
        training: bool = False,
    ) -> Receipt:
        """Return what is to be paid, before anything is: of a basket, or of a typed amount."""
        return Receipt(
            seq=None,
            at=at,
            caisse=self._journal.caisse,
            terminal=self._journal.terminal,
            merchant=merchant,
            issuer=self._issuer_of(merchant),
            facts=bill_facts(lines, amount_cents),
            training=training,
        )

    def printed(self, receipt: Receipt, *, operator: OperatorRole = OperatorRole.NOBODY) -> None:
        """Journal that a printer has taken a receipt; the next one of it is a duplicate.

        A bill is about no entry yet and is not journalled.
        """
        if receipt.seq is None:
            return
        self._journal.append(
            EntryKind.RECEIPT_PRINTED,
            ReceiptPrinted(seq=receipt.seq, copy=receipt.copy),
            merchant=receipt.merchant,
            operator=operator,
            training=receipt.training,
        )

    def _receipt(self, entry: Entry, facts: Facts, issuer: Issuer, *, about_seq: int) -> Receipt:
        envelope = entry.envelope
        return Receipt(
            seq=about_seq,
            at=envelope.at,
            caisse=self._journal.caisse,
            terminal=self._journal.terminal,
            merchant=envelope.merchant,
            issuer=issuer,
            facts=facts,
            signature=f"{entry.seq}:{self._sign(entry)}",
            training=envelope.training,
            copy=self._journal.receipts_printed(about_seq),
        )


def _closure_facts(closure: Closure) -> ClosureFacts:
    return ClosureFacts(
        period=closure.period,
        business_date=closure.business_date,
        first_seq=closure.first_seq,
        last_seq=closure.last_seq,
        sales=closure.sales,
        sales_cents=closure.sales_cents,
        refunds=closure.refunds,
        refunds_cents=closure.refunds_cents,
        perpetual_cents=closure.perpetual_cents,
        vat=vat_shares(closure.vat_totals),
        late=closure.late,
    )


def _reading_facts(reading: Reading) -> ReadingFacts:
    return ReadingFacts(
        business_date=reading.business_date,
        sales=reading.sales,
        sales_cents=reading.sales_cents,
        refunds_cents=reading.refunds_cents,
    )
