"""A page that asks for a day and an hour, digit by digit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from textual.app import ComposeResult
from textual.widgets import Static

from cardkit.clock import PARIS
from terminal.ui.amount import NUMBER_KEYS
from terminal.ui.frame import Frame, plain
from terminal.ui.pad import Pad
from terminal.ui.widgets import Keypad

_FORM: Final = "__/__/____ __:__"
_DIGITS: Final = 12


class MomentPage(Frame[datetime | None]):
    """Day, month, year, hour, minute; the result is UTC, None for going back."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title_text = title
        self._digits = ""

    def title_text(self) -> str:
        """What is asked."""
        return self._title_text

    def content(self) -> ComposeResult:
        """What was typed, and keys."""
        yield Static(self._shown, id="dots")
        yield plain(self._("Day, month, year, hour, minute: 01/11/2026 08:30"), id="hint")
        yield Keypad(NUMBER_KEYS)

    @property
    def _shown(self) -> str:
        digits = iter(self._digits)
        return "".join(next(digits, "_") if it == "_" else it for it in _FORM)

    def press(self, pad: Pad) -> None:
        """Type."""
        if pad.digits:
            self._digits = (self._digits + pad.digits)[:_DIGITS]
        elif pad is Pad.MINUS:
            if not self._digits:
                self.back()
                return
            self._digits = self._digits[:-1]
        elif pad is Pad.ENTER:
            self._confirm()
            return
        self.query_one("#dots", Static).update(self._shown)

    def _confirm(self) -> None:
        try:
            day = datetime.strptime(self._digits, "%d%m%Y%H%M").replace(tzinfo=PARIS)
        except ValueError:
            wrong = self._("That is no day and hour. Type it like 01/11/2026 08:30.")
            self.query_one("#hint", Static).update(wrong)
        else:
            self.dismiss(day.astimezone(UTC))
