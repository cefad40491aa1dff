"""What the screen costs: how soon it can be used, how late it answers, how much it holds.

Start and bare start take turns in one run; a busy machine makes both slow. Lag is that of the
event loop while 10,000 entries are sent by a process of its own and answers are taken in.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import lag, memory, start
from benchmarks.lag import measure_lag, share_ms
from benchmarks.memory import MemoryFigures
from benchmarks.start import StartFigures, measure_start

PER_MILLE: Final = (500, 900, 990, 999)
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made inside
_RULE: Final = "-" * 78


@dataclass(frozen=True, slots=True, kw_only=True)
class UiPlan:
    """How much of each is measured."""

    starts: int = start.ROUNDS
    entries: int = lag.ENTRIES
    exchanges: int = lag.ROUNDS
    sales: int = memory.SALES
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UiFigures:
    """What came out."""

    start: StartFigures
    late_ms: tuple[float, ...]
    """How late each sample of the loop was."""
    memory: MemoryFigures

    def summary(self) -> dict[str, float]:
        """Return the last line: numbers that a machine compares from run to run."""
        return {
            "start_ratio": round(self.start.ratio, 2),
            "loop_lag_ms_p999": round(share_ms(self.late_ms, 999), 1),
            "rss_mb": round(self.memory.rss_mb, 1),
            "rss_growth_mb": round(self.memory.growth_mb, 1),
        }

    def lines(self) -> list[str]:
        """Return a table for a person."""
        till, bare, held = self.start.till_s, self.start.bare_s, self.memory
        return [
            "The screen of a till: start, loop and memory",
            _RULE,
            f"{'start until a key is answered':<52}{till * 1_000:>10.0f} ms",
            f"{'the same of a bare Textual program':<52}{bare * 1_000:>10.0f} ms",
            f"{'ratio':<52}{self.start.ratio:>10.2f} ×",
            _RULE,
            *(
                f"{f'loop late, {it / 10:g} % of {len(self.late_ms)} samples below':<52}"
                f"{share_ms(self.late_ms, it):>10.1f} ms"
                for it in PER_MILLE
            ),
            _RULE,
            f"{'resident after all sales, virtual cards included':<52}{held.rss_mb:>10.1f} MB",
            f"{f'grown since sale {memory.WARM_UP}':<52}{held.growth_mb:>10.1f} MB",
            "",
        ]


def measure_ui(plan: UiPlan) -> UiFigures:
    """Measure one after the other, in folders that are taken away again."""
    folder = plan.folder or (_MEMORY if _MEMORY.is_dir() else None)
    with tempfile.TemporaryDirectory(prefix="clafoutis-bench-", dir=folder) as made:
        places = [Path(made) / name for name in ("start", "lag", "memory")]
        for place in places:
            place.mkdir()
        return UiFigures(
            start=measure_start(places[0], rounds=plan.starts),
            late_ms=tuple(measure_lag(places[1], entries=plan.entries, rounds=plan.exchanges)),
            memory=_memory(places[2], sales=plan.sales),
        )


def _memory(folder: Path, *, sales: int) -> MemoryFigures:
    """Ask a process of its own."""
    command = (sys.executable, "-m", "benchmarks.memory", str(folder), str(sales))
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return MemoryFigures(**json.loads(done.stdout.splitlines()[-1]))
