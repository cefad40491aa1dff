"""A sale: from the amount to green, or to what is not green, with a way out of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardkit.bodies import ResolutionChoice
from cardkit.card.connection import CardConnection
from cardkit.frozen import dataclass
from terminal.bill import Bill, bill_of
from terminal.cart import SMALL_CENTS
from terminal.feedback import Moment
from terminal.history import alias
from terminal.outcomes import Amber, Green, OtherCard, Refused, Repeated, SaleOutcome, Settled
from terminal.till import Announce, Till
from terminal.torn import Executed
from terminal.ui.choose import ChoicePage
from terminal.ui.flows.asking import is_sure, tell
from terminal.ui.pad import Pad
from terminal.ui.paid import PaidPage
from terminal.ui.present import Answered, PresentPage
from terminal.ui.tones import is_the_terminals, tone
from terminal.ui.widgets import Choice
from terminal.worker import Act

if TYPE_CHECKING:
    from terminal.ui.app import TillApp

_CHOICES = (
    ResolutionChoice.PARKED,
    ResolutionChoice.PAID_OTHERWISE,
    ResolutionChoice.CLIENT_LEFT,
    ResolutionChoice.GOODS_HANDED_OVER,
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the next tap is to do."""

    bill: Bill
    only_uid: bytes | None = None
    asks_repeat: bool = True


async def charge(app: TillApp) -> None:
    """Sell what is in the cart."""
    _, euros = app.words.gettext, app.words.euros
    bill = bill_of(app.cart, app.merchant_settings.mode, label=_("Amount"))
    if bill is None:
        await _nothing_to_charge(app)
        return
    if bill.card_cents == 0:
        await _without_card(app, bill)
        return
    small = _("{amount} is a small amount.").format(amount=euros(bill.total_cents))
    if bill.total_cents < SMALL_CENTS and not await is_sure(
        app, _("Is that right?"), small, yes=_("Yes, charge it")
    ):
        return
    await _take(app, _Wanted(bill))


async def _without_card(app: TillApp, bill: Bill) -> None:
    """Take down a basket that no card pays; a till must not let one go without a trace.

    A payment that a till reckons is one that it records (CGI, art. 286 I 3° bis).
    """
    _ = app.words.gettext
    text = _("Nothing in this basket can be paid in clafoutis: {amount} another way.")
    choices = (
        Choice(_("Paid another way"), _("noted here, no card")),
        Choice(_("Back to the amount")),
    )
    asked = text.format(amount=app.words.euros(bill.total_cents))
    if await app.show(ChoicePage(_("Another way"), choices, text=asked)) == 0:
        await _note_otherwise(app, bill)


async def _note_otherwise(app: TillApp, bill: Bill) -> None:
    """Journal a basket that was paid without a card."""
    _, session = app.words.gettext, app.selling
    seq = await app.do(
        lambda till: till.paid_otherwise(
            bill.lines, merchant=session.merchant, operator=session.operator
        )
    )
    app.change_cart(app.cart.cleared())
    noted = _("Noted: {amount} another way, ticket {seq}.")
    text = noted.format(amount=app.words.euros(bill.total_cents), seq=seq)
    choices = (Choice(_("OK")), Choice(_("Receipt")))
    if await app.show(ChoicePage(_("Another way"), choices, text=text)) == 1:
        from terminal.ui.flows import receipt  # noqa: PLC0415 - see `TillApp.load_the_rest`

        await receipt.receipt_of_entry(app, seq)


async def _nothing_to_charge(app: TillApp) -> None:
    """Say so where lines were added up, as when more bottles come back than are bought."""
    _ = app.words.gettext
    if app.cart.lines:
        text = _("This basket comes to {amount}: a card has nothing to pay.")
        amount = app.words.euros(app.cart.total_cents)
        await tell(app, _("Nothing to charge"), text.format(amount=amount))


async def _take(app: TillApp, wanted: _Wanted) -> None:
    """Ask for cards until the bill is paid, parked or given up."""
    while True:
        bill = wanted.bill
        result = await app.show(_present(app, wanted))
        match result:
            case Green():
                await _paid(app, bill, result)
                return
            case Amber():
                await _amber(app, wanted, result)
                return
            case Refused():
                less = await _refused(app, bill, result)
                if less is None:
                    return
                wanted = _Wanted(less)
            case Repeated():
                if not await _again(app, result):
                    return
                wanted = _Wanted(bill, asks_repeat=False)
            case Settled():
                await _settled(app, result)
            case _:
                return


