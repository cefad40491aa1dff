"""When a life begins and ends, and what of it is fixed beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from cardkit.clock import PARIS
from server_stub.rules.allowances import months_from
from simulator.life.shops import SAT, SHOPS, Shop

WAVE_MONTHS: Final = 3
FOUNDERS: Final = 0.4
"""How many of all members come in with the first wave."""
WAITING: Final = 8
"""People who have applied and wait, when the life ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is lived."""

    until: date
    """The last day; the months end with its own."""
    months: int
    members: int
    producers: int
    seed: int

    @property
    def first_day(self) -> date:
        """The first day of the first month."""
        count = self.until.year * 12 + self.until.month - self.months
        return date(count // 12, count % 12 + 1, 1)

    @property
    def shops(self) -> tuple[Shop, ...]:
        """The merchants."""
        return SHOPS[: self.producers]

    def days(self) -> Iterator[date]:
        """Every day of the life."""
        for number in range((self.until - self.first_day).days + 1):
            yield self.first_day + timedelta(days=number)

    def waves(self) -> dict[date, int]:
        """How many members come in with which month: a wave every three months."""
        months = tuple(months_from(self.first_day, count=self.months))[::WAVE_MONTHS]
        if len(months) == 1:
            return {months[0]: self.members}
        founders = round(self.members * FOUNDERS)
        each, over = divmod(self.members - founders, len(months) - 1)
        later = [each + (number < over) for number in range(len(months) - 1)]
        return dict(zip(months, [founders, *later], strict=True))

    def before_end(self, days: int) -> date:
        """The last Saturday that is at least so many days before the end, and of the life."""
        day = max(self.first_day + timedelta(days=6), self.until - timedelta(days=days))
        return day - timedelta(days=(day.weekday() - SAT) % 7)

    def at(self, share: float) -> date:
        """The first Saturday after a share of the life."""
        day = self.first_day + timedelta(days=int(share * (self.until - self.first_day).days))
        return day + timedelta(days=(SAT - day.weekday()) % 7)


def local(day: date, at: time) -> datetime:
    """Return a moment of Flers in UTC."""
    return datetime.combine(day, at, tzinfo=PARIS).astimezone(UTC)


def months_later(first: date, count: int) -> date:
    """Return the first day of the month that is so many later."""
    return tuple(months_from(first, count=count + 1))[-1]


def month_before(first: date) -> date:
    """Return the first day of the month before one that begins on this day."""
    return (first - timedelta(days=1)).replace(day=1)
