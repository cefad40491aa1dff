"""Credit and time: what a card may spend here, from directory, card, refunds and signed time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cardkit.allowance import RefundRef
from cardkit.bodies import (
    AllowanceSeen,
    EntryKind,
    Intent,
    RefundReason,
)
from cardkit.clock import ClockTrust, Instant
from cardkit.decide import Reason
from simulator.clock import ManualClock
from terminal.outcomes import (
    Balance,
    Green,
    Refunded,
    RefundObstacle,
    RefundRefused,
    Refused,
)
from terminal.wiring import open_till
from tests.borne_allowances import leave, slots_of
from tests.terminal_world import (
    LIFE,
    SOFTWARE,
    TERMINAL,
    World,
    debits_cents,
    kinds,
    last_intent,
    reason_of,
)

HERE, ELSEWHERE = 3, 4


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse without cards."""
    return World.make(tmp_path)


def test_the_new_month_arrives_by_the_card(world: World) -> None:
    """Promise: an offline stall learns the next month from the card that it sells to.

    The card was refreshed elsewhere; here the directory is of last month. What only the card
    knew is journalled in full, once, before the intent that stands on it.
    """
    card = world.new_card(10_00)
    world.publish()
    offline = world.till(HERE)
    world.raise_allowance(card, 100_00)
    world.publish()
    online = world.till(ELSEWHERE)
    assert isinstance(world.tap(card, online.balance), Balance)

    head = offline.journal.head.seq
    assert isinstance(world.sell(offline, card, 50_00), Green)
    assert isinstance(world.sell(offline, card, 20_00), Green)
    seen, intent, *_ = offline.journal.entries(head, 10)
    assert isinstance(seen.body, AllowanceSeen)
    assert seen.body.content == world.allowance(card)
    assert isinstance(intent.body, Intent)
    assert kinds(offline, head).count(EntryKind.ALLOWANCE_SEEN) == 1
    assert debits_cents(card) == [50_00, 20_00]
    offline.stop()
    online.stop()


def test_steps_open_by_themselves(world: World) -> None:
    """Promise: a month that was signed ahead can be spent from its first instant, offline."""
    card = world.new_card(10_00, 100_00)
    world.publish()
    till = world.till()
    assert reason_of(world.sell(till, card, 50_00)) is Reason.NOT_ENOUGH
    world.clock.set(datetime(2026, 11, 1, tzinfo=UTC))
    assert isinstance(world.sell(till, card, 50_00), Green)
    till.stop()


def test_a_refresh_overwrites_the_older_slot_and_only_when_newer(world: World) -> None:
    """Promise: a tear while refreshing costs what was of no use; a newer card is left alone."""
    card = world.new_card(10_00)
    first = world.allowance(card)
    leave(world, card, 1, first)
    world.raise_allowance(card, 10_00)
    second = world.allowance(card)
    world.publish()
    till = world.till()
    world.tap(card, till.balance)
    assert slots_of(world, card) == (second, first)

    world.raise_allowance(card, 10_00)
    world.publish()
    world.deliver(till)
    third = world.allowance(card)
    world.tap(card, till.balance)
    world.tap(card, till.balance)
    assert slots_of(world, card) == (second, third)
    writes = [entry for entry in kinds(till, 0) if entry is EntryKind.ALLOWANCE_WRITTEN]
    assert len(writes) == 2
    till.stop()


def test_another_cards_allowance_counts_for_nothing(world: World) -> None:
    """Promise: an allowance that was copied to another card buys nothing there."""
    rich, poor = world.new_card(100_00), world.new_card(1_00)
    world.raise_allowance(rich, 1_00)
    leave(world, poor, 0, world.allowance(rich))
    leave(world, poor, 1, b"garbage")
    world.publish()
    till = world.till()
    assert reason_of(world.sell(till, poor, 50_00)) is Reason.NOT_ENOUGH
    till.stop()


def test_an_unknown_card_with_an_allowance_may_buy(world: World) -> None:
    """Promise: a card issued after the last sync is served from what it carries itself."""
    world.publish()
    till = world.till()
    card = world.new_card(20_00)
    assert reason_of(world.sell(till, card, 5_00)) is Reason.CARD_UNKNOWN
    leave(world, card, 0, world.allowance(card))
    assert isinstance(world.sell(till, card, 5_00), Green)
    till.stop()