def _present(app: TillApp, wanted: _Wanted, *, text: str = "") -> PresentPage:
    _, euros, bill = app.words.gettext, app.words.euros, wanted.bill
    if bill.remainder_cents:
        split = _("of {total}; {rest} another way")
        text = split.format(total=euros(bill.total_cents), rest=euros(bill.remainder_cents))
    return PresentPage(
        _sale(app, wanted), amount=euros(bill.card_cents), ask=_("Present the card"), text=text
    )


def _sale(app: TillApp, wanted: _Wanted) -> Act:
    """Return what the next card is asked for; lines are on disk before the card is."""
    session, bill = app.selling, wanted.bill

    def act(till: Till, connection: CardConnection, announce: Announce) -> SaleOutcome:
        lines_hash = till.keep_lines(bill.lines) if bill.lines else None
        return till.sell(
            connection,
            bill.card_cents,
            merchant=session.merchant,
            operator=session.operator,
            basket=bill.basket(lines_hash),
            announce=announce,
            only_uid=wanted.only_uid,
            asks_repeat=wanted.asks_repeat,
        )

    return act


async def _paid(app: TillApp, bill: Bill, green: Green) -> None:
    """Show green until the next key; the keypad has it already where it begins the next amount."""
    _, euros = app.words.gettext, app.words.euros
    app.change_cart(app.cart.cleared())
    lines = [app.words.settled(it) for it in green.settled]
    if bill.remainder_cents:
        rest = _("{rest} to be paid another way")
        lines.insert(0, rest.format(rest=euros(bill.remainder_cents)))
    remaining = ""
    if green.remaining_cents is not None and app.settings.shows_balance:
        remaining = _("left on the card: {amount}").format(amount=euros(green.remaining_cents))
    title = _("PAID") if not app.is_training else _("PAID · TRAINING, worth nothing")
    page = PaidPage(euros(green.amount_cents), title=title, lines=tuple(lines), remaining=remaining)
    if await app.show(page) is Pad.PLUS:
        from terminal.ui.flows import receipt  # noqa: PLC0415 - see `TillApp.load_the_rest`

        await receipt.receipt_of_sale(app, green.seq)


async def _refused(app: TillApp, bill: Bill, refused: Refused) -> Bill | None:
    """Say why, in the tone that it deserves; returns a smaller bill when the card pays a part."""
    _, euros, declined = app.words.gettext, app.words.euros, refused.declined
    lines = [app.words.settled(it) for it in refused.settled]
    payable_cents = min(declined.payable_cents, bill.card_cents)
    if payable_cents:
        part = bill.with_card(payable_cents)
        can = _("The card can pay {amount}, {rest} remain.")
        lines.append(can.format(amount=euros(payable_cents), rest=euros(part.remainder_cents)))
        choices: tuple[Choice, ...] = (
            Choice(_("Charge {amount}").format(amount=euros(payable_cents)), _("rest another way")),
            Choice(_("Another amount")),
        )
    else:
        lines.append(app.words.declined(declined))
        lines.extend(app.words.refused_allowance(it) for it in refused.refused)
        choices = (Choice(_("Back to the amount")),)
    if bill.lines:
        choices = (*choices, Choice(_("Paid another way"), _("noted here, no card")))
    choices = (*choices, Choice(_("Give up this sale")))
    title = _("The card pays a part") if payable_cents else _("Not paid with this card")
    if not payable_cents and is_the_terminals(declined.reason):
        title = _("Nothing can be sold")
    page = ChoicePage(title, choices, text="\n".join(lines), tone=tone(declined.reason))
    index = await app.show(page)
    if payable_cents and index == 0:
        return bill.with_card(payable_cents)
    if index == len(choices) - 1:
        app.change_cart(app.cart.cleared())
    elif bill.lines and index == len(choices) - 2:
        await _note_otherwise(app, bill)
    return None


