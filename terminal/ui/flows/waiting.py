"""Sales of which nobody knows yet whether they are paid, and what can be said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardkit.bodies import ResolutionChoice
from cardkit.clock import PARIS
from terminal.history import alias
from terminal.situation import OpenSale
from terminal.ui.choose import ChoicePage
from terminal.ui.flows.asking import tell
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp


async def waiting(app: TillApp) -> None:
    """Choose one of the open sales, and say what happened."""
    _ = app.words.gettext
    held = () if app.situation is None else app.situation.open_sales
    if not held:
        await tell(app, _("Sales to check"), _("No sale is waiting."))
        return
    choices = [Choice(_title(app, it), _said(app, it.choice)) for it in held]
    text = _(
        "The same card at any tap settles its sale."
        " What is left at the day's closing, the caisse decides."
    )
    index = await app.show(ChoicePage(_("Sales to check"), choices, text=text))
    if index is not None:
        await _answer(app, held[index])


async def _answer(app: TillApp, held: OpenSale) -> None:
    _ = app.words.gettext
    answers = (
        ResolutionChoice.PAID_OTHERWISE,
        ResolutionChoice.CLIENT_LEFT,
        ResolutionChoice.GOODS_HANDED_OVER,
        ResolutionChoice.PARKED,
    )
    choices = (
        Choice(_("Paid another way"), _("a debit goes back by itself")),
        Choice(_("The client has left"), _("no goods: debit returns")),
        Choice(_("Goods handed over"), _("the caisse will find out")),
        Choice(_("Nothing to say yet")),
    )
    index = await app.show(ChoicePage(_title(app, held), choices))
    if index is None:
        return
    operator = app.selling.operator
    noted = await app.do(lambda till: till.resolve(held.seq, answers[index], operator=operator))
    text = _("Noted for sale {seq}.") if noted else _("This sale was settled in the meantime.")
    await tell(app, _("Sales to check"), text.format(seq=held.seq))


def _title(app: TillApp, held: OpenSale) -> str:
    at = held.at.astimezone(PARIS)
    return f"{at:%H:%M}  {app.words.euros(held.amount_cents)}  {alias(held.uid)}"


def _said(app: TillApp, choice: ResolutionChoice | None) -> str:
    _ = app.words.gettext
    if choice is None:
        return ""
    return {
        ResolutionChoice.PARKED: _("put aside"),
        ResolutionChoice.PAID_OTHERWISE: _("paid another way"),
        ResolutionChoice.CLIENT_LEFT: _("client has left"),
        ResolutionChoice.GOODS_HANDED_OVER: _("goods handed over"),
    }[choice]
