"""What many worlds came to, counted together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.world.catalogue import Kind
from simulator.world.marks import Mark

if TYPE_CHECKING:
    from simulator.world.verdict import Verdict


@dataclass
class Tally:
    """Counts over worlds."""

    seeds: int = 0
    greens: int = 0
    virtual_days: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    marks: Counter[Mark] = field(default_factory=Counter)
    bad: list[Verdict] = field(default_factory=list)
    """Worlds in which a promise was broken."""

    def add(self, verdict: Verdict) -> None:
        """Count one more world."""
        self.seeds += 1
        self.greens += verdict.greens
        self.virtual_days += verdict.days
        self.kinds += verdict.kinds
        self.marks += verdict.marks
        if verdict.violations:
            self.bad.append(verdict)

    @property
    def faults(self) -> int:
        """How many faults struck."""
        return self.kinds.total()

    @property
    def marks_missing(self) -> list[str]:
        """Names of what no world has reached."""
        return [mark.name for mark in Mark if not self.marks[mark]]

    @property
    def kinds_missing(self) -> list[str]:
        """Names of faults that have never struck."""
        return [kind.name for kind in Kind if not self.kinds[kind.name]]

    def as_dict(self, *, seconds: float) -> dict[str, Any]:
        """Return what the last line of a run says: counters, and a rate."""
        return {
            "seeds": self.seeds,
            "faults": self.faults,
            "sales": self.greens,
            "violations": sum(len(verdict.violations) for verdict in self.bad),
            "marks_missing": self.marks_missing,
            "seeds_per_min": round(60 * self.seeds / seconds) if seconds else 0,
            "virtual_days": self.virtual_days,
            "kinds_missing": self.kinds_missing,
            "kinds": {kind.name: self.kinds[kind.name] for kind in Kind},
            "marks": {mark.name: self.marks[mark] for mark in Mark},
        }
