"""The search: any fragment finds, and nobody finds whom they may not see."""

from __future__ import annotations

import pytest

from server_stub.models import Claim, Person
from server_stub.services import people
from server_stub.services.search import SHOWN, Kind, search
from tests.service_world import MERCHANT, ServiceWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> ServiceWorld:
    """A member, a card, a stall, a sale."""
    world = ServiceWorld.make()
    people.register(world.caisse, "Marthe Lemaître", address="3 rue du Moulin, Flers")
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sync()
    return world


def kinds(world: ServiceWorld, words: str, *, sees_people: bool = True) -> list[Kind]:
    """What some words find."""
    return [one.kind for one in search(world.caisse, words, sees_people=sees_people)]


@pytest.mark.parametrize("words", ["lemaî", "marthe moulin", "MOULIN", "  Marthe   Lemaître "])
def test_member_is_found_by_any_part(world: ServiceWorld, words: str) -> None:
    """Whoever answers the telephone finds a person by what is remembered of them."""
    assert kinds(world, words) == [Kind.PERSON]


def test_nobody_finds_a_person_whom_they_may_not_see(world: ServiceWorld) -> None:
    """Promise 7: an auditor's search finds no name."""
    assert kinds(world, "Marthe", sees_people=False) == []


def test_card_is_found_by_a_fragment_of_its_number(world: ServiceWorld) -> None:
    """Four digits on a worn card are enough."""
    number = next(iter(world.cards)).hex().upper()
    for words in (number, number[-4:], number[2:9].lower(), f"{number[:4]} {number[4:8]}"):
        assert Kind.CARD in kinds(world, words), words
    assert kinds(world, "FFFFFF") == []


def test_stalls_shops_and_sales_are_found_by_their_numbers(world: ServiceWorld) -> None:
    """What a producer reads from the screen leads to the sale."""
    claim = Claim.objects.get()
    assert kinds(world, f"{claim.terminal_id}/{claim.seq}") == [Kind.SALE]
    assert Kind.TERMINAL in kinds(world, f"n° {claim.terminal_id}")
    assert Kind.MERCHANT in kinds(world, str(MERCHANT))
    assert kinds(world, "ferme") == [Kind.MERCHANT]


@pytest.mark.parametrize("words", ["", "   ", "%", "_", "' OR 1=1 --", "9/" + "9" * 30, "\x00"])
def test_odd_words_find_nothing_and_break_nothing(world: ServiceWorld, words: str) -> None:
    """What is typed is looked for, and never run."""
    assert kinds(world, words) == []


def test_many_of_a_kind_are_cut_off(world: ServiceWorld) -> None:
    """A page stays a page, however many are called Martin."""
    for number in range(SHOWN + 3):
        people.register(world.caisse, f"Martin {number}")
    assert kinds(world, "martin").count(Kind.PERSON) == SHOWN
    assert Person.objects.count() == SHOWN + 4
