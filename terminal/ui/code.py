"""A page with a QR code, drawn in half blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import segno
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from terminal.ui.frame import Frame
from terminal.ui.pad import Pad

_BORDER: Final = 1
_BLOCKS: Final = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def qr_rows(text: str) -> tuple[str, ...]:
    """Return a QR code (ISO/IEC 18004) as rows of half blocks, dark on light."""
    code = segno.make(text, error="m", micro=False)
    lines = [list(row) for row in code.matrix_iter(scale=1, border=_BORDER)]
    if len(lines) % 2:
        lines.append([0] * len(lines[0]))
    return tuple(
        "".join(_BLOCKS[int(upper), int(lower)] for upper, lower in zip(*pair, strict=True))
        for pair in zip(lines[::2], lines[1::2], strict=True)
    )


class CodePage(Frame[None]):
    """Lines to read out, and a code that says the same to a telephone."""

    def __init__(self, title: str, lines: tuple[str, ...], code: str) -> None:
        super().__init__()
        self._title_text = title
        self._lines = lines
        self._code = code

    def ways(self) -> Sequence[tuple[str, Pad]]:
        """How to leave."""
        return ((self._("− back"), Pad.MINUS),)

    def content(self) -> ComposeResult:
        """The code beside the lines."""
        with Horizontal():
            yield Static("\n".join(qr_rows(self._code)), id="code", markup=False)
            lines = (self._title_text, *self._lines)
            yield Static("\n\n".join(lines), classes="text", markup=False)

    def press(self, pad: Pad) -> None:
        """Leave."""
        if pad in {Pad.MINUS, Pad.ENTER}:
            self.back()
