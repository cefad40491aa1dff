"""Power cuts: every disk that one could leave, and proof that the same cuts can lose."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from simulator.crash.images import Judge, drawn_images
from simulator.crash.life import Life, record_life
from simulator.crash.modes import KEEPING, LOSING, Engine, Mode, shipped, try_mode
from simulator.crash.newer import Newer
from simulator.crash.report import Report
from simulator.crash.scratch import scratch_folder

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

SEED = 20261126
IMAGES = 5_000


def judged(seed: int, report: Report, folder: Path) -> Life:
    """One life, all of whose images have been judged."""
    life, chance = record_life(folder / "till", seed), random.Random(seed)
    judge = Judge(life, folder / "image", report, seed=seed)
    for left in drawn_images(life, chance):
        judge.judge(left, chance)
    return life


@pytest.mark.parametrize("half", [0, 1])
def test_no_power_cut_loses_what_was_promised(half: int) -> None:
    """Promise: green is on the disk: promised ⊆ recovered ⊆ attempted, in 5,000 images."""
    report = Report()
    for seed in itertools.count(SEED + half, step=2):
        if report.counters["images"] >= IMAGES // 2:
            break
        with scratch_folder() as folder:
            judged(seed, report, folder)
    assert report.violations == []
    assert report.counters["cut_twice"] > IMAGES // 40


def test_a_judge_that_is_told_too_much_accuses() -> None:
    """Promise: the check above can fail: an entry too many that was promised is missed."""
    report = Report()
    with scratch_folder() as folder:
        life = record_life(folder / "till", SEED, steps=2)
        early = tuple(type(it)(max(0, it.operations - 2), it.promised_seq) for it in life.moments)
        eager = Life(life.stall, life.history, early, life.rows)
        judge, chance = Judge(eager, folder / "image", report, seed=SEED), random.Random(SEED)
        for left in drawn_images(eager, chance):
            judge.judge(left, chance)
    assert any("promised" in sentence for sentence in report.violations)


@pytest.mark.parametrize("engine", [shipped, Newer], ids=["shipped", "apsw"])
@pytest.mark.parametrize("mode", [it for it in Mode if it in LOSING], ids=str)
def test_modes_that_lose_are_seen_to_lose(mode: Mode, engine: Engine) -> None:
    """Promise: these cuts have teeth: WAL with NORMAL, DELETE with FULL and OFF lose sales."""
    with scratch_folder() as folder:
        verdict = try_mode(mode, folder, seed=SEED, engine=engine)
    assert verdict.lost > 0
    assert (verdict.corrupt > 0) is (mode is Mode.OFF)


@pytest.mark.parametrize("engine", [shipped, Newer], ids=["shipped", "apsw"])
@pytest.mark.parametrize("mode", [it for it in Mode if it in KEEPING], ids=str)
def test_modes_that_keep_lose_nothing(mode: Mode, engine: Engine) -> None:
    """Promise: under the very same cuts the till's own mode, and two others, keep everything."""
    with scratch_folder() as folder:
        verdict = try_mode(mode, folder, seed=SEED, engine=engine)
    assert (verdict.lost, verdict.corrupt) == (0, 0)
    assert verdict.images > 60
