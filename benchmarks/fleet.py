"""What it costs the service when every stall comes back with a month at once, in whole exchanges.

`services.sync` from request to signed answer: entries, health, permit, directory, accounts. One
process and one core do it all, since a caisse has one writer; making the sales is not counted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from benchmarks.paper import PaperCaisse
from cardkit.errors import must
from cardkit.sync import ENTRIES_MAX, accept_answer
from server_stub.rules.ledger import Book
from server_stub.services.books import balances
from server_stub.services.sync import sync
from tests.service_world import Stall

CARDS: Final = 250
_ENTRIES_A_SALE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFigures:
    """What came out."""

    terminals: int
    entries: int
    """Of each."""
    exchanges: int
    cpu_s: float
    wall_s: float

    def lines(self) -> list[str]:
        """Return the sentence for a person."""
        what = (
            f"{self.terminals} terminals, {self.entries} entries each, {self.exchanges} exchanges"
        )
        return [f"{what}: {self.cpu_s:.1f} s of CPU, {self.wall_s:.1f} s by the clock", ""]

    def summary(self) -> dict[str, Any]:
        """Return the last line."""
        rate = self.terminals * self.entries / self.cpu_s
        return {
            "terminals": self.terminals,
            "entries": self.entries,
            "cpu_s": round(self.cpu_s, 1),
            "wall_s": round(self.wall_s, 1),
            "entries_per_s": round(rate),
        }


def measure_fleet(terminals: int, entries: int) -> FleetFigures:
    """Let every terminal sell without network, and then all of them sync."""
    caisse = PaperCaisse()
    caisse.enrol(terminals)
    caisse.issue(CARDS)
    cpu_s = wall_s = 0.0
    exchanges = sold = 0
    for stall in caisse.stalls:
        for _ in range(entries // _ENTRIES_A_SALE):
            caisse.sell(stall, caisse.cards[sold % len(caisse.cards)])
            sold += 1
        while stall.unsent:
            cpu, wall = _exchange(stall)
            cpu_s, wall_s, exchanges = cpu_s + cpu, wall_s + wall, exchanges + 1
        stall.entries = stall.entries[:1] * len(stall.entries)  # only their number is needed now
    books = balances(caisse.world.caisse)
    owed_cents = sum(cents for (book, _), cents in books.items() if book is Book.PAYABLE)
    must(owed_cents == sum(card.spent_cents for card in caisse.cards), "every sale is owed")
    return FleetFigures(
        terminals=terminals, entries=entries, exchanges=exchanges, cpu_s=cpu_s, wall_s=wall_s
    )


def _exchange(stall: Stall) -> tuple[float, float]:
    """Sync once, as much as goes into a request; CPU and wall seconds of the service."""
    stall.world.clock.pass_time(timedelta(seconds=1))
    caisse, request = stall.world.caisse, stall.request(stall.unsent[:ENTRIES_MAX])
    cpu, wall = time.process_time(), time.perf_counter()
    data = sync(caisse, request)
    took = time.process_time() - cpu, time.perf_counter() - wall
    answer = accept_answer(data, caisse.ring.trust, terminal=stall.terminal).answer
    stall.acknowledged, stall.epoch = answer.up_to_seq, answer.epoch
    return took
