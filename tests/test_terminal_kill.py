"""kill -9 of the till while it sells to cards that live in another process.

The oracle is the cards' own history, and the greens that were received through a pipe: what the
killed process believed counts for nothing.
"""

from __future__ import annotations

import pytest

from simulator.crash.killed import Market, Point, warm_up
from simulator.crash.report import Report
from simulator.crash.scratch import scratch_folder

TAKERS = 5
"""One of so many kills hits the process that takes in documents."""


@pytest.fixture(scope="module", autouse=True)
def warm_server() -> None:
    """A process that has imported everything, from which each till is forked."""
    warm_up("pytest")


def kill_and_look(kills: int, seed: int) -> int:
    """Kill processes so many times over the same files; returns the sales settled afterwards."""
    report = Report()
    with scratch_folder() as folder:
        market = Market.enrolled(folder / "till", report, seed=seed)
        for number in range(kills):
            if number % TAKERS:
                market.kill_till()
            else:
                market.kill_taker()
        recovered = market.judge()
    assert report.violations == []
    assert report.counters["kills"] == kills
    assert market.greens
    return recovered


def test_killed_100_times() -> None:
    """Promise: kill -9 at any moment loses no green sale, doubles none, and forgets no document.

    At random moments, while the files are opened, before an entry, before and after green; a
    second till is locked out meanwhile.
    """
    assert len(Point) == 5
    assert kill_and_look(100, seed=1) > 0, "some kills hit the middle of a sale"


@pytest.mark.slow
def test_killed_400_times() -> None:
    """Promise: the same, 400 times."""
    assert kill_and_look(400, seed=2) > 0, "some kills hit the middle of a sale"
