"""A failing disk: the till stops, and nothing that was promised is gone when it is well again."""

from __future__ import annotations

import random

import pytest

from cardkit.bodies import EntryKind
from cardkit.errors import StoreError
from simulator.crash.errors import Scene
from simulator.crash.report import Report
from simulator.crash.scratch import scratch_folder
from simulator.crash.stall import CrashStall
from simulator.crash.witness import Sold, judge
from simulator.disk import Disk, Trouble
from simulator.volume import Cut
from terminal.store import Store

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

SEED = 20261126
CASES = 60


def put_through(at_most: int, seed: int) -> Report:
    """Put a terminal through so many cases, of every kind of trouble."""
    report, chance = Report(), random.Random(seed)
    with scratch_folder() as folder:
        scene = Scene(folder, report, seed=seed)
        cases = scene.cases(chance)
        for case in chance.sample(cases, min(at_most, len(cases))):
            scene.put_through(case, chance)
    return report


def test_a_failing_disk_costs_no_sale() -> None:
    """Promise: after an I/O error, a full disk or a failed fsync the till stops and loses nothing.

    At any operation, once or for ever, closed or cut afterwards, and again while that is repaired.
    """
    report = put_through(CASES, SEED)
    assert report.violations == []
    assert report.counters["errors_injected"] >= CASES


@pytest.mark.slow
def test_every_operation_fails_once() -> None:
    """Promise: the same for every operation of the scene and every kind of trouble."""
    report = put_through(100_000, SEED + 1)
    assert report.violations == []
    assert report.counters["cases"] > 300


def test_what_follows_a_failed_sync_is_kept() -> None:
    """Promise: a log whose fsync failed is written again before sales are built upon it.

    Killed after the failure, opened, a sale, and then the power goes.
    """
    chance = random.Random(SEED)
    with scratch_folder() as folder:
        stall = CrashStall.enrolled(folder / "till")
        with Disk(stall.data.root) as disk:
            till = stall.till()
            disk.fail(Trouble.SYNC)
            with pytest.raises(Exception, match="disk I/O error"):
                till.close_day(stall.clock.now().at.date())
            for cut in (Cut.NOTHING, Cut.UNSYNCED):
                disk.freeze()
                till.close()
                disk.heal()
                disk.thaw(cut, chance)
                till = stall.till()
                if cut is Cut.NOTHING:
                    promised = till.journal.head
            assert till.journal.entry(promised.seq) is not None
            till.close()


def test_the_judge_misses_a_green() -> None:
    """Promise: the check above can fail: a green that the journal does not hold is accused."""
    with scratch_folder() as folder:
        stall = CrashStall.enrolled(folder / "till")
        till = stall.till()
        invented: Sold = (till.journal.head.seq, stall.cards[0].uid, 2, 1_00)
        assert till.journal.last(EntryKind.SALE) is None
        assert "green and not in the journal" in judge(stall, till, [invented]).wrong[0]
        till.close()


def test_a_store_whose_sync_failed_keeps_what_follows() -> None:
    """Promise: after a failed fsync the store takes nothing more until it was opened anew.

    What it took in then would stand upon a log that has a hole after the next power cut.
    """
    chance, brought = random.Random(SEED), b"what a card brought"
    with scratch_folder() as folder:
        stall = CrashStall.enrolled(folder / "till")
        first, second, _ = (card.uid for card in stall.cards)
        with Disk(stall.data.root) as disk:
            store = Store.open(stall.data)
            disk.fail(Trouble.SYNC)
            with pytest.raises(StoreError, match="disk I/O error"):
                store.keep_borne(first, brought)
            with pytest.raises(StoreError, match="opened anew"):
                store.keep_borne(second, brought)
            with pytest.raises(StoreError, match="opened anew"):
                store.row(second)
            store.close()
            store = Store.open(stall.data)
            store.keep_borne(second, brought)
            disk.freeze()
            store.close()
            disk.thaw(Cut.UNSYNCED, chance)
            store = Store.open(stall.data)
            assert store.borne(second) == brought
            store.close()
