"""Worlds for tests: which seeds are lived, and what is said when one of them goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulator.world.command import replay
from simulator.world.live import live
from simulator.world.rungs import Rung
from simulator.world.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.world.verdict import Verdict

KEPT: Final = Path(__file__).parent / "seeds.txt"
"""Seeds in which a promise was once broken, some with their steps; `#` begins a comment."""


def kept_seeds() -> list[tuple[int, int | None]]:
    """Return the seeds that stay for ever, and the steps of their lives where those are said."""
    lines = (line.partition("#")[0].split() for line in KEPT.read_text().splitlines())
    return [(int(line[0]), int(line[1]) if line[1:] else None) for line in lines if line]


def lived(seeds: Iterable[int], *, rung: Rung = Rung.BYTES, steps: int | None = None) -> Tally:
    """Live worlds, every one of which has to keep every promise."""
    tally = Tally()
    for seed in seeds:
        verdict = live(seed, rung=rung, steps=steps)
        assert not verdict.violations, said(verdict, rung=rung)
        tally.add(verdict)
    return tally


def said(verdict: Verdict, *, rung: Rung = Rung.BYTES) -> str:
    """Return what was broken, and the command that breaks it again."""
    words = [f"{it.invariant}: {it.words}" for it in verdict.violations]
    again = replay(verdict.seed, verdict.struck, steps=verdict.steps, rung=rung)
    return "\n".join([f"seed {verdict.seed}", *words, again])
