"""How long a sale takes this machine, how little it could take, and what the air would add.

CPU time of the thread, user and system, journal and store included; the virtual card's own is
measured at the connection and taken off. Sales and bare cryptography take turns, one by one, so
that both see the same neighbours, and caches that are as cold as at a tap. Medians, and ratios
within one run; on a machine that is busy with other things the fastest tenth says more.

The databases lie in memory where the machine has such a folder: what a disk costs is the fsync
of the model, and the same commands are measured on one with `--folder`.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.air import RATES_KBITS, Exchange, TapModel
from benchmarks.commits import BareCommits
from benchmarks.floor import Operation, cpu_ns, operations
from benchmarks.meter import MeteredConnection
from benchmarks.stall import Stall, build
from cardkit.bodies import EntryKind
from cardkit.errors import Bug, must
from simulator.card import VirtualCard
from terminal.outcomes import Green
from tests.terminal_world import MERCHANT

SIZES: Final = (100, 10_000, 1_000_000)
SALES: Final = 60
WARM_UP: Final = 20
OVERHEADS_MS: Final = (5.0, 10.0, 18.5)
"""A good CCID reader, a middling one, and a PN532 as measured with libnfc (desfire.md, 8)."""
FSYNCS_MS: Final = (0, 20, 100)
FSYNCS: Final = 2.5
"""Intent and sale, and in every second tap the header of a log that begins anew
(`terminal.journal.CHECKPOINT_ENTRIES`)."""
AMOUNT_CENTS: Final = 12_50

_NS_PER_US: Final = 1_000
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured: one fresh card for each of `warm_up` + `sales` sales at each size."""

    sizes: tuple[int, ...] = SIZES
    sales: int = SALES
    warm_up: int = WARM_UP
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleFigures:
    """What came out; times are medians in microseconds of CPU."""

    where: Path
    exchanges: tuple[Exchange, ...]
    cpu_us: float
    again_us: float
    """The same card once more: its allowance has been verified."""
    commits_us: float
    """Both commits as bare SQLite: no part of the floor, but of every sale."""
    undisturbed_us: float
    undisturbed_floor_us: float
    """Sale and floor in the fastest tenth of the samples."""
    operations: tuple[tuple[Operation, float], ...]
    flat_us: dict[int, float]

    @property
    def floor_us(self) -> float:
        """The bare cryptography of one sale to a card that is new here."""
        return sum(spent_us for _, spent_us in self.operations)

    @property
    def ratio(self) -> float:
        """How many times the floor a sale takes."""
        return self.cpu_us / self.floor_us

    def tap_ms(self, rate_kbits: int, overhead_ms: float, fsync_ms: float) -> float:
        """Return a modelled tap, card's computation left out."""
        model = TapModel(host_ms=self.cpu_us / 1_000, fsyncs=FSYNCS)
        return model.tap_ms(
            self.exchanges, rate_kbits=rate_kbits, overhead_ms=overhead_ms, fsync_ms=fsync_ms
        )

    def summary(self) -> dict[str, object]:
        """Return the last line: numbers that a machine compares from run to run."""
        return {
            "exchanges": len(self.exchanges),
            "cpu_us": round(self.cpu_us, 1),
            "floor_us": round(self.floor_us, 1),
            "ratio": round(self.ratio, 2),
            "flat_us": {str(size): round(us, 1) for size, us in self.flat_us.items()},
            "modelled_ms": {
                f"{rate}": {
                    f"{overhead:g}": {
                        f"{fsync}": round(self.tap_ms(rate, overhead, fsync), 1)
                        for fsync in FSYNCS_MS
                    }
                    for overhead in OVERHEADS_MS
                }
                for rate in RATES_KBITS
            },
        }


