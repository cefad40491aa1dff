"""Closures: every entry in one, none in two, and those that were forgotten made up for."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.bodies import (
    Closure,
    ClosurePeriod,
    EntryKind,
    Indeterminate,
    Reading,
    RefundReason,
    VatTotal,
)
from cardkit.entries import Entry, OperatorRole
from simulator.field import Field
from terminal.closures import AlreadyClosed
from terminal.line_mode import LineMode
from terminal.stretches import (
    MONEY,
    WORK,
    Mark,
    Stretch,
    ended,
    first_day,
    forgotten,
    is_late,
)
from terminal.vat import CLOSURE_RATES_MAX, given_back, summed
from terminal.words import Words
from tests.archived import CHEESE, START, VEGETABLES, Stall, live
from tests.terminal_world import MERCHANT

TODAY = date(2026, 11, 20)
DAYS = st.integers(0, 5).map(lambda back: TODAY - timedelta(days=back))
KINDS = st.sampled_from([int(kind) for kind in EntryKind])


@pytest.fixture
def stall(tmp_path: Path) -> Stall:
    """A till on Friday, 30 October 2026."""
    return Stall.found(tmp_path)


def closures(stall: Stall, *periods: ClosurePeriod) -> list[Closure]:
    """What the closures of some periods say, in their order."""
    found = (entry.body for entry in stall.till.journal.closures(0))
    return [it for it in found if isinstance(it, Closure) and it.period in periods]


def days(stall: Stall) -> list[tuple[date, int, int]]:
    """Each closed day with its first and last entry."""
    return [
        (it.business_date, it.first_seq, it.last_seq) for it in closures(stall, ClosurePeriod.DAY)
    ]


def test_a_day_closed_twice_is_closed_once(stall: Stall) -> None:
    """Promise: a second closing with nothing new is a value and no entry; D1, C1."""
    stall.sell(10_00)
    closed = stall.close_day()
    head = stall.till.journal.head
    again = stall.till.close_day(START.date())
    assert isinstance(again, AlreadyClosed)
    assert again.closure == closed.body
    stall.restart()
    assert isinstance(stall.till.close_day(START.date()), AlreadyClosed)
    assert len(days(stall)) == 1
    assert head.seq == closed.seq
    stall.close()


def test_new_sales_are_closed_over_once_more(stall: Stall) -> None:
    """Promise: what is sold after a closing is in a second closure of that day, and in it alone."""
    stall.sell(10_00)
    stall.close_day()
    stall.sell(4_00)
    stall.close_day()
    first, second = closures(stall, ClosurePeriod.DAY)
    assert (first.sales_cents, second.sales_cents) == (10_00, 4_00)
    assert second.first_seq == first.last_seq + 1
    assert (first.perpetual_cents, second.perpetual_cents) == (10_00, 14_00)
    stall.close()


def test_a_day_without_a_sale_can_be_closed(stall: Stall) -> None:
    """Promise: who stood at the market and sold nothing closes a day of nothing."""
    stall.close_day()
    (closed,) = closures(stall, ClosurePeriod.DAY)
    assert (closed.sales, closed.sales_cents, closed.vat_totals) == (0, 0, ())
    stall.close()


def test_forgotten_days_are_made_up_for_once(stall: Stall) -> None:
    """Promise: each forgotten business day gets its own closure, marked late, and only one."""
    stall.sell(10_00)
    stall.pass_days(1)
    stall.restart()
    stall.sell(20_00)
    stall.pass_days(3)
    stall.restart()
    made = closures(stall, ClosurePeriod.DAY)
    assert [(it.business_date.day, it.sales_cents, it.late) for it in made] == [
        (30, 10_00, True),
        (31, 20_00, True),
    ]
    assert stall.till.closures.make_up() == ()
    stall.restart()
    assert len(days(stall)) == 2
    stall.close()


def test_a_restart_on_a_later_day_closes_nothing_twice(stall: Stall) -> None:
    """Promise: a closed day's own closure and stop entries make no second closure of it."""
    stall.sell(10_00)
    stall.close_day()
    stall.restart()
    stall.pass_days(1)
    stall.restart()
    assert [day for day, _, _ in days(stall)] == [START.date()]
    stall.close()