def test_a_refund_counts_at_once_and_once(world: World) -> None:
    """Promise: a refund can be spent here at once, and not twice when the allowance has it.

    Also when a later allowance no longer lists it.
    """
    card = world.new_card(20_00)
    world.publish()
    till = world.till()
    sale = world.sell(till, card, 20_00)
    assert isinstance(sale, Green)
    assert reason_of(world.sell(till, card, 1_00)) is Reason.NOT_ENOUGH
    refunded = till.refund(sale.seq, 5_00, RefundReason.GOODS_RETURNED)
    assert isinstance(refunded, Refunded)

    def available_cents() -> int:
        balance = world.tap(card, till.balance)
        assert isinstance(balance, Balance)
        return balance.available_cents

    assert available_cents() == 5_00
    assert isinstance(world.sell(till, card, 1_00), Green)
    assert last_intent(till).refunds_counted[0].seq == refunded.seq
    assert available_cents() == 4_00

    world.raise_allowance(card, 5_00, RefundRef(TERMINAL, refunded.seq))
    world.publish()
    world.deliver(till)
    assert available_cents() == 4_00
    world.raise_allowance(card, 0)
    world.publish()
    world.deliver(till)
    assert available_cents() == 4_00
    till.stop()


def test_a_refund_that_an_unused_allowance_contained_stays_absorbed(world: World) -> None:
    """Promise: a directory that came and went between two taps still counts."""
    card = world.new_card(20_00)
    world.publish()
    till = world.till()
    sale = world.sell(till, card, 20_00)
    assert isinstance(sale, Green)
    refunded = till.refund(sale.seq, None, RefundReason.GOODS_RETURNED)
    assert isinstance(refunded, Refunded)
    for refs in ((RefundRef(TERMINAL, refunded.seq),), ()):
        world.raise_allowance(card, 20_00 if refs else 0, *refs)
        world.publish()
        world.deliver(till)
    assert reason_of(world.sell(till, card, 20_01)) is Reason.NOT_ENOUGH
    till.stop()


def test_what_can_be_refunded(world: World) -> None:
    """Promise: parts of a sale of this terminal, up to the sale, within the time for it."""
    card = world.new_card(20_00)
    world.publish()
    till = world.till()
    sale = world.sell(till, card, 10_00)
    assert isinstance(sale, Green)

    def obstacle(seq: int, amount_cents: int | None) -> RefundObstacle:
        outcome = till.refund(seq, amount_cents, RefundReason.WRONG_AMOUNT)
        assert isinstance(outcome, RefundRefused)
        return outcome.obstacle

    assert obstacle(1, None) is RefundObstacle.NO_SUCH_SALE
    assert obstacle(999, None) is RefundObstacle.NO_SUCH_SALE
    assert obstacle(sale.seq, 10_01) is RefundObstacle.TOO_MUCH
    assert obstacle(sale.seq, 0) is RefundObstacle.TOO_MUCH
    assert isinstance(till.refund(sale.seq, 4_00, RefundReason.OTHER), Refunded)
    assert obstacle(sale.seq, 6_01) is RefundObstacle.TOO_MUCH
    world.clock.pass_time(timedelta(days=31))
    assert obstacle(sale.seq, 6_00) is RefundObstacle.TOO_LATE
    assert till.journal.head.perpetual_cents == 6_00
    till.stop()


def test_a_clock_that_is_behind_is_raised_to_what_was_signed(world: World) -> None:
    """Promise: a stall that wakes up in 1970 sells, on signed time, and says it is not trusted."""
    card = world.new_card(50_00)
    world.publish()
    world.till().stop()
    world.clock.set(datetime(1970, 1, 2, tzinfo=UTC))
    world.clock.trust = ClockTrust.UNTRUSTED
    till = world.till()
    assert isinstance(world.sell(till, card, 1_00), Green)
    entry = till.journal.last(EntryKind.SALE)
    assert entry is not None
    assert entry.envelope.at == till.store.signed_time
    assert entry.envelope.clock == ClockTrust.UNTRUSTED
    till.stop()


