"""Who means harm in a world: nobody in half of them, else one to three."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulator.world.hostile.actor import Actor
from simulator.world.hostile.centres import Ghost, Insider, LyingService
from simulator.world.hostile.claims import Forger, Impostor, Replayer, Squatter
from simulator.world.hostile.purses import (
    Bumper,
    Cloner,
    Drainer,
    Emulator,
    Framer,
    Reverser,
    Vandal,
)
from simulator.world.hostile.relay import Relay
from simulator.world.hostile.tills import (
    Denier,
    Overstater,
    Rewinder,
    Suppressor,
    Twin,
    Withholder,
)

if TYPE_CHECKING:
    from simulator.world.world import World

ACTORS: Final[tuple[type[Actor], ...]] = (
    Forger,
    Squatter,
    Replayer,
    Impostor,
    Drainer,
    Framer,
    Bumper,
    Vandal,
    Cloner,
    Reverser,
    Emulator,
    Relay,
    Withholder,
    Denier,
    Overstater,
    Twin,
    Rewinder,
    Suppressor,
    LyingService,
    Insider,
    Ghost,
)
PEACEFUL: Final = 0.5
_AT_ONCE_MAX: Final = 3


def cast(world: World) -> list[Actor]:
    """Draw who means harm."""
    draw = world.chance.stream("cast")
    if draw.random() < PEACEFUL:
        return []
    return [kind(world) for kind in draw.sample(ACTORS, draw.randint(1, _AT_ONCE_MAX))]
