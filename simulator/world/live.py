"""The way into a world for whoever has not prepared Django: commands, tests and soaks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from simulator.world.founding import founding
from simulator.world.rungs import Rung, antennas

if TYPE_CHECKING:
    from simulator.world.verdict import Verdict


def live(
    seed: int,
    *,
    rung: Rung = Rung.BYTES,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    steps: int | None = None,
    echo: Callable[[str], None] | None = None,
) -> Verdict:
    """Live one world to its end; the options are those of `World`."""
    founding()
    from simulator.world.world import World  # noqa: PLC0415 - it stands on Django's models

    with antennas(rung) as readers:
        world = World(seed, only=only, without=without, steps=steps, echo=echo, readers=readers)
        return world.live()
