"""A life from its plan, in one transaction: all of it is kept, or nothing.

Django has to be prepared before this module is imported.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from random import Random
from typing import Final

from django.db import DEFAULT_DB_ALIAS, transaction

from provisioning.keystore import KeySet
from server_stub.keys import KeyRing
from server_stub.services import second_factor
from server_stub.services.caisse import Caisse
from server_stub.services.seed import TRIAL
from simulator.clock import ManualClock
from simulator.field import Field
from simulator.life.keys import drawing, keys_of
from simulator.life.life import Life, MonthTold
from simulator.life.office import Office
from simulator.life.plan import Plan, local
from simulator.quiet import without_log

FOUNDED_BEFORE: Final = timedelta(days=60)

Tell = Callable[[MonthTold], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A life that was lived."""

    caisse: Caisse
    keys: KeySet = field(repr=False)
    passwords: dict[str, str] = field(repr=False)
    members: int
    sales: int
    sales_cents: int


def make(plan: Plan, *, tell: Tell, using: str = DEFAULT_DB_ALIAS) -> Made:
    """Live a life into an empty database that has its tables."""
    begins = local(plan.first_day, time())
    keys = demo_keys(plan)
    ring = KeyRing(keys.public, keys.service, random=drawing(plan.seed, "nonces"))
    clock = ManualClock(begins)
    caisse = Caisse(ring=ring, clock=clock, using=using)
    with (
        tempfile.TemporaryDirectory(prefix="clafoutis-life-", dir=_memory()) as folder,
        transaction.atomic(using=using),
        without_log(),
    ):
        office = Office.found(caisse, keys, plan, Field())
        life = Life(plan, office, clock, Path(folder), Random(plan.seed))
        life.begin()
        try:
            for month in life.live():
                tell(month)
        finally:
            life.close()
        for name in office.passwords:
            second_factor.exempt(caisse, office.number(name), lasting=TRIAL)
    return Made(
        caisse=caisse,
        keys=keys,
        passwords=office.passwords,
        members=sum(member.here for member in life.members),
        sales=life.sales,
        sales_cents=life.sales_cents,
    )


def demo_keys(plan: Plan) -> KeySet:
    """Return the keys of a plan's caisse; they are known to everybody."""
    return keys_of(plan.seed, now=local(plan.first_day - FOUNDED_BEFORE, time()))


def _memory() -> Path | None:
    """Where tills' disks cost least, where there is such a place."""
    shared = Path("/dev/shm")  # noqa: S108 - a till's files of the demo are nobody's secret
    return shared if shared.is_dir() else None
