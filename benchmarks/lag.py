"""How late the screen's loop runs while a full journal is sent and its answers are taken in.

The sync runs in a process of its own, as on a till; what the till's thread does meanwhile (it
leaves requests, takes in answers, journals what they say) holds Python's lock again and again. A
task asks to be woken every 10 ms and notes by how much it is late: so late would a touch be.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from cardkit.errors import must
from terminal.outcomes import Green
from terminal.till import Till
from tests.screen_world import Stall
from tests.terminal_world import World

ENTRIES: Final = 10_000
SAMPLE_S: Final = 0.01
ENTRIES_A_SALE: Final = 2
ROUNDS: Final = 5
CARDS: Final = 20
CREDIT_CENTS: Final = 250_00
AMOUNT_CENTS: Final = 5


def measure_lag(folder: Path, *, entries: int, rounds: int) -> list[float]:
    """Return by how many milliseconds each sample was late during so many whole exchanges."""
    _sell(folder / "sold", entries)
    late_ms: list[float] = []
    for number in range(rounds):
        copy = folder / f"round-{number}"
        shutil.copytree(folder / "sold", copy)
        late_ms.extend(asyncio.run(_one_exchange(copy)))
    return late_ms


def share_ms(late_ms: Sequence[float], per_mille: int) -> float:
    """Return what so many of a thousand samples stay below."""
    return sorted(late_ms)[min(len(late_ms) * per_mille // 1_000, len(late_ms) - 1)]


def _sell(folder: Path, entries: int) -> None:
    """Fill a journal with real sales, none of which was sent."""
    folder.mkdir()
    world = World.make(folder)
    cards = [world.new_card(CREDIT_CENTS) for _ in range(CARDS)]
    world.publish()
    till = world.till()
    for number in range(entries // ENTRIES_A_SALE):
        outcome = world.sell(till, cards[number % CARDS], AMOUNT_CENTS)
        must(isinstance(outcome, Green), "a sale that is measured is green")
        till.journal.checkpoint()
    till.stop()
    till.close()


async def _one_exchange(folder: Path) -> list[float]:
    """Send everything while the keypad is shown."""
    late_ms: list[float] = []
    async with Stall.open(World.make(folder)) as stall:
        await stall.idle()
        gc.freeze()  # as the program does once it has started
        sampling = asyncio.create_task(_sample(late_ms))
        await _exchange(stall, folder)
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling
    gc.unfreeze()
    return late_ms


async def _exchange(stall: Stall, folder: Path) -> None:
    """Let everything be carried, while the till takes in what comes back, until it is known."""
    await stall.app.do(Till.rest)
    while await stall.app.do(lambda till: till.journal.unsent_sales()):
        carrying = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.sync_peer", str(folder)),
            stdout=asyncio.subprocess.DEVNULL,
        )
        while carrying.returncode is None:
            await stall.app.do(Till.rest)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(carrying.wait()), SAMPLE_S)
        must(carrying.returncode == 0, "the exchange goes well")
        await stall.app.do(Till.rest)


async def _sample(late_ms: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + SAMPLE_S
        await asyncio.sleep(SAMPLE_S)
        late_ms.append((loop.time() - due) * 1_000)
