"""The end of the program on the screen."""

from __future__ import annotations

from pathlib import Path

from terminal.ui.messages import Happened
from terminal.worker import CardLifted
from tests.screen_world import Stall, story
from tests.terminal_world import World


@story
async def test_a_fact_may_come_after_the_end(tmp_path: Path) -> None:
    """Promise: what the till's thread says last does not turn a good end into a crash."""
    async with Stall.open(World.make(tmp_path)) as stall:
        app = stall.app
    app.hear(Happened(CardLifted()))
    assert app.return_code in {0, None}
