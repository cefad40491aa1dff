"""The caisse that every world begins with, made once a process: its keys, cards, tills, database.

Keys are drawn from a fixed seed, so that the same world says the same bytes everywhere. Django is
prepared here unless it was before.
"""

from __future__ import annotations

import atexit
import copy
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connections

from cardkit.signing import SigningKey
from provisioning.keystore import KeySet, new_keys
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.market import service

WORLD: Final = "world"
"""The name of the database connection that all worlds of a process share, one after another."""
CARDS: Final = 12
TILLS: Final = 6
STALLS_MIN: Final = 2
MERCHANTS: Final = 3
SLIPS: Final = 10
"""So many has a carnet; every merchant has one, of the merchant's number."""
STEP_MAX_CENTS: Final = 300_00
ISSUED_BEFORE_USE: Final = timedelta(minutes=5)
_FIRST_KEY: Final = 0x5EED_0000


@dataclass(frozen=True, slots=True)
class Founding:
    """What a world is made a copy of."""

    keys: KeySet = field(repr=False)
    cards: tuple[VirtualCard, ...]
    folders: Mapping[int, Path]
    """Every till's data as it is when it has been enrolled and has synced."""
    databases: Mapping[int, sqlite3.Connection]
    """By the number of stalls, as it was when no more had been enrolled."""
    heard: Mapping[int, Mapping[bytes, int]]
    """What every till had sent by then: digests and numbers of its entries."""
    at: datetime

    def fresh_cards(self, count: int) -> list[VirtualCard]:
        """Return cards as they were handed out."""
        return [copy.deepcopy(card) for card in self.cards[:count]]


def merchant_of(terminal: int) -> int:
    """Return for whom a till sells."""
    return (terminal - 1) % MERCHANTS + 1


@cache
def founding() -> Founding:
    """Found the caisse; later calls return the same."""
    home = Path(tempfile.mkdtemp(prefix="clafoutis-world-", dir=_memory()))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    if not settings.configured:
        service.configure(home / "service")
    # These stand on Django's models, which can be imported only now.
    from server_stub.models import StoredEntry  # noqa: PLC0415
    from server_stub.services import paper  # noqa: PLC0415
    from simulator.burnt.caisse import LONG_AFTER, LONG_AGO, START, BareCaisse  # noqa: PLC0415
    from simulator.partner import sign_up  # noqa: PLC0415

    _connect()
    clock = ManualClock(START)
    caisse = BareCaisse.found(_keys(LONG_AGO), clock, using=WORLD)
    for number in range(2, MERCHANTS + 1):
        sign_up(
            caisse.caisse,
            number,
            f"Ferme {number}",
            convention_from=LONG_AGO,
            convention_until=LONG_AFTER,
        )
    for number in range(1, MERCHANTS + 1):
        paper.hand_out(caisse.caisse, number, merchant=number, first_slip=1, last_slip=SLIPS, by=1)
    clock.pass_time(ISSUED_BEFORE_USE)
    cards = tuple(caisse.issue_card() for _ in range(CARDS))
    folders, databases = {}, {}
    for terminal in range(1, TILLS + 1):
        folders[terminal] = home / str(terminal)
        stall = caisse.enrol(terminal, folders[terminal], merchant=merchant_of(terminal))
        stall.close()
        _forget_requests(folders[terminal])
        databases[terminal] = sqlite3.connect(":memory:", check_same_thread=False)
        connections[WORLD].connection.backup(databases[terminal])
    heard: dict[int, dict[bytes, int]] = {terminal: {} for terminal in folders}
    for entry in StoredEntry.objects.using(WORLD).order_by("seq"):
        heard[entry.terminal_id][bytes(entry.digest)] = entry.seq
    return Founding(caisse.keys, cards, folders, databases, heard, clock.now().at)


def _forget_requests(folder: Path) -> None:
    """Requests say how this machine is, and are written anew before each exchange."""
    for path in (*folder.glob("outbox/*"), *folder.glob("inbox/*")):
        path.unlink()


def _keys(now: datetime) -> KeySet:
    chance = random.Random("the keys of all worlds")
    scalars = iter(range(_FIRST_KEY, _FIRST_KEY + 100))

    def make_key(*, caisse: str) -> SigningKey:
        return SigningKey.from_scalar(next(scalars), caisse=caisse)

    return new_keys(
        "flers",
        now=now,
        step_max_cents=STEP_MAX_CENTS,
        make_key=make_key,
        random=chance.randbytes,
    )


def _connect() -> None:
    """Give all worlds an empty database in memory, with its tables."""
    from server_stub import scratch  # noqa: PLC0415 - beside the models

    scratch.connect(WORLD)
    scratch.fill(WORLD)


def _memory() -> str | None:
    """Where files cost least: a disk in memory, where there is one."""
    shared = Path("/dev/shm")  # noqa: S108 - a world's files are nobody's secret
    return str(shared) if shared.is_dir() else None
