"""A receipt, only when somebody wants one: seen on the screen, printed, never with a name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from cardkit.errors import PrinterError
from terminal.fiscal.signature import short_signature
from terminal.printer import open_printer
from terminal.printer_words import printer_trouble
from terminal.receipts.content import Issuer, Receipt
from terminal.receipts.desk import Receipts
from terminal.receipts.layout import lay_out
from terminal.receipts.picture import PaperWidth, draw
from terminal.receipts.preview import in_letters
from terminal.settings import PAPERS_MM
from terminal.till import Till
from terminal.ui.flows.asking import tell
from terminal.ui.frame import Frame
from terminal.ui.pad import Pad

if TYPE_CHECKING:
    from terminal.ui.app import TillApp


class ReceiptPage(Frame[bool]):
    """Shows a receipt as it would be printed; the result is whether to print it."""

    def __init__(self, rows: tuple[str, ...], *, can_print: bool) -> None:
        super().__init__()
        self._rows = rows
        self._can_print = can_print

    def ways(self) -> Sequence[tuple[str, Pad]]:
        """How to read on, print and leave; where no printer is set, nothing offers one."""
        ways = [(self._("8 up"), Pad.N8), (self._("2 down"), Pad.N2)]
        if self._can_print:
            ways.append((self._("↵ print"), Pad.ENTER))
        return (*ways, (self._("− back"), Pad.MINUS))

    def content(self) -> ComposeResult:
        """What will stand on the paper."""
        with VerticalScroll(id="paper", can_focus=False):
            yield Static("\n".join(self._rows), markup=False, classes="paper")

    def press(self, pad: Pad) -> None:
        """Scroll, print, or leave."""
        paper = self.query_one("#paper", VerticalScroll)
        if pad is Pad.N2:
            paper.scroll_page_down(animate=False)
        elif pad is Pad.N8:
            paper.scroll_page_up(animate=False)
        elif pad is Pad.ENTER and self._can_print:
            self.dismiss(True)
        elif pad is Pad.MINUS:
            self.dismiss(False)


async def receipt_of_sale(app: TillApp, intent_seq: int) -> None:
    """Show the ticket of a sale, and print it when that is wanted."""
    await _offer(app, await app.do(lambda till: _desk(app, till).of_sale(intent_seq)))


async def receipt_of_entry(app: TillApp, seq: int) -> None:
    """Show the receipt of a refund, a closure or a reading, and print it when that is wanted."""
    await _offer(app, await app.do(lambda till: _desk(app, till).of_entry(seq)))


async def _offer(app: TillApp, receipt: Receipt | None) -> None:
    _ = app.words.gettext
    if receipt is None:
        await tell(app, _("Receipt"), _("There is no receipt of this: it is not proven yet."))
        return
    paper = PaperWidth.MM_80 if app.settings.paper_mm == PAPERS_MM[1] else PaperWidth.MM_58
    rows = in_letters(lay_out(receipt, app.words, paper.columns), paper.columns)
    can_print = bool(app.settings.printer)
    if not await app.show(ReceiptPage(rows, can_print=can_print)):
        return
    try:
        picture = await asyncio.to_thread(draw, receipt, app.words, paper)
        await asyncio.to_thread(_print, app.settings.printer, picture)
    except PrinterError as error:
        await tell(app, _("Printer"), printer_trouble(app.words, error), tone="amber")
        return
    operator = app.selling.operator
    await app.do(lambda till: _desk(app, till).printed(receipt, operator=operator))


def _print(address: str, picture: Image.Image) -> None:
    with open_printer(address) as printer:
        printer.print(picture)


def _desk(app: TillApp, till: Till) -> Receipts:
    def issuer_of(merchant: int) -> Issuer:
        grant = till.store.permit.permit.grant(merchant)
        settings = app.parts.settings.merchant(merchant)
        name = grant.name if grant is not None else till.journal.caisse
        return Issuer(name=name, heading=settings.heading, shows_card=settings.shows_card)

    return Receipts(till.journal, till.lines, issuer_of=issuer_of, sign=short_signature)