def test_a_card_brings_the_time_too(world: World) -> None:
    """Promise: a stall whose clock stands still learns the new month from a card of today."""
    card = world.new_card(10_00, 100_00)
    world.publish()
    world.till(HERE).stop()
    world.clock.set(datetime(2026, 11, 2, 8, 0, tzinfo=UTC))
    leave(world, card, 0, world.allowance(card))
    world.clock.set(datetime(1970, 1, 2, tzinfo=UTC))
    till = world.till(HERE)
    assert isinstance(world.sell(till, card, 50_00), Green)
    assert till.store.signed_time == datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    till.stop()


@pytest.mark.parametrize("trust", [ClockTrust.UNTRUSTED, ClockTrust.RTC], ids=["none", "flat"])
def test_a_person_may_say_what_day_it_is(world: World, trust: ClockTrust) -> None:
    """Promise: within what was signed, for this boot only; also for an RTC without its cell."""
    card = world.new_card(10_00, 100_00)
    world.publish()
    world.till().stop()
    world.clock.set(datetime(1970, 1, 2, tzinfo=UTC))
    world.clock.trust = trust
    till = world.till()
    assert not till.set_clock(datetime(2026, 9, 1, tzinfo=UTC)), "below what was signed"
    assert not till.set_clock(datetime(2040, 1, 1, tzinfo=UTC)), "beyond the directory's life"
    assert till.set_clock(datetime(2026, 11, 1, 8, 0, tzinfo=UTC))
    assert isinstance(world.sell(till, card, 50_00), Green)
    till.close()
    world.clock.pass_time(timedelta(hours=1))
    till = world.till()
    assert till.clock.now().at == datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
    assert till.clock.now().trust is ClockTrust.DECLARED
    till.close()
    world.clock.reboot()
    till = world.till()
    assert till.clock.now().at == till.store.signed_time
    till.stop()


class TickingClock(ManualClock):
    """A clock that goes on by a second every time somebody looks at it."""

    def now(self) -> Instant:
        """Return the time, and let a second pass."""
        reading = super().now()
        self.pass_time(timedelta(seconds=1))
        return reading


def test_an_intent_is_of_the_instant_that_was_decided_about(world: World) -> None:
    """Promise 1: the service decides about the same second, so an honest green is never refused."""
    card = world.new_card(50_00)
    world.publish()
    world.till().close()
    clock = TickingClock(world.now)
    data = world.data()
    valid_until = world.now + LIFE
    till = open_till(data, clock=clock, software=SOFTWARE)
    greens = 0
    for seconds in range(8, -1, -1):
        clock.set(valid_until - timedelta(seconds=seconds))
        greens += isinstance(world.sell(till, card, 100), Green)
    intents = [
        entry for entry in till.journal.entries(0, 100) if entry.envelope.kind == EntryKind.INTENT
    ]
    assert greens == len(intents) > 0
    assert max(entry.envelope.at for entry in intents) <= valid_until
    till.close()


def test_a_blocked_card_is_given_no_credit_to_carry(world: World) -> None:
    """Promise: who taps a stolen card where the block is known takes no newer month from there to
    a stall that has not heard of it.
    """
    card = world.new_card(50_00)
    world.members[card.uid].blocked = True
    world.publish()
    till = world.till()
    for outcome in (world.sell(till, card, 100), world.tap(card, till.balance)):
        assert isinstance(outcome, Refused)
        assert outcome.declined.reason is Reason.CARD_BLOCKED
    assert slots_of(world, card) == (None, None)
    till.close()


def test_a_card_made_anew_buys_at_a_stall_with_an_old_directory(world: World) -> None:
    """A block of a card's former life says nothing against its present one."""
    card = world.new_card(50_00)
    member = world.members[card.uid]
    member.blocked = True
    world.publish()
    till = world.till()
    assert isinstance(world.sell(till, card, 100), Refused)
    member.generation += 1
    leave(world, card, 0, world.allowance(card))
    shown = world.tap(card, till.balance)
    assert isinstance(shown, Balance), "a balance says what a sale will"
    assert shown.available_cents == 50_00
    assert isinstance(world.sell(till, card, 100), Green)
    till.close()
