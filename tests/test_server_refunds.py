"""Money that comes back to a member: once, whoever signs what, in whatever order it arrives."""

from __future__ import annotations

import pytest

from cardkit import bodies
from server_stub.models import ActRow, Claim, Terminal
from server_stub.rules.ledger import Book
from server_stub.services import issue, recover
from server_stub.services.rebuild import differences
from simulator.card import VirtualCard
from tests.service_books import in_book, open_findings, payable_cents
from tests.service_world import ServiceWorld, Stall, forged

pytestmark = pytest.mark.django_db

MONTHS_CENTS = 200_00
"""What the months that are signed come to."""


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with rules and one merchant."""
    return ServiceWorld.make()


def raised_cents(world: ServiceWorld, card: VirtualCard) -> int:
    """What a card was given beyond its months."""
    held = issue.held_allowance(world.caisse, world.row(card))
    assert held is not None
    return held.steps[-1].cumulative_cents - MONTHS_CENTS


def refund_of_other(
    stall: Stall, card: VirtualCard, seller: Stall, intent_seq: int, amount_cents: int
) -> None:
    """Sign a refund of a sale that another terminal of the merchant made."""
    stall.append(
        bodies.Refund(
            intent_seq=intent_seq,
            amount_cents=amount_cents,
            reason=bodies.RefundReason.GOODS_RETURNED,
            uid=card.uid,
            generation=1,
            selling_terminal=seller.terminal,
        )
    )


def test_refunds_of_two_terminals_are_no_more_than_the_sale(world: ServiceWorld) -> None:
    """Promise 4: what an allowance contains stands, though a lower number arrives after it."""
    card, low, high = world.card(), world.stall(3), world.stall(4)
    sale = high.sell(card, 10_00)
    high.refund(card, sale, 6_00)
    high.sync()
    refund_of_other(low, card, high, sale, 6_00)
    low.sync()
    assert raised_cents(world, card) == in_book(world, Book.RETURNED, 0) == 6_00
    assert payable_cents(world) == 4_00
    assert open_findings() == {"refund_waits"}
    assert differences(world.caisse) == []


def test_refund_signed_twice_is_given_once(world: ServiceWorld) -> None:
    """Promise 4: a terminal that signs one number twice mints nothing, in either order."""
    for first_cents, second_cents in ((1_00, 50_00), (50_00, 1_00)):
        stall = world.stall(len(world.cards) + 3)
        card = world.card()
        stall.sync()
        before_cents = payable_cents(world)
        stall.refund(card, stall.sell(card, 60_00), first_cents)
        *_, refund = stall.entries
        stall.sync()
        twin = forged(stall, refund, amount_cents=second_cents)
        stall.sync([twin.signed.encoded])
        assert raised_cents(world, card) == first_cents
        assert payable_cents(world) - before_cents == 10_00, "the larger amount is the merchant's"


def test_refund_that_came_before_its_sale_waits_for_it(world: ServiceWorld) -> None:
    """Promise 8: order of arrival costs the member nothing."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    sale = stall.sell(card, 10_00)
    refund_of_other(other, card, stall, sale, 4_00)
    other.sync()
    assert raised_cents(world, card) == 0
    stall.sync()
    assert raised_cents(world, card) == 4_00
    assert payable_cents(world) == 6_00


def test_refund_given_for_a_sale_that_is_reversed_is_the_caisses_loss(world: ServiceWorld) -> None:
    """Promise 8: what an allowance contains is in the books, whatever becomes of its sale."""
    card, burnt, other = world.card(), world.stall(3), world.stall(4)
    sale = burnt.sell(card, 12_50)
    other.sell(card, 1_00)
    refund_of_other(other, card, burnt, sale, 4_00)
    other.sync()
    recover.declare_lost(world.caisse, Terminal.objects.get(id=3))
    assert raised_cents(world, card) == 0, "a recovered sale is nobody's yet"
    (recovered,) = recover.recovered(world.caisse, Terminal.objects.get(id=3))
    recover.confirm(world.caisse, recovered, by=1)
    assert raised_cents(world, card) == 4_00
    denial = burnt.sign(bodies.Stopped(), seq=sale, prev=burnt.entries[0].digest)
    burnt.sync([burnt.entries[0].signed.encoded, denial.signed.encoded])
    assert payable_cents(world) == 1_00
    assert in_book(world, Book.RETURNED, 0) == 4_00
    assert in_book(world, Book.LOSS, 0) == -4_00
    assert differences(world.caisse) == []