@dataclass(slots=True)
class _Samples:
    """Nanoseconds as they come in."""

    sales: dict[int, list[int]] = field(default_factory=dict)
    again: list[int] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    bare: dict[str, list[int]] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()

    def add(self, size: int, taken_ns: int, exchanges: tuple[Exchange, ...]) -> None:
        """Take one sale at a stall of this size."""
        must(self.exchanges in {(), exchanges}, "all sales take the same exchanges")
        self.exchanges = exchanges
        self.sales.setdefault(size, []).append(taken_ns)


def measure(plan: Plan) -> SaleFigures:
    """Build the stalls, sell in turns, and return the medians."""
    folder = plan.folder or (_MEMORY if _MEMORY.is_dir() else None)
    with tempfile.TemporaryDirectory(prefix="clafoutis-bench-", dir=folder) as made:
        where = Path(made)
        buyers = plan.warm_up + plan.sales
        stalls = [build(where / str(size), size=size, buyers=buyers) for size in plan.sizes]
        try:
            bare = operations()
            commits = _bare_commits(where, stalls[0])
            samples = _sell_in_turns(stalls, bare, commits, plan)
            commits.close()
        finally:
            for stall in stalls:
                stall.till.close()
    return SaleFigures(
        where=where.parent,
        exchanges=samples.exchanges,
        cpu_us=_median_us(samples.sales[plan.sizes[0]]),
        again_us=_median_us(samples.again),
        commits_us=_median_us(samples.commits),
        undisturbed_us=_fastest_us(samples.sales[plan.sizes[0]]),
        undisturbed_floor_us=sum(_fastest_us(samples.bare[it.name]) for it in bare),
        operations=tuple((it, _median_us(samples.bare[it.name])) for it in bare),
        flat_us={size: _median_us(taken) for size, taken in samples.sales.items()},
    )


def _bare_commits(folder: Path, stall: Stall) -> BareCommits:
    """Make a table for entries as long as those of this stall."""
    intent, sale = (stall.till.journal.last(kind) for kind in (EntryKind.INTENT, EntryKind.SALE))
    if intent is None or sale is None:
        raise Bug("a stall has sold")
    return BareCommits(
        folder / "bare.db",
        intent_bytes=len(intent.signed.encoded),
        sale_bytes=len(sale.signed.encoded),
    )


def _sell_in_turns(
    stalls: Sequence[Stall], bare: Sequence[Operation], commits: BareCommits, plan: Plan
) -> _Samples:
    samples = _Samples()
    gc.collect()
    gc.freeze()  # the simulated cards are no part of a till's heap
    try:
        for number in range(plan.warm_up + plan.sales):
            for stall in stalls:
                taken_ns, exchanges = _sell(stall, stall.buyers[number])
                if number >= plan.warm_up:
                    samples.add(stall.size, taken_ns, exchanges)
            for operation in bare:
                samples.bare.setdefault(operation.name, []).append(cpu_ns(operation))
            samples.commits.append(commits.cpu_ns())
            samples.again.append(_sell(stalls[0], stalls[0].buyers[number])[0])
    finally:
        gc.unfreeze()
    return samples


def _sell(stall: Stall, card: VirtualCard) -> tuple[int, tuple[Exchange, ...]]:
    """Sell once; return the host's CPU time in nanoseconds, and the exchanges."""
    connection = MeteredConnection(stall.world.connect(card))
    begun_ns = time.thread_time_ns()
    outcome = stall.till.sell(connection, AMOUNT_CENTS, merchant=MERCHANT)
    taken_ns = time.thread_time_ns() - begun_ns - connection.inner_ns
    stall.world.field.lift()
    stall.till.journal.checkpoint()  # as a till does between two taps
    must(isinstance(outcome, Green), "a sale that is measured is green")
    return taken_ns, tuple(connection.exchanges)


def _median_us(taken_ns: Sequence[int]) -> float:
    return median(taken_ns) / _NS_PER_US


def _fastest_us(taken_ns: Sequence[int]) -> float:
    """Return what one in ten stays below."""
    return sorted(taken_ns)[len(taken_ns) // 10] / _NS_PER_US