async def _again(app: TillApp, repeated: Repeated) -> bool:
    """Ask whether the same card is to pay the same amount again."""
    _, euros = app.words.gettext, app.words.euros
    text = _("This card paid {amount} {seconds} s ago (sale {seq}).").format(
        amount=euros(repeated.amount_cents),
        seconds=round(repeated.ago.total_seconds()),
        seq=repeated.seq,
    )
    choices = (Choice(_("It is paid: next client")), Choice(_("Charge it once more")))
    index = await app.show(ChoicePage(_("Already charged"), choices, text=text, tone="amber"))
    if index == 0:
        app.change_cart(app.cart.cleared())
    return index == 1


async def _settled(app: TillApp, result: Settled) -> None:
    """Say what became of an earlier sale of this card; the new one is still to be made."""
    _ = app.words.gettext
    lines = [app.words.settled(it) for it in result.settled]
    lines.append(_("The new sale is not made yet: present the card again."))
    app.sound(Moment.AMBER)
    await tell(app, _("An earlier sale is settled"), "\n".join(lines), tone="neutral")


async def _amber(app: TillApp, wanted: _Wanted, amber: Amber) -> None:
    """Wait for the same card, or for a person's word; the next client need not wait."""
    _ = app.words.gettext
    text, act = "", _again_act(app, wanted, amber)
    while True:
        result = await app.show(_amber_page(app, amber, act, text))
        match result:
            case Answered(index):
                await _resolve(app, amber, _CHOICES[index])
                return
            case Green():
                await _paid(app, wanted.bill, result)
                return
            case Settled():
                if await _is_settled(app, wanted, amber, result):
                    return
                text = "\n".join(app.words.settled(it) for it in result.settled)
                act = _again_act(app, wanted, amber)
            case OtherCard(uid=uid):  # the same act: a card that stays there is not asked again
                other = _("That is another card ({other}). Nothing was debited.")
                text = other.format(other=alias(uid))
            case Amber():
                amber, text, act = result, "", _again_act(app, wanted, result)
            case Refused():
                less = await _refused(app, wanted.bill, result)
                if less is not None:
                    await _take(app, _Wanted(less))
                return
            case _:
                text = ""


def _again_act(app: TillApp, wanted: _Wanted, amber: Amber) -> Act:
    """Return what the same card is asked for, and no other."""
    return _sale(app, _Wanted(wanted.bill, only_uid=amber.uid, asks_repeat=False))


def _amber_page(app: TillApp, amber: Amber, act: Act, text: str) -> PresentPage:
    _, euros = app.words.gettext, app.words.euros
    ask = _("Nobody knows yet whether it is paid: present THE SAME card ({card})")
    choices = (
        Choice(_("Put aside"), _("serve the next client")),
        Choice(_("Paid another way"), _("a debit goes back by itself")),
        Choice(_("The client has left"), _("no goods: debit returns")),
        Choice(_("Goods handed over"), _("the caisse will find out")),
    )
    return PresentPage(
        act,
        amount=euros(amber.amount_cents),
        ask=ask.format(card=alias(amber.uid)),
        text=text,
        choices=choices,
        tone="amber",
    )


async def _resolve(app: TillApp, amber: Amber, choice: ResolutionChoice) -> None:
    """Journal a person's word about an amber sale, and go on."""
    _ = app.words.gettext
    operator = app.selling.operator
    noted = await app.do(lambda till: till.resolve(amber.seq, choice, operator=operator))
    app.change_cart(app.cart.cleared())
    if not noted:
        await tell(app, _("To check"), _("This sale was settled in the meantime."))


async def _is_settled(app: TillApp, wanted: _Wanted, amber: Amber, result: Settled) -> bool:
    """Show the amber sale green once its card says that it was paid; False: it says otherwise."""
    _ = app.words.gettext
    for it in result.settled:
        if it.intent_seq != amber.seq:
            continue
        if isinstance(it.verdict, Executed):
            proof = it.verdict
            green = Green(
                seq=it.intent_seq,
                uid=amber.uid,
                amount_cents=it.amount_cents,
                tmc=proof.tmc,
                proof=proof.proof,
            )
            app.sound(Moment.PAID)
            await _paid(app, wanted.bill, green)
        else:
            app.change_cart(app.cart.cleared())
            app.sound(Moment.AMBER)
            await tell(app, _("To check"), app.words.settled(it), tone="amber")
        return True
    return False
