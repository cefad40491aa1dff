"""The pictures of the guide: one of every page, drawn from what the tests hold true."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from tests.screen_tour import MAIN
from tools.guide_pictures import WIDTH_PX, chosen, draw, main

pytestmark = pytest.mark.skipif(
    shutil.which("rsvg-convert") is None, reason="rsvg-convert is not installed"
)


def test_a_picture_is_drawn_as_it_is_kept(tmp_path: Path) -> None:
    """Promise: the guide shows the page itself: its colours, and nothing around it."""
    (screen,) = (it for it in chosen() if it.name == "paid-fr-day-60x18.svg")
    with Image.open(draw(screen, tmp_path)) as picture:
        assert picture.width == WIDTH_PX
        colours = picture.convert("RGB")
        assert colours.getpixel((picture.width // 2, picture.height // 5)) == (11, 107, 46)
        assert colours.getpixel((0, 0)) == (228, 228, 228)


def test_every_page_is_drawn(tmp_path: Path) -> None:
    """Promise: one command draws the guide's pictures, and takes those of lost pages away."""
    lost = tmp_path / "lost.png"
    lost.write_bytes(b"")
    done = CliRunner().invoke(main, ["--folder", str(tmp_path)])
    assert done.exit_code == 0, done.output
    drawn = {path.stem for path in tmp_path.iterdir()}
    assert set(MAIN) <= drawn
    assert len(drawn) == len(chosen())
    assert not lost.exists()
