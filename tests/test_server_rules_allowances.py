"""Allowances as values: never lowered, twelve steps, midnight in Paris on both sides of summer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.allowance import STEPS_MAX, Allowance, RefundRef
from cardkit.clock import PARIS
from cardkit.errors import Bug
from server_stub.rules.allowances import (
    Change,
    MonthCredit,
    midnight,
    month_of,
    months_from,
    next_allowance,
)
from server_stub.rules.scheme import DatedRule, RuleName, in_force

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)
UNTIL = datetime(2028, 1, 1, tzinfo=UTC)


def following(
    held: Allowance | None,
    *months: int,
    first: date = date(2026, 10, 1),
    now: datetime = NOW,
    raise_cents: int = 0,
    refunds: tuple[RefundRef, ...] = (),
) -> Allowance | None:
    """The next version, with these cents for each month from the first on."""
    credits_ = tuple(
        MonthCredit(from_at=midnight(day, PARIS), amount_cents=cents)
        for day, cents in zip(months_from(first, count=len(months)), months, strict=True)
    )
    change = Change(
        months=credits_, raise_cents=raise_cents, refunds=refunds, spendable_until=UNTIL
    )
    return next_allowance(held, change, uid=bytes(7), generation=1, epoch=1, now=now)


@pytest.mark.parametrize(
    ("day", "instant"),
    [
        (date(2026, 1, 1), datetime(2025, 12, 31, 23, tzinfo=UTC)),
        (date(2026, 7, 1), datetime(2026, 6, 30, 22, tzinfo=UTC)),
        (date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 3, 30), datetime(2026, 3, 29, 22, tzinfo=UTC)),
    ],
)
def test_midnight_in_paris(day: date, instant: datetime) -> None:
    """Promise 5: a month begins when it begins in Flers, in winter and in summer."""
    assert midnight(day, PARIS) == instant
    assert month_of(instant, PARIS) == day.replace(day=1)


def test_months_cross_the_year() -> None:
    """December is followed by January."""
    assert list(months_from(date(2026, 11, 1), count=3)) == [
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
    ]


def test_money_back_counts_from_now_on() -> None:
    """Promise 8: what is given back raises the step in force and all later ones."""
    first = following(None, 100, 100)
    raised = following(first, raise_cents=30, refunds=(RefundRef(3, 9),))
    assert raised is not None
    assert [step.cumulative_cents for step in raised.steps] == [130, 230]
    assert raised.version == 2


def test_money_back_before_the_first_month() -> None:
    """Promise 8: a card that begins next month can spend what it is given back today."""
    later = following(None, 100, first=date(2026, 11, 1))
    raised = following(later, raise_cents=30)
    assert raised is not None
    assert raised.available_cents(NOW, spent_cents=0, refunded_cents=0) == 30
    assert raised.steps[-1].cumulative_cents == 130


def test_nothing_new_is_no_version() -> None:
    """Promise 4: the same content is never signed under a second number."""
    first = following(None, 100, 100)
    assert following(first, 100, 100) is None
    assert following(None) is None


def test_more_than_a_card_holds_is_our_mistake() -> None:
    """Promise 3: no step is signed above what the card's counter can reach."""
    with pytest.raises(Bug):
        following(None, 2**31 - 1, 1)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 500), st.booleans()), max_size=20),
)
def test_no_instant_is_ever_lowered(story: list[tuple[int, int, bool]]) -> None:
    """Promise 3: through months and refunds in any order, what was signed stays spendable."""
    held, now = following(None, 100, 100), NOW
    for days, cents, is_refund in story:
        now += timedelta(days=days)
        first = month_of(now, PARIS)
        version = following(
            held,
            *(() if is_refund else (cents, cents)),
            first=first,
            now=now,
            raise_cents=cents if is_refund else 0,
        )
        assert held is not None
        if version is None:
            continue
        assert len(version.steps) <= STEPS_MAX
        assert version.version == held.version + 1
        for ahead in range(0, 100, 10):
            at = now + timedelta(days=ahead)
            assert version.cumulative_cents(at) >= held.cumulative_cents(at)
        held = version


def test_rules_are_dated() -> None:
    """Promise 6: a vote is in force from its day on, and changes nothing before."""
    name = RuleName.MONTHLY_CREDIT_CENTS
    rules = [
        DatedRule(name=name, value=100, from_day=date(2026, 1, 1)),
        DatedRule(name=name, value=90, from_day=date(2026, 11, 1)),
    ]
    assert in_force(rules, name, date(2026, 10, 31)) == 100
    assert in_force(rules, name, date(2026, 11, 1)) == 90
    with pytest.raises(Bug):
        in_force(rules, name, date(2025, 12, 31))
