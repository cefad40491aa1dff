"""Which share of a burnt day came back, and how well: what purse-model.md foresaw, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Back(StrEnum):
    """How much of one burnt sale is known again."""

    PROVEN = "proven"
    """Amount, number and terminal, each checked against the card's own proof."""
    CONTINUITY = "by continuity"
    """The amount alone: the only missing transaction between two that are proven."""
    SUM = "sum only"
    """In a gap of several, of which only the total is known."""
    NOTHING = "nothing"
    """No later tap has shown it."""


@dataclass(frozen=True, slots=True)
class BurntSale:
    """A green screen of the terminal that burnt, with nobody told of it."""

    uid: bytes
    tmc: int
    seq: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class ProvenSale:
    """A transaction that the service holds for proven."""

    tmc: int
    terminal: int
    seq: int
    amount_cents: int


def back(sale: BurntSale, proven: Iterable[ProvenSale], *, terminal: int) -> Back:
    """Say how much of a burnt sale is known again from what its card has proven."""
    by_tmc = {one.tmc: one for one in proven}
    here = by_tmc.get(sale.tmc)
    if here == ProvenSale(sale.tmc, terminal, sale.seq, sale.amount_cents):
        return Back.PROVEN
    after = min((tmc for tmc in by_tmc if tmc > sale.tmc), default=None)
    if after is None:
        return Back.NOTHING
    before = max((tmc for tmc in by_tmc if tmc < sale.tmc), default=1)
    alone = (before, after) == (sale.tmc - 1, sale.tmc + 1)
    return Back.CONTINUITY if alone else Back.SUM


@dataclass(frozen=True, slots=True)
class Share:
    """How many burnt sales came back, by how much of each is known."""

    counts: Counter[Back]

    @classmethod
    def of(cls, backs: Iterable[Back]) -> Share:
        """Count sales."""
        return cls(Counter(backs))

    @property
    def sales(self) -> int:
        """How many burnt."""
        return self.counts.total()

    def percent(self, kind: Back) -> float:
        """Return the share of one kind, 0 to 100."""
        return 100 * self.counts[kind] / self.sales if self.sales else 0.0

    def __add__(self, other: Share) -> Share:
        return Share(self.counts + other.counts)


def table(rows: Sequence[tuple[str, Sequence[Share]]]) -> list[str]:
    """Return lines: one for each kind of customers, a column for each later tap."""
    taps = max(len(shares) for _, shares in rows)
    lines = [
        f"{' / '.join(Back)}, % of the burnt sales after t later taps of each card",
        "| customers | sales | " + " | ".join(f"t={tap}" for tap in range(taps)) + " |",
        "|---|---|" + "---|" * taps,
    ]
    for name, shares in rows:
        cells = ["/".join(f"{share.percent(kind):.0f}" for kind in Back) for share in shares]
        lines.append(f"| {name} | {shares[0].sales} | " + " | ".join(cells) + " |")
    return lines
