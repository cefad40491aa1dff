"""Totals looked at, and the day closed: what is still open is said before the caisse has it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from cardkit.bodies import Closure, Reading
from cardkit.clock import business_date
from cardkit.entries import OperatorRole
from cardkit.errors import StoreError
from terminal.closures import AlreadyClosed
from terminal.sync_state import want_exchange
from terminal.ui.choose import ChoicePage
from terminal.ui.flows import pins, receipt, waiting
from terminal.ui.flows.asking import is_sure, tell
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp


async def reading(app: TillApp) -> None:
    """Show the totals of the day so far (lecture X); nothing is closed."""
    _, euros = app.words.gettext, app.words.euros
    operator = app.selling.operator
    entry = await app.do(lambda till: till.closures.read_totals(operator=operator))
    totals = entry.body
    if not isinstance(totals, Reading):
        return
    text = _("Sales: {amount} ({sales})\nGiven back: {refunds}\nNothing is closed.").format(
        sales=totals.sales,
        amount=euros(totals.sales_cents),
        refunds=euros(totals.refunds_cents),
    )
    choices = (Choice(_("OK")), Choice(_("Print")))
    if await app.show(ChoicePage(_("Day's totals (X)"), choices, text=text)) == 1:
        await receipt.receipt_of_entry(app, entry.seq)


async def close(app: TillApp) -> None:
    """Close the day, after saying what is not settled and who decides about it."""
    _, euros = app.words.gettext, app.words.euros
    situation = app.situation
    if situation is None or not await pins.may_manage(app):
        return
    if situation.open_sales:
        text = _(
            "Not settled yet: {count}. If their cards don't come back before you close,"
            " the caisse decides from what the cards show."
        )
        choices = (
            Choice(_("Look at them first")),
            Choice(_("Close all the same"), _("the caisse decides")),
        )
        asked = text.format(count=len(situation.open_sales))
        page = ChoicePage(_("Close the day"), choices, text=asked, tone="amber")
        index = await app.show(page)
        if index == 0:
            await waiting.waiting(app)
        if index != 1:
            return
    total = _("Sales: {amount} ({sales})").format(
        sales=situation.day.sales, amount=euros(situation.day.sales_cents)
    )
    if not await is_sure(app, _("Close the day"), total, yes=_("Yes, close the day")):
        return
    day = business_date(situation.now.at)
    closed = await app.do(lambda till: till.close_day(day, operator=OperatorRole.PRODUCER))
    if isinstance(closed, AlreadyClosed):
        text = _("The day is closed already, and nothing was sold since: {amount}.")
        amount = euros(closed.closure.sales_cents)
        await tell(app, _("Close the day"), text.format(amount=amount))
        return
    await send_soon(app)
    await _tell_closed(app, closed.seq, closed.body)


async def send_soon(app: TillApp) -> None:
    """Ask for an exchange at the end of the day; where that fails the timer does it later."""
    await app.do(lambda till: till.export_outbox())
    with suppress(StoreError):
        await asyncio.to_thread(want_exchange, app.parts.data)


async def _tell_closed(app: TillApp, seq: int, closure: object) -> None:
    _, euros = app.words.gettext, app.words.euros
    if not isinstance(closure, Closure):
        return
    text = _("Sales: {amount} ({sales})\nGiven back: {refunds}\nTotal ever: {total}").format(
        sales=closure.sales,
        amount=euros(closure.sales_cents),
        refunds=euros(closure.refunds_cents),
        total=euros(closure.perpetual_cents),
    )
    choices = (Choice(_("OK")), Choice(_("Print")))
    if await app.show(ChoicePage(_("The day is closed (Z)"), choices, text=text)) == 1:
        await receipt.receipt_of_entry(app, seq)
