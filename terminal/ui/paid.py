"""Green: what was paid, in figures that both sides read, until the next key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.widgets import Static

from terminal.ui.frame import Frame, big, plain
from terminal.ui.huge import Huge
from terminal.ui.pad import Pad
from terminal.worker import CardLifted, Fact

SHOWN_S = 4.0
"""After the card has left; the last sale then stays on the keypad's edge."""

_LEADS_BACK: Final = frozenset({Pad.ENTER, Pad.MINUS})
_OPENS: Final = frozenset({Pad.PLUS, Pad.TIMES, Pad.DIVIDE})


class PaidPage(Frame[Pad | None]):
    """The result is the key that ended it: a digit begins the next amount."""

    def __init__(self, amount: str, *, title: str, lines: tuple[str, ...], remaining: str) -> None:
        super().__init__(classes="paid airy")
        self._amount = amount
        self._title = title
        self._lines = lines
        self._remaining = remaining
        self._opens = False
        """Whether a key has opened another page: what follows is meant for that one."""

    def ways(self) -> Sequence[tuple[str, Pad]]:
        """How to go on; a digit of a numpad begins the next amount."""
        return ((self._("+ receipt"), Pad.PLUS), (self._("↵ next client"), Pad.ENTER))

    def content(self) -> ComposeResult:
        """What was paid; what is left only while the card is there."""
        yield big(self._title, classes="ask")
        yield Huge(self._amount, classes="huge")
        for line in self._lines:
            yield plain(line, classes="text")
        yield Static(self._remaining, id="remaining", markup=False)

    def on_mount(self) -> None:
        """Look whether the card has left already."""
        if not self.till_app.is_card_there:
            self._forget()

    def hear(self, fact: Fact) -> None:
        """Forget what is left when the card leaves; go back by itself a little later."""
        if isinstance(fact, CardLifted):
            self._forget()

    def _forget(self) -> None:
        self.query_one("#remaining", Static).update("")
        self.set_timer(SHOWN_S, self.back)

    def press(self, pad: Pad) -> None:
        """Any key leads on; one that types or opens something is the keypad's, as all after it."""
        leads_back = self.is_current and pad in _LEADS_BACK
        if pad is not Pad.PLUS and not self._opens:
            self.till_app.let_keys_follow()
            if not leads_back:
                self.till_app.hold_key(pad)
        self._opens = self._opens or pad in _OPENS
        self.dismiss(pad)

    def back(self) -> None:
        """Leave after a while, as if somebody had pressed a key."""
        if self.is_current:
            self.till_app.let_keys_follow()
        super().back()
