"""The page that is there all day: a keypad, the amount, and the last sale on its edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from cardkit.clock import PARIS
from terminal.basket import BasketLine, Unit
from terminal.cart import Cart
from terminal.settings import AmountEntry, Mode
from terminal.situation import STOPS, concerns
from terminal.ui.concern_words import concern_sentence
from terminal.ui.frame import Frame
from terminal.ui.huge import TALL_ROWS, Amount
from terminal.ui.pad import Pad
from terminal.ui.status_line import StatusLine
from terminal.ui.widgets import Keypad
from terminal.words import Words
from terminal.worker import Fact

LINES_SHOWN: Final = 3
LINES_SHOWN_TALL: Final = 7


class SellPage(Frame[None]):
    """Type, then Enter: all that a sale takes beside the card."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn: Sequence[tuple[str, Pad, str]] = ()
        """The keys that are on the screen."""
        self._shown_edge = ("", "")

    def content(self) -> ComposeResult:
        """The cart above, the keys below."""
        edge, tone = self._shown_edge = self._edge()
        with Horizontal(id="cart"):
            yield Static(self._lines, id="lines", markup=False)
            yield Amount(self._total, id="amount", justify="right")
        yield Static(one_line(edge), id="edge", classes=tone)
        self._drawn = self._keys()
        yield Keypad(self._drawn)

    def _keys(self) -> Sequence[tuple[str, Pad, str]]:
        _ = self._
        style = self.till_app.merchant_settings.amount_entry
        is_till = self.till_app.merchant_settings.mode is Mode.TILL
        digits = [(str(number), Pad(number), "") for number in range(10)]
        comma = "," if style is AmountEntry.COMMA else ""
        return (
            *digits[7:10],
            ("⌫", Pad.MINUS, "soft"),
            (_("MENU") + "\n/", Pad.DIVIDE, "soft"),
            *digits[4:7],
            ("×", Pad.TIMES, "soft"),
            (_("BALANCE") + "\n*", Pad.TIMES, "soft"),
            *digits[1:4],
            ("+", Pad.PLUS, "soft"),
            ((_("ITEMS") + "\n+") if is_till else "", Pad.PLUS, "soft" if is_till else "off"),
            digits[0],
            ("00", Pad.DOUBLE_ZERO, ""),
            (comma, Pad.COMMA, "" if comma else "off"),
            (_("CHARGE") + "\n↵", Pad.ENTER, "go wide"),
        )

    def press(self, pad: Pad) -> None:
        """Type, or begin what a key is for."""
        app, cart = self.till_app, self.till_app.cart
        if app.is_busy:
            app.hold_key(pad)
            return
        typed = cart.typed
        if pad.digit is not None:
            app.change_cart(cart.type(typed.digit(pad.digit)))
        elif pad is Pad.DOUBLE_ZERO:
            app.change_cart(cart.type(typed.double_zero()))
        elif pad is Pad.COMMA:
            app.change_cart(cart.type(typed.point()))
        elif pad is Pad.MINUS:
            app.change_cart(cart.minus())
        elif pad is Pad.PLUS:
            self._plus(cart)
        elif pad is Pad.TIMES:
            self._times(cart)
        elif pad is Pad.DIVIDE:
            app.open_menu()
        elif pad is Pad.ENTER:
            app.charge()

    def _plus(self, cart: Cart) -> None:
        if cart.typed.cents:
            self.till_app.change_cart(cart.plus(self._("Amount")))
        elif self.till_app.merchant_settings.mode is Mode.TILL:
            self.till_app.choose_item()

    def _times(self, cart: Cart) -> None:
        if cart.typed.is_empty:
            self.till_app.ask_balance()
        else:
            self.till_app.change_cart(cart.times())

    def hear(self, fact: Fact) -> None:  # noqa: ARG002 - whatever happened
        """Keep the edge true."""
        self.show_edge()

    def redraw(self) -> None:
        """Lay out anew where keys have changed; else show what the program knows now."""
        if self._drawn != self._keys():
            super().redraw()
            return
        self.show_cart()
        for line in self.query(StatusLine):
            line.redraw()

    def show_cart(self) -> None:
        """Show the cart as it is now."""
        if not self.is_mounted:
            return
        self.query_one("#amount", Amount).set_text(self._total)
        self.query_one("#lines", Static).update(self._lines, layout=False)
        self.show_edge()

    @property
    def _total(self) -> str:
        return self.words.euros(self.till_app.cart.total_cents)

    @property
    def _lines(self) -> str:
        rows = LINES_SHOWN_TALL if self.app.size.height >= TALL_ROWS else LINES_SHOWN
        return cart_text(self.words, self.till_app.cart, rows)

    def show_edge(self) -> None:
        """Show the last sale, or what stops sales, or what comes first of the two."""
        if self.is_mounted:
            text, tone = self._edge()
            if (text, tone) != self._shown_edge:  # it is asked every second of a day
                self._shown_edge = text, tone
                edge = self.query_one("#edge", Static)
                edge.set_classes(tone)
                edge.update(one_line(text), layout=False)

    def _edge(self) -> tuple[str, str]:
        app, _ = self.till_app, self._
        warned = app.situation and concerns(app.situation)
        if warned and (warned[0].concern in STOPS or app.last_sale is None):
            return f"! {concern_sentence(self.words, warned[0])}", "alarm"
        last = app.last_sale
        if last is not None:
            at = last.at.astimezone(PARIS)
            paid = _("✔ {amount} at {time}, sale {seq}")
            euros = self.words.euros(last.amount_cents)
            return paid.format(amount=euros, time=f"{at:%H:%M}", seq=last.seq), "paid"
        return _("Type an amount, then Enter."), ""


def one_line(text: str) -> Text:
    """Return a text of which as much is shown as one line takes."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def cart_text(words: Words, cart: Cart, rows: int) -> str:
    """Return the last lines of a cart and the quantity that is typed, newest at the bottom."""
    lines = [line_text(words, it) for it in cart.lines]
    if cart.quantity != 1:
        lines.append(f"{cart.quantity} × {words.euros(cart.typed.cents)}")
    if len(lines) > rows:
        hidden = len(lines) - rows + 1
        more = words.gettext("… {count} more lines").format(count=hidden)
        lines = [more, *lines[hidden:]]
    return "\n".join(lines)


def line_text(words: Words, it: BasketLine) -> str:
    """Return one line: how much of what, and what it costs."""
    if it.unit is Unit.GRAM:
        kilograms = f"{it.quantity // 1000},{it.quantity % 1000:03d}"
        amount = f"{kilograms} kg × {words.euros(it.unit_price_cents)}"
    elif it.quantity != 1:
        amount = f"{it.quantity} × {words.euros(it.unit_price_cents)}"
    else:
        amount = ""
    parts = (it.label, amount, words.euros(it.amount_cents))
    return " ".join(part for part in parts if part)
