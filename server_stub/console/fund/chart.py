"""The fund's projection as a small SVG: a band between two outlooks, and the line that is expected.

Nothing is computed here but places on paper; a table beside it says the same in figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from server_stub.services.fund import Forecast

WIDTH: Final = 640
HEIGHT: Final = 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 26, 12, 30
_STEPS: Final = (1, 2, 5)
_LINES_WANTED: Final = 5
_LABELS_MAX: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line of the grid, or a month below it."""

    at: float
    cents: int = 0
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Coordinates for the template; y grows downwards, as SVG has it."""

    band: str
    """Points of the polygon between the cautious and the hopeful outlook."""
    line: str
    """Points of the expected one."""
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    zero: float | None
    """Where the fund is empty; None: outside the picture."""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    foot: int = HEIGHT - 8


def chart(made: Forecast) -> Chart:
    """Return where everything of a projection lies."""
    start = made.state.worth_cents
    bands = tuple([start, *(month.worth_cents for month in band)] for band in made.bands)
    return of_worths(bands, made.months)


def of_worths(bands: Sequence[Sequence[int]], months: Sequence[date]) -> Chart:
    """Return where the worths of three outlooks lie, today's first and then each month's."""
    cautious, expected, hopeful = bands
    low, high, step = _scale(min(0, *cautious), max(*hopeful, 1_00))

    def y(cents: int) -> float:
        share = (cents - low) / (high - low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    def points(worths: Sequence[int]) -> list[str]:
        return [f"{_x(at, len(worths))},{y(cents)}" for at, cents in enumerate(worths)]

    count = len(expected)
    every = -(-count // _LABELS_MAX)
    return Chart(
        band=" ".join([*points(hopeful), *reversed(points(cautious))]),
        line=" ".join(points(expected)),
        rows=tuple(Tick(at=y(cents), cents=cents) for cents in range(low, high + 1, step)),
        columns=tuple(
            Tick(at=_x(number, count), words=f"{month:%m/%y}")
            for number, month in enumerate(months, start=1)
            if number % every == 0
        ),
        zero=y(0) if low < 0 < high else None,
    )


def _x(number: int, count: int) -> float:
    return round(_LEFT + number * (WIDTH - _LEFT - _RIGHT) / max(1, count - 1), 1)


def _scale(least_cents: int, most_cents: int) -> tuple[int, int, int]:
    """Return a round bottom, top and step that hold both."""
    span = max(1, most_cents - least_cents)
    step = 1_00
    while span / step > _LINES_WANTED:
        power = 10 ** (len(str(step)) - 1)
        digit = step // power
        step = power * (_STEPS[_STEPS.index(digit) + 1] if digit < _STEPS[-1] else 10)
    return step * (least_cents // step), step * -(-most_cents // step), step
