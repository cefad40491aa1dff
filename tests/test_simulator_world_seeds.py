"""Fresh worlds after every soak: caisses in which everything goes wrong, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from tests.world_runs import lived

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

COUNTERS: Final = Path(__file__).parent.parent / "docs" / "soak.json"

PARTS: Final = 8
SEEDS: Final = 200
FAULTS: Final = 4_000
STEPS: Final = 12
"""Deeds of a life: many short ones find more in a minute than few long ones."""
FIRST: Final = 50_000_000
"""Soaks live those below."""


def first_seed() -> int:
    """Return where these worlds begin: others after every soak, the same for everybody."""
    soaks = json.loads(COUNTERS.read_text("utf-8"))["runs"]
    return FIRST + SEEDS * int(soaks)


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_in_fresh_worlds(part: int) -> None:
    """Promise: whatever goes wrong, every green is owed once, and nobody is accused of a mishap.

    Red within a few worlds for the planted bugs of tests/mutants.
    """
    begin = first_seed() + part * (SEEDS // PARTS)
    tally = lived(range(begin, begin + SEEDS // PARTS), steps=STEPS)
    assert tally.faults >= FAULTS // PARTS // 2, "a world in which little goes wrong proves little"
    assert tally.greens >= SEEDS // PARTS, "and so does one in which nobody sells"
