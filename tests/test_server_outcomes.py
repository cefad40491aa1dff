"""What a terminal says of its sales afterwards: torn, denied, handed over, refunded."""

from __future__ import annotations

import pytest

from cardkit import bodies
from server_stub.rules.ledger import Book
from tests.service_books import (
    allowance_at,
    available_cents,
    in_book,
    open_findings,
    payable_cents,
    state_of,
)
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with rules and one merchant."""
    return ServiceWorld.make()


def test_torn_sale_is_settled_from_the_next_record(world: ServiceWorld) -> None:
    """Promise 8: an executed intent waits, and is returned only after the terminal's last word."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    seq = stall.tear(card, 9_00, executed=True)
    stall.sync()
    other.sell(card, 1_00)
    other.sync()
    assert in_book(world, Book.WAITING, 0) == 9_00
    assert in_book(world, Book.RETURNED, 0) == 0, "the terminal may still show green"
    stall.append(bodies.Indeterminate(intent_seq=seq, reason=bodies.DoubtReason.DAY_CLOSED))
    stall.sync()
    assert in_book(world, Book.RETURNED, 0) == 9_00
    stall.sync()
    assert stall.rows[card.uid].spent_cents == 10_00
    assert available_cents(stall, card.uid, spent_cents=10_00) == 100_00 - 1_00, (
        "the member has the 9 euros again"
    )


def test_goods_that_left_are_paid(world: ServiceWorld) -> None:
    """Promise 1: an amber sale whose goods left is owed once the card proves it."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    seq = stall.tear(card, 9_00, executed=True)
    choice = bodies.ResolutionChoice.GOODS_HANDED_OVER
    stall.append(bodies.Resolution(intent_seq=seq, choice=choice))
    stall.append(bodies.Indeterminate(intent_seq=seq, reason=bodies.DoubtReason.DAY_CLOSED))
    stall.sync()
    assert payable_cents(world) == 0
    other.sell(card, 1_00)
    other.sync()
    assert payable_cents(world) == 10_00


def test_nothing_is_returned_while_entries_are_missing(world: ServiceWorld) -> None:
    """Promise 1: that goods left may stand in an entry that has not come; only then is it said."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    seq = stall.tear(card, 9_00, executed=True)
    choice = bodies.ResolutionChoice.GOODS_HANDED_OVER
    said = stall.append(bodies.Resolution(intent_seq=seq, choice=choice))
    stall.append(bodies.Indeterminate(intent_seq=seq, reason=bodies.DoubtReason.DAY_CLOSED))
    other.sell(card, 1_00)
    other.sync()
    stall.sync([data for data in stall.unsent if data != said.signed.encoded])
    assert in_book(world, Book.WAITING, 0) == 9_00
    stall.sync()
    assert payable_cents(world) == 10_00


def test_torn_and_not_executed_is_nothing(world: ServiceWorld) -> None:
    """Promise 8: another sale proven at the same counter closes an intent as void."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    stall.tear(card, 9_00, executed=False)
    digest = stall.entries[-1].digest
    stall.sync()
    other.sell(card, 1_00)
    other.sync()
    assert state_of(digest) == ("nothing", "void")
    assert payable_cents(world) == 1_00


def test_record_only_sale_waits_for_its_proof(world: ServiceWorld) -> None:
    """Promise 1: green on the card's own record is paid once the next sale brings the TMV."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    seq = stall.tear(card, 9_00, executed=True)
    other.sell(card, 1_00)
    stall.append(
        bodies.Sale(
            intent_seq=seq,
            amount_cents=9_00,
            tmc=card.history[-2].tmc,
            proof=bodies.SaleProof.RECORD_ONLY,
        )
    )
    stall.sync()
    assert payable_cents(world) == 0
    assert stall.answers[-1].accounts[0].waiting_cents == 9_00
    other.sync()
    assert payable_cents(world) == 10_00


def test_proven_fact_beats_a_void(world: ServiceWorld) -> None:
    """Promise 8: a debit that the terminal denies is in the books, and a person looks."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    seq = stall.tear(card, 9_00, executed=True)
    stall.append(
        bodies.Void(
            intent_seq=seq,
            reason=bodies.VoidReason.RECORD_ABSENT,
            tmc=1,
            tmv=bytes(8),
            spent_cents=0,
        )
    )
    stall.sync()
    other.sell(card, 1_00)
    other.sync()
    assert in_book(world, Book.WAITING, 0) == 9_00
    assert open_findings() == {"void_contradicted"}


# Refunds


def test_refund_of_a_proven_sale_raises_the_allowance(world: ServiceWorld) -> None:
    """Promise 8: what a merchant gives back leaves his account and is the member's again."""
    card, stall = world.card(), world.stall()
    sale = stall.sell(card, 12_50)
    refund = stall.refund(card, sale, 4_00)
    stall.sync()
    assert payable_cents(world) == 8_50
    assert in_book(world, Book.RETURNED, 0) == 4_00
    assert available_cents(stall, card.uid, spent_cents=12_50) == 91_50
    assert [(ref.terminal, ref.seq) for ref in allowance_at(stall, card.uid).refunds] == [
        (3, refund)
    ]


def test_refund_of_an_unproven_sale_mints_nothing(world: ServiceWorld) -> None:
    """Promise 4: a refund of a sale that no card made raises nothing."""
    card, stall = world.card(), world.stall()
    seq = stall.tear(card, 50_00, executed=False)
    body = bodies.Sale(
        intent_seq=seq,
        amount_cents=50_00,
        tmc=2,
        proof=bodies.SaleProof.COMMIT_ANSWERED,
        tmv=b"\x01" * 8,
    )
    stall.append(body)
    stall.refund(card, seq, 50_00)
    stall.sync()
    assert in_book(world, Book.RETURNED, 0) == 0
    assert available_cents(stall, card.uid, spent_cents=0) == 100_00


def test_refunds_together_are_no_more_than_the_sale(world: ServiceWorld) -> None:
    """Promise 4: the second refund of one sale waits when there is not enough left of it."""
    card, stall = world.card(), world.stall()
    sale = stall.sell(card, 10_00)
    stall.refund(card, sale, 6_00)
    stall.refund(card, sale, 6_00)
    stall.sync()
    assert in_book(world, Book.RETURNED, 0) == 6_00
    assert payable_cents(world) == 4_00
    assert open_findings() == {"refund_waits"}


def test_sale_may_lean_on_a_granted_refund_only(world: ServiceWorld) -> None:
    """Promise 1 and 2: a refund counts at once at its own till, if its sale was real."""
    card, stall = world.card(), world.stall()
    first = stall.sell(card, 95_00)
    refund = stall.refund(card, first, 50_00)
    stall.sell(card, 40_00, refunds=((refund, 50_00),))
    stall.sync()
    assert payable_cents(world) == 95_00 - 50_00 + 40_00
    other = world.card()
    stall.sync()
    ghost = stall.refund(other, 999, 50_00)
    stall.sell(other, 95_00)
    stall.sell(other, 40_00, refunds=((ghost, 50_00),))
    stall.sync()
    assert in_book(world, Book.HELD) == 40_00
    assert state_of(stall.entries[-2].digest) == ("held", "refund_not_granted")
