"""Chance of one world: every draw comes from its seed, and every fault can be called off alone.

Each kind of fault has a stream of its own, and each of its strikes an id such as `LINE_BUSY:7`:
the seventh time that it was asked whether the line is busy. To call one off moves no other.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Collection
from typing import Final

from simulator.world.catalogue import Kind

ACTIVE: Final = 0.3
"""The share of kinds that a world knows at all: many faults at once hide each other."""
RATES: Final = (0.02, 0.5)
"""How often an active kind strikes when it is asked for, drawn between these on a log scale."""

SELDOM_ASKED: Final = frozenset(
    {
        Kind.PEOPLE_PAID_OTHERWISE,
        Kind.PEOPLE_CLIENT_LEFT,
        Kind.PEOPLE_GOODS_HANDED_OVER,
        Kind.PEOPLE_CLOSED_OVER_AMBER,
        Kind.PEOPLE_REFUND_TOO_LARGE,
        Kind.PEOPLE_REFUND_TWICE,
        Kind.PEOPLE_APPROVES_OWN,
        Kind.PEOPLE_APPROVE_TWICE,
        Kind.PEOPLE_RUN_REVOKED,
        Kind.PEOPLE_CONFIRM_LATE,
        Kind.PEOPLE_MISTYPES,
    }
)
"""Asked for only where a sale is amber, is given back or paid: once or twice in a life."""
SELDOM_ACTIVE: Final = 0.6
SELDOM_RATES: Final = (0.2, 0.9)
LARGE: Final = "LARGE"
"""What `without` calls off to have a small world where the seed draws a large one."""
_LARGE_SHARE: Final = 1 / 4
"""Small worlds find most: what happens in them happens to the same few."""


class Chance:
    """The streams of one seed; `only` lets no strikes happen but these, `without` none of these.

    Strikes are named by their ids; `without` takes the names of whole kinds too, and `LARGE`.
    """

    def __init__(
        self,
        seed: int,
        *,
        only: Collection[str] | None = None,
        without: Collection[str] = (),
    ) -> None:
        self.seed: Final = seed
        self.struck: list[str] = []
        """The ids of all strikes so far, in their order."""
        self.quiet = False
        """Nothing strikes any more: the world heals."""
        self._only = None if only is None else frozenset(only)
        self._without = frozenset(without)
        self._asked: Counter[Kind] = Counter()
        self._streams: dict[str, random.Random] = {}
        self._rates = {kind: self._rate(kind) for kind in Kind}

    def stream(self, purpose: str) -> random.Random:
        """Return the stream for a purpose; strings seed it, so no hash seed matters."""
        if purpose not in self._streams:
            self._streams[purpose] = random.Random(f"{self.seed}/{purpose}")
        return self._streams[purpose]

    def draws_large(self) -> bool:
        """Draw whether the world has many stalls and cards; asked once in a life."""
        return self.stream("size").random() < _LARGE_SHARE and LARGE not in self._without

    def strikes(self, kind: Kind) -> random.Random | None:
        """Ask whether a fault strikes here; returns the stream for its details when it does."""
        if self.quiet:
            return None
        self._asked[kind] += 1
        name = f"{kind.name}:{self._asked[kind]}"
        drawn = self.stream(kind.name).random() < self._rates[kind]
        if self._only is not None:
            drawn = name in self._only
        if not drawn or name in self._without or kind.name in self._without:
            return None
        self.struck.append(name)
        return random.Random(f"{self.seed}/{name}")

    def _rate(self, kind: Kind) -> float:
        swarm = random.Random(f"{self.seed}/swarm/{kind.name}")
        seldom = kind in SELDOM_ASKED
        if swarm.random() >= (SELDOM_ACTIVE if seldom else ACTIVE):
            return 0.0
        low, high = map(math.log, SELDOM_RATES if seldom else RATES)
        return math.exp(swarm.uniform(low, high))
