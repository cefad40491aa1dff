"""Every file of a terminal, cut after every system call that strace has seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.crash.report import Report
from simulator.crash.scratch import scratch_folder
from simulator.crash.traced import Trace, is_possible, judge, trace
from simulator.volume import Sync, SyncNames

SEED = 20261126
pytestmark = [
    pytest.mark.skipif(not is_possible(), reason="strace is not here, or may not trace"),
    pytest.mark.no_cover,
]


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A folder in memory."""
    with scratch_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def traced(scratch: Path) -> Trace:
    """What a process asked of the kernel while it was paired, sold and was told."""
    return trace(scratch)


def accused(traced: Trace, scratch: Path) -> tuple[list[str], int]:
    """What a judge says of a trace, and of how many images."""
    report = Report()
    judge(traced, scratch / "image", report, seed=SEED)
    return report.violations, report.counters["traced_images"]


def test_every_file_is_the_old_or_the_new_one(traced: Trace, scratch: Path) -> None:
    """Promise: keys, documents, requests, store and journal are whole after a cut at any call.

    What was promised by then opens and is there: the entries, and the permit in force.
    """
    violations, images = accused(traced, scratch)
    assert violations == []
    assert images > 900
    assert traced.marks[-1].entries > 10


def test_without_syncs_of_directories_it_is_seen(traced: Trace, scratch: Path) -> None:
    """Promise: the check above can fail: names that nobody synced are lost, and that is told."""
    careless = tuple(it for it in traced.history if not isinstance(it, SyncNames))
    pairing = careless[: len(careless) * 2 // 3]
    early = tuple(it for it in traced.marks[:1])
    violations, _ = accused(Trace(pairing, early), scratch)
    assert any("does not open" in it for it in violations)


def test_without_syncs_of_files_it_is_seen(traced: Trace, scratch: Path) -> None:
    """Promise: the check above can fail: a rename before its content is seen to tear a file."""
    careless = tuple(it for it in traced.history[:120] if not isinstance(it, Sync))
    violations, _ = accused(Trace(careless, ()), scratch)
    assert any("torn documents" in it or "an empty" in it for it in violations)
