"""What one world came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from simulator.world.marks import Mark
from simulator.world.oracle import Violation


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a world came to."""

    seed: int
    violations: tuple[Violation, ...]
    struck: tuple[str, ...]
    greens: int
    days: int
    marks: Counter[Mark]
    trace: str
    steps: int
    """How many things were done before it went wrong, or healed."""

    @property
    def kinds(self) -> Counter[str]:
        """How often each kind of fault struck."""
        return Counter(name.partition(":")[0] for name in self.struck)
