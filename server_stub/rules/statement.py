"""Why a run pays what it pays: sales by day and terminal, refunds, what is carried over.

A run pays a merchant's whole balance, so between two runs nothing is left out:

    amount = carried + sold + refunded + corrected

Nothing in a statement names a member, a card, or a counter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum, unique
from typing import Any, Self

from server_stub.rules.facts import State


@unique
class MovementKind(StrEnum):
    """What moved a merchant's balance."""

    SALE = "sale"
    REFUND = "refund"
    CORRECTION = "correction"
    """A sale that turned out to be not, or no longer, payable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One posting to a merchant's balance that is no payout."""

    merchant: int
    kind: MovementKind
    day: date
    """The business day of the sale or refund, at the stall."""
    terminal: int
    amount_cents: int
    is_late: bool
    """It happened before the run before was drawn up, and arrived after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What stood on a merchant's balance before these movements: most often nothing."""

    merchant: int
    amount_cents: int
    runs: tuple[str, ...] = ()
    """Runs and payouts that it comes from, where it comes from some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A sale that is not paid yet, and why."""

    merchant: int
    day: date
    terminal: int
    state: State
    reason: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many sales and refunds, and what they come to."""

    sales: int
    sold_cents: int
    refunds: int
    refunded_cents: int
    """Never above zero."""
    corrected_cents: int

    @property
    def sum_cents(self) -> int:
        """What it all comes to."""
        return self.sold_cents + self.refunded_cents + self.corrected_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow(Totals):
    """One day at one terminal."""

    day: date
    terminal: int
    """0 where no terminal made it: slips of paper, and decisions."""
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """Sales of one day at one terminal that wait for the same reason."""

    day: date
    terminal: int
    state: State
    reason: str
    sales: int
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayeeStatement:
    """One merchant's part."""

    merchant: int
    name: str
    amount_cents: int
    carried_cents: int
    carried_runs: tuple[str, ...]
    days: tuple[DayRow, ...]
    kept: tuple[KeptRow, ...]

    @property
    def totals(self) -> Totals:
        """All days together, without what is carried over."""
        return Totals(
            sales=sum(row.sales for row in self.days),
            sold_cents=sum(row.sold_cents for row in self.days),
            refunds=sum(row.refunds for row in self.days),
            refunded_cents=sum(row.refunded_cents for row in self.days),
            corrected_cents=sum(row.corrected_cents for row in self.days),
        )

    @property
    def adds_up(self) -> bool:
        """Say whether what is listed comes to what is paid."""
        return self.carried_cents + self.totals.sum_cents == self.amount_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatement:
    """A whole run."""

    settlement: str
    counted_at: datetime
    """When it was drawn up: what arrived later is for the next run."""
    counted_since: datetime | None
    """The same of the run before."""
    payees: tuple[PayeeStatement, ...]
    rules: tuple[str, ...] = ()
    """The voted rules in force on that day, a line each, in French."""

    def of(self, merchant: int) -> PayeeStatement | None:
        """Return one merchant's part; None where the run pays nothing to it."""
        return next((one for one in self.payees if one.merchant == merchant), None)

    def as_json(self) -> dict[str, Any]:
        """Return it as what JSON holds: days and times as ISO 8601 texts."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read what `as_json` wrote."""
        return cls(
            settlement=data["settlement"],
            counted_at=datetime.fromisoformat(data["counted_at"]),
            counted_since=_time(data["counted_since"]),
            payees=tuple(_payee(one) for one in data["payees"]),
            rules=tuple(data["rules"]),
        )


def payee_statement(
    *,
    merchant: int,
    name: str,
    amount_cents: int,
    carried: Carried,
    movements: Iterable[Movement],
    kept: Iterable[Kept],
) -> PayeeStatement:
    """Sort one merchant's movements into days and terminals."""
    days: dict[tuple[date, int, bool], list[Movement]] = defaultdict(list)
    for one in movements:
        days[one.day, one.terminal, not one.is_late].append(one)
    waiting: dict[tuple[date, int, str, str], list[Kept]] = defaultdict(list)
    for it in kept:
        waiting[it.day, it.terminal, it.state.value, it.reason].append(it)
    return PayeeStatement(
        merchant=merchant,
        name=name,
        amount_cents=amount_cents,
        carried_cents=carried.amount_cents,
        carried_runs=carried.runs,
        days=tuple(_day_row(days[key]) for key in sorted(days)),
        kept=tuple(_kept_row(waiting[key]) for key in sorted(waiting)),
    )


def _day_row(movements: Sequence[Movement]) -> DayRow:
    cents: dict[MovementKind, list[int]] = defaultdict(list)
    for one in movements:
        cents[one.kind].append(one.amount_cents)
    first = movements[0]
    return DayRow(
        day=first.day,
        terminal=first.terminal,
        is_late=first.is_late,
        sales=len(cents[MovementKind.SALE]),
        sold_cents=sum(cents[MovementKind.SALE]),
        refunds=len(cents[MovementKind.REFUND]),
        refunded_cents=sum(cents[MovementKind.REFUND]),
        corrected_cents=sum(cents[MovementKind.CORRECTION]),
    )


def _kept_row(kept: Sequence[Kept]) -> KeptRow:
    first = kept[0]
    return KeptRow(
        day=first.day,
        terminal=first.terminal,
        state=first.state,
        reason=first.reason,
        sales=len(kept),
        amount_cents=sum(one.amount_cents for one in kept),
    )


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case date():  # a datetime is one as well
            return value.isoformat()
        case _:
            return value


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _payee(data: dict[str, Any]) -> PayeeStatement:
    days = (DayRow(**row | {"day": date.fromisoformat(row["day"])}) for row in data["days"])
    kept = (
        KeptRow(**row | {"day": date.fromisoformat(row["day"]), "state": State(row["state"])})
        for row in data["kept"]
    )
    return PayeeStatement(
        **data
        | {"days": tuple(days), "kept": tuple(kept), "carried_runs": tuple(data["carried_runs"])}
    )
