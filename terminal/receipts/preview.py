"""What a screen of text shows of a receipt: its rows in letters, or its bitmap in half blocks.

Thirty-two letters of a bitmap need 384 half blocks to be read. A stall's screen has sixty columns:
there the letters tell what stands on a receipt, and the half blocks how long it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PIL import Image

from cardkit.errors import must
from terminal.receipts.layout import Row, Style

_BLOCKS: Final = {
    (False, False): " ",
    (True, False): "▀",
    (False, True): "▄",
    (True, True): "█",
}
"""By the upper and the lower of two dots, whether it is black."""


def preview(picture: Image.Image, columns: int) -> tuple[str, ...]:
    """Return a picture as rows of half blocks, scaled down to so many columns at most.

    A letter is one dot wide and two high. Black is drawn: show it dark on a light ground.
    """
    must(columns >= 1, "a preview has a width")
    width = min(columns, picture.width)
    height = max(1, picture.height * width // picture.width)
    # Thin strokes have to survive: a dot that is a quarter black is drawn.
    grey = picture.convert("L").resize((width, height), Image.Resampling.BOX)
    dark = grey.point([value < 192 for value in range(256)], mode="1")
    return tuple(_row(dark, upper) for upper in range(0, height, 2))


def in_letters(rows: Sequence[Row], columns: int) -> tuple[str, ...]:
    """Return rows as they stand on paper of so many columns, a large letter taking two."""
    return tuple(_letters(row, columns) for row in rows)


def _letters(row: Row, columns: int) -> str:
    match row.style:
        case Style.RULE:
            return "─" * columns
        case Style.LARGE:
            return " ".join(row.text)
        case Style.BANNER:
            return f"{f' {row.text.strip()} ':█^{columns}}"
    return row.text


def _row(dark: Image.Image, upper: int) -> str:
    def is_dark(x: int, y: int) -> bool:
        return y < dark.height and bool(dark.getpixel((x, y)))

    return "".join(
        _BLOCKS[is_dark(x, upper), is_dark(x, upper + 1)] for x in range(dark.width)
    ).rstrip()
