"""Cards that are settled are weighed from their last state on, and it comes to the same."""

from __future__ import annotations

import pytest

from cardkit import bodies
from server_stub.models import Card, StaleCard
from server_stub.rules.ledger import Book
from server_stub.services import directory
from server_stub.services.rebuild import differences
from tests.service_books import in_book, open_findings, payable_cents
from tests.service_world import ServiceWorld, forged

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse."""
    return ServiceWorld.make()


def is_settled() -> bool:
    """Whether the one card is."""
    return Card.objects.get().is_settled


def test_sale_after_sale_stays_settled(world: ServiceWorld) -> None:
    """Promise 1: a card in good order is owed for each sale, delivery after delivery."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    for number in range(6):
        seller = (stall, other)[number % 2]
        seller.sell(card, 1_00)
        seller.sync()
        assert is_settled()
        assert payable_cents(world) == (number + 1) * 1_00
    assert differences(world.caisse) == []


def test_what_comes_late_opens_the_past_again(world: ServiceWorld) -> None:
    """Promises 1 and 8: an earlier sale that arrives after a later one is owed, and settles."""
    card, stall, late = world.card(), world.stall(3), world.stall(4)
    stall.sell(card, 1_00)
    stall.sync()
    late.sell(card, 2_00)
    stall.sell(card, 4_00)
    stall.sync()
    assert open_findings() == {"gap"}
    assert not is_settled()
    late.sync()
    assert is_settled()
    assert payable_cents(world) == 7_00
    assert differences(world.caisse) == []


def test_a_forgery_of_a_settled_sale_is_held(world: ServiceWorld) -> None:
    """Promise 2: a settled card's old counters are looked at as soon as anybody names one."""
    card, stall = world.card(), world.stall()
    for _ in range(3):
        stall.sell(card, 1_00)
    stall.sync()
    assert is_settled()
    false = forged(stall, stall.entries[1], amount_cents=9_00)
    stall.sync([false.signed.encoded])
    assert payable_cents(world) == 3_00
    assert "seq_fork" in open_findings()
    assert differences(world.caisse) == []


def test_a_void_that_was_none_is_found(world: ServiceWorld) -> None:
    """Promise 8: a debit that a terminal denies comes to light though the card was settled."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    stall.sell(card, 1_00)
    torn = stall.tear(card, 2_00, executed=True)
    stall.append(
        bodies.Void(
            intent_seq=torn,
            reason=bodies.VoidReason.RECORD_ABSENT,
            tmc=1,
            tmv=bytes(8),
            spent_cents=0,
        )
    )
    stall.sync()
    assert payable_cents(world) == 1_00
    other.sell(card, 4_00)
    other.sync()
    assert "void_contradicted" in open_findings()
    assert payable_cents(world) == 5_00
    assert in_book(world, Book.WAITING, 0) == 2_00
    assert differences(world.caisse) == []


def test_a_refund_ends_the_short_way(world: ServiceWorld) -> None:
    """Promise 8: money that goes back is weighed with the whole of the card's life."""
    card, stall = world.card(), world.stall()
    sold = stall.sell(card, 5_00)
    stall.sell(card, 1_00)
    stall.sync()
    assert is_settled()
    stall.refund(card, sold, 2_00)
    stall.sync()
    assert not is_settled()
    stall.sell(card, 1_00)
    stall.sync()
    assert payable_cents(world) == 5_00 + 1_00 - 2_00 + 1_00
    assert differences(world.caisse) == []


def test_changes_that_nobody_told_of_reach_the_directory(world: ServiceWorld) -> None:
    """Promise 3: a card that is blocked by whatever hand is in the next version, alone."""
    world.card()
    card = world.card()
    before = directory.publish(world.caisse)
    assert not StaleCard.objects.exists()
    Card.objects.filter(uid=card.uid).update(status="blocked")
    assert [bytes(row.uid) for row in StaleCard.objects.all()] == [card.uid]
    update = directory.update_since(world.caisse, before.epoch, before.version)
    assert update is not None
    assert len(update.delta.rows) == 1
    assert not StaleCard.objects.exists()
