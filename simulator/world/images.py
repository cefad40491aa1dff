"""What helpers and time do to the disk of a till that is off: copies, old copies, rot."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

from simulator.world.marks import Mark
from simulator.world.till import Condition, WorldTill

if TYPE_CHECKING:
    from simulator.world.world import World


def copy_disk(stall: WorldTill) -> None:
    """A helper copies a disk, for later."""
    if stall.condition is not Condition.OFF:
        return
    if stall.image is None:
        stall.image = stall.folder.with_name(f"image-{stall.number}")
    else:
        shutil.rmtree(stall.image)
    shutil.copytree(stall.folder, stall.image)


def put_back_disk(world: World, stall: WorldTill) -> None:
    """A helper puts an older copy back, on a disk that no till is using."""
    if stall.image is None or stall.condition is not Condition.OFF:
        return
    shutil.rmtree(stall.folder)
    shutil.copytree(stall.image, stall.folder)
    world.truth.rewound.add(stall.number)
    world.truth.unlearn(stall.number)
    world.trace.note(world.now, stall.number, "put back")


def rot(world: World, stall: WorldTill, detail: random.Random) -> None:
    """Flip one bit of what a stall keeps; if it starts all the same, the bit was nobody's."""
    files = [stall.data.journal, stall.data.store, stall.data.documents]
    path = detail.choice([it for it in files if it.exists() and it.stat().st_size])
    whole = stall.folder.with_name(f"whole-{stall.number}")
    shutil.copytree(stall.folder, whole)
    content = bytearray(path.read_bytes())
    at = detail.randrange(8 * len(content))
    content[at // 8] ^= 1 << at % 8
    path.write_bytes(bytes(content))
    if stall.condition is Condition.OFF and not world.switch_on(stall):
        world.marks.hit(Mark.ROT_FOUND)
        shutil.rmtree(stall.folder)
        shutil.copytree(whole, stall.folder)
        stall.condition = Condition.OFF
    elif path == stall.data.journal:
        world.truth.rewound.add(stall.number)
    shutil.rmtree(whole)
