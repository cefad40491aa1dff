"""The few things that screens are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.widgets import Static

from cardkit.frozen import dataclass
from terminal.ui.messages import Picked, Touched
from terminal.ui.pad import Pad

ROWS_MIN: Final = 2
ROWS_MAX: Final = 3
"""Of a choice: as high as a cold finger, and no higher than reads well."""


class KeyCap(Static):
    """What a key of the screen looks like; it never takes the focus: a numpad works beside it."""

    def __init__(self, label: str, *, classes: str = "") -> None:
        super().__init__(Content(label), classes=f"key {classes}")
        self._label = label

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the label in the middle."""
        lines = self._label.count("\n") + 1
        self.update(Content(lowered(self._label, lines=lines, rows=self.size.height)), layout=False)


class TouchKey(KeyCap):
    """A key that a numpad has too; it counts when pressed, so that a finger may slip off it."""

    def __init__(self, label: str, pad: Pad, *, classes: str = "") -> None:
        super().__init__(label, classes=classes)
        self._pad = pad

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Say which key it was."""
        event.stop()
        self.post_message(Touched(self._pad))


class Keypad(Grid):
    """Four rows of four keys."""

    def __init__(self, keys: Sequence[tuple[str, Pad, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Make the keys."""
        for label, pad, classes in self._keys:
            yield TouchKey(label, pad, classes=classes)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several things to do, by its number or by touch."""

    label: str
    hint: str = ""
    """What it will do, or how that stands, in a few words."""
    enabled: bool = True


class ChoiceRow(Static):
    """A choice on the screen."""

    def __init__(self, number: int, choice: Choice) -> None:
        text = Text()
        text.append(f" {number} ", style="reverse bold" if choice.enabled else "dim")
        text.append(f" {choice.label}", style="bold" if choice.enabled else "dim")
        if choice.hint:
            text.append(f"  {choice.hint}", style="" if choice.enabled else "dim")
        super().__init__(text, classes="choice" if choice.enabled else "choice off")
        self._text = text
        self._number = number
        self._enabled = choice.enabled

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Say which choice it was."""
        event.stop()
        if self._enabled:
            self.post_message(Picked(self._number))

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the label in the middle."""
        lines = -(-self._text.cell_len // max(1, self.size.width))
        above = lowered("", lines=lines, rows=self.size.height)
        self.update(Text(above) + self._text, layout=False)


class Choices(Vertical):
    """Up to nine choices."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._choices = choices

    def compose(self) -> ComposeResult:
        """Number them from one."""
        for number, choice in enumerate(self._choices, start=1):
            yield ChoiceRow(number, choice)

    def on_resize(self, event: events.Resize) -> None:
        """Make all rows as high as there is room for, and equally high."""
        rows = event.size.height // max(1, len(self._choices))
        for row in self.query(ChoiceRow):
            row.styles.height = max(ROWS_MIN, min(ROWS_MAX, rows))


def lowered(label: str, *, lines: int, rows: int) -> str:
    """Return a label that stands in the middle of so many rows and the one row of its border."""
    return f"\n{label}" if rows % 2 == 0 and lines % 2 else label
