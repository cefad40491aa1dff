"""How a receipt reads: rows of text in one language, for a paper of so many columns."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from enum import Enum, unique
from typing import Final

from cardkit.bodies import ClosurePeriod, RefundReason
from cardkit.clock import PARIS
from cardkit.frozen import dataclass
from terminal.basket import BasketLine, Unit
from terminal.receipts.content import (
    BillFacts,
    ClosureFacts,
    ReadingFacts,
    Receipt,
    RefundFacts,
    SaleFacts,
    VatShare,
)
from terminal.words import Words

LARGE_COLUMNS: Final = 2
"""A large letter takes the place of so many."""
_RATES: Final = "ABCDEFGHIJKLMNOP"
"""The letter of a line says at which rate it is; an intent has room for sixteen."""


@unique
class Style(Enum):
    """How a row is set."""

    NORMAL = "normal"
    BOLD = "bold"
    LARGE = "large"
    """Twice as wide and high."""
    BANNER = "banner"
    """White on black over the whole paper: what nobody may overlook."""
    RULE = "rule"
    """A line across the paper instead of text."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, from the left edge."""

    text: str
    style: Style = Style.NORMAL


_RULE: Final = Row("", Style.RULE)


def lay_out(receipt: Receipt, words: Words, columns: int) -> tuple[Row, ...]:
    """Return the rows of a receipt; no row is wider than the paper."""
    return tuple(_Page(receipt, words, columns).rows())


