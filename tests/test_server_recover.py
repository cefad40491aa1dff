"""A terminal that burns: its sales come back from the cards, each against its own proof."""

from __future__ import annotations

import pytest

from cardkit import bodies
from server_stub.models import ActRow, CardTransaction, Terminal
from server_stub.rules.ledger import Book
from server_stub.services import recover
from server_stub.services.rebuild import differences
from tests.service_books import in_book, open_findings
from tests.service_world import ServiceWorld, Stall

pytestmark = pytest.mark.django_db

BURNT, OTHER = 3, 4


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with rules and one merchant."""
    return ServiceWorld.make()


def declare_lost(world: ServiceWorld, terminal: int = BURNT) -> int:
    """Declare a terminal lost; returns how many of its sales are recovered."""
    return recover.declare_lost(world.caisse, Terminal.objects.get(id=terminal), by=1)


def two_stalls(world: ServiceWorld) -> tuple[Stall, Stall]:
    """The one that burns, and another."""
    return world.stall(BURNT), world.stall(OTHER)


def test_one_missing_sale_is_proven_by_the_next_tap(world: ServiceWorld) -> None:
    """Promise 1: the card's next sale anywhere proves the one that burnt, the card's first too."""
    card = world.card()
    burnt, other = two_stalls(world)
    burnt.sell(card, 12_50)
    other.sell(card, 1_00)
    other.sync()
    assert in_book(world, Book.WAITING, 0) == 12_50
    assert declare_lost(world) == 1
    assert in_book(world, Book.PROVISIONAL) == 12_50
    assert in_book(world, Book.PAYABLE) == 1_00, "provisional is not owed yet"
    assert open_findings() == {"recovered"}


@pytest.mark.parametrize("amounts", [(12_50, 7_25), (1, 95_00)])
def test_two_in_a_row_are_searched(world: ServiceWorld, amounts: tuple[int, int]) -> None:
    """Promise 1: of two missing sales the split, the seq and both proofs are found."""
    card = world.card()
    burnt, other = two_stalls(world)
    for amount_cents in amounts:
        burnt.sell(card, amount_cents)
    other.sell(card, 50)
    other.sync()
    assert declare_lost(world) == 2
    rows = CardTransaction.objects.filter(terminal=BURNT).order_by("tmc")
    assert [row.amount_cents for row in rows] == list(amounts)
    assert [row.seq for row in rows] == [2, 4]


def test_five_in_a_row_come_back_from_the_records(world: ServiceWorld) -> None:
    """Promise 1: the card's eight records carry what a search can't split."""
    card = world.card()
    burnt, other = two_stalls(world)
    for number in range(5):
        burnt.sell(card, 3_00 + number)
    other.inspect(card)
    other.sync()
    assert declare_lost(world) == 5
    assert in_book(world, Book.PROVISIONAL) == 5 * 3_00 + 10


def test_records_of_several_stalls_are_told_apart(world: ServiceWorld) -> None:
    """Promise 1: an unsent sale of a living stall, in between, is not taken for the burnt one's."""
    card = world.card()
    burnt, other = two_stalls(world)
    silent = world.stall(5)
    burnt.sell(card, 5_00)
    silent.sell(card, 6_00)
    burnt.sell(card, 7_00)
    other.inspect(card)
    other.sync()
    assert declare_lost(world) == 2
    assert in_book(world, Book.PROVISIONAL) == 12_00
    assert in_book(world, Book.WAITING, 0) == 6_00
    silent.sync()
    assert in_book(world, Book.PAYABLE) == 6_00
    assert in_book(world, Book.WAITING, 0) == 0


def test_later_taps_recover_more(world: ServiceWorld) -> None:
    """Promise 1: a card that comes back weeks after the loss still proves its sale."""
    card = world.card()
    burnt, other = two_stalls(world)
    burnt.sell(card, 5_00)
    assert declare_lost(world) == 0
    other.sell(card, 1_00)
    other.sync()
    assert in_book(world, Book.PROVISIONAL) == 5_00


def test_without_the_lost_token_nothing_is_attributed(world: ServiceWorld) -> None:
    """Promise 2: whoever writes a lost terminal's name on a card is not believed."""
    card = world.card()
    burnt, other = two_stalls(world)
    burnt.token_key = b"\x09" * 32
    burnt.sell(card, 5_00)
    other.sell(card, 1_00)
    other.sync()
    assert declare_lost(world) == 0
    assert in_book(world, Book.WAITING, 0) == 5_00


def test_intent_that_arrived_alone_is_provisional(world: ServiceWorld) -> None:
    """Promise 1: of a burnt terminal an intent without its outcome may have been green."""
    card = world.card()
    burnt, other = two_stalls(world)
    burnt.tear(card, 5_00, executed=True)
    burnt.sync()
    other.sell(card, 1_00)
    other.sync()
    declare_lost(world)
    assert in_book(world, Book.PROVISIONAL) == 5_00


def test_confirmed_is_owed_and_the_rescued_journal_pays_no_second_time(
    world: ServiceWorld,
) -> None:
    """Promise 1, exactly once: the entry from the rescued medium binds to its posting."""
    card = world.card()
    burnt, other = two_stalls(world)
    burnt.sell(card, 12_50)
    other.sell(card, 1_00)
    other.sync()
    declare_lost(world)
    (sale,) = recover.recovered(world.caisse, Terminal.objects.get(id=BURNT))
    recover.confirm(world.caisse, sale, by=1)
    assert in_book(world, Book.PAYABLE) == 13_50
    burnt.sync()
    assert in_book(world, Book.PAYABLE) == 13_50
    assert CardTransaction.objects.get(tmc=sale.tmc).claim is not None
    assert open_findings() == {"terminal_not_active"}
    assert differences(world.caisse) == []


def test_disagreeing_journal_reverses_the_recovery(world: ServiceWorld) -> None:
    """Promise 2: a number that the journal has for something else pays no recovered sale."""
    card = world.card()
    burnt, other = two_stalls(world)
    burnt.sell(card, 12_50)
    other.sell(card, 1_00)
    other.sync()
    declare_lost(world)
    (sale,) = recover.recovered(world.caisse, Terminal.objects.get(id=BURNT))
    recover.confirm(world.caisse, sale, by=1)
    denial = burnt.sign(bodies.Stopped(), seq=sale.seq, prev=burnt.entries[0].digest)
    burnt.sync([burnt.entries[0].signed.encoded, denial.signed.encoded])
    assert in_book(world, Book.PAYABLE) == 1_00
    assert in_book(world, Book.WAITING, 0) == 12_50
    assert "recovery_contradicted" in open_findings()
    assert ActRow.objects.filter(kind=9).count() == 1
    assert differences(world.caisse) == []


def test_a_neighbours_recovered_sale_is_nobody_elses(world: ServiceWorld) -> None:
    """Promise: cards are weighed from their last proven sale on, whatever lies between them.

    The cards of a delivery are looked up between two numbers; a card between them that did not
    come may have a sale that no journal tells of.
    """
    first, between, last = (world.card() for _ in range(3))
    burnt, other = two_stalls(world)
    for card in (first, last):
        other.sell(card, 1_00)
    burnt.sell(between, 12_50)
    other.inspect(between)
    other.sync()
    assert declare_lost(world) == 1
    for card in (first, last):
        other.sell(card, 2_00)
    other.sync()
    assert in_book(world, Book.PAYABLE) == 2 * 3_00
    assert differences(world.caisse) == []
