"""A receipt as one bitmap: what the screen previews, the printer prints and the tests compare."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, unique
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from cardkit.errors import must
from terminal.receipts.content import Receipt
from terminal.receipts.layout import LARGE_COLUMNS, Row, Style, lay_out
from terminal.words import Words

FONTS: Final = Path(__file__).parent.parent / "fonts"
REGULAR: Final = FONTS / "AtkinsonHyperlegibleMono-Regular.ttf"
BOLD: Final = FONTS / "AtkinsonHyperlegibleMono-Bold.ttf"
COLUMN_PX: Final = 12
"""At 8 dots a millimetre 32 letters on paper of 58 mm, which a person reads without glasses."""
_SIZE_PX: Final = 19
"""The font's letters are 0.632 em wide, so this makes a column of 12 pixels."""
_ROW_PX: Final = 26
_RULE_PX: Final = 12
_BANNER_PX: Final = 34
_MARGIN_PX: Final = 12
_WHITE: Final = 1
_BLACK: Final = 0


@unique
class PaperWidth(IntEnum):
    """Dots in a row of paper of 58 and of 80 mm, at 8 dots a millimetre."""

    MM_58 = 384
    MM_80 = 576

    @property
    def columns(self) -> int:
        """Letters in a row."""
        return self // COLUMN_PX


def draw(receipt: Receipt, words: Words, paper: PaperWidth = PaperWidth.MM_58) -> Image.Image:
    """Return a receipt as a bitmap of one bit a pixel, as wide as the paper."""
    return draw_rows(lay_out(receipt, words, paper.columns), paper)


def draw_rows(rows: Sequence[Row], paper: PaperWidth = PaperWidth.MM_58) -> Image.Image:
    """Return rows as a bitmap; also for pages that are no receipt, such as a printer's test."""
    height_px = sum(_height_px(row.style) for row in rows) + 2 * _MARGIN_PX
    picture = Image.new("1", (paper, height_px), _WHITE)
    pen = ImageDraw.Draw(picture)
    pen.fontmode = "1"  # a dot is burnt or not: grey edges would come out as dirt
    fonts = _fonts()
    top_px = _MARGIN_PX
    for row in rows:
        _draw_row(pen, row, fonts[row.style], paper, top_px)
        top_px += _height_px(row.style)
    return picture


def _draw_row(
    pen: ImageDraw.ImageDraw, row: Row, font: ImageFont.FreeTypeFont, paper: PaperWidth, top_px: int
) -> None:
    height_px = _height_px(row.style)
    middle_px = top_px + height_px // 2
    if row.style is Style.RULE:
        pen.line((0, middle_px, paper, middle_px), fill=_BLACK, width=2)
        return
    ink = _BLACK
    if row.style is Style.BANNER:
        pen.rectangle((0, top_px + 1, paper, top_px + height_px - 2), fill=_BLACK)
        ink = _WHITE
    step_px = COLUMN_PX * (LARGE_COLUMNS if row.style is Style.LARGE else 1)
    must(len(row.text) * step_px <= paper, "a row fits on its paper")
    ascent_px, descent_px = font.getmetrics()
    baseline_px = middle_px + (ascent_px - descent_px) // 2
    for column, letter in enumerate(row.text):
        # Letter by letter, so that figures stand below each other whatever a letter's own width.
        pen.text((column * step_px, baseline_px), letter, fill=ink, font=font, anchor="ls")


def _height_px(style: Style) -> int:
    return {
        Style.LARGE: LARGE_COLUMNS * _ROW_PX,
        Style.RULE: _RULE_PX,
        Style.BANNER: _BANNER_PX,
    }.get(style, _ROW_PX)


def _fonts() -> dict[Style, ImageFont.FreeTypeFont]:
    regular, bold = _font(REGULAR, _SIZE_PX), _font(BOLD, _SIZE_PX)
    large = _font(BOLD, LARGE_COLUMNS * _SIZE_PX)
    return {
        Style.NORMAL: regular,
        Style.RULE: regular,
        Style.BOLD: bold,
        Style.BANNER: bold,
        Style.LARGE: large,
    }


def _font(path: Path, size_px: int) -> ImageFont.FreeTypeFont:
    """Open a font of ours; the basic engine is in every build of the library."""
    return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)