class _Page:
    def __init__(self, receipt: Receipt, words: Words, columns: int) -> None:
        self._receipt = receipt
        self._words = words
        self._columns = columns
        self._mark = words.euros(0)[1]  # what this language puts before decimals

    def rows(self) -> Iterator[Row]:
        """Heading, warnings, what it is about, and what proves it."""
        receipt, _ = self._receipt, self._words.gettext
        yield from self._centred(receipt.issuer.name, Style.LARGE)
        for line in receipt.issuer.heading:
            yield from self._centred(line)
        yield from self._banners()
        yield from self._centred(self._title(), Style.BOLD)
        yield from self._centred(_second(self._words, receipt.at))
        origin = _("Caisse {caisse}, terminal {terminal}")
        yield from self._centred(origin.format(caisse=receipt.caisse, terminal=receipt.terminal))
        yield _RULE
        match receipt.facts:
            case SaleFacts() as sale:
                yield from self._sale(sale)
            case RefundFacts() as refund:
                yield from self._refund(refund)
            case ClosureFacts() as closure:
                yield from self._closure(closure)
            case ReadingFacts() as reading:
                yield from self._reading(reading)
            case BillFacts() as bill:
                yield from self._lines(bill.lines, ())
                yield from self._pair(_("To pay"), self._euros(bill.total_cents), Style.LARGE)
        if receipt.signature:
            yield _RULE
            yield from self._pair(_("Signature"), receipt.signature)
        yield from self._banners()

    def _banners(self) -> Iterator[Row]:
        """What makes it none of the others; it stands at both ends, so that no half will do."""
        receipt, _ = self._receipt, self._words.gettext
        if receipt.training:
            yield from self._centred(_("TRAINING — NO VALUE"), Style.BANNER)
        if isinstance(receipt.facts, BillFacts):
            yield from self._centred(_("NOT A RECEIPT"), Style.BANNER)
        if isinstance(receipt.facts, ReadingFacts):
            yield from self._centred(_("NOT A CLOSURE"), Style.BANNER)
        if receipt.copy:
            duplicate = _("DUPLICATE no. {copy}").format(copy=receipt.copy)
            yield from self._centred(duplicate, Style.BANNER)

    def _title(self) -> str:
        receipt, _ = self._receipt, self._words.gettext
        match receipt.facts:
            case SaleFacts():
                title = _("Ticket no. {number}")
            case RefundFacts():
                title = _("Refund no. {number}")
            case ClosureFacts(period=ClosurePeriod.DAY):
                title = _("Closure of the day (Z) no. {number}")
            case ClosureFacts(period=ClosurePeriod.MONTH):
                title = _("Closure of the month (Z) no. {number}")
            case ClosureFacts():
                title = _("Closure of the year (Z) no. {number}")
            case ReadingFacts():
                title = _("Reading (X) no. {number}")
            case BillFacts():
                title = _("Bill before payment")
        return title.format(number=receipt.seq)

    def _sale(self, sale: SaleFacts) -> Iterator[Row]:
        _ = self._words.gettext
        yield from self._lines(sale.lines, sale.vat)
        yield from self._pair(_("Total"), self._euros(sale.total_cents), Style.LARGE)
        yield from self._pair(_("Paid in clafoutis"), self._euros(sale.paid_cents))
        if sale.remainder_cents:
            yield from self._pair(_("Paid otherwise"), self._euros(sale.remainder_cents))
        for back in sale.refunds:
            day = _day(self._words, back.at.astimezone(PARIS).date())
            refunded = _("Refunded on {day}").format(day=day)
            yield from self._pair(refunded, self._euros(-back.amount_cents), Style.BOLD)
        yield from self._card(sale.card)
        yield from self._vat(sale.vat)

    def _refund(self, refund: RefundFacts) -> Iterator[Row]:
        _ = self._words.gettext
        reasons = {
            RefundReason.GOODS_RETURNED: _("goods returned"),
            RefundReason.WRONG_AMOUNT: _("wrong amount"),
            RefundReason.PAID_OTHERWISE: _("paid otherwise"),
            RefundReason.OTHER: _("another reason"),
        }
        yield from self._pair(_("Given back"), self._euros(refund.amount_cents), Style.LARGE)
        yield from self._pair(_("Back to the card, in clafoutis"), "")
        yield from self._pair(_("Of ticket no."), str(refund.sale_seq))
        yield from self._pair(_("Reason"), reasons[refund.reason])
        yield from self._card(refund.card)
        yield from self._vat(refund.vat)

    def _closure(self, closure: ClosureFacts) -> Iterator[Row]:
        _ = self._words.gettext
        day = closure.business_date
        period = {
            ClosurePeriod.DAY: _day(self._words, day),
            ClosurePeriod.MONTH: f"{day:%m/%Y}",
            ClosurePeriod.YEAR: f"{day:%Y}",
        }[closure.period]
        yield from self._pair(_("Period"), period, Style.BOLD)
        if closure.late:
            yield from self._pair(_("Closed late"), "")
        entries = _("{first} to {last}").format(first=closure.first_seq, last=closure.last_seq)
        yield from self._pair(_("Entries"), entries)
        counted = _("Sales ({number})").format(number=closure.sales)
        yield from self._pair(counted, self._euros(closure.sales_cents))
        given_back = _("Refunds ({number})").format(number=closure.refunds)
        yield from self._pair(given_back, self._euros(-closure.refunds_cents))
        net = self._euros(closure.sales_cents - closure.refunds_cents)
        yield from self._pair(_("Total"), net, Style.LARGE)
        yield from self._pair(_("Perpetual total"), self._euros(closure.perpetual_cents))
        yield from self._vat(closure.vat)

    def _reading(self, reading: ReadingFacts) -> Iterator[Row]:
        _ = self._words.gettext
        yield from self._pair(_("Day"), _day(self._words, reading.business_date), Style.BOLD)
        counted = _("Sales ({number})").format(number=reading.sales)
        yield from self._pair(counted, self._euros(reading.sales_cents))
        yield from self._pair(_("Refunds"), self._euros(-reading.refunds_cents))
        net = self._euros(reading.sales_cents - reading.refunds_cents)
        yield from self._pair(_("Total so far"), net, Style.LARGE)

    def _lines(self, lines: Sequence[BasketLine], vat: Sequence[VatShare]) -> Iterator[Row]:
        letters = _letters(vat)
        for line in lines:
            amount = self._decimal(line.amount_cents)
            letter = letters.get(line.vat_bp, "")
            yield from self._pair(line.label, f"{amount} {letter}".rstrip())
            price = self._euros(line.unit_price_cents)
            if line.unit is Unit.GRAM:
                kilograms, grams = divmod(line.quantity, 1_000)
                weighed = f"  {kilograms}{self._mark}{grams:03d} kg × {price}/kg"
                yield from self._pair(weighed, "")
            elif line.quantity != 1:
                yield from self._pair(f"  {line.quantity} × {price}", "")
        if lines:
            yield _RULE

    def _vat(self, shares: Sequence[VatShare]) -> Iterator[Row]:
        """Two rows a rate: three amounts of a year would not fit beside each other."""
        _ = self._words.gettext
        letters = _letters(shares)
        for share in shares:
            yield _RULE
            rate = self._decimal(share.vat_bp).rstrip("0").rstrip(self._mark)
            tax = _("{letter} VAT {rate} %").format(letter=letters[share.vat_bp], rate=rate)
            yield from self._pair(tax, self._decimal(share.tax_cents))
            yield from self._pair(_("  before tax"), self._decimal(share.net_cents))
            yield from self._pair(_("  with tax"), self._decimal(share.gross_cents))

    def _card(self, alias: str | None) -> Iterator[Row]:
        _ = self._words.gettext
        if alias is not None:
            yield from self._pair(_("Card"), f"…{alias}")

    def _pair(self, left: str, right: str, style: Style = Style.NORMAL) -> Iterator[Row]:
        """Text at the left, a figure at the right; below each other when they don't fit."""
        columns = self._fitting(style)
        *above, last = _wrapped(left, columns)
        for part in above:
            yield Row(part, style)
        if len(last) + 1 + len(right) <= columns or not right:
            yield Row(f"{last}{right:>{columns - len(last)}}".rstrip(), style)
        else:
            yield Row(last, style)
            for part in _wrapped(right, columns):
                yield Row(f"{part:>{columns}}", style)

    def _centred(self, text: str, style: Style = Style.NORMAL) -> Iterator[Row]:
        columns = self._fitting(style)
        for part in _wrapped(text, columns):
            yield Row(f"{part:^{columns}}".rstrip(), style)

    def _fitting(self, style: Style) -> int:
        return self._columns // LARGE_COLUMNS if style is Style.LARGE else self._columns

    def _euros(self, amount_cents: int) -> str:
        return self._words.euros(amount_cents)

    def _decimal(self, hundredths: int) -> str:
        return self._words.euros(hundredths).removesuffix(" €")


def _letters(shares: Sequence[VatShare]) -> dict[int, str]:
    """Name the rates, lowest first."""
    return dict(zip((share.vat_bp for share in shares), _RATES, strict=False))


def _wrapped(text: str, columns: int) -> list[str]:
    """Break a text into rows; what a person typed may hold anything."""
    return textwrap.wrap(_printable(text), columns) or [""]


def _printable(text: str) -> str:
    """Let a letter with its accent be one letter, and what can't be drawn a space."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(letter if letter.isprintable() else " " for letter in composed)


def _day(words: Words, day: date) -> str:
    noon = datetime.combine(day, time(12), PARIS)
    return words.day(noon).partition(" ")[0]


def _second(words: Words, at: datetime) -> str:
    """Show a moment to the second, as a ticket has to."""
    return f"{words.day(at)}:{at:%S}"