def test_a_sale_at_midnight_is_closed_with_its_own_day(stall: Stall) -> None:
    """Promise: who closes yesterday after midnight does not close over today's sales."""
    stall.sell(10_00)
    stall.world.clock.pass_time(timedelta(hours=15))
    stall.sell(4_00)
    entry = stall.till.close_day(START.date())
    assert isinstance(entry, Entry)
    assert isinstance(entry.body, Closure)
    assert (entry.body.business_date, entry.body.sales_cents) == (START.date(), 10_00)
    assert entry.body.perpetual_cents == 10_00
    stall.close_day()
    assert [it.sales_cents for it in closures(stall, ClosurePeriod.DAY)] == [10_00, 4_00]
    stall.close()


def test_what_is_amber_is_left_to_the_service_by_its_own_day(stall: Stall) -> None:
    """Promise: a forgotten day gives its amber sales up; those of today stay open."""
    torn(stall, 5_00)
    stall.pass_days(1)
    torn(stall, 6_00, card_number=2)
    assert len(stall.till.journal.open_intents()) == 2
    stall.till.closures.make_up()
    (left,) = stall.till.journal.open_intents()
    assert left.intent.amount_cents == 6_00
    last = stall.till.journal.last(EntryKind.INDETERMINATE)
    assert last is not None
    assert isinstance(last.body, Indeterminate)
    stall.close_day()
    assert stall.till.journal.open_intents() == ()
    stall.close()


def torn(stall: Stall, amount_cents: int, *, card_number: int = 1) -> None:
    """Take a card away in the moment of its commit."""
    world = stall.world
    card = stall.card
    if card_number > 1:
        card = world.new_card(50_00)
        world.publish()
        world.deliver(stall.till)
    world.field.tear_after(9)
    world.tap(card, lambda it: stall.till.sell(it, amount_cents, merchant=MERCHANT))
    world.field = Field()


def test_months_and_years_close_by_themselves(stall: Stall) -> None:
    """Promise: a month is the sum of its days and a year of its months, made when they are over."""
    live(stall)
    stall.pass_days(30)
    stall.restart()
    stall.sell(1_00)
    stall.close_day()
    stall.pass_days(40)
    stall.restart()
    months = closures(stall, ClosurePeriod.MONTH)
    assert [(it.business_date, it.sales_cents, it.late) for it in months] == [
        (date(2026, 10, 1), 30_50, False),
        (date(2026, 11, 1), 7_50, False),
        (date(2026, 12, 1), 1_00, False),
    ]
    (year,) = closures(stall, ClosurePeriod.YEAR)
    assert (year.business_date, year.sales, year.sales_cents) == (date(2026, 1, 1), 6, 39_00)
    assert (year.refunds, year.refunds_cents, year.perpetual_cents) == (1, 2_00, 37_00)
    assert (year.first_seq, year.last_seq) == (1, months[-1].last_seq)
    assert months[1].first_seq == months[0].last_seq + 1
    assert stall.till.closures.make_up() == ()
    stall.close()


def test_the_vat_of_a_day_is_that_of_its_tickets(stall: Stall) -> None:
    """Promise: VAT totals are those of the intents that were paid, less what was given back."""
    first = stall.sell_basket(VEGETABLES, 6_50)
    stall.sell_basket(CHEESE, 9_00)
    stall.till.refund(first, 3_25, RefundReason.GOODS_RETURNED)
    stall.close_day()
    (closed,) = closures(stall, ClosurePeriod.DAY)
    assert closed.vat_totals == (
        VatTotal(vat_bp=550, coverage_bp=10_000, gross_cents=12_25, covered_cents=12_25),
        VatTotal(vat_bp=2_000, coverage_bp=0, gross_cents=3_75, covered_cents=0),
    )
    stall.close()


