"""A stall's clock may be behind; only signed times raise it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cardkit.clock import ClockTrust, Instant, SystemClock, business_date, floored

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)


def test_a_clock_behind_the_highest_signed_time_is_raised_and_not_believed() -> None:
    """Promise 5: the first of the month arrives at a stall that last ran on Tuesday."""
    behind = Instant(datetime(1970, 1, 1, tzinfo=UTC), ClockTrust.RTC)
    assert floored(behind, NOON) == Instant(NOON, ClockTrust.UNTRUSTED)


def test_a_clock_ahead_keeps_its_trust() -> None:
    """The floor is a bound, not a clock."""
    ahead = Instant(NOON, ClockTrust.RTC)
    assert floored(ahead, datetime(2026, 3, 6, tzinfo=UTC)) == ahead


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 6, 30, 22, 0, tzinfo=UTC), date(2026, 7, 1)),
    ],
)
def test_a_business_day_turns_at_midnight_in_france(at: datetime, day: date) -> None:
    """Review attack 30: UTC is an hour or two behind the day that people live in."""
    assert business_date(at) == day


def test_the_computers_clock_is_aware_and_names_its_boot() -> None:
    """An entry's time says which boot it was read in."""
    clock = SystemClock()
    reading = clock.now()
    assert reading.at.tzinfo is UTC
    assert len(clock.boot_id()) == 16
    assert clock.monotonic_ms() <= clock.monotonic_ms()
