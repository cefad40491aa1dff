"""Every push reads the whole corpus again, and a few inputs that nobody has seen."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests import fuzz, fuzz_service
from tests.fuzz_mutations import mutate
from tests.fuzz_target import BYTES_MAX, Target
from tests.fuzz_targets import CORPUS, CRASH, TARGETS, inputs, name_of

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

_CORPUS_BYTES_MAX = 1_000_000
_OF_SERVICE = {target.name for target in fuzz_service.TARGETS}


def replay(target: Target) -> None:
    """Run what is kept, then a few changes of it that are the same for everybody."""
    chance, known = random.Random(target.name), inputs(target)
    for data in known:
        target.run(data)
    for _ in range(target.replayed):
        target.run(mutate(chance.choice(known), chance, known))


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - _OF_SERVICE))
def test_what_was_found_stays_found(name: str) -> None:
    """Promise 18: no bytes of card, reader, disk, network or person bring a program down.

    Red when a decoder takes a second encoding, or lets a stranger's exception out.
    """
    replay(TARGETS[name])


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(_OF_SERVICE))
def test_what_was_found_stays_found_in_the_service(name: str) -> None:
    """Promise 3: whatever a terminal signs, the service goes on, and owes no cent more."""
    fuzz_service.forget()
    try:
        replay(TARGETS[name])
    finally:
        fuzz_service.forget()


def test_the_corpus_is_small_and_belongs_to_targets() -> None:
    """A corpus that grows without limit is not read any more; an orphan never was."""
    paths = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert paths
    assert sum(path.stat().st_size for path in paths) <= _CORPUS_BYTES_MAX
    for path in paths:
        content = path.read_bytes()
        assert path.parent.name in TARGETS
        assert path.name.removeprefix(CRASH) == name_of(content)
        assert len(content) <= BYTES_MAX


def _breaks_on_seven(data: bytes) -> None:
    assert b"\x07" not in data[3:], "seven"


def test_a_crash_is_found_and_made_small(tmp_path: Path) -> None:
    """A fuzzer that can't find a planted bug finds none; red with a target that breaks nowhere."""
    target = Target("planted", _breaks_on_seven, lambda: [bytes(40)])
    report = fuzz.plain(target, tmp_path, budget_s=0, seed=1)
    assert report.crashes == 1
    trouble = fuzz.trouble_of(target, bytes(30) + b"\x07" + bytes(30))
    assert trouble is not None
    small = fuzz.minimised(target, bytes(30) + b"\x07" + bytes(30), trouble)
    assert small == bytes(3) + b"\x07"


def test_the_command_counts_and_repeats_itself() -> None:
    """Promise 17: the same seed tries the same inputs, and the last line says how many."""
    said = [
        CliRunner().invoke(fuzz.main, ["record", "--plain", "--budget", "0", "--seed", "5"])
        for _ in range(2)
    ]
    assert [result.exit_code for result in said] == [0, 0]
    counted = [json.loads(result.stdout.splitlines()[-1]) for result in said]
    assert counted[0] == counted[1]
    assert counted[0] == {"executions": fuzz.FLOOR, "targets": 1, "crashes": 0, "violations": 0}
