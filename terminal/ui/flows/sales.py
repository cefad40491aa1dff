"""The sales of the day: looked at, printed, given back in whole or in part, put right."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cardkit.bodies import RefundReason
from cardkit.clock import PARIS, business_date
from cardkit.entries import OperatorRole
from terminal.history import PastSale, SaleState, alias, latest_sales, sales_of_day
from terminal.outcomes import Refunded, RefundOutcome
from terminal.till import Till
from terminal.ui.amount import AmountPage
from terminal.ui.choose import ChoicePage
from terminal.ui.flows import pins, receipt
from terminal.ui.flows.asking import is_sure, tell
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp

EARLIER_AT_ONCE = 60
"""Sales of earlier days looked at at once; a cheese comes back next Saturday."""


async def sales(app: TillApp) -> None:
    """Choose a sale of this merchant's day, or of before, until the list is left."""
    _ = app.words.gettext
    situation = app.situation
    if situation is None:
        return
    today = business_date(situation.now.at)
    while True:
        found = _own(app, await app.do(lambda till: sales_of_day(till, today)))
        choices = [Choice(*_row(app, it)) for it in found]
        choices.append(Choice(_("Earlier sales")))
        paid = [it.amount_cents for it in found if it.state is SaleState.PAID]
        title = _("Sales of the day: {count}, {amount}").format(
            count=len(paid), amount=app.words.euros(sum(paid))
        )
        text = "" if found else _("Nothing was sold today yet.")
        index = await app.show(ChoicePage(title, choices, text=text))
        if index is None:
            return
        if index == len(found):
            await _earlier(app, found)
            return
        if await one_sale(app, found[index]):
            return


async def _earlier(app: TillApp, today: tuple[PastSale, ...]) -> None:
    """Go back as far as the journal does, so many sales at a time."""
    _ = app.words.gettext
    before = today[-1].seq if today else await app.do(lambda till: till.journal.next_seq)
    index: int | None = 0
    found: tuple[PastSale, ...] = ()
    while index == len(found):
        latest = await app.do(_before(before))
        found = _own(app, latest)
        has_more = len(latest) == EARLIER_AT_ONCE
        if not found and not has_more:
            await tell(app, _("Earlier sales"), _("There are no earlier sales on this terminal."))
            return
        choices = [Choice(f"{app.words.day(it.at)}  {_row(app, it)[0]}", _row(app, it)[1])
                   for it in found]  # fmt: skip
        if has_more:
            choices.append(Choice(_("Earlier sales")))
            before = latest[-1].seq
        index = await app.show(ChoicePage(_("Earlier sales"), choices))
    if index is not None:
        await one_sale(app, found[index])


def _before(seq: int) -> Callable[[Till], tuple[PastSale, ...]]:
    return lambda till: latest_sales(till, before_seq=seq, limit=EARLIER_AT_ONCE)


async def one_sale(app: TillApp, sale: PastSale) -> bool:
    """Show one sale and what can be done about it; True when the right amount comes next."""
    _, euros = app.words.gettext, app.words.euros
    can_refund = sale.refundable_cents > 0
    choices = (
        Choice(_("Receipt"), enabled=sale.state is SaleState.PAID),
        Choice(_("Give all back"), euros(sale.refundable_cents), enabled=can_refund),
        Choice(_("Give a part back"), enabled=can_refund),
        Choice(_("Wrong amount"), _("all back, then type it right"), enabled=can_refund),
    )
    title = f"{_row(app, sale)[0]} · n° {sale.seq}"
    index = await app.show(ChoicePage(title, choices, text=_state_text(app, sale)))
    if index == 0:
        await receipt.receipt_of_sale(app, sale.seq)
    elif index == 1:
        await _refund(app, sale, sale.refundable_cents, None)
    elif index == 2:
        style = app.merchant_settings.amount_entry
        page = AmountPage(_("How much goes back?"), style=style, most_cents=sale.refundable_cents)
        cents = await app.show(page)
        if cents is not None:
            await _refund(app, sale, cents, None)
    elif index == 3:
        return await _refund(app, sale, sale.refundable_cents, RefundReason.WRONG_AMOUNT)
    return False


