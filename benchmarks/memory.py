"""What the till's process holds after a market day: 1,000 sales on the screen, and no leak.

    python -m benchmarks.memory FOLDER SALES

A process of its own, because everything else that is measured would be in the figure. What the
virtual cards remember of their own past is forgotten after each sale: it is no part of a till.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from textual.events import Key

from cardkit.errors import must
from simulator.card import VirtualCard
from tests.screen_world import Stall
from tests.terminal_world import World

SALES: Final = 1_000
WARM_UP: Final = 200
"""Until then caches fill, and the allocator finds its size."""
CARDS: Final = 100
CREDIT_CENTS: Final = 250_00
BETWEEN: Final = timedelta(minutes=1)
"""So that no card is asked whether it was charged twice."""
_PAGE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFigures:
    """Resident memory of the process, virtual cards included, in MB of 10^6 bytes."""

    rss_mb: float
    growth_mb: float
    """Between `WARM_UP` sales and the last."""


async def measure_memory(folder: Path, *, sales: int) -> MemoryFigures:
    """Sell on the screen; everybody pays two euros."""
    world = World.make(folder)
    cards = [world.new_card(CREDIT_CENTS) for _ in range(CARDS)]
    world.publish()
    before_mb = 0.0
    async with Stall.open(world) as stall:
        await stall.idle()
        gc.freeze()
        for number in range(sales):
            await _sell(stall, cards[number % CARDS])
            if number + 1 == min(WARM_UP, sales):
                before_mb = _rss_mb()
        rss_mb = _rss_mb()
    return MemoryFigures(rss_mb=rss_mb, growth_mb=rss_mb - before_mb)


async def _sell(stall: Stall, card: VirtualCard) -> None:
    """Two keys, a card, and the key that leads on."""
    for key in ("2", "enter"):
        stall.app.screen.post_message(Key(key, key if key.isdecimal() else None))
        await stall.pilot.pause()
    await stall.until(lambda: stall.page == "PresentPage")
    stall.world.field.place(card)
    await stall.until(lambda: stall.page == "PaidPage")
    stall.world.field.lift()
    stall.app.screen.post_message(Key("enter", None))
    await stall.idle()
    must(stall.app.last_sale is not None, "a sale that is measured is green")
    card._state.history.clear()  # noqa: SLF001 - it remembers all its life, as no chip does
    stall.world.field.trace.clear()
    stall.ear.heard.clear()
    stall.world.clock.pass_time(BETWEEN)


def _rss_mb() -> float:
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return resident * _PAGE_BYTES / 1e6


if __name__ == "__main__":
    found = asyncio.run(measure_memory(Path(sys.argv[1]), sales=int(sys.argv[2])))
    print(json.dumps({"rss_mb": found.rss_mb, "growth_mb": found.growth_mb}))
