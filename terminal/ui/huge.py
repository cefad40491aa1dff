"""Figures of blocks, five rows high or three: read from the other side of a stall, in the sun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.console import JustifyMethod
from rich.text import Text
from textual import events
from textual.widgets import Static

TALL_ROWS: Final = 28
"""From so many rows on, a screen has room for more than it needs."""
_FIVE: Final = {
    "0": ("▟██▙", "█  █", "█  █", "█  █", "▜██▛"),
    "1": (" ▟█ ", "▟██ ", "  █ ", "  █ ", " ▟█▙"),
    "2": ("▟██▙", "▘  █", " ▟█▛", "▟▛  ", "████"),
    "3": ("▟██▙", "▘  █", " ██▙", "▖  █", "▜██▛"),
    "4": ("█  █", "█  █", "▜███", "   █", "   █"),
    "5": ("████", "█   ", "███▙", "▖  █", "▜██▛"),
    "6": ("▟██▙", "█  ▝", "███▙", "█  █", "▜██▛"),
    "7": ("████", "  ▟▛", " ▟▛ ", " █  ", " █  "),
    "8": ("▟██▙", "█  █", "▟██▙", "█  █", "▜██▛"),
    "9": ("▟██▙", "█  █", "▜███", "▖  █", "▜██▛"),
    ",": ("  ", "  ", "  ", "▟▙", " ▛"),
    ".": ("  ", "  ", "  ", "  ", "██"),
    "€": (" ▟██", "▟▛  ", "███ ", "▜▙  ", " ▜██"),
    "-": ("   ", "   ", "███", "   ", "   "),
    " ": (" ", " ", " ", " ", " "),
}
_THREE: Final = {
    "0": ("█▀▀█", "█  █", "█▄▄█"),
    "1": ("▄█ ", " █ ", "▄█▄"),
    "2": ("▀▀▀█", "█▀▀▀", "█▄▄▄"),
    "3": ("▀▀▀█", " ▀▀█", "▄▄▄█"),
    "4": ("█  █", "▀▀▀█", "   █"),
    "5": ("█▀▀▀", "▀▀▀█", "▄▄▄█"),
    "6": ("█▀▀▀", "█▀▀█", "█▄▄█"),
    "7": ("▀▀▀█", "   █", "   █"),
    "8": ("█▀▀█", "█▀▀█", "█▄▄█"),
    "9": ("█▀▀█", "▀▀▀█", "▄▄▄█"),
    ",": (" ", " ", "▟"),
    ".": (" ", " ", "▄"),
    "€": (" █▀▀", "▀█▀ ", " █▄▄"),
    "-": ("  ", "▀▀", "  "),
    " ": (" ", " ", " "),
}


def rows_of(text: str, glyphs: Mapping[str, tuple[str, ...]] = _FIVE) -> tuple[str, ...]:
    """Return the rows of figures; a character without a figure is left out."""
    found = [glyphs[it] for it in text if it in glyphs]
    return tuple(" ".join(row) for row in zip(*found, strict=True))


class Huge(Static):
    """An amount as large as its place allows; its plain text where there is no room."""

    def __init__(
        self,
        text: str,
        *,
        classes: str = "",
        id: str | None = None,  # noqa: A002 - Textual's word
        justify: JustifyMethod = "center",
    ) -> None:
        super().__init__(classes=f"figures {classes}", id=id)
        self.text = text
        self._justify: JustifyMethod = justify

    @property
    def glyphs(self) -> Mapping[str, tuple[str, ...]]:
        """What the figures look like."""
        return _FIVE

    def on_mount(self) -> None:
        """Draw it."""
        self._draw()

    def on_resize(self, _event: events.Resize) -> None:
        """Draw it again."""
        self._draw()

    def set_text(self, text: str) -> None:
        """Show another amount."""
        self.text = text
        self._draw()

    def _draw(self) -> None:
        rows = rows_of(self.text, self.glyphs)
        fits = bool(rows) and len(rows[0]) <= self.app.size.width
        self.update(Text("\n".join(rows) if fits else self.text, justify=self._justify))


class Amount(Huge):
    """The same in three rows, where keys need the room and the screen is low."""

    @property
    def glyphs(self) -> Mapping[str, tuple[str, ...]]:
        """As high as there is room for."""
        return _FIVE if self.app.size.height >= TALL_ROWS else _THREE
