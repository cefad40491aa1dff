"""The simulated world itself: one life from one seed, on every rung, and failures made small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.demo import main
from simulator.world.catalogue import Boundary, Kind
from simulator.world.chance import LARGE, Chance
from simulator.world.live import live
from simulator.world.marks import Mark
from simulator.world.rungs import Rung
from simulator.world.shrink import fewest, least
from tests.world_runs import kept_seeds, lived

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

TREE = Path(__file__).parent.parent
SHORT_STEPS = 4
PLANTED_FROM, PLANTED_STEPS = 444, 8
"""Both kinds of fault are active in this world; should that change, a later one is found."""
WIRE_SEEDS = 40
CALLED_OFF = "LINE_BUSY:2"


def test_catalogue_is_wide() -> None:
    """Promise: at least forty kinds of mishap, at each of the seven boundaries.

    Red when a boundary loses its kinds.
    """
    assert len(Kind) >= 45
    assert {kind.boundary for kind in Kind} == set(Boundary)
    assert len({kind.words for kind in Kind}) == len(Kind), "no kind is another one's name"
    assert len(Mark) >= 55


@pytest.mark.parametrize("seed", [3, 17])
def test_calling_a_fault_off_moves_no_other(seed: int) -> None:
    """Promise: a failure shrinks, because every fault can be called off alone.

    Red when nothing is drawn for what is called off, or when an id counts strikes and not
    questions.
    """

    def struck(**switches: tuple[str, ...]) -> list[str]:
        chance = Chance(seed, **switches)
        for _ in range(60):
            for kind in Kind:
                chance.strikes(kind)
        return chance.struck

    everything = struck()
    assert len(everything) > 50
    victim = everything[len(everything) // 2]
    assert struck(without=(victim,)) == [it for it in everything if it != victim]
    kind = victim.partition(":")[0]
    assert struck(without=(kind,)) == [it for it in everything if it.partition(":")[0] != kind]
    assert struck(only=(victim,)) == [victim]
    assert struck(only=tuple(everything)) == everything


def test_details_of_a_fault_are_its_own() -> None:
    """Promise: with fewer faults those that are left do the very same.

    Red when details are drawn from the stream that decides whether a fault strikes.
    """
    first, second = (Chance(5, only=only) for only in ([CALLED_OFF], [CALLED_OFF, "LINE_BUSY:1"]))
    details = []
    for chance in (first, second):
        struck = [chance.strikes(Kind.LINE_BUSY) for _ in range(2)]
        details.append([it.random() for it in struck if it is not None][-1])
    assert details[0] == details[1]


def test_shrinker_finds_the_fewest() -> None:
    """Promise: a failure is told with no fault that is not needed for it.

    Red when parts are not made smaller, or when one is kept that may go.
    """
    strikes = tuple(f"LINE_BUSY:{number}" for number in range(97))
    needed = {strikes[3], strikes[50], strikes[96]}
    runs = []

    def fails(only: tuple[str, ...]) -> bool:
        runs.append(only)
        return needed <= set(only)

    assert fewest(strikes, fails) == tuple(sorted(needed, key=strikes.index))
    assert len(runs) < 120, "whole parts are called off at once"
    assert fewest(strikes, lambda _: True) == ()
    assert least(lambda steps: steps >= 23, most=60) == 23


@pytest.mark.django_db
def test_planted_violation_shrinks_to_its_faults() -> None:
    """Promise: a world that went wrong comes down to the faults that did it.

    What counts as wrong here is planted: a second till that was started, and a till that was
    killed during a tap. Red when the shrinker stops at halves.
    """

    def goes_wrong(seed: int, only: tuple[str, ...] | None = None) -> tuple[str, ...]:
        verdict = live(seed, only=only, steps=PLANTED_STEPS)
        marks = verdict.marks
        is_wrong = marks[Mark.SECOND_REFUSED] and marks[Mark.KILLED_IN_TAP]
        return verdict.struck if is_wrong else ()

    tried = ((seed, goes_wrong(seed)) for seed in range(PLANTED_FROM, 9_999))
    seed, strikes = next((seed, struck) for seed, struck in tried if struck)
    shrunk = fewest(strikes, lambda only: bool(goes_wrong(seed, only)))
    assert len(shrunk) == 2 < len(strikes)
    assert {strike.partition(":")[0] for strike in shrunk} & {"PROCESS_SECOND"}
    assert any(strike.startswith("PROCESS_KILLED") for strike in shrunk)


@pytest.mark.django_db
def test_same_seed_lives_the_same_life() -> None:
    """Promise: any failing world can be lived again, with another hash seed in another process.

    Red when a set is iterated, or when a draw comes from the machine.
    """
    seeds = (11, 12, 13)
    here = [live(seed).trace for seed in seeds]
    assert len(set(here)) == len(seeds)
    assert [live(seed).trace for seed in seeds] == here
    code = (
        f"from simulator.world.live import live\nprint(*[live(seed).trace for seed in {seeds}])\n"
    )
    there = subprocess.run(
        [sys.executable, "-c", code],
        cwd=TREE,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.split() == here


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(4))
def test_wire_rung_lives_the_same_life(part: int) -> None:
    """Promise: what holds for APDUs holds for frames on a serial line, fault for fault.

    Forty short lives, of which ten are lived on both rungs. Red when the wire loses a card where
    the field does not.
    """
    seeds = range(7_000 + part, 7_000 + WIRE_SEEDS, 4)
    lived(seeds, rung=Rung.WIRE, steps=SHORT_STEPS)
    for seed in seeds[::4]:
        on_wire, as_bytes = (live(seed, rung=rung, steps=SHORT_STEPS) for rung in Rung)
        assert on_wire.trace == as_bytes.trace, f"seed {seed}"


@pytest.mark.django_db
def test_seeds_that_once_failed_stay_whole() -> None:
    """Promise: what was broken once is lived again for ever (tests/seeds.txt)."""
    for kept in kept_seeds():
        assert kept.without <= {kind.name for kind in Kind} | {LARGE}
        assert lived([kept.seed], steps=kept.steps, without=kept.without).seeds == 1


@pytest.mark.django_db
def test_command_counts_what_it_lived() -> None:
    """Promise: one command lives worlds and says in its last line what came of them."""
    result = CliRunner().invoke(main, ["simulate", "--seeds", "2", "--seed", "40"])
    said = json.loads(result.stdout.splitlines()[-1])
    assert result.exit_code == 0, result.output
    assert said["seeds"] == 2
    assert said["violations"] == 0
    assert said["faults"] == sum(said["kinds"].values()) > 0
    assert set(said["kinds"]) == {kind.name for kind in Kind}
    assert set(said["marks_missing"]) < {mark.name for mark in Mark}


@pytest.mark.django_db
def test_command_lives_one_world_with_chosen_faults() -> None:
    """Promise: the replay command shows a failure with its few faults and nothing else."""
    arguments = "simulate --seeds 1 --seed 41 --only CLOCK_LOST:1,LINE_BUSY:1 --steps 4 --trace"
    result = CliRunner().invoke(main, arguments.split())
    said = json.loads(result.stdout.splitlines()[-1])
    assert result.exit_code == 0, result.output
    assert {kind for kind, count in said["kinds"].items() if count} <= {"CLOCK_LOST", "LINE_BUSY"}
    assert len(result.stdout.splitlines()) > 10, "everything that happens is said"
