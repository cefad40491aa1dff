"""From switching on to the first amount: day and hour, forgotten days, who sells for whom."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from cardkit.clock import PARIS, ClockTrust
from cardkit.entries import OperatorRole
from cardkit.permit import MerchantGrant
from terminal.cart import Cart
from terminal.history import SaleState, latest_sales
from terminal.ui.choose import ChoicePage
from terminal.ui.flows.asking import tell
from terminal.ui.parts import LastSale, Session
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp

REST_AFTER_S: Final = 1.0
"""After this long the first amount is being typed, and nobody waits for what is loaded then."""


async def opening(app: TillApp) -> None:
    """Lead to the keypad; nothing is asked that is known."""
    await app.stands.wait()
    await ask_time(app)
    await _make_up(app)
    if app.parts.borne:
        from terminal.ui.flows import balance  # noqa: PLC0415 - see `TillApp.load_the_rest`

        while True:
            await balance.borne(app)
    while app.session is None:
        await open_session(app)
    app.set_timer(REST_AFTER_S, lambda: app.run_worker(app.load_the_rest()))


async def open_session(app: TillApp) -> None:
    """Ask who sells and for whom, and show what the last sale was."""
    _ = app.words.gettext
    grant = await _grant(app)
    if grant is None:
        return
    operator = await _operator(app, grant)
    if operator is None:
        return
    await app.do(lambda till: till.open_session(grant.merchant, operator))
    app.session = Session(grant=grant, operator=operator)
    app.remember_merchant(grant.merchant)
    app.cart = Cart(
        typed=Cart.empty(app.merchant_settings.amount_entry).typed,
        lines=app.parts.draft.read(grant.merchant),
    )
    await _recall_last_sale(app)
    app.selling_page.redraw()
    if app.is_training:
        text = _("This terminal trains. Only training cards work, and nothing here is money.")
        await tell(app, _("TRAINING"), text, tone="amber")


async def ask_time(app: TillApp) -> None:
    """Ask for day and hour when nothing vouches for the clock; selling goes on without."""
    _ = app.words.gettext
    situation = app.situation
    if situation is None or situation.now.trust is not ClockTrust.UNTRUSTED:
        return
    shown = app.words.long_day(situation.now.at)
    text = _("The clock is not sure. Is it {day}?").format(day=shown)
    choices = (
        Choice(_("Yes, that is right")),
        Choice(_("No, set day and hour")),
        Choice(_("Later"), _("credit of a new month may be missing")),
    )
    page = ChoicePage(_("Day and hour"), choices, text=text, can_go_back=False)
    index = await app.show(page)
    if index == 0:
        await set_time(app, situation.now.at)
    elif index == 1:
        await correct_time(app)


async def correct_time(app: TillApp) -> None:
    """Let somebody type day and hour until they can be, or it is given up."""
    from terminal.ui.moment import MomentPage  # noqa: PLC0415 - see `TillApp.load_the_rest`

    while True:
        at = await app.show(MomentPage(app.words.gettext("Day and hour")))
        if at is None or await set_time(app, at):
            return


async def set_time(app: TillApp, at: datetime) -> bool:
    """Take a person's word for the time, within what was signed; False, and why, outside."""
    _ = app.words.gettext
    if await app.do(lambda till: till.set_clock(at)):
        return True
    earliest, latest = await app.do(lambda till: (till.clock.earliest, till.clock.latest))
    if at < earliest:
        text = _("It cannot be that early: the caisse signed on {day}.")
        text = text.format(day=app.words.day(earliest))
    else:
        text = _("It cannot be that late: sync first, after {day}.")
        text = text.format(day=app.words.day(latest))
    await tell(app, _("Day and hour"), text, tone="amber")
    return False


async def _make_up(app: TillApp) -> None:
    """Close what was forgotten, and say so."""
    _ = app.words.gettext
    made = await app.do(lambda till: till.closures.make_up())
    if made:
        text = _("Forgotten closures that were made up for: {count}.")
        await tell(app, _("Closures"), text.format(count=len(made)))


async def _grant(app: TillApp) -> MerchantGrant | None:
    """Return the merchant to sell for: the only one, the one asked for, or the one chosen."""
    _ = app.words.gettext
    situation = app.situation
    grants = () if situation is None else situation.permit.merchants
    if app.parts.merchant is not None:
        grants = tuple(it for it in grants if it.merchant == app.parts.merchant) or grants
    if not grants:
        text = _("The permit names no merchant. Call the caisse.")
        await tell(app, _("Who sells?"), text, tone="amber")
        return None
    if len(grants) == 1:
        return grants[0]
    last = app.settings.last_merchant
    ordered = sorted(grants, key=lambda it: it.merchant != last)
    choices = [Choice(it.name, f"n° {it.merchant}") for it in ordered]
    index = await app.show(ChoicePage(_("Who sells?"), choices, can_go_back=False))
    return None if index is None else ordered[index]


async def _operator(app: TillApp, grant: MerchantGrant) -> OperatorRole | None:
    """Return who is at the till; where a PIN was chosen, without it only a helper."""
    _ = app.words.gettext
    if not app.parts.settings.merchant(grant.merchant).pin:
        return OperatorRole.PRODUCER
    from terminal.ui.flows import pins  # noqa: PLC0415 - see `TillApp.load_the_rest`

    choices = (
        Choice(_("Producer"), _("with the PIN")),
        Choice(_("Helper"), _("sells; no refunds, no closing, no settings")),
    )
    can_choose_again = app.situation is not None and len(app.situation.permit.merchants) > 1
    page = ChoicePage(grant.name, choices, can_go_back=can_choose_again)
    index = await app.show(page)
    if index == 1:
        return OperatorRole.HELPER
    if index == 0 and await pins.is_producer(app, grant.merchant):
        return OperatorRole.PRODUCER
    return None


async def _recall_last_sale(app: TillApp) -> None:
    """Put one's own last sale on the keypad's edge, as if there had been no restart."""
    found = await app.do(lambda till: latest_sales(till, before_seq=till.journal.next_seq, limit=5))
    merchant = app.selling.merchant
    own = (it for it in found if it.state is SaleState.PAID and it.merchant == merchant)
    paid = next(own, None)
    today = app.situation.now.at.astimezone(PARIS).date() if app.situation is not None else None
    app.last_sale = None
    if paid is not None and paid.at.astimezone(PARIS).date() == today:
        app.last_sale = LastSale(seq=paid.seq, amount_cents=paid.amount_cents, at=paid.at)
