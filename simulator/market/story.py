"""The week from its first day to its report, wired once.

Django has to be prepared (`simulator.market.service`) before this module is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from random import Random
from typing import Final

from provisioning.keystore import new_keys
from simulator.clock import ManualClock
from simulator.market.caisse import MarketCaisse
from simulator.market.counter import Counter
from simulator.market.plan import MONDAY, local, visits
from simulator.market.play import play
from simulator.market.report import Report
from simulator.market.serving import serving
from simulator.market.truth import debits
from simulator.market.week import Tell, Week, family_visits

STEP_MAX_CENTS: Final = 500_00


@dataclass(frozen=True, slots=True)
class Story:
    """A week that is about to be lived."""

    week: Week
    folder: Path

    @classmethod
    @contextmanager
    def begun(cls, folder: Path, counter: Counter, *, seed: int, say: Tell) -> Iterator[Story]:
        """Found the caisse and open its service for as long as the story lasts."""
        clock = ManualClock(local(MONDAY, time(7)))
        keys = new_keys("flers", now=clock.now().at, step_max_cents=STEP_MAX_CENTS)
        caisse = MarketCaisse.found(keys, clock, counter)
        with serving(lambda: caisse.caisse) as url:
            caisse.url = url
            week = Week(caisse, clock, counter, say, Random(seed))
            try:
                yield cls(week, folder)
            finally:
                week.close()

    def live(self) -> None:
        """Let the week happen."""
        self.week.set_up(self.folder)
        planned = (*visits(self.week.random), *family_visits())
        self.week.play(tuple(sorted(planned, key=lambda visit: (visit.at, visit.shop))))
        self.week.settle()

    def report(self) -> Report:
        """Hold the books against the cards' own histories."""
        return Report(self.week, debits(self.week.caisse.all_cards))

    def hand_over(self, say: Tell) -> None:
        """Let the player go on."""
        play(self.week, say)
