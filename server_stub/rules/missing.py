"""Which numbers of a journal are held, which are not, and how anybody knows that they exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from itertools import pairwise

from server_stub.rules.journal import runs


@unique
class Evidence(StrEnum):
    """What says that entries exist which are not here."""

    LATER_ENTRIES = "later_entries"
    """Its own later entries are here."""
    TOLD = "told"
    """The terminal said how far its journal goes."""
    CARDS = "cards"
    """A card bears its mark for a later number: no guilt, and perhaps no entry (protocol, 10)."""


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """Numbers in a row, both ends included."""

    first_seq: int
    last_seq: int

    @property
    def count(self) -> int:
        """How many numbers that is."""
        return self.last_seq - self.first_seq + 1


@dataclass(frozen=True, slots=True)
class Missing:
    """Numbers in a row that are not held, and what says that there is something."""

    numbers: Range
    evidence: Evidence


def held_ranges(cursor_seq: int, beyond: Iterable[int]) -> tuple[Range, ...]:
    """Return what is held, in order: up to the cursor without a gap, and numbers beyond it.

    `beyond` may name a number twice, as a terminal may sign it twice.
    """
    ranges = [Range(1, cursor_seq)] if cursor_seq else []
    for first, last in runs(set(beyond)):
        if ranges and first == ranges[-1].last_seq + 1:
            first = ranges.pop().first_seq  # noqa: PLW2901 - the two are one
        ranges.append(Range(first, last))
    return tuple(ranges)


def missing(
    held: Sequence[Range], *, told_head_seq: int, marked_seqs: Iterable[int]
) -> tuple[Missing, ...]:
    """Return what is not held and known to exist, in order.

    `told_head_seq` is the last number that the terminal said exists; `marked_seqs` are those of
    which cards bear its mark.
    """
    bounds = [Range(0, 0), *held]
    gaps = [
        Missing(Range(before.last_seq + 1, after.first_seq - 1), Evidence.LATER_ENTRIES)
        for before, after in pairwise(bounds)
        if before.last_seq + 1 < after.first_seq
    ]
    end = bounds[-1].last_seq
    for last_seq, evidence in (
        (told_head_seq, Evidence.TOLD),
        (max(marked_seqs, default=0), Evidence.CARDS),
    ):
        if last_seq > end:
            gaps.append(Missing(Range(end + 1, last_seq), evidence))
            end = last_seq
    return tuple(gaps)
