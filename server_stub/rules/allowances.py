"""What the next version of a card's allowance says: months by rule, and what was given back.

A signed cumulative is never lowered: every change goes into the first month not signed yet, or
raises. Midnight in Paris is turned into UTC here, once, so that nobody else does calendars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from cardkit.allowance import STEPS_MAX, Allowance, RefundRef, Step
from cardkit.errors import must
from cardkit.money import CARD_CENTS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCredit:
    """What a card is given from midnight of a month's first day on."""

    from_at: datetime
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a new version is to contain beyond the one before."""

    months: tuple[MonthCredit, ...] = ()
    """Only those after the last signed step are taken."""
    raise_cents: int = 0
    """Given back: counts from now on."""
    refunds: tuple[RefundRef, ...] = ()
    """All refunds that the new version lists."""
    spendable_until: datetime


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the instant at which a calendar day begins in a zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def month_of(at: datetime, zone: tzinfo) -> date:
    """Return the first day of the month that an instant belongs to in a zone."""
    return at.astimezone(zone).date().replace(day=1)


def months_from(first: date, *, count: int) -> Iterator[date]:
    """Yield the first days of `count` months in a row."""
    for index in range(count):
        years, month = divmod(first.month - 1 + index, 12)
        yield date(first.year + years, month + 1, 1)


def next_allowance(
    held: Allowance | None,
    change: Change,
    *,
    uid: bytes,
    generation: int,
    epoch: int,
    now: datetime,
) -> Allowance | None:
    """Return the version that follows `held`, or None when it would say the same."""
    steps = _steps(held, change, now)
    if not steps:
        return None
    if held is not None and (steps, change.refunds) == (held.steps, held.refunds):
        return None
    must(steps[-1].cumulative_cents <= CARD_CENTS_MAX, "a card holds this credit")
    if held is not None:
        must(_never_lower(held, steps, now), "a signed cumulative is never lowered")
    return Allowance(
        epoch=epoch,
        version=held.version + 1 if held is not None and held.epoch == epoch else 1,
        uid=uid,
        generation=generation,
        issued_at=now,
        spendable_until=max(
            change.spendable_until, held.spendable_until if held else change.spendable_until
        ),
        steps=steps,
        refunds=change.refunds,
    )


def _steps(held: Allowance | None, change: Change, now: datetime) -> tuple[Step, ...]:
    steps = list(_still_needed(held.steps, now)) if held else []
    for month in sorted(change.months, key=lambda month: month.from_at):
        if not steps:
            steps.append(Step(month.from_at, month.amount_cents))
        elif month.from_at > steps[-1].from_at:
            cumulative_cents = steps[-1].cumulative_cents + month.amount_cents
            steps.append(Step(month.from_at, cumulative_cents))
    if change.raise_cents and not (steps and steps[0].from_at <= now):
        steps.insert(0, Step(now.replace(second=0), 0))
    raised = (
        Step(step.from_at, step.cumulative_cents + change.raise_cents) for step in steps[:STEPS_MAX]
    )
    return tuple(raised)


def _still_needed(steps: Iterable[Step], now: datetime) -> Iterator[Step]:
    """The step in force, and those to come; earlier ones say nothing any more."""
    ordered = sorted(steps)
    for index, step in enumerate(ordered):
        is_last = index + 1 == len(ordered)
        if is_last or ordered[index + 1].from_at > now:
            yield step


def _never_lower(held: Allowance, steps: tuple[Step, ...], now: datetime) -> bool:
    def cumulative_cents(at: datetime) -> int:
        return max((step.cumulative_cents for step in steps if step.from_at <= at), default=0)

    instants = {now, *(step.from_at for step in held.steps if step.from_at > now)}
    return all(cumulative_cents(at) >= held.cumulative_cents(at) for at in instants)
