"""What a card can pay: asked for on demand, shown while the card is there, and never kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from cardkit.card.connection import CardConnection
from terminal.outcomes import Balance, Movement, Refused
from terminal.till import Announce, Till
from terminal.ui.flows.asking import tell
from terminal.ui.frame import Frame, big, plain
from terminal.ui.huge import Huge
from terminal.ui.pad import Pad
from terminal.ui.present import PresentPage
from terminal.ui.tones import tone
from terminal.worker import CardLifted, Fact, Outcome

if TYPE_CHECKING:
    from terminal.ui.app import TillApp

MOVEMENTS_SHOWN = 5


class BalancePage(Frame[None]):
    """Gone when the card is: what somebody has left is nobody else's business."""

    def __init__(self, amount: str, lines: tuple[str, ...]) -> None:
        super().__init__(classes="neutral airy")
        self._amount = amount
        self._lines = lines

    def ways(self) -> Sequence[tuple[str, Pad]]:
        """How to leave, beside lifting the card."""
        return ((self._("− back"), Pad.MINUS),)

    def content(self) -> ComposeResult:
        """The amount, and what the card remembers."""
        yield big(self._("This card can pay"), classes="ask")
        yield Huge(self._amount, classes="huge")
        for line in self._lines:
            yield plain(line, classes="text")

    def on_mount(self) -> None:
        """Show nothing of a card that has left already."""
        if not self.till_app.is_card_there:
            self.back()

    def hear(self, fact: Fact) -> None:
        """Forget it with the card."""
        if isinstance(fact, CardLifted):
            self.back()

    def press(self, pad: Pad) -> None:  # noqa: ARG002 - whichever key it is
        """Any key leads back."""
        self.back()


async def balance(app: TillApp) -> None:
    """Ask one card."""
    _ = app.words.gettext
    page = PresentPage(_ask_balance, amount="", ask=_("Balance: present the card"))
    result = await app.show(page)
    await _tell_balance(app, result)


async def borne(app: TillApp) -> None:
    """Ask card after card, until a key ends it: nothing is ever sold here."""
    _ = app.words.gettext
    while True:
        text = _("Balance, last purchases, renewal. Nothing is sold here.")
        page = PresentPage(
            _ask_movements, amount="", ask=_("Lay your card on the reader"), text=text
        )
        result = await app.show(page)
        if result is None:
            return
        await _tell_balance(app, result)


async def _tell_balance(app: TillApp, result: object) -> None:
    _, euros = app.words.gettext, app.words.euros
    match result:
        case Balance():
            lines = [app.words.settled(it) for it in result.settled]
            if result.spendable_until is not None:
                until = _("to be spent by {day}")
                lines.append(until.format(day=app.words.day(result.spendable_until)))
            lines.extend(_movement(app, it) for it in result.movements[:MOVEMENTS_SHOWN])
            lines.extend(app.words.refused_allowance(it) for it in result.refused)
            await app.show(BalancePage(euros(result.available_cents), tuple(lines)))
        case Refused(declined=declined):
            lines = [app.words.settled(it) for it in result.settled]
            lines.append(app.words.declined(declined))
            title = _("This card can't pay")
            await tell(app, title, "\n".join(lines), tone=tone(declined.reason))
        case _:
            return


def _movement(app: TillApp, movement: Movement) -> str:
    _, euros = app.words.gettext, app.words.euros
    if movement.at is not None:
        text = _("− {amount} here, {day}")
        return text.format(amount=euros(movement.amount_cents), day=app.words.day(movement.at))
    text = _("− {amount} at terminal {terminal}")
    return text.format(amount=euros(movement.amount_cents), terminal=movement.terminal)


def _ask_balance(till: Till, connection: CardConnection, announce: Announce) -> Outcome:
    return till.balance(connection, announce=announce)


def _ask_movements(till: Till, connection: CardConnection, announce: Announce) -> Outcome:
    return till.balance(connection, announce=announce, with_movements=True)
