"""A town of real processes on real sockets, killed, stopped and cut off: no cent is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.proxy import Trouble
from simulator.town import scenes
from simulator.town.till import Order
from simulator.town.town import Stall, Town, town
from tests.postgres_fixture import cluster

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes


def test_a_bad_day_in_a_town(tmp_path: Path) -> None:
    """Promises 1 and 8: kills, stops, a full disk and a bad line cost nobody a cent."""
    with town(tmp_path, seed=1) as it:
        for scene in scenes.SCENES:
            scene(it)
        assert it.heal() == []
        assert it.judge() == []
        assert sum(len(stall.greens) for stall in it.stalls) > 10
        assert it.counts["in_hand"] == 4, "what strikes a delivery finds one under way"
        assert it.counts["refused_for_room"] >= 1, "the service's disk is full indeed"
        _doctor(it)
        assert any("green and not owed" in one for one in it.judge()), "the judge has eyes"


def _doctor(it: Town) -> None:
    """Let somebody have seen a green that no card has paid."""
    uid, tmc, seq, cents = it.stalls[0].greens[-1]
    it.stalls[0].greens.append((uid, tmc + 40, seq + 40, cents))


@pytest.mark.slow
@pytest.mark.parametrize("scene", scenes.SCENES, ids=lambda scene: scene.__name__)
def test_each_scene_alone(tmp_path: Path, scene: Callable[[Town], None]) -> None:
    """Promise 1: each of them, by itself."""
    with town(tmp_path, seed=11) as it:
        scene(it)
        assert it.heal() == []
        assert it.judge() == []


@pytest.mark.slow
def test_every_trouble_of_a_line(tmp_path: Path) -> None:
    """Promise 1: whatever a line does to a request or an answer, the next good one mends it."""
    with town(tmp_path, seed=12, tills=1, cards=2) as it:
        for trouble in Trouble:
            it.proxy.trouble = trouble
            it.sell(it.stalls[0], 1)
            it.stalls[0].exchange()
            assert it.proxy.struck[trouble] >= 1
        assert it.heal() == []
        assert it.judge() == []


@pytest.mark.slow
@pytest.mark.postgres
def test_the_database_crashes_in_a_delivery(tmp_path: Path) -> None:
    """Promise 1: PostgreSQL that dies in the middle of a delivery has taken all of it, or none."""
    with cluster("") as database, town(tmp_path, seed=13, database_url=database.url) as it:
        for _ in range(3):
            stall = it.chance.choice(it.stalls)
            it.sell(stall, 4)
            _sync_and(stall, database.crash)
            stall.exchange()
        assert it.heal() == []
        assert it.judge() == []


def _sync_and(stall: Stall, crash: Callable[[], None]) -> None:
    """Let something crash while the service has a delivery in its hands."""
    stall.order(Order.REST)
    stall.town.proxy.expect()
    with stall.sync() as line:
        assert stall.town.proxy.handed_on(scenes.ARRIVES_S)
        try:
            line.wait(stall.town.chance.uniform(*scenes.IN_HAND_S))
        except subprocess.TimeoutExpired:
            crash()
        line.wait()
