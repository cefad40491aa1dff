"""How things stand at a till: what is said before it bites, and what is in the way already."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cardkit.bodies import ResolutionChoice
from cardkit.clock import ClockTrust, Instant
from terminal.outcomes import Amber
from terminal.situation import (
    STOPS,
    Concern,
    Situation,
    Warned,
    concerns,
    forgotten_day,
    look,
)
from terminal.till import Till
from tests.terminal_world import CAPS, MERCHANT, START, World

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
COMMIT = 9


@pytest.fixture
def fresh(tmp_path: Path) -> Situation:
    """A till on its first morning, which nothing worries."""
    world = World.make(tmp_path)
    world.publish()
    till = world.till()
    situation = look(till)
    till.stop()
    return situation


def at(situation: Situation, moment: datetime, *, trust: ClockTrust = ClockTrust.RTC) -> Situation:
    """The same till at another time."""
    return replace(situation, now=Instant(moment, trust))


def named(situation: Situation) -> list[Concern]:
    """The concerns without their details."""
    return [it.concern for it in concerns(situation)]


def test_a_good_morning(fresh: Situation) -> None:
    """Promise: who has nothing to worry about is not told anything."""
    assert concerns(fresh) == ()
    assert (fresh.unsent_sales, fresh.unsent_cents, fresh.open_sales) == (0, 0, ())
    assert not forgotten_day(fresh)


def test_a_permit_that_ends(fresh: Situation) -> None:
    """Promise: three days before the permit ends it is said with its day, and sales go on."""
    end = fresh.permit.valid_until
    fresh = replace(fresh, directory_issued_at=end, directory_valid_until=end + 30 * DAY)
    assert named(at(fresh, end - 3 * DAY - MINUTE)) == []
    assert concerns(at(fresh, end - 3 * DAY)) == (Warned(Concern.PERMIT_ENDS, at=end),)
    assert concerns(at(fresh, end)) == (Warned(Concern.PERMIT_ENDS, at=end),)
    assert concerns(at(fresh, end + MINUTE)) == (Warned(Concern.PERMIT_EXPIRED, at=end),)


def test_a_directory_that_ages(fresh: Situation) -> None:
    """Promise: an old list is said once cards may pay less, then before it ends, and after."""
    issued, end = fresh.directory_issued_at, fresh.directory_valid_until
    assert issued is not None
    assert end is not None
    fresh = replace(fresh, permit=replace(fresh.permit, valid_until=end + 30 * DAY))
    stale = issued + timedelta(days=CAPS.fresh_days)
    assert named(at(fresh, stale)) == []
    assert concerns(at(fresh, stale + MINUTE)) == (Warned(Concern.DIRECTORY_STALE, at=end),)
    assert concerns(at(fresh, end - 3 * DAY)) == (Warned(Concern.DIRECTORY_ENDS, at=end),)
    assert concerns(at(fresh, end + MINUTE)) == (Warned(Concern.DIRECTORY_EXPIRED, at=end),)


def test_no_directory(fresh: Situation) -> None:
    """Promise: a terminal that has never had a list of cards says so, because it can't sell."""
    without = replace(fresh, directory_issued_at=None, directory_valid_until=None)
    assert named(without) == [Concern.DIRECTORY_MISSING]
    assert Concern.DIRECTORY_MISSING in STOPS


@pytest.mark.parametrize(
    ("unsent_cents", "expected"),
    [
        (CAPS.unsent_max_cents * 4 // 5 - 1, ()),
        (CAPS.unsent_max_cents * 4 // 5, (Warned(Concern.UNSENT_HIGH, cents=1_000_00),)),
        (CAPS.unsent_max_cents - 1, (Warned(Concern.UNSENT_HIGH, cents=1),)),
        (CAPS.unsent_max_cents, (Warned(Concern.UNSENT_FULL),)),
        (CAPS.unsent_max_cents + 5_00, (Warned(Concern.UNSENT_FULL),)),
    ],
)
def test_sales_that_wait_to_be_sent(
    fresh: Situation, unsent_cents: int, expected: tuple[Warned, ...]
) -> None:
    """Promise: a fifth before the cap of unsent sales the till says how much is left to sell."""
    assert concerns(replace(fresh, unsent_cents=unsent_cents)) == expected


def test_what_stops_sales_comes_first(fresh: Situation) -> None:
    """Promise: the one line that there is room for says why nothing can be sold."""
    worried = replace(
        at(fresh, fresh.permit.valid_until - MINUTE, trust=ClockTrust.UNTRUSTED),
        unsent_cents=CAPS.unsent_max_cents,
    )
    found = named(worried)
    assert found[0] is Concern.UNSENT_FULL
    assert set(found[1:]) == {
        Concern.PERMIT_ENDS, Concern.DIRECTORY_ENDS, Concern.CLOCK_UNTRUSTED,
    }  # fmt: skip


def test_a_day_that_was_not_closed(fresh: Situation) -> None:
    """Promise: a day counts as forgotten from the next one on, as days are counted in France."""
    evening = datetime(2026, 10, 1, 21, 30, tzinfo=UTC)  # half past eleven in Flers
    begun = replace(fresh, day_began=START)
    assert not forgotten_day(at(begun, evening))
    assert forgotten_day(at(begun, evening + timedelta(hours=1)))
    assert not forgotten_day(at(fresh, evening + DAY)), "nothing was sold"


def torn(world: World, till: Till, cents: int) -> Amber:
    """A sale in doubt."""
    card = world.new_card(50_00)
    world.publish()
    world.deliver(till)
    connection = world.connect(card)
    world.field.tear_after(COMMIT)
    outcome = till.sell(connection, cents, merchant=MERCHANT)
    assert isinstance(outcome, Amber)
    return outcome


def test_a_till_is_seen_as_it_is(tmp_path: Path) -> None:
    """Promise: sales, sums, what waits and since when are those of the journal."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    world.clock.pass_time(MINUTE)
    sold = world.now
    world.sell(till, card, 5_00)
    world.clock.pass_time(MINUTE)
    world.sell(till, card, 7_00)
    amber = torn(world, till, 9_00)
    till.resolve(amber.seq, ResolutionChoice.PARKED)
    seen = look(till)
    assert (seen.caisse, seen.terminal, seen.training) == ("flers", 3, False)
    assert (seen.unsent_sales, seen.unsent_cents, seen.unsent_since) == (2, 12_00, sold)
    assert (seen.day.sales, seen.day.sales_cents, seen.day_began) == (2, 12_00, sold)
    (waiting,) = seen.open_sales
    assert (waiting.seq, waiting.uid, waiting.merchant) == (amber.seq, amber.uid, MERCHANT)
    assert (waiting.amount_cents, waiting.choice) == (9_00, ResolutionChoice.PARKED)
    assert (waiting.at, seen.now.at) == (world.now, world.now)
    assert (seen.head_seq, seen.perpetual_cents) == (till.journal.head.seq, 12_00)
    till.stop()