def test_what_is_paid_otherwise_stays_sold(stall: Stall) -> None:
    """Promise: the card gets its money back, and the tax on goods that stay sold is still due."""
    first = stall.sell_basket(VEGETABLES[:2], 6_50)
    stall.till.refund(first, 2_50, RefundReason.PAID_OTHERWISE)
    stall.close_day()
    (closed,) = closures(stall, ClosurePeriod.DAY)
    assert closed.refunds_cents == 2_50
    assert closed.vat_totals == (
        VatTotal(vat_bp=550, coverage_bp=10_000, gross_cents=6_50, covered_cents=4_00),
    )
    stall.till.refund(first, 4_00, RefundReason.GOODS_RETURNED)
    stall.close_day()
    assert closures(stall, ClosurePeriod.DAY)[1].vat_totals == (
        VatTotal(vat_bp=550, coverage_bp=10_000, gross_cents=-4_00, covered_cents=-4_00),
    )
    stall.close()


def test_a_look_at_the_totals_closes_nothing(stall: Stall) -> None:
    """Promise: lecture X journals what was seen, and the day goes on."""
    stall.sell(10_00)
    read = stall.till.closures.read_totals(operator=OperatorRole.PRODUCER)
    assert read.body == Reading(
        business_date=START.date(), sales=1, sales_cents=10_00, refunds_cents=0
    )
    stall.sell(1_00)
    stall.close_day()
    (closed,) = closures(stall, ClosurePeriod.DAY)
    assert closed.sales_cents == 11_00
    stall.close()


def test_a_clock_that_leapt_in_between_leaves_nothing_of_today_out(stall: Stall) -> None:
    """Promise: closing today closes all of it, though the clock told another year for a while.

    Red when the closure of the stretch before the leap is taken for that of the whole day.
    """
    stall.sell(10_00)
    now = stall.world.now
    stall.pass_days(8 * 365)
    stall.till.closures.read_totals()
    stall.world.clock.set(now)
    stall.sell(4_00)
    torn(stall, 5_00)
    entry = stall.close_day()
    assert stall.till.journal.open_intents() == ()
    before, rest = closures(stall, ClosurePeriod.DAY)
    assert entry.body == rest
    assert (before.sales_cents, rest.sales_cents) == (10_00, 4_00)
    assert rest.business_date == before.business_date == START.date()
    assert rest.first_seq == before.last_seq + 1
    assert isinstance(stall.till.close_day(START.date()), AlreadyClosed)
    stall.close()


def test_a_day_that_a_clock_cut_off_is_closed_once(stall: Stall) -> None:
    """Promise: when nothing came after the leap, closing today is one closure, and it is shown."""
    stall.sell(10_00)
    now = stall.world.now
    stall.pass_days(8 * 365)
    stall.till.closures.read_totals()
    stall.world.clock.set(now)
    entry = stall.close_day()
    (closed,) = closures(stall, ClosurePeriod.DAY)
    assert entry.body == closed
    assert closed.sales_cents == 10_00
    stall.close()


def test_closing_twice_is_said_so(stall: Stall) -> None:
    """Promise: the line-mode till says that the day is closed already, and counts ambers alone."""
    stall.sell(10_00)
    torn(stall, 5_00)
    stall.pass_days(1)
    said, typed = list[str](), iter(("clore", "clore", "quitter"))
    LineMode(
        stall.till,
        Field(),
        merchant=MERCHANT,
        words=Words("fr"),
        read_line=lambda: next(typed),
        write=said.append,
    ).run()
    talk = "\n".join(said)
    assert "1 ventes laissées à la caisse" in talk, talk
    assert "déjà" in talk
    stall.close()


# Stretches by themselves


@given(st.lists(st.tuples(DAYS, KINDS), max_size=30), DAYS)
def test_forgotten_days_leave_no_gap_and_no_money_out(
    entries: list[tuple[date, int]], closed_last: date
) -> None:
    """Promise: whatever the clock said, stretches abut, and all work of a past day is in one.

    Red when a stretch begins at its own first entry.
    """
    marks = [Mark(seq, day, kind) for seq, (day, kind) in enumerate(entries, start=1)]
    found = forgotten(marks, today=TODAY, closed_last=closed_last)
    expected_seq = 1
    for stretch in found:
        assert stretch.first_seq == expected_seq
        expected_seq = stretch.last_seq + 1
        worked = [it for it in marks if stretch.first_seq <= it.seq <= stretch.last_seq]
        assert {it.day for it in worked if it.kind in MONEY} <= {stretch.day}
    left = marks[expected_seq - 1 :]
    last_run = [it.seq for it in left if it.day == TODAY]
    for mark in left:
        if mark.kind in MONEY:
            assert mark.day == TODAY
            assert mark.seq in last_run


