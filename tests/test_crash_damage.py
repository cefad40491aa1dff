"""Rotten files: every bit and byte of what a terminal keeps is either right or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.crash.damage import Subject, flips, hurt
from simulator.crash.report import Report
from simulator.crash.rot import rot, subjects
from simulator.crash.scratch import scratch_folder
from simulator.crash.stall import CrashStall

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

FLIPS_OF_A_FILE = 90
SEED = 20261126


@pytest.fixture(scope="module")
def files() -> Iterator[list[Subject]]:
    """Every file of one terminal, ready to be damaged."""
    with scratch_folder() as folder:
        yield list(subjects(folder))


def test_no_file_rots_unnoticed(files: list[Subject]) -> None:
    """Promise: a flipped bit, a cut or a lost sector never becomes another sale, row or key.

    What comes out is what was written, or an error that its caller knows.
    """
    report = Report()
    for subject in files:
        rot(subject, SEED, report, flips_at_most=FLIPS_OF_A_FILE)
    assert report.violations == []
    assert report.counters["flips"] >= len(files) * FLIPS_OF_A_FILE
    assert report.counters["cuts"] >= FLIPS_OF_A_FILE
    assert report.counters["sectors"] > len(files)


def test_the_judge_misses_entries(files: list[Subject], tmp_path: Path) -> None:
    """Promise: the check above can fail: a whole and signed, but shorter, chain is accused."""
    journal = files[0]
    shorter = CrashStall.enrolled(tmp_path / "shorter").data.journal.read_bytes()
    assert journal.opened(journal.content) is None
    assert journal.opened(shorter) == "only 1 entries of a file at rest"


@pytest.mark.slow
def test_every_byte_of_a_journal(files: list[Subject]) -> None:
    """Promise: the same for one bit of every single byte of a journal at rest."""
    report, journal = Report(), files[0]
    hurt(journal, flips(journal.content, range(SEED % 8, len(journal.content) * 8, 8)), report)
    assert report.violations == []
    assert report.counters["flips"] == len(journal.content)
