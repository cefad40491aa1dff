"""The benchmark of the screen: it runs, and says what a machine reads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.lag import share_ms

TREE = Path(__file__).parent.parent


def test_it_ends_with_one_line_for_machines() -> None:
    """Promise: a table for people, then one JSON object of this shape, whatever was measured."""
    command = [sys.executable, "-m", "benchmarks", "ui", "--starts", "1", "--entries", "20"]
    done = subprocess.run(
        [*command, "--exchanges", "1", "--sales", "2"],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=True,
    )
    *table, last = done.stdout.splitlines()
    figures = json.loads(last)
    assert list(figures) == ["start_ratio", "loop_lag_ms_p999", "rss_mb", "rss_growth_mb"]
    assert all(isinstance(it, float) for it in figures.values())
    assert figures["start_ratio"] > 1
    assert any("bare Textual program" in line for line in table)


@pytest.mark.parametrize(
    ("per_mille", "expected_ms"), [(500, 501.0), (999, 1000.0), (1000, 1000.0)]
)
def test_a_share_is_of_all_samples(per_mille: int, expected_ms: float) -> None:
    """Promise: the last thousandth counts: a single late sample in a thousand is told."""
    late_ms = [float(it) for it in range(1_000, 0, -1)]
    assert share_ms(late_ms, per_mille) == expected_ms
