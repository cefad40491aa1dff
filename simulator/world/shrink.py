"""From a world that went wrong to the few faults that are enough for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

Strikes = tuple[str, ...]
"""Ids of faults, such as `LINE_BUSY:7`, in the order in which they struck."""

TRIES_MAX: Final = 400
"""A world costs half a second: nobody waits for the last fault longer than this."""


def fewest(
    strikes: Sequence[str], fails: Callable[[Strikes], bool], *, tries_max: int = TRIES_MAX
) -> Strikes:
    """Return strikes of which none can be called off without the failure going away.

    Delta debugging (Zeller, Hildebrandt 2002): whole parts are called off first, then smaller
    ones. `fails` runs a world with these strikes and no others. What is returned did fail, unless
    all of them together did not.
    """
    kept = tuple(strikes)
    parts, tries = min(2, len(kept)), 0
    while parts:
        for without in _each_part_left_out(kept, parts):
            if tries == tries_max:
                return kept
            tries += 1
            if fails(without):
                kept = without
                parts = min(max(parts - 1, 2), len(kept))
                break
        else:
            parts = 0 if parts >= len(kept) else min(2 * parts, len(kept))
    return kept


def least(fails: Callable[[int], bool], *, most: int) -> int:
    """Return how short a life may be and still fail, with `most` known to: a binary search."""
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        if fails(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _each_part_left_out(strikes: Strikes, parts: int) -> list[Strikes]:
    """Return the strikes without each of so many parts of about one size."""
    edges = [len(strikes) * number // parts for number in range(parts + 1)]
    return [strikes[:begin] + strikes[end:] for begin, end in pairwise(edges)]
