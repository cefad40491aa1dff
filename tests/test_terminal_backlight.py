"""The screen's brightness, over a folder that looks like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminal.backlight import Backlight, find_backlight


def panel(folder: Path, *, most: str = "31") -> Backlight:
    """A panel as the kernel shows it."""
    path = folder / "rpi_backlight"
    path.mkdir()
    (path / "max_brightness").write_text(most)
    (path / "brightness").write_text("31")
    found = find_backlight(folder)
    assert found is not None
    return found


@pytest.mark.parametrize(("percent", "level"), [(100, "31"), (50, "15"), (0, "1"), (400, "31")])
def test_it_is_never_so_dark_that_nobody_finds_back(
    tmp_path: Path, percent: int, level: str
) -> None:
    """Promise: whatever is asked for, something can still be read on the screen."""
    light = panel(tmp_path)
    assert light.set_percent(percent)
    assert (light.path / "brightness").read_text() == level


def test_a_machine_without_a_panel_is_no_trouble(tmp_path: Path) -> None:
    """Promise: an HDMI screen, or a panel that says nonsense, costs the setting alone."""
    assert find_backlight(tmp_path / "none") is None
    assert find_backlight(tmp_path) is None
    light = panel(tmp_path, most="much")
    assert light.percent is None
    assert not light.set_percent(50)


def test_what_is_set_can_be_read(tmp_path: Path) -> None:
    """Promise: the setting shows what the panel does, and not what was last asked for."""
    light = panel(tmp_path)
    (light.path / "brightness").write_text("8")
    assert light.percent == 26
