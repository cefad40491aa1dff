"""`clafoutis-server settle evidence` and `take-back`: the statement, typed by two people."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server_process import python, server, with_keys
from tests.test_server_finding_commands import SECOND


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A seeded caisse with a second person, whose restore was declared."""
    directory = with_keys(tmp_path)
    assert server(directory, "seed").returncode == 0
    python(directory, "-c", SECOND)
    assert server(directory, "restored", "--by", "coordination").returncode == 0
    return directory


def test_a_wrong_sum_is_taken_back_and_typed_again(data: Path) -> None:
    """Promises 1 and 8: a typing error is undone by two, in words that say what comes next."""
    payment = ("R1-0009", "1")
    both = ("--entered-by", "coordination", "--by", "benoit")
    alone = ("--entered-by", "benoit", "--by", "benoit")
    assert server(data, "settle", "evidence", *payment, "475", *both).returncode == 0
    again = server(data, "settle", "evidence", *payment, "4750", *both)
    assert (again.returncode, "settle take-back" in again.stderr) == (1, True), again.stderr
    refused = server(data, "settle", "take-back", *payment, *alone)
    assert (refused.returncode, "deux personnes" in refused.stderr) == (1, True)
    undone = server(data, "--language", "en", "settle", "take-back", *payment, *both)
    assert (undone.returncode, "what the statement shows" in undone.stderr) == (0, True)
    nothing = server(data, "settle", "take-back", *payment, *both)
    assert (nothing.returncode, "repris du relevé" in nothing.stderr) == (1, True)
    assert server(data, "settle", "evidence", *payment, "4750", *both).returncode == 0
    assert server(data, "rebuild", "--check").returncode == 0
    assert "-47,50" in server(data, "owed").stdout