async def _refund(app: TillApp, sale: PastSale, cents: int, reason: RefundReason | None) -> bool:
    """Give back, with a reason and the producer's PIN; False when nothing was."""
    _, euros = app.words.gettext, app.words.euros
    if app.selling.is_helper and not app.merchant_settings.pin:
        return False
    if reason is None:
        reason = await _reason(app)
    if reason is None or not await pins.may_manage(app):
        return False
    text = _("{amount} go back to card {card}.").format(amount=euros(cents), card=alias(sale.uid))
    if not await is_sure(app, _("Give back"), text, yes=_("Yes, give it back")):
        return False
    chosen, operator = reason, OperatorRole.PRODUCER
    outcome: RefundOutcome = await app.do(
        lambda till: till.refund(sale.seq, cents, chosen, operator=operator)
    )
    if not isinstance(outcome, Refunded):
        await tell(app, _("Give back"), app.words.refund_refused(outcome), tone="amber")
        return False
    done = _("Refunded {amount}: here at once, elsewhere after the next sync.")
    choices = (Choice(_("OK")), Choice(_("Receipt")))
    page = ChoicePage(_("Give back"), choices, text=done.format(amount=euros(cents)))
    if await app.show(page) == 1:
        await receipt.receipt_of_entry(app, outcome.seq)
    return True


async def _reason(app: TillApp) -> RefundReason | None:
    _ = app.words.gettext
    reasons = (
        (RefundReason.GOODS_RETURNED, _("Goods came back")),
        (RefundReason.WRONG_AMOUNT, _("Wrong amount")),
        (RefundReason.PAID_OTHERWISE, _("Paid another way")),
        (RefundReason.OTHER, _("Another reason")),
    )
    index = await app.show(ChoicePage(_("Why?"), [Choice(text) for _reason, text in reasons]))
    return None if index is None else reasons[index][0]


def _own(app: TillApp, found: tuple[PastSale, ...]) -> tuple[PastSale, ...]:
    """Leave out the sales of whoever shares the terminal: one PIN gives back one's own money."""
    return tuple(it for it in found if it.merchant == app.selling.merchant)


def _row(app: TillApp, sale: PastSale) -> tuple[str, str]:
    _, euros = app.words.gettext, app.words.euros
    at = sale.at.astimezone(PARIS)
    states = {
        SaleState.PAID: "✔",
        SaleState.OPEN: "?",
        SaleState.VOID: "✗",
        SaleState.LEFT_TO_CAISSE: "…",
    }
    hint = alias(sale.uid)
    if sale.refunded_cents:
        hint += " " + _("{amount} back").format(amount=euros(sale.refunded_cents))
    return f"{states[sale.state]} {at:%H:%M}  {euros(sale.amount_cents)}", hint


def _state_text(app: TillApp, sale: PastSale) -> str:
    _, euros = app.words.gettext, app.words.euros
    sentences = {
        SaleState.PAID: _("Paid."),
        SaleState.OPEN: _("Nobody knows yet whether it is paid: present its card again."),
        SaleState.VOID: _("The card was not debited: nothing was sold."),
        SaleState.LEFT_TO_CAISSE: _("Left to the caisse, which finds out and tells."),
    }
    lines = [sentences[sale.state]]
    if sale.total_cents != sale.amount_cents:
        rest = _("Of {total}; {rest} were paid another way.")
        rest_cents = sale.total_cents - sale.amount_cents
        lines.append(rest.format(total=euros(sale.total_cents), rest=euros(rest_cents)))
    if sale.refunded_cents:
        lines.append(_("{amount} went back.").format(amount=euros(sale.refunded_cents)))
    return "\n".join(lines)
