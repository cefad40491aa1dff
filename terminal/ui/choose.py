"""Pages that ask one thing: one of several, a yes, or to have read something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult

from terminal.ui.frame import Frame, plain
from terminal.ui.pad import Pad
from terminal.ui.widgets import ROWS_MIN, Choice, Choices

CHOICES_A_PAGE: Final = 6
"""As many as a finger hits on a screen of eighteen lines, two lines each."""
FRAME_ROWS: Final = 4
"""Status line, title, and two for the keys at the bottom."""
ROOMY: Final = 3
"""So few choices leave room around what is said above them."""


class ChoicePage(Frame[int | None]):
    """One of several choices; the result is its place in the list, None for going back."""

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        text: str = "",
        tone: str = "",
        can_go_back: bool = True,
    ) -> None:
        super().__init__(classes=tone)
        self._title_text = title
        self._all = tuple(choices)
        self._text = text
        self._first = 0
        self._can_go_back = can_go_back

    @property
    def _a_page(self) -> int:
        width, height = self.app.size
        lines = sum(-(-len(line) // (width - 2)) or 1 for line in self._text.splitlines())
        rows = height - FRAME_ROWS - lines
        return max(2, min(CHOICES_A_PAGE, rows // ROWS_MIN))

    def title_text(self) -> str:
        """What is asked."""
        return self._title_text

    def ways(self) -> Sequence[tuple[str, Pad]]:
        """How to turn the page and to leave."""
        ways = []
        if len(self._all) > self._a_page:
            ways.append((self._("0 next page"), Pad.N0))
        if self._can_go_back:
            ways.append((self._("− back"), Pad.MINUS))
        return ways

    def content(self) -> ComposeResult:
        """The choices of this page."""
        if self._text:
            is_roomy = len(self._all) <= ROOMY
            yield plain(self._text, classes="text said roomy" if is_roomy else "text said")
        yield Choices(self._all[self._first : self._first + self._a_page])

    def press(self, pad: Pad) -> None:
        """A digit chooses; 0 turns the page; Enter takes the only choice there is."""
        if pad is Pad.N0 and len(self._all) > self._a_page:
            self._first += self._a_page
            if self._first >= len(self._all):
                self._first = 0
            self.redraw()
        elif pad.digit:
            self.pick(pad.digit)
        elif pad is Pad.ENTER:
            self.pick(1)
        else:
            super().press(pad)

    def pick(self, number: int) -> None:
        """Choose, where there is such a choice."""
        index = self._first + number - 1
        if 1 <= number <= self._a_page and index < len(self._all) and self._all[index].enabled:
            self.dismiss(index)

    def back(self) -> None:
        """Leave, unless an answer is needed."""
        if self._can_go_back:
            super().back()


class MessagePage(ChoicePage):
    """Something that a person should have read; any of the two ways out will do."""

    def __init__(self, title: str, text: str, *, ok: str, tone: str = "") -> None:
        super().__init__(title, (Choice(ok),), text=text, tone=tone)
