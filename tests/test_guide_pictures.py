"""The pictures of the guides: one of every page, drawn from what the tests hold true."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from tests.needed_tools import need
from tests.screen_tour import MAIN
from tools.guide_pictures import (
    CONSOLE_PAGES,
    CONSOLE_WIDTH_PX,
    LANGUAGES,
    WIDTH_PX,
    chosen,
    draw,
    main,
)


@pytest.fixture(autouse=True)
def converter() -> None:
    """What draws an SVG."""
    need("rsvg-convert")


def test_a_picture_is_drawn_as_it_is_kept(tmp_path: Path) -> None:
    """Promise: the guide shows the page itself: its colours, and nothing around it."""
    (screen,) = (it for it in chosen("fr") if it.name == "paid-fr-day-60x18.svg")
    with Image.open(draw(screen, tmp_path)) as picture:
        assert picture.width == WIDTH_PX
        colours = picture.convert("RGB")
        assert colours.getpixel((picture.width // 2, picture.height // 5)) == (11, 107, 46)
        assert colours.getpixel((0, 0)) == (228, 228, 228)


def test_every_page_is_drawn(tmp_path: Path) -> None:
    """Promise: one command draws the guides' pictures, and takes those of lost pages away."""
    lost = tmp_path / "fr" / "pictures" / "lost.png"
    lost.parent.mkdir(parents=True)
    lost.write_bytes(b"")
    console = tmp_path / "console"
    for language in LANGUAGES:
        (console / language).mkdir(parents=True)
        for name in CONSOLE_PAGES:
            width = int(name.rpartition("-")[2])
            Image.new("RGB", (width, 2000), "white").save(console / language / f"{name}.png")
    words = ["--folder", str(tmp_path), "--console", str(console)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert not lost.exists()
    for language in LANGUAGES:
        pictures = tmp_path / language / "pictures"
        drawn = {path.stem for path in pictures.glob("*.png")}
        assert set(MAIN) <= drawn
        assert len(drawn) == len(chosen(language))
        shown = {path.stem for path in (pictures / "console").iterdir()}
        assert shown == {name.rpartition("-")[0] for name in CONSOLE_PAGES}
    with Image.open(tmp_path / "fr" / "pictures" / "console" / "console.png") as picture:
        assert picture.width == CONSOLE_WIDTH_PX
