"""Looking for a sale: newest first, by business day, each as it stands now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from cardkit.bodies import RefundReason
from simulator.card import VirtualCard
from terminal.history import SaleState, alias, latest_sales, sales_of_day
from terminal.outcomes import Amber
from terminal.till import Till
from tests.terminal_world import MERCHANT, World

TODAY = date(2026, 10, 1)
COMMIT_TRANSACTION = 9
"""Of the nine exchanges of a sale the one that debits (docs/protocol.md, 1.1)."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse."""
    return World.make(tmp_path)


@pytest.fixture
def card(world: World) -> VirtualCard:
    """A card with enough."""
    card = world.new_card(200_00)
    world.publish()
    return card


@pytest.fixture
def till(world: World, card: VirtualCard) -> Iterator[Till]:
    """A stall's till."""
    till = world.till()
    yield till
    till.stop()
    till.close()


def torn(world: World, till: Till, card: VirtualCard, amount_cents: int) -> Amber:
    """A sale that was debited while the answer was lost."""
    connection = world.connect(card)
    world.field.tear_after(COMMIT_TRANSACTION)
    outcome = till.sell(connection, amount_cents, merchant=MERCHANT)
    world.field.lift()
    assert isinstance(outcome, Amber)
    return outcome


def test_a_day_is_read_newest_first(world: World, till: Till, card: VirtualCard) -> None:
    """Promise: the sale that somebody asks for is near the top, with its hour and its amount."""
    for amount_cents in (5_00, 6_00, 7_00):
        world.sell(till, card, amount_cents)
        world.clock.pass_time(timedelta(minutes=5))
    found = sales_of_day(till, TODAY)
    assert [it.amount_cents for it in found] == [7_00, 6_00, 5_00]
    assert all(it.state is SaleState.PAID and it.uid == card.uid for it in found)
    assert found[0].at - found[-1].at == timedelta(minutes=10)
    assert [it.refundable_cents for it in found] == [7_00, 6_00, 5_00]


def test_a_day_is_a_business_day_and_every_batch_of_it(
    world: World, till: Till, card: VirtualCard
) -> None:
    """Promise: a market of many sales is shown whole, and none of the day before."""
    for _ in range(3):
        world.sell(till, card, 1_00)
        world.clock.pass_time(timedelta(minutes=3))
    world.clock.pass_time(timedelta(days=1))
    for _ in range(60):
        world.sell(till, card, 1_00)
        world.clock.pass_time(timedelta(minutes=3))
    assert len(sales_of_day(till, TODAY)) == 3
    assert len(sales_of_day(till, TODAY + timedelta(days=1))) == 60
    assert sales_of_day(till, TODAY + timedelta(days=2)) == ()


def test_a_refund_is_seen_on_its_sale(world: World, till: Till, card: VirtualCard) -> None:
    """Promise: what went back is said where the sale is, and what is left is what may go."""
    world.sell(till, card, 5_00)
    (sold,) = sales_of_day(till, TODAY)
    till.refund(sold.seq, 2_00, RefundReason.OTHER)
    (now,) = sales_of_day(till, TODAY)
    assert (now.amount_cents, now.refunded_cents, now.refundable_cents) == (5_00, 2_00, 3_00)


def test_what_is_not_paid_can_not_be_given_back(
    world: World, till: Till, card: VirtualCard
) -> None:
    """Promise: money goes back only for a sale that is proven."""
    torn(world, till, card, 5_00)
    (held,) = sales_of_day(till, TODAY)
    assert (held.state, held.refundable_cents) == (SaleState.OPEN, 0)
    till.close_day(TODAY)
    (left,) = sales_of_day(till, TODAY)
    assert (left.state, left.refundable_cents) == (SaleState.LEFT_TO_CAISSE, 0)


def test_a_card_that_was_not_debited_has_bought_nothing(
    world: World, till: Till, card: VirtualCard
) -> None:
    """Promise: a sale that its card denies is shown as none."""
    connection = world.connect(card)
    world.field.tear_before(COMMIT_TRANSACTION)
    assert isinstance(till.sell(connection, 5_00, merchant=MERCHANT), Amber)
    world.sell(till, card, 6_00)
    assert [it.state for it in sales_of_day(till, TODAY)][-1] is SaleState.VOID


def test_earlier_sales_go_on_where_the_day_began(
    world: World, till: Till, card: VirtualCard
) -> None:
    """Promise: earlier sales are those before, of whatever day, and as many as were asked for."""
    for amount_cents in (5_00, 6_00):
        world.sell(till, card, amount_cents)
    world.clock.pass_time(timedelta(days=3))
    world.sell(till, card, 7_00)
    (today,) = sales_of_day(till, TODAY + timedelta(days=3))
    found = latest_sales(till, before_seq=today.seq, limit=1)
    assert [it.amount_cents for it in found] == [6_00]
    found = latest_sales(till, before_seq=today.seq, limit=9)
    assert [it.amount_cents for it in found] == [6_00, 5_00]


def test_a_card_is_called_by_four_digits(card: VirtualCard) -> None:
    """Promise: a stall tells two cards apart and knows nobody by them."""
    assert alias(card.uid) == "…0001"
