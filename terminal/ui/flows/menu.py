"""Everything that is not a sale, the frequent things first."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from terminal.ui.choose import ChoicePage
from terminal.ui.flows import account, balance, connect, day, opening, pins, sales, setup, waiting
from terminal.ui.flows.asking import is_sure, tell
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp

Step = Callable[["TillApp"], Coroutine[Any, Any, None]]


async def menu(app: TillApp) -> None:
    """Show the menu until something was done or it was left."""
    _ = app.words.gettext
    if app.session is None:
        return
    entries = _entries(app)
    index = await app.show(ChoicePage(_("Menu"), [choice for choice, _step in entries]))
    if index is not None:
        await entries[index][1](app)


def _entries(app: TillApp) -> list[tuple[Choice, Step]]:
    _, euros = app.words.gettext, app.words.euros
    situation = app.situation
    open_sales = 0 if situation is None else len(situation.open_sales)
    unsent = "" if situation is None else euros(situation.unsent_cents)
    today = "" if situation is None else euros(situation.day.sales_cents)
    lock = _("Rain lock: off") if app.rain_lock else _("Rain lock")
    entries: list[tuple[Choice, Step]] = [
        (Choice(_("Sales of the day"), today), sales.sales),
        (Choice(_("Balance of a card")), balance.balance),
        (Choice(_("Connection"), _("to send: {amount}").format(amount=unsent)), connect.connect),
        (Choice(_("My account")), account.account),
        (Choice(_("Day's totals"), _("lecture X, closes nothing")), day.reading),
        (Choice(_("Close the day")), day.close),
        (Choice(lock, _("only the numpad counts")), rain_lock),
        (Choice(_("Change who sells")), change_who),
        (Choice(_("Settings")), setup.setup),
        (Choice(_("Call the coordinator")), account.call),
        (Choice(_("Balance point"), _("members ask themselves")), borne),
    ]
    if open_sales:
        text = _("Sales to check")
        entries.insert(0, (Choice(text, str(open_sales)), waiting.waiting))
    return entries


async def rain_lock(app: TillApp) -> None:
    """Let touch do nothing, once somebody has shown that there are keys beside the screen."""
    _ = app.words.gettext
    if app.rain_lock:
        app.rain_lock = False
        return
    text = _("From now on only the numpad counts. Confirm with its 1 key: touch can't.")
    app.rain_lock = True
    if not await is_sure(app, _("Rain lock"), text, yes=_("Yes, lock the screen")):
        app.rain_lock = False


async def change_who(app: TillApp) -> None:
    """Close the session and ask again who sells."""
    _ = app.words.gettext
    if app.cart.lines:
        text = _("There is a basket: charge it or empty it first.")
        await tell(app, _("Change who sells"), text)
        return
    session = app.selling
    await app.do(lambda till: till.close_session(session.merchant, session.operator))
    app.session = None
    while app.session is None:
        await opening.open_session(app)


async def borne(app: TillApp) -> None:
    """Let members ask cards; the producer's PIN ends it where there is one."""
    while True:
        await balance.borne(app)
        if await pins.may_manage(app):
            return