def test_a_day_of_mere_starts_is_no_day_of_work() -> None:
    """Promise: a sync at home between two markets makes no closure; a declined card does."""
    started = Mark(1, date(2026, 11, 1), EntryKind.STARTED)
    declined = Mark(2, date(2026, 11, 2), EntryKind.DECLINED)
    assert EntryKind.STARTED not in WORK
    assert forgotten([started], today=TODAY, closed_last=None) == ()
    assert forgotten([started, declined], today=TODAY, closed_last=None) == (
        Stretch(day=date(2026, 11, 2), first_seq=1, last_seq=2),
    )


@given(st.lists(st.dates(date(2020, 1, 1), date(2030, 12, 31)), max_size=20))
def test_periods_take_every_part_once(parts: list[date]) -> None:
    """Promise: no day is in two months, none in no month, but those of the one that goes on."""
    found = ended(parts, period=ClosurePeriod.MONTH, day_of=lambda it: it, today=TODAY)
    taken = [part for _, its in found for part in its]
    assert taken == parts[: len(taken)]
    assert {it.replace(day=1) for it in parts[len(taken) :]} <= {TODAY.replace(day=1)}
    for first, its in found:
        assert {it.replace(day=1) for it in its} == {first}


@pytest.mark.parametrize(
    ("period", "first", "today", "late"),
    [
        (ClosurePeriod.DAY, date(2026, 10, 30), date(2026, 10, 30), False),
        (ClosurePeriod.DAY, date(2026, 10, 30), date(2026, 10, 31), True),
        (ClosurePeriod.MONTH, date(2026, 12, 1), date(2027, 1, 31), False),
        (ClosurePeriod.MONTH, date(2026, 12, 1), date(2027, 2, 1), True),
        (ClosurePeriod.YEAR, date(2026, 1, 1), date(2027, 12, 31), False),
        (ClosurePeriod.YEAR, date(2027, 1, 1), date(2029, 1, 1), True),
    ],
)
def test_late_is_later_than_the_next_period(
    period: ClosurePeriod, first: date, today: date, late: bool
) -> None:
    """Promise: a month that is closed in the next one was not forgotten."""
    assert is_late(period, first, today) is late
    assert first_day(period, first) == first


TOTALS = st.lists(
    st.builds(
        VatTotal,
        vat_bp=st.sampled_from([0, 210, 550, 2_000]),
        coverage_bp=st.sampled_from([0, 5_000, 10_000]),
        gross_cents=st.integers(0, 100_00),
        covered_cents=st.integers(0, 50_00),
    ),
    max_size=6,
    unique_by=lambda it: (it.vat_bp, it.coverage_bp),
).map(tuple)


@given(TOTALS, st.data())
def test_what_is_given_back_in_parts_is_given_back_whole(
    sold: tuple[VatTotal, ...], data: st.DataObject
) -> None:
    """Promise: refunds of a sale come to its own sums at each rate, never more on the way."""
    left_cents = sum(it.covered_cents for it in sold)
    before: list[VatTotal] = []
    while left_cents:
        amount_cents = data.draw(st.integers(1, left_cents))
        back = given_back(sold, before, amount_cents)
        assert sum(it.covered_cents for it in back) == amount_cents
        assert all(it.covered_cents >= 0 and it.gross_cents >= 0 for it in back)
        before += back
        left_cents -= amount_cents
    if before:
        assert all((it.gross_cents, it.covered_cents) == (0, 0) for it in summed(sold, before))


def test_a_closure_has_room_for_every_rate() -> None:
    """Promise: a hundred coverages of a merchant's own fancy stop no closure."""
    many = [
        VatTotal(vat_bp=550, coverage_bp=number, gross_cents=number, covered_cents=1)
        for number in range(100)
    ]
    assert len(summed(many[:CLOSURE_RATES_MAX])) == CLOSURE_RATES_MAX
    assert summed(many) == (
        VatTotal(vat_bp=550, coverage_bp=0, gross_cents=49_50, covered_cents=100),
    )
