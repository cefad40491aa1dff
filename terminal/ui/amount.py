"""Pages that ask for a number: an amount, a count, a PIN, a day and an hour."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.widgets import Static

from terminal.cart import Typed
from terminal.settings import AmountEntry
from terminal.ui.frame import Frame, plain
from terminal.ui.huge import Amount
from terminal.ui.pad import Pad
from terminal.ui.widgets import Keypad

PIN_DIGITS: Final = (4, 8)
_DIGITS: Final = [(str(number), Pad(number), "") for number in range(10)]
NUMBER_KEYS: Final = (
    *_DIGITS[7:10],
    ("⌫", Pad.MINUS, "soft"),
    *_DIGITS[4:7],
    ("", Pad.PLUS, "off"),
    *_DIGITS[1:4],
    ("", Pad.TIMES, "off"),
    _DIGITS[0],
    ("00", Pad.DOUBLE_ZERO, ""),
    (",", Pad.COMMA, ""),
    ("OK", Pad.ENTER, "go"),
)


class NumberPage(Frame[int | None]):
    """A keypad under what was typed; the result is a number, None for going back."""

    def __init__(self, title: str, *, text: str = "") -> None:
        super().__init__()
        self._title_text = title
        self._text = text

    def title_text(self) -> str:
        """What is asked."""
        return self._title_text

    def content(self) -> ComposeResult:
        """What was typed, and keys."""
        yield Amount(self.shown(), id="amount", justify="right")
        yield plain(self._text or self._("− erases, then goes back"), id="hint", classes="text")
        yield Keypad(NUMBER_KEYS)

    def shown(self) -> str:
        """What was typed, as it is shown."""
        return ""

    def show_typed(self, hint: str | None = None) -> None:
        """Show what was typed; `hint` replaces the line below it."""
        self.query_one("#amount", Amount).set_text(self.shown())
        if hint is not None:
            self.query_one("#hint", Static).update(hint)


class AmountPage(NumberPage):
    """Asks for an amount; the result is cents."""

    def __init__(
        self, title: str, *, style: AmountEntry, text: str = "", most_cents: int | None = None
    ) -> None:
        super().__init__(title, text=text)
        self._typed = Typed(style)
        self._most_cents = most_cents

    def shown(self) -> str:
        """Two decimals, always."""
        return self.words.euros(self._typed.cents)

    def press(self, pad: Pad) -> None:
        """Type."""
        typed = self._typed
        if pad.digit is not None:
            self._typed = typed.digit(pad.digit)
        elif pad is Pad.DOUBLE_ZERO:
            self._typed = typed.double_zero()
        elif pad is Pad.COMMA:
            self._typed = typed.point()
        elif pad is Pad.MINUS:
            if typed.is_empty:
                self.back()
                return
            self._typed = typed.erase()
        elif pad is Pad.ENTER:
            self._confirm()
            return
        self.show_typed()

    def _confirm(self) -> None:
        cents = self._typed.cents
        if self._most_cents is not None and cents > self._most_cents:
            most = self.words.euros(self._most_cents)
            self.show_typed(self._("{amount} at most.").format(amount=most))
        elif cents:
            self.dismiss(cents)


class CountPage(NumberPage):
    """Asks for a whole number, such as grams."""

    def __init__(self, title: str, *, unit: str, most: int, text: str = "") -> None:
        super().__init__(title, text=text)
        self._unit = unit
        self._most = most
        self._digits = ""

    def shown(self) -> str:
        """The number alone: figures three rows high know no unit."""
        return self._digits or "0"

    def press(self, pad: Pad) -> None:
        """Type."""
        if pad.digits:
            digits = (self._digits + pad.digits).lstrip("0")
            if int(digits or 0) <= self._most:
                self._digits = digits
        elif pad is Pad.MINUS:
            if not self._digits:
                self.back()
                return
            self._digits = self._digits[:-1]
        elif pad is Pad.ENTER and self._digits:
            self.dismiss(int(self._digits))
            return
        self.show_typed(f"{self._digits or 0} {self._unit}" if self._unit else None)


class PinPage(Frame[str | None]):
    """Asks for a PIN; what is typed is shown as dots, and never kept by this page."""

    def __init__(self, title: str, *, text: str = "") -> None:
        super().__init__()
        self._title_text = title
        self._text = text
        self._digits = ""

    def title_text(self) -> str:
        """What is asked."""
        return self._title_text

    def content(self) -> ComposeResult:
        """Dots and keys."""
        yield Static(self._dots, id="dots")
        yield plain(self._text or self._("− erases, then goes back"), id="hint", classes="text")
        yield Keypad(NUMBER_KEYS)

    @property
    def _dots(self) -> str:
        return "●  " * len(self._digits) + "○  " * max(0, PIN_DIGITS[0] - len(self._digits))

    def press(self, pad: Pad) -> None:
        """Type."""
        if pad.digits:
            self._digits = (self._digits + pad.digits)[: PIN_DIGITS[1]]
        elif pad is Pad.MINUS:
            if not self._digits:
                self.back()
                return
            self._digits = self._digits[:-1]
        elif pad is Pad.ENTER and len(self._digits) >= PIN_DIGITS[0]:
            self.dismiss(self._digits)
            return
        self.query_one("#dots", Static).update(self._dots)
