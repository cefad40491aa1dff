"""What the issuer signs: months at midnight in Paris, refunds listed, nothing ever lowered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cardkit import bodies
from cardkit.allowance import Allowance, RefundRef
from cardkit.errors import Bug
from server_stub.models import AllowanceIssued, Card, Claim, PostingLine
from server_stub.rules.ledger import Book
from server_stub.rules.scheme import RuleName
from server_stub.services import blocks, issue, rules_in_force
from server_stub.services.blocks import NotYet
from server_stub.services.books import net_of
from server_stub.services.rebuild import differences
from simulator.card import VirtualCard
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with rules and one merchant, on 1 October."""
    return ServiceWorld.make()


def held(world: ServiceWorld, card: VirtualCard | Card) -> Allowance:
    """The newest allowance of a card."""
    row = card if isinstance(card, Card) else world.row(card)
    allowance = issue.held_allowance(world.caisse, row)
    assert allowance is not None
    return allowance


def left_in_books(world: ServiceWorld, card: VirtualCard) -> int:
    """What the books say that a card may still spend."""
    lines = PostingLine.objects.filter(
        posting__card=world.row(card), account__in=(Book.CREDIT, Book.SPENT)
    )
    return sum(lines.values_list("amount_cents", flat=True))


def test_months_begin_at_midnight_in_paris(world: ServiceWorld) -> None:
    """Promise 5: this month and the next are signed, each from midnight where its stalls are."""
    steps = held(world, world.card()).steps
    assert [(step.from_at, step.cumulative_cents) for step in steps] == [
        (datetime(2026, 9, 30, 22, tzinfo=UTC), 100_00),
        (datetime(2026, 10, 31, 23, tzinfo=UTC), 200_00),
    ]


def test_each_month_is_signed_once(world: ServiceWorld) -> None:
    """Promise 4: issuing again gives nothing again; a new month gives that month."""
    card = world.card()
    assert issue.issue_due(world.caisse) == 0
    world.clock.pass_time(timedelta(days=31))
    assert issue.issue_due(world.caisse) == 1
    assert held(world, card).steps[-1].cumulative_cents == 300_00
    assert net_of(world.caisse, world.row(card), "credit")[Book.CREDIT, 0] == 300_00


def test_a_vote_changes_what_is_not_signed_yet(world: ServiceWorld) -> None:
    """Promise 4: a signed cumulative is never lowered; a lower credit begins with its month."""
    card = world.card()
    world.clock.pass_time(timedelta(days=31))
    day = world.now.date()
    rules_in_force.set_rule(
        world.caisse, RuleName.MONTHLY_CREDIT_CENTS, 60_00, from_day=day, voted_on=day
    )
    issue.issue_due(world.caisse)
    assert [step.cumulative_cents for step in held(world, card).steps] == [200_00, 260_00]


def test_refund_is_listed_until_its_terminal_knows(world: ServiceWorld) -> None:
    """Promise 4: a refund counts at its till until the allowance lists it, and never twice."""
    card, stall = world.card(), world.stall()
    sale = stall.sell(card, 10_00)
    refund = stall.refund(card, sale, 3_00)
    stall.sync()
    assert held(world, card).refunds == (RefundRef(3, refund),)
    other = world.stall(4)
    elsewhere = other.refund(card, other.sell(card, 5_00), 1_00)
    other.sync()
    assert held(world, card).refunds == (RefundRef(3, refund), RefundRef(4, elsewhere))
    last = stall.refund(card, sale, 1_00)
    stall.sync()
    assert held(world, card).refunds == (RefundRef(4, elsewhere), RefundRef(3, last))
    assert held(world, card).steps[0].cumulative_cents == 105_00


def test_refund_that_the_allowance_contains_is_not_counted_again(world: ServiceWorld) -> None:
    """Promise 4: a till that goes on counting a refund which it was told of is not paid for it."""
    card, stall = world.card(), world.stall()
    refund = stall.refund(card, stall.sell(card, 90_00), 50_00)
    stall.sync()
    stall.refund(card, 2, 1_00)
    stall.sync()
    assert held(world, card).refunds != (RefundRef(3, refund),)
    stall.sell(card, 61_00 + 40_00, refunds=((refund, 50_00),))
    stall.sync()
    assert Claim.objects.filter(state="held").get().reason == "refund_not_granted"


