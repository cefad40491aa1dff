"""Which stretches of a journal a closure covers: no entry twice, and none left out.

A day's closure covers everything since the last one, so days abut by their entry numbers whatever
the clock said. Months are made of days and years of months in the same way: a run of parts that
follow each other in one period. Pure: what lies in a journal goes in, stretches come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Final, TypeVar

from cardkit.bodies import ClosurePeriod, EntryKind
from cardkit.frozen import dataclass

T = TypeVar("T")

MONEY: Final = frozenset(
    {
        EntryKind.INTENT,
        EntryKind.SALE,
        EntryKind.VOID,
        EntryKind.INDETERMINATE,
        EntryKind.REFUND,
        EntryKind.PAID_OTHERWISE,
    }
)
"""After one of these a day that is closed can be closed once more."""
WORK: Final = MONEY | {EntryKind.DECLINED, EntryKind.RESOLUTION, EntryKind.SESSION_OPENED}
"""A day with one of these was a day at the till; a mere start, or a sync at home, makes none."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where an entry stands, on which business day, and what kind of entry it is."""

    seq: int
    day: date
    kind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Entries that one closure of a day covers, both ends included."""

    day: date
    first_seq: int
    last_seq: int


def forgotten(
    marks: Iterable[Mark], *, today: date, closed_last: date | None
) -> tuple[Stretch, ...]:
    """Return a stretch for each business day of unclosed entries that is over.

    `marks` are the entries since the last closure, whose day was `closed_last`. What needs no
    closure of its own, such as the closure itself and the stop after it, goes with what follows.
    """
    runs = [(day, tuple(run)) for day, run in groupby(marks, key=lambda mark: mark.day)]
    if runs and runs[-1][0] == today:
        del runs[-1]
    found: list[Stretch] = []
    first_seq: int | None = None
    for day, run in runs:
        first_seq = run[0].seq if first_seq is None else first_seq
        calls_for_one = MONEY if day == closed_last else WORK
        if any(mark.kind in calls_for_one for mark in run):
            found.append(Stretch(day=day, first_seq=first_seq, last_seq=run[-1].seq))
            first_seq, closed_last = None, day
    return tuple(found)


def has_money(marks: Iterable[Mark]) -> bool:
    """Say whether anything was sold, given back, or tried since the last closure."""
    return any(mark.kind in MONEY for mark in marks)


def ended(
    parts: Sequence[T], *, period: ClosurePeriod, day_of: Callable[[T], date], today: date
) -> tuple[tuple[date, tuple[T, ...]], ...]:
    """Return the parts of each month or year that is over, with its first day.

    `parts` are closures of the next smaller period that no closure of this one covers yet.
    """
    runs = [
        (first, tuple(run))
        for first, run in groupby(parts, key=lambda part: first_day(period, day_of(part)))
    ]
    if runs and runs[-1][0] == first_day(period, today):
        del runs[-1]
    return tuple(runs)


def first_day(period: ClosurePeriod, day: date) -> date:
    """Return the day, or the first day of its month or year."""
    match period:
        case ClosurePeriod.DAY:
            return day
        case ClosurePeriod.MONTH:
            return day.replace(day=1)
        case ClosurePeriod.YEAR:
            return day.replace(month=1, day=1)


def is_late(period: ClosurePeriod, first: date, today: date) -> bool:
    """Say whether a closure was forgotten.

    A day is closed on that day, a month or year in the one that follows it.
    """
    if period is ClosurePeriod.DAY:
        return first < today
    return _next(period, _next(period, first)) <= today


def _next(period: ClosurePeriod, first: date) -> date:
    """Return the first day of the period that follows; 366 days reach no further than it."""
    longest = timedelta(days=31 if period is ClosurePeriod.MONTH else 366)
    return first_day(period, first + longest)
