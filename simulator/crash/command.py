"""`python -m simulator crash`: the rungs in turn until the budget is over, each of them once."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from simulator.crash.errors import Scene
from simulator.crash.images import Judge, drawn_images
from simulator.crash.killed import Market, warm_up
from simulator.crash.life import record_life
from simulator.crash.modes import LOSING, Mode, try_mode
from simulator.crash.report import Report
from simulator.crash.rot import rot, subjects
from simulator.crash.scratch import scratch_folder
from simulator.crash.traced import is_possible, trace
from simulator.crash.traced import judge as judge_trace
from simulator.quiet import without_log

CASES_A_TURN: Final = 100
FLIPS_A_TURN: Final = 300
KILLS_A_TURN: Final = 100
TAKERS: Final = 5
"""One of so many kills hits the process that takes in documents."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One seed's go at one rung, in a folder of its own."""

    seed: int
    folder: Path
    report: Report


def cut(turn: Turn) -> None:
    """Cut a life after every operation (C2)."""
    life, chance = record_life(turn.folder / "till", turn.seed), random.Random(turn.seed)
    judge = Judge(life, turn.folder / "image", turn.report, seed=turn.seed)
    for left in drawn_images(life, chance):
        judge.judge(left, chance)
    turn.report.count("cuts_lives")


def bite(turn: Turn) -> None:
    """Show that the same cuts lose where losing is known (C2's teeth)."""
    for mode in Mode:
        verdict = try_mode(mode, turn.folder, seed=turn.seed)
        turn.report.count("images", verdict.images)
        if (verdict.lost > 0) is not (mode in LOSING):
            turn.report.accuse(f"seed {turn.seed}: {mode.name} lost {verdict.lost} times")
        turn.report.count("teeth_lost", verdict.lost)


def fail(turn: Turn) -> None:
    """Let the disk fail (C3)."""
    chance = random.Random(turn.seed)
    scene = Scene(turn.folder, turn.report, seed=turn.seed)
    for case in chance.sample(scene.cases(chance), CASES_A_TURN):
        scene.put_through(case, chance)


def decay(turn: Turn) -> None:
    """Let files rot (C1)."""
    for subject in subjects(turn.folder):
        rot(subject, turn.seed, turn.report, flips_at_most=FLIPS_A_TURN)


def kill(turn: Turn) -> None:
    """Kill processes (C4)."""
    market = Market.enrolled(turn.folder, turn.report, seed=turn.seed)
    for number in range(KILLS_A_TURN):
        if number % TAKERS:
            market.kill_till()
        else:
            market.kill_taker()
    turn.report.count("settled_after_kills", market.judge())


def trace_files(turn: Turn) -> None:
    """Cut every file of a terminal after every system call (C6), where strace may trace."""
    if is_possible():
        judge_trace(trace(turn.folder), turn.folder / "image", turn.report, seed=turn.seed)


TURNS: Final[tuple[Callable[[Turn], None], ...]] = (
    cut,
    fail,
    decay,
    kill,
    trace_files,
    bite,
)


@click.command()
@click.option(
    "--budget", type=click.FloatRange(0), default=20.0, show_default=True, help="Seconds."
)
@click.option("--seed", default=1, show_default=True, help="Of the first turn.")
def crash(*, budget: float, seed: int) -> None:
    """Cut, fail, decay and kill a till's disk; every rung has one turn at least."""
    warm_up("simulator.__main__")
    report, ends_at = Report(), time.monotonic() + budget
    with without_log():
        for number in itertools.count():
            for do in TURNS:
                if number and time.monotonic() > ends_at:
                    report.end()
                with scratch_folder() as folder:
                    do(Turn(seed + number, folder, report))
