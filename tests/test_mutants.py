"""The tests have teeth: each planted bug is noticed, some of them at every push."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.mutants import COPIED, SAID_MAX, TREE, Edit, Mutant, kill, mutants

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

CANARY: Final = "green before the sale is on disk"
ROTATING: Final = 3
AT_LEAST: Final = {
    "till": 8,
    "journal": 6,
    "exchange": 6,
    "ingest": 6,
    "books": 6,
    "settle": 4,
    "recovery": 6,
}
ALL: Final = mutants()
OTHERS: Final = tuple(one for one in ALL if one.name != CANARY)


def of_this_tree(number: int) -> Mutant:
    """Return one of the bugs that this tree meets: others after every change, and no others twice.

    Which ones is drawn from the content of all that is copied, so that a run can be repeated.
    """
    content = hashlib.sha256()
    for path in sorted(path for name in COPIED for path in (TREE / name).rglob("*.py")):
        content.update(path.read_bytes())
    first = int.from_bytes(content.digest(), "big")
    return OTHERS[(first + number * len(OTHERS) // ROTATING) % len(OTHERS)]


def has_to_die(mutant: Mutant) -> None:
    """Let a bug's killer look for it."""
    death = kill(mutant)
    assert death.dead, f"{death}\n{death.said[-SAID_MAX:]}"


def test_there_are_enough_and_of_every_part() -> None:
    """Promise: no part of till and service is left without bugs that have to be noticed."""
    assert len({one.name for one in ALL}) == len(ALL) >= sum(AT_LEAST.values())
    parts = Counter(one.part for one in ALL)
    assert all(parts[part] >= wanted for part, wanted in AT_LEAST.items()), parts
    assert CANARY in {one.name for one in ALL}


def test_every_bug_can_be_planted(tmp_path: Path) -> None:
    """Promise: a bug whose code has changed is told at once, and not when it should have died."""
    for number, mutant in enumerate(ALL):
        assert mutant.says, mutant.name
        tree = tmp_path / str(number)
        for file in mutant.files:
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TREE / file, tree / file)
        mutant.plant(tree)
        for file in mutant.files:
            compile((tree / file).read_bytes(), file, "exec")


def test_every_killer_is_there() -> None:
    """Promise: a test that was renamed still kills what it killed."""
    for mutant in ALL:
        for word in shlex.split(mutant.killer):
            path, *names = word.partition("[")[0].split("::")
            if names:
                assert f"def {names[0]}(" in (TREE / path).read_text("utf-8"), word


def test_the_canary_dies() -> None:
    """Promise: if nothing notices a till that says green too early, no green of ours counts."""
    (canary,) = (one for one in ALL if one.name == CANARY)
    has_to_die(canary)


@pytest.mark.parametrize("number", range(ROTATING))
def test_so_do_three_that_change_with_the_tree(number: int) -> None:
    """Promise: every change of the code meets other bugs, until all have been met."""
    has_to_die(of_this_tree(number))


@pytest.mark.slow
@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_each_bug_is_noticed(mutant: Mutant) -> None:
    """Promise: with any of these bugs in the code, its killer turns red and says why."""
    has_to_die(mutant)


@pytest.mark.slow
def test_a_change_that_harms_nobody_lives() -> None:
    """Promise: a killer that is red whatever it is given kills nothing."""
    (canary,) = (one for one in ALL if one.name == CANARY)
    file = "terminal/selling.py"
    killer = "-m simulator.demo simulate --no-shrink --until-broken --seeds 3 --seed 1"
    edit = Edit(file=file, old="Exchanges 6 to 9 of a sale", new="Four exchanges of a sale")
    harmless = Mutant(name="harmless", part="none", edits=(edit,), killer=killer, says=canary.says)
    assert not kill(harmless).dead
