"""Closes days, months and years of a journal, and makes up for those that were forgotten.

A closing of a day ends its stretch of entries: a second one with nothing new is no closing at
all, and one after new sales is a second closure of that day, over those alone. What is still
amber when its day is closed is left to the service. Months and years close by themselves once
they are over and their last day is closed (BOI-TVA-DECLA-30-10-30, 160 and 170).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

from cardkit.bodies import (
    Closure,
    ClosurePeriod,
    DoubtReason,
    EntryKind,
    Intent,
    PaidOtherwise,
    Reading,
    VatTotal,
)
from cardkit.clock import Clock, business_date
from cardkit.entries import Entry, OperatorRole
from cardkit.errors import Bug
from cardkit.frozen import dataclass
from terminal.amber import AmberSales
from terminal.journal import Journal
from terminal.stretches import Stretch, ended, first_day, forgotten, has_money, is_late
from terminal.vat import summed

_PARTS_OF: Final = {
    ClosurePeriod.MONTH: ClosurePeriod.DAY,
    ClosurePeriod.YEAR: ClosurePeriod.MONTH,
}


@dataclass(frozen=True, slots=True)
class AlreadyClosed:
    """A day was to be closed a second time, and nothing was sold or given back since."""

    closure: Closure


class Closures:
    """The closures of one journal; every method may raise JournalStopped."""

    def __init__(
        self,
        journal: Journal,
        *,
        amber: AmberSales,
        clock: Clock,
        training: Callable[[], bool],
    ) -> None:
        self._journal = journal
        self._amber = amber
        self._clock = clock
        self._training = training

    @property
    def day_begins_after(self) -> int:
        """The last entry of the last day that was closed; 0 before the first."""
        closed = self._journal.last_closure(ClosurePeriod.DAY)
        return 0 if closed is None else closed.last_seq

    def close_day(
        self, day: date, *, operator: OperatorRole = OperatorRole.NOBODY
    ) -> Entry | AlreadyClosed:
        """Close a day with all that is not closed yet, days that are over each by itself before.

        What is amber is left to the service. A day that is over already is closed without the
        sales made since. Months and years that are over follow.
        """
        today = self._today
        made = self._make_up_days(today)
        asked = [it for it in made if isinstance(it.body, Closure) and it.body.business_date == day]
        marks = self._journal.marks(self.day_begins_after)
        # A clock that told another day for a while cuts today in two, and it still goes on.
        goes_on = day == today and has_money(marks)
        if asked and not goes_on:
            self._close_periods()
            return asked[-1]
        closed = self._journal.last_closure(ClosurePeriod.DAY)
        if closed is not None and closed.business_date == day and not has_money(marks):
            return AlreadyClosed(closed)
        self._amber.give_up(DoubtReason.DAY_CLOSED, until_seq=self._journal.head.seq)
        stretch = Stretch(
            day=day, first_seq=self.day_begins_after + 1, last_seq=self._journal.head.seq
        )
        entry = self._close_stretch(stretch, operator)
        self._close_periods()
        return entry

    def make_up(self) -> tuple[Entry, ...]:
        """Close every business day, month and year that is over and was not closed.

        For the opening of the till, once the date is known and before anything is sold; twice
        does nothing the second time.
        """
        days = self._make_up_days(self._today)
        if not days and self._has_closed_this_month():
            return ()
        return (*days, *self._close_periods())

    def read_totals(self, *, operator: OperatorRole = OperatorRole.NOBODY) -> Entry:
        """Journal a look at the totals since the last closure of a day (lecture X)."""
        totals = self._journal.totals(self.day_begins_after + 1, self._journal.head.seq)
        return self._journal.append(
            EntryKind.READING,
            Reading(
                business_date=self._today,
                sales=totals.sales,
                sales_cents=totals.sales_cents,
                refunds_cents=totals.refunds_cents,
            ),
            operator=operator,
            training=self._training(),
        )

    @property
    def _today(self) -> date:
        return business_date(self._clock.now().at)

    def _has_closed_this_month(self) -> bool:
        """Say whether a closure was made in this month, which then looked after those before.

        To look again would open a year of closures at each start of the till.
        """
        newest = self._journal.last(EntryKind.CLOSURE)
        if newest is None:
            return False
        made_on = business_date(newest.envelope.at)
        month = ClosurePeriod.MONTH
        return first_day(month, made_on) == first_day(month, self._today)

    def _make_up_days(self, today: date) -> tuple[Entry, ...]:
        """Close the unclosed days before the one that goes on."""
        closed = self._journal.last_closure(ClosurePeriod.DAY)
        found = forgotten(
            self._journal.marks(self.day_begins_after),
            today=today,
            closed_last=None if closed is None else closed.business_date,
        )
        made = []
        for stretch in found:
            self._amber.give_up(DoubtReason.DAY_CLOSED, until_seq=stretch.last_seq)
            made.append(self._close_stretch(stretch, OperatorRole.NOBODY))
        return tuple(made)

    def _close_stretch(self, stretch: Stretch, operator: OperatorRole) -> Entry:
        """Journal the totals of a stretch of entries as those of a day."""
        journal, first_seq, last_seq = self._journal, stretch.first_seq, stretch.last_seq
        last = journal.entry(last_seq)
        if last is None:
            raise Bug("a stretch ends with an entry")
        totals = journal.totals(first_seq, last_seq)
        return self._append(
            Closure(
                period=ClosurePeriod.DAY,
                business_date=stretch.day,
                first_seq=first_seq,
                last_seq=last_seq,
                head=last.digest,
                sales=totals.sales,
                sales_cents=totals.sales_cents,
                refunds=totals.refunds,
                refunds_cents=totals.refunds_cents,
                perpetual_cents=last.envelope.perpetual_cents,
                vat_totals=self._vat(first_seq, last_seq),
                late=is_late(ClosurePeriod.DAY, stretch.day, self._today),
            ),
            operator,
        )

    def _vat(self, first_seq: int, last_seq: int) -> tuple[VatTotal, ...]:
        intents = self._journal.sold_between(first_seq, last_seq)
        others = self._journal.paid_otherwise_between(first_seq, last_seq)
        refunds = self._journal.refunded_between(first_seq, last_seq)
        sold: list[Intent | PaidOtherwise] = [*intents, *others]
        return summed(
            (it for basket in sold for it in basket.vat_totals),
            (it for refund in refunds for it in refund.vat_totals),
        )

    def _close_periods(self) -> tuple[Entry, ...]:
        """Close the months that are over, then the years.

        What a cut keeps from being closed here is closed after the next day.
        """
        months = tuple(self._close_ended(ClosurePeriod.MONTH))
        return (*months, *self._close_ended(ClosurePeriod.YEAR))

    def _close_ended(self, period: ClosurePeriod) -> Iterator[Entry]:
        closed = self._journal.last_closure(period)
        covered_seq = 0 if closed is None else closed.last_seq
        bodies = (entry.body for entry in self._journal.closures(covered_seq))
        parts = [
            body
            for body in bodies
            if isinstance(body, Closure)
            and body.period is _PARTS_OF[period]
            and body.last_seq > covered_seq
        ]
        today = self._today
        for first, its in ended(
            parts, period=period, day_of=lambda part: part.business_date, today=today
        ):
            late = is_late(period, first, today)
            yield self._append(_together(period, first, its, late=late), OperatorRole.NOBODY)

    def _append(self, closure: Closure, operator: OperatorRole) -> Entry:
        return self._journal.append(
            EntryKind.CLOSURE, closure, operator=operator, training=self._training()
        )


def _together(
    period: ClosurePeriod, first: date, parts: tuple[Closure, ...], *, late: bool
) -> Closure:
    """Return the closure of a month or year that is made of these."""
    last = parts[-1]
    return Closure(
        period=period,
        business_date=first,
        first_seq=parts[0].first_seq,
        last_seq=last.last_seq,
        head=last.head,
        sales=sum(part.sales for part in parts),
        sales_cents=sum(part.sales_cents for part in parts),
        refunds=sum(part.refunds for part in parts),
        refunds_cents=sum(part.refunds_cents for part in parts),
        perpetual_cents=last.perpetual_cents,
        vat_totals=summed(it for part in parts for it in part.vat_totals),
        late=late,
    )