def test_rescued_refund_of_what_was_returned_gives_nothing_twice(world: ServiceWorld) -> None:
    """Promise 8: paid otherwise, returned by the caisse, then settled and refunded by the till."""
    card, burnt, other = world.card(), world.stall(3), world.stall(4)
    sale = burnt.tear(card, 9_00, executed=True)
    choice = bodies.ResolutionChoice.PAID_OTHERWISE
    burnt.append(bodies.Resolution(intent_seq=sale, choice=choice))
    burnt.sync()
    tmc, tmv = card.history[-1].tmc, card.history[-1].tmv
    proof = bodies.SaleProof.COMMIT_ANSWERED
    burnt.append(
        bodies.Sale(intent_seq=sale, amount_cents=9_00, tmc=tmc, proof=proof, tmv=tmv),
    )
    burnt.refund(card, sale, 9_00)
    other.sell(card, 1_00)
    other.sync()
    recover.declare_lost(world.caisse, Terminal.objects.get(id=3))
    assert raised_cents(world, card) == 9_00
    burnt.sync()
    assert raised_cents(world, card) == in_book(world, Book.RETURNED, 0) == 9_00
    assert payable_cents(world) == 1_00
    assert in_book(world, Book.LOSS, 0) == 0
    assert differences(world.caisse) == []


def test_late_green_of_a_rescued_journal_is_paid_and_told(world: ServiceWorld) -> None:
    """Promise 1: a lost terminal's green is owed, though its money went back; a person knows."""
    card, burnt, other = world.card(), world.stall(3), world.stall(4)
    sale = burnt.tear(card, 9_00, executed=True)
    choice = bodies.ResolutionChoice.CLIENT_LEFT
    burnt.append(bodies.Resolution(intent_seq=sale, choice=choice))
    burnt.sync()
    other.sell(card, 1_00)
    other.sync()
    recover.declare_lost(world.caisse, Terminal.objects.get(id=3))
    assert in_book(world, Book.RETURNED, 0) == 9_00
    proof = bodies.SaleProof.RECORD_ONLY
    burnt.append(
        bodies.Sale(intent_seq=sale, amount_cents=9_00, tmc=card.history[-1].tmc, proof=proof)
    )
    burnt.sync()
    assert payable_cents(world) == 10_00
    assert in_book(world, Book.LOSS, 0) == -9_00
    assert open_findings() == {"returned_and_green", "terminal_not_active"}


def test_terminal_cannot_take_its_last_word_back(world: ServiceWorld) -> None:
    """Promise 4: indeterminate, returned, then claimed all the same: held, and not paid twice."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    sale = stall.tear(card, 9_00, executed=True)
    stall.append(bodies.Indeterminate(intent_seq=sale, reason=bodies.DoubtReason.DAY_CLOSED))
    stall.sync()
    other.sell(card, 1_00)
    other.sync()
    assert in_book(world, Book.RETURNED, 0) == 9_00
    proof = bodies.SaleProof.RECORD_ONLY
    stall.append(
        bodies.Sale(intent_seq=sale, amount_cents=9_00, tmc=card.history[-1].tmc, proof=proof)
    )
    stall.sync()
    assert payable_cents(world) == 1_00
    assert in_book(world, Book.HELD) == 9_00
    assert Claim.objects.get(seq=sale, terminal=3).reason == "returned_before"
    assert open_findings() == {"returned_and_green", "two_outcomes"}
    assert differences(world.caisse) == []


def test_refunds_without_room_come_when_the_terminal_knows(world: ServiceWorld) -> None:
    """Promise 8: what waits for room on the card waits for a sync, not for the card's next sale."""
    card, stall = world.card(), world.stall()
    sale = stall.sell(card, 10_00)
    for _ in range(8):
        stall.refund(card, sale, 1_00)
    stall.sync()
    assert raised_cents(world, card) == 6_00
    stall.append(bodies.Stopped())
    stall.sync()
    assert raised_cents(world, card) == 8_00


@pytest.mark.parametrize("drained_cents", [2**31 - 1, 2**31 - 1_000_00])
def test_more_than_a_card_can_hold_stops_nobody(world: ServiceWorld, drained_cents: int) -> None:
    """Promise 1: a drained card's return can't be given; every terminal goes on being heard."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    drained = stall.tear(card, drained_cents, executed=True)
    stall.append(bodies.Indeterminate(intent_seq=drained, reason=bodies.DoubtReason.DAY_CLOSED))
    other.inspect(card)
    other.sync()
    answer = stall.sync()
    assert answer.up_to_seq == len(stall.entries)
    assert raised_cents(world, card) == 0
    assert ActRow.objects.filter(kind=10).count() == 1
