"""Copies of the service, and what the world knows of the moment when each was made."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from simulator.world.marks import Mark

if TYPE_CHECKING:
    from simulator.world.world import World

KEPT: Final = 3


@dataclass(frozen=True, slots=True)
class _Backup:
    """A copy of the service, and what it had heard by then."""

    database: sqlite3.Connection
    heard: dict[int, dict[bytes, int]]
    requests: int


class Backups:
    """The last copies of one world's service."""

    def __init__(self, world: World) -> None:
        self.forgotten: set[bytes] = set()
        """Digests of entries that the service had taken in and lost by a restore."""
        self._world = world
        self._kept: list[_Backup] = []

    def make(self) -> None:
        """Keep a copy of the service."""
        world = self._world
        heard = {number: dict(digests) for number, digests in world.truth.heard.items()}
        self._kept.append(_Backup(world.centre.copy(), heard, len(world.truth.wire)))
        del self._kept[:-KEPT]

    def restore(self) -> None:
        """Put the service back to a copy: it forgets what it had taken in since."""
        world = self._world
        backup = world.chance.stream("backups").choice(self._kept)
        for number, digests in world.truth.heard.items():
            self.forgotten |= digests.keys() - backup.heard.get(number, {}).keys()
        world.truth.heard.clear()
        for number, digests in backup.heard.items():
            world.truth.heard[number] = dict(digests)
        del world.truth.wire[backup.requests :]
        world.centre.restore(backup.database)
        for number in world.lost:
            world.centre.declare_lost(number)  # whoever restores knows which are gone
        for number in world.truth.stolen:
            world.centre.declare_stolen(number)
        for uid in sorted(world.blocked):
            world.centre.block(uid)
        world.marks.hit(Mark.SERVICE_RESTORED)
        world.trace.note(world.now, "restored", backup.requests)