def test_more_refunds_than_room_wait_their_turn(world: ServiceWorld) -> None:
    """Promise 4: what the card's document can't list is not given, and comes with the next."""
    card, stall = world.card(), world.stall()
    sale = stall.sell(card, 10_00)
    for _ in range(8):
        stall.refund(card, sale, 1_00)
    stall.sync()
    assert len(held(world, card).refunds) == 6
    assert held(world, card).steps[0].cumulative_cents == 106_00
    for _ in range(2):
        stall.append(bodies.Stopped())
        stall.sync()
    stall.refund(card, sale, 1_00)
    stall.sync()
    assert held(world, card).steps[0].cumulative_cents == 109_00


def test_one_card_of_an_account_carries_all(world: ServiceWorld) -> None:
    """Promise 4: a second card of an account brings no second credit."""
    first = world.card(account=b"A" * 16)
    second = world.card(account=b"A" * 16)
    assert issue.held_allowance(world.caisse, world.row(second)) is None
    issue.issue_due(world.caisse)
    assert held(world, first).steps[-1].cumulative_cents == 200_00
    assert not AllowanceIssued.objects.filter(card=world.row(second)).exists()


def test_replaced_card_gets_the_rest_after_the_watermark(world: ServiceWorld) -> None:
    """Promise 3: old and new card together never spend more than the account has."""
    old, stall = world.card(account=b"A" * 16), world.stall()
    behind = world.stall(4)
    stall.sell(old, 30_00)
    new = world.card(account=b"A" * 16)
    blocks.replace_card(world.caisse, world.row(old), world.row(new))
    assert issue.held_allowance(world.caisse, world.row(new)) is None
    stall.sync()
    stall.sync()
    waiting = blocks.move_remainder(world.caisse, world.row(old), world.row(new))
    assert waiting == NotYet((behind.terminal,))
    behind.sync()
    behind.sync()
    blocks.move_remainder(world.caisse, world.row(old), world.row(new))
    allowance = held(world, new)
    assert allowance.available_cents(world.now, spent_cents=0, refunded_cents=0) == 170_00
    assert blocks.move_remainder(world.caisse, world.row(old), world.row(new)) is None
    assert left_in_books(world, old) == 0, "the old card's credit is the new card's"
    assert left_in_books(world, new) == 170_00
    with pytest.raises(Bug, match="stays blocked"):
        blocks.free_card(world.caisse, world.row(old))
    assert differences(world.caisse) == []


def test_money_that_comes_back_to_a_replaced_card_follows(world: ServiceWorld) -> None:
    """Promise 8: a refund to a card whose credit was moved reaches its member all the same."""
    old, stall = world.card(account=b"A" * 16), world.stall()
    sale = stall.sell(old, 30_00)
    new = world.card(account=b"A" * 16)
    blocks.replace_card(world.caisse, world.row(old), world.row(new))
    for _ in range(2):
        stall.sync()
    blocks.move_remainder(world.caisse, world.row(old), world.row(new))
    stall.refund(old, sale, 5_00)
    stall.sync()
    stall.sync()
    blocks.move_remainder(world.caisse, world.row(old), world.row(new))
    assert held(world, new).steps[-1].cumulative_cents == 175_00
    assert left_in_books(world, old) == 0


def test_card_made_anew_gets_what_its_earlier_life_left(world: ServiceWorld) -> None:
    """Promise 8: a later life of the same card ends the earlier one at every stall that knows."""
    first, stall = world.card(account=b"A" * 16), world.stall()
    stall.sell(first, 30_00)
    stall.sync()
    before = world.row(first)
    blocks.block_card(world.caisse, before)
    second = world.personalise(first.uid, generation=2)
    world.give_birth(second, generation=2, account=b"A" * 16)
    after = Card.objects.get(uid=first.uid, generation=2)
    assert blocks.move_remainder(world.caisse, before, after) == NotYet((stall.terminal,))
    for _ in range(2):
        stall.sync()
    blocks.move_remainder(world.caisse, before, after)
    assert held(world, after).steps[-1].cumulative_cents == 170_00
    stall.sync()
    stall.sell(second, 1_00)
    stall.sync()
    assert blocks.not_past_block(world.caisse, before) == (), "its new life's sales change nothing"


def test_directory_tells_a_block_and_no_reason(world: ServiceWorld) -> None:
    """Promise 7: a blocked card is a status and nothing more."""
    card, stall = world.card(), world.stall()
    blocks.block_card(world.caisse, world.row(card))
    stall.sync()
    assert int(stall.rows[card.uid].status) == 1
