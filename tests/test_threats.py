"""Every threat of the model has a living test, or a line that says why there is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from tests.living_tests import TREE, LivingTests, living_tests

MODEL: Final = TREE / "docs" / "threat-model.md"
_FIELD: Final = (
    "A1 A2 A3 A4 A7 A8 A11 A12 A13 A15 A16 A17 A23 A24 A25 A26 "
    "B1 B2 B6 B10 B13 B14 B15 B16 B23 C1 C2 C3 C4 C5 C6 C7 C8 C17 C19 C22 C23 C24 C25"
)
EXPECTED: Final = frozenset(
    {f"{group}{n}" for group, last in {"T": 29, "R": 50, "P": 13, "M": 12}.items()
     for n in range(1, last + 1)}
    | {f"F{name}" for name in _FIELD.split()}
)  # fmt: skip
_THREAT: Final = re.compile(r"[TRPM]\d+|F[ABC]\d+")
_NO_CONTROL: Final = re.compile(r"N\d+")
_NAMED: Final = re.compile(r"(?<![\w-])[NO]\d+\b")
"""A row of what is not promised, wherever the model names one; O was a list of what was to come."""
_PATH: Final = re.compile(r"`((?:[a-z_]+/)+\w+\.py)`")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; cells are what stands between its bars, the id apart."""

    id: str
    cells: tuple[str, ...]


@pytest.fixture(scope="module")
def living() -> LivingTests:
    """The tests of this tree."""
    return living_tests()


def rows(model: str) -> tuple[list[Row], list[Row]]:
    """The threats of a model, and its lines of what is not promised."""
    table = [
        Row(first, tuple(rest))
        for line in model.splitlines()
        if line.startswith("| ")
        for first, *rest in [[cell.strip() for cell in line.strip().strip("|").split("|")]]
    ]
    threats = [row for row in table if _THREAT.fullmatch(row.id)]
    return threats, [row for row in table if _NO_CONTROL.fullmatch(row.id)]


def faults(model: str, living: LivingTests) -> Iterator[str]:
    """Yield a sentence for each row that is missing, double, unguarded or out of date."""
    threats, open_lines = rows(model)
    counts = Counter(row.id for row in (*threats, *open_lines))
    yield from (f"{name} stands {count} times." for name, count in counts.items() if count > 1)
    yield from (f"{name} is missing." for name in sorted(EXPECTED - counts.keys()))
    yield from (f"{name} is no known threat." for name in {row.id for row in threats} - EXPECTED)
    told = {row.id for row in open_lines}
    named: set[str] = set()
    for row in threats:
        guards = row.cells[-1].split(", ") if len(row.cells) == 3 else [""]
        named.update(guards)
        yield from (f"{row.id}: {trouble}." for trouble in _troubles(guards, told, living))
    yield from (f"{row.id} is named by no threat." for row in open_lines if row.id not in named)
    spoken_of = set(_NAMED.findall(model))
    yield from (f"{name} is named and stands nowhere." for name in sorted(spoken_of - told))
    for row in (*threats, *open_lines):
        if not all(row.cells) or len(row.cells) < 3:
            yield f"{row.id} has an empty cell."
        for path in _PATH.findall(" ".join(row.cells)):
            if not (TREE / path).exists():
                yield f"{row.id}: {path} does not exist."


def _troubles(guards: list[str], told: set[str], living: LivingTests) -> Iterator[str]:
    for guard in guards:
        if _NO_CONTROL.fullmatch(guard):
            if guard not in told:
                yield f"{guard} is not under what is not promised"
        elif "::" not in guard:
            yield f"{guard or 'nothing'} is neither a test nor a reason"
        else:
            trouble = living.trouble(guard.strip("`"))
            if trouble:
                yield trouble


def test_every_threat_is_answered(living: LivingTests) -> None:
    """Promise: each threat is named once, with a test that lives or a line that admits it."""
    assert not list(faults(MODEL.read_text("utf-8"), living))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("\n| T7 |", "\n| t7 |", "T7 is missing."),
        ("\n| R8 |", "\n| R9 |", "R9 stands 2 times."),
        ("\n| P9 |", "\n| P99 |", "P99 is no known threat."),
        (
            "`tests/test_server_ingest.py::test_gap_on_a_card_never_holds_an_honest_sale`",
            "soon",
            "R15: soon is neither a test nor a reason.",
        ),
        (
            "test_server_ingest.py::test_gap_on_",
            "test_server_ingest.py::test_hole_on_",
            "R15: test_server_ingest.py has no test_hole_on_a_card_never_holds_an_honest_sale.",
        ),
        ("\n| N26 |", "\n| n26 |", "T21: N26 is not under what is not promised."),
        ("`, N26, N27 |", "`, N26, N27, O10 |", "T21: O10 is neither a test nor a reason."),
        ("(T13, N1, ", "(T13, O13, ", "O13 is named and stands nowhere."),
        ("never ends (N23)", "never ends (N99)", "N99 is named and stands nowhere."),
        ("\n| N20 |", "\n| O1 |", "O1 is named and stands nowhere."),
        ("| T19 | A formula travels", "| T19 | | A formula travels", "T19: nothing is neither"),
        ("| None; caps bound it |", "| |", "R37 has an empty cell."),
        ("`cardkit/sealing.py`", "`cardkit/stealing.py`", "R47: cardkit/stealing.py does not"),
        ("`, N12, N18 |", "`, N11, N18 |", "N12 is named by no threat."),
    ],
)
def test_a_hole_in_the_model_is_seen(old: str, new: str, fault: str, living: LivingTests) -> None:
    """Promise: what is dropped from the model, renamed or left empty is told by its id."""
    model = MODEL.read_text("utf-8")
    assert old in model
    told = list(faults(model.replace(old, new), living))
    assert any(line.startswith(fault) for line in told), told
