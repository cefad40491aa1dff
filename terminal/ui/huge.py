"""Figures five rows high: the client reads the amount from the other side of the stall."""

from __future__ import annotations

from typing import Final

from rich.text import Text
from textual import events
from textual.widgets import Static

_GLYPHS: Final = {
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
ROWS: Final = 5


def rows_of(text: str) -> tuple[str, ...]:
    """Return five rows; a character without a figure is left out."""
    glyphs = [_GLYPHS[it] for it in text if it in _GLYPHS]
    return tuple(" ".join(glyph[row] for glyph in glyphs) for row in range(ROWS))


class Huge(Static):
    """An amount as large as its place allows; its plain text where there is no room."""

    def __init__(self, text: str, *, classes: str = "") -> None:
        super().__init__(classes=f"huge {classes}")
        self.text = text

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
        rows = rows_of(self.text)
        width = self.size.width or self.app.size.width
        fits = bool(rows) and len(rows[0]) <= width
        self.update(Text("\n".join(rows) if fits else self.text, justify="center"))
