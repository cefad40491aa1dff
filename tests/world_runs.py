"""Worlds for tests: which seeds are lived, and what is said when one of them goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulator.world.command import replay
from simulator.world.live import live
from simulator.world.rungs import Rung
from simulator.world.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from simulator.world.verdict import Verdict

KEPT: Final = Path(__file__).parent / "seeds.txt"
"""Seeds in which a promise was once broken; the file says how it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A life in which a promise was once broken."""

    seed: int
    steps: int | None
    """None: as many as the seed draws."""
    without: frozenset[str]
    """Kinds of faults that there were not, or were hardly ever struck, when it was found."""


def kept_seeds() -> Iterator[Kept]:
    """Yield the lives that stay for ever."""
    without: frozenset[str] = frozenset()
    for line in KEPT.read_text().splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["without"]:
            without = frozenset(words[1:])
        elif words:
            steps = int(words[1]) if words[1:] else None
            yield Kept(seed=int(words[0]), steps=steps, without=without)


def lived(
    seeds: Iterable[int],
    *,
    rung: Rung = Rung.BYTES,
    steps: int | None = None,
    without: Collection[str] = (),
) -> Tally:
    """Live worlds, every one of which has to keep every promise."""
    tally = Tally()
    for seed in seeds:
        verdict = live(seed, rung=rung, steps=steps, without=without)
        assert not verdict.violations, said(verdict, rung=rung)
        tally.add(verdict)
    return tally


def said(verdict: Verdict, *, rung: Rung = Rung.BYTES) -> str:
    """Return what was broken, and the command that breaks it again."""
    words = [f"{it.invariant}: {it.words}" for it in verdict.violations]
    again = replay(verdict.seed, verdict.struck, steps=verdict.steps, rung=rung)
    return "\n".join([f"seed {verdict.seed}", *words, again])
