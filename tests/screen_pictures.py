"""Pictures of the screens: how one is taken, and kept so that two of the same screen are equal.

What Textual exports names its parts after a hash of the whole, fetches a font from the internet
and draws a window around it that no till has. All this is taken away, so are the digests of our own
program, and spaces are kept where programs that draw an SVG would swallow them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.screen_world import Stall

UPDATE: Final = "UPDATE_SCREENS"
"""An environment variable: keep what is drawn instead of comparing it."""
SCREENS: Final = Path(__file__).parent / "snapshots" / "screens"

_ID: Final = re.compile(r"terminal-\d+")
_FONT_FACE: Final = re.compile(r"\s*@font-face \{.*?\n    \}", re.DOTALL)
_TITLE_STYLE: Final = re.compile(r"\s*\.till-title \{.*?\}", re.DOTALL)
_CHROME: Final = re.compile(r"<rect fill=.*?(?=<g transform[^>]*clip-path)", re.DOTALL)
_DIGEST: Final = re.compile(r"(?:[0-9a-f]{4}&#160;){2}[0-9a-f]{4}")
_BLANKS: Final = re.compile(r"[ \t]+$", re.MULTILINE)
_SCREEN_SIZE: Final = re.compile(r'<rect x="0" y="0" width="([\d.]+)" height="([\d.]+)" />')
_SCREEN_PLACE: Final = re.compile(r'<g transform="translate\(([\d.]+), ([\d.]+)\)"')
_BLANK_TOP: Final = 1.5
"""Above the first row Rich draws nothing."""
_VIEW: Final = re.compile(r'viewBox="[^"]*"')


def picture_of(svg: str) -> str:
    """Return what Textual exported without window, foreign fonts and accidental names."""
    svg = _ID.sub("till", svg)
    svg = _TITLE_STYLE.sub("", _FONT_FACE.sub("", svg))
    svg = _DIGEST.sub("0000&#160;0000&#160;0000", _CHROME.sub("", svg))
    size, place = _SCREEN_SIZE.search(svg), _SCREEN_PLACE.search(svg)
    assert size is not None, "Textual exports another kind of picture"
    assert place is not None, "Textual exports another kind of picture"
    (left, top), (width, height) = place.groups(), map(float, size.groups())
    view = f"{left} {float(top) + _BLANK_TOP:g} {width:g} {height - _BLANK_TOP:g}"
    svg = _VIEW.sub(f'viewBox="{view}"', svg, count=1)
    return _BLANKS.sub("", svg.replace("<text ", '<text xml:space="preserve" '))


@dataclass
class Album:
    """Compares the pages that it is shown with those that were kept, or keeps them."""

    stall: Stall
    suffix: str
    keeps: bool
    folder: Path = SCREENS
    shown: list[str] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)

    async def show(self, name: str) -> None:
        """Take the page on top, once it has come to rest."""
        picture = await self._at_rest()
        path = self.folder / f"{name}-{self.suffix}.svg"
        self.shown.append(path.name)
        if self.keeps:
            path.write_text(picture, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != picture:
            self.differ.append(path.name)

    async def _at_rest(self) -> str:
        """Return the picture of a page that no longer changes."""
        before = ""
        while True:
            await self.stall.pilot.pause()
            now = picture_of(self.stall.app.export_screenshot(simplify=True))
            if now == before:
                return now
            before = now
