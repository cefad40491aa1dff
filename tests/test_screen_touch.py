"""Cold fingers: they slip, and a page that changes under them takes no second key."""

from __future__ import annotations

from pathlib import Path

from terminal.ui.widgets import ChoiceRow, TouchKey
from tests.screen_world import Stall, story
from tests.terminal_world import World


@story
async def test_a_finger_that_slips_has_typed(tmp_path: Path) -> None:
    """Promise: a key counts when it is pressed, wherever the finger is when it leaves."""
    world = World.make(tmp_path)
    world.publish()
    async with Stall.open(world) as stall:
        seven, eight = list(stall.app.screen.query(TouchKey))[:2]
        await stall.pilot.mouse_down(seven)
        await stall.pilot.mouse_up(eight)
        await stall.sees("7,00")


@story
async def test_one_press_is_one_key(tmp_path: Path) -> None:
    """Promise: the finger that opened the menu chooses nothing on it when it is lifted."""
    world = World.make(tmp_path)
    world.publish()
    async with Stall.open(world) as stall:
        menu = next(it for it in stall.app.screen.query(TouchKey) if "MENU" in str(it.render()))
        where = menu.region.center
        await stall.pilot.mouse_down(menu)
        await stall.until(lambda: bool(stall.app.screen.query(ChoiceRow)))
        await stall.pilot.mouse_up(offset=(int(where[0]), int(where[1])))
        await stall.pilot.pause()
        assert stall.page == "ChoicePage"
        assert "Menu" in stall.text
