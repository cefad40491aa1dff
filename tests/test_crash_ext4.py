"""Power cuts of a real ext4, where root, /dev/fuse and loop devices are to be had."""

from __future__ import annotations

import pytest

from simulator.crash.cut_command import CUTS_AT_LEAST, cut_for
from simulator.crash.ext4 import Worker, why_not
from simulator.crash.report import Report
from simulator.crash.scratch import scratch_folder

BUDGET_S = 10.0


@pytest.mark.slow
def test_a_real_file_system_loses_power() -> None:
    """Promise: what a till promised is there after ext4 has recovered, at any cut of its disk.

    A journal with synchronous NORMAL is seen to lose under the same cuts, or that is a violation.
    """
    with scratch_folder() as folder:
        reason = why_not(folder / "trial")
    if reason is not None:
        pytest.skip(reason)
    report = Report()
    cut_for(report, budget_s=BUDGET_S, seed=20261126)
    assert report.violations == []
    assert report.counters["ext4_cuts"] >= CUTS_AT_LEAST * len(Worker)
    assert report.counters["normal_lost"] > 0
