"""The turn of the month at a stall without network, and credit that travels there on cards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cardkit.allowance import Step
from cardkit.bodies import AllowanceSeen, EntryKind
from cardkit.clock import ClockTrust
from cardkit.decide import Reason
from terminal.outcomes import Balance, Green
from tests.borne_allowances import leave
from tests.terminal_world import World, debits_cents, kinds, reason_of

PARIS = ZoneInfo("Europe/Paris")
HERE, ELSEWHERE = 3, 4
OF_DIRECTORY = 10_00


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse without cards."""
    return World.make(tmp_path)


def test_the_next_month_travels_on_the_card(world: World) -> None:
    """Promise: a stall that was online in October leaves November on the card; one that has been
    offline since September sells from it on 1 November, and journals it first.
    """
    card = world.new_card(OF_DIRECTORY)
    world.publish()
    offline = world.till(ELSEWHERE)
    world.clock.set(datetime(2026, 10, 25, 9, 0, tzinfo=UTC))
    member = world.members[card.uid]
    midnight = datetime(2026, 11, 1, tzinfo=PARIS).astimezone(UTC)
    member.steps = (*member.steps, Step(midnight, OF_DIRECTORY + 100_00))
    member.version = 2
    world.publish()
    online = world.till(HERE)
    assert isinstance(world.tap(card, online.refresh), Balance)

    world.clock.set(datetime(2026, 10, 31, 9, 0, tzinfo=UTC))
    assert reason_of(world.sell(offline, card, 50_00)) is Reason.NOT_ENOUGH
    world.clock.set(datetime(2026, 11, 1, 9, 0, tzinfo=UTC))
    head = offline.journal.head.seq
    assert isinstance(world.sell(offline, card, 50_00), Green)
    seen, *_ = offline.journal.entries(head, 10)
    assert isinstance(seen.body, AllowanceSeen)
    assert kinds(offline, head) == [EntryKind.ALLOWANCE_SEEN, EntryKind.INTENT, EntryKind.SALE]
    assert debits_cents(card) == [50_00]
    offline.stop()
    online.stop()


def test_a_stall_without_a_clock_hears_of_the_month_from_its_cards(world: World) -> None:
    """Promise: a stall that wakes in 1970 believes the newest card, which is of this month."""
    early, late = world.new_card(OF_DIRECTORY), world.new_card(OF_DIRECTORY)
    world.publish()
    world.till().stop()
    midnight = datetime(2026, 11, 1, tzinfo=PARIS).astimezone(UTC)
    for at, card, slot in (
        (datetime(2026, 10, 25, tzinfo=UTC), early, 0),
        (datetime(2026, 11, 1, 8, 0, tzinfo=UTC), late, 1),
    ):
        member = world.members[card.uid]
        member.steps = (*member.steps, Step(midnight, OF_DIRECTORY + 100_00))
        member.version = 2
        world.clock.set(at)
        leave(world, card, slot, world.allowance(card))
    world.clock.set(datetime(1970, 1, 1, tzinfo=UTC))
    world.clock.trust = ClockTrust.UNTRUSTED
    till = world.till()
    assert reason_of(world.sell(till, early, 50_00)) is Reason.NOT_ENOUGH
    assert isinstance(world.sell(till, late, 50_00), Green)
    assert isinstance(world.sell(till, early, 50_00), Green)
    assert till.clock.now().trust is ClockTrust.UNTRUSTED
    till.stop()


@pytest.mark.parametrize(
    ("first", "utc"),
    [
        (datetime(2026, 11, 1, tzinfo=PARIS), datetime(2026, 10, 31, 23, tzinfo=UTC)),
        (datetime(2027, 1, 1, tzinfo=PARIS), datetime(2026, 12, 31, 23, tzinfo=UTC)),
        (datetime(2027, 4, 1, tzinfo=PARIS), datetime(2027, 3, 31, 22, tzinfo=UTC)),
        (datetime(2028, 3, 1, tzinfo=PARIS), datetime(2028, 2, 29, 23, tzinfo=UTC)),
    ],
    ids=["a week after winter time", "new year", "three days after summer time", "leap year"],
)
def test_the_month_turns_offline_to_the_second(
    world: World, first: datetime, utc: datetime
) -> None:
    """Promise: at midnight in Flers, neither an hour before nor after, from list and from card."""
    assert first.astimezone(UTC) == utc
    listed, borne = world.new_card(OF_DIRECTORY), world.new_card(OF_DIRECTORY)
    world.clock.set(utc - timedelta(days=20))
    for card in (listed, borne):
        member = world.members[card.uid]
        member.steps = (*member.steps, Step(utc, OF_DIRECTORY + 100_00))
    unlisted = world.members.pop(borne.uid)
    world.publish()
    world.members[borne.uid] = unlisted
    leave(world, borne, 0, world.allowance(borne))
    till = world.till()
    for card in (listed, borne):
        world.clock.set(utc - timedelta(seconds=1))
        assert reason_of(world.sell(till, card, 50_00)) is Reason.NOT_ENOUGH
        world.clock.set(utc)
        assert isinstance(world.sell(till, card, 50_00), Green)
        intent = till.journal.last(EntryKind.INTENT)
        assert intent is not None
        assert intent.envelope.at == utc
    till.stop()


@pytest.mark.parametrize(
    ("opening", "midnight"),
    [
        (datetime(2026, 10, 25, 0, 30, tzinfo=PARIS), datetime(2026, 10, 26, tzinfo=PARIS)),
        (datetime(2027, 3, 28, 0, 30, tzinfo=PARIS), datetime(2027, 3, 29, tzinfo=PARIS)),
        (datetime(2026, 12, 31, 0, 30, tzinfo=PARIS), datetime(2027, 1, 1, tzinfo=PARIS)),
    ],
    ids=["25 hours", "23 hours", "31 December"],
)
def test_a_day_is_a_day_in_flers(world: World, opening: datetime, midnight: datetime) -> None:
    """Promise: the cap of a card and day holds from midnight to midnight, however long that is."""
    world.clock.set(opening.astimezone(UTC))
    card = world.new_card(1_000_00)
    world.publish()
    till = world.till()
    half = world.caps.card_day_max_cents // 2
    assert isinstance(world.sell(till, card, half), Green)
    world.clock.set(midnight.astimezone(UTC) - timedelta(seconds=1))
    assert isinstance(world.sell(till, card, half), Green)
    assert reason_of(world.sell(till, card, 1)) is Reason.CARD_DAY_CAP
    world.clock.set(midnight.astimezone(UTC))
    assert isinstance(world.sell(till, card, half), Green)
    till.stop()
