"""Whose sale a debit was that no journal tells of: a terminal's own token says it, or nobody."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cardkit import bodies
from cardkit.card.token import ReaderId, SaleRecord, token_mac
from server_stub.console.words import ADVICE
from server_stub.models import Finding
from server_stub.rules.ledger import Book
from server_stub.services.rebuild import differences
from simulator.card import VirtualCard
from tests.rogue import drain
from tests.service_books import in_book, open_findings, payable_cents
from tests.service_world import ServiceWorld, Stall

pytestmark = pytest.mark.django_db

NAMED = 3
"""The terminal that somebody would like to see blamed."""


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with rules and one merchant."""
    return ServiceWorld.make()


def show(*stalls: Stall) -> None:
    """Let stalls take the directory of now, and show that they have it."""
    for _ in range(2):
        for stall in stalls:
            stall.sync()


def say_otherwise(stall: Stall, *, after: int = 1) -> None:
    """Forget what was journalled after an entry, and sign something else in its place."""
    stall.entries = stall.entries[:after]
    stall.head = stall.entries[-1].digest
    stall.append(bodies.Stopped())


# The terminal's own token


def test_withheld_sale_is_told_with_its_facts(world: ServiceWorld) -> None:
    """Promise 8: a debit that a terminal made and does not report is attributed by its token."""
    card, stall, other = world.card(), world.stall(NAMED), world.stall(4)
    stall.sell(card, 8_00)
    say_otherwise(stall)
    stall.sync()
    other.sell(card, 1_00)
    other.sync()
    point = Finding.objects.get(kind="withheld", closed_at=None)
    assert point.terminal_id == NAMED
    assert point.facts == {"tmc": 2, "seq": 2, "amount_cents": 8_00, "up_to_seq": 2}
    show(stall, other)
    assert in_book(world, Book.RETURNED, 0) == 8_00
    assert open_findings() == {"withheld", "unclaimed"}
    assert differences(world.caisse) == []


def test_stall_that_has_not_synced_is_only_waited_for(world: ServiceWorld) -> None:
    """Promise 8: until a terminal has told past that number, nothing is said of it."""
    card, stall, other = world.card(), world.stall(NAMED), world.stall(4)
    stall.sell(card, 8_00)
    other.sell(card, 1_00)
    other.sync()
    point = Finding.objects.get(closed_at=None)
    assert (point.kind, point.terminal_id) == ("gap", None)
    assert point.facts["marks"] == f"{NAMED}/2"
    stall.sync()
    assert open_findings() == set()
    assert payable_cents(world) == 9_00


def test_stall_that_syncs_and_says_otherwise(world: ServiceWorld) -> None:
    """Promise 8: the answer to a waiting mark is looked at when its terminal has told.

    Red when only the deliveries that touch the card are looked at.
    """
    card, stall, other = world.card(), world.stall(NAMED), world.stall(4)
    stall.sell(card, 8_00)
    other.sell(card, 1_00)
    other.sync()
    say_otherwise(stall)
    stall.sync()
    assert "withheld" in open_findings()


def test_several_withheld_sales_are_told_by_the_records(world: ServiceWorld) -> None:
    """Promise 8: in a gap of several, each record bears its own mark."""
    card, stall, other = world.card(), world.stall(NAMED), world.stall(4)
    stall.sell(card, 8_00)
    drain(world, card, 2_00)
    stall.sell(card, 3_00)
    say_otherwise(stall)
    for _ in range(3):
        stall.append(bodies.Stopped())
    stall.sync()
    other.inspect(card)
    other.sell(card, 1_00)
    other.sync()
    points = Finding.objects.filter(kind="withheld", closed_at=None)
    assert {(one.facts["seq"], one.facts["amount_cents"]) for one in points} == {
        (2, 8_00),
        (4, 3_00),
    }


# What key 1 can write


def past_number(world: ServiceWorld, card: VirtualCard, stall: Stall) -> None:
    """The name of a terminal, and a number that it has used."""
    drain(world, card, 6_00, terminal=NAMED, seq=2, token=b"\x5a" * 8)


def future_number(world: ServiceWorld, card: VirtualCard, stall: Stall) -> None:
    """The name of a terminal, and a number that it will use."""
    drain(world, card, 6_00, terminal=NAMED, seq=50, token=b"\x5a" * 8)


def real_token_again(world: ServiceWorld, card: VirtualCard, stall: Stall) -> None:
    """The token of a real sale of this terminal, on this card, of the same amount."""
    intent = stall.entries[1].body
    assert isinstance(intent, bodies.Intent)
    drain(world, card, intent.amount_cents, terminal=NAMED, seq=2, token=intent.token)


def whole_record_again(world: ServiceWorld, card: VirtualCard, stall: Stall) -> None:
    """The very record of a real sale, word for word, with another debit."""
    intent = stall.entries[1].body
    assert isinstance(intent, bodies.Intent)
    session = world.open(card)
    session.spent_cents()
    session.debit(6_00)
    session.write_record(
        SaleRecord(
            terminal=NAMED,
            seq=2,
            amount_cents=intent.amount_cents,
            spent0_cents=intent.spent0_cents,
            tmv0=intent.tmv0,
            token=intent.token,
        )
    )
    session.commit_reader_id(ReaderId(terminal=NAMED, seq=2, token=intent.token))
    session.commit()
    world.field.lift()


def token_of_another_card(world: ServiceWorld, card: VirtualCard, stall: Stall) -> None:
    """A token that the terminal made for another card in the same state."""
    twin = world.card()
    stall.sync()
    stall.sell(twin, 5_00)
    seq = stall.tear(twin, 6_00, executed=False)
    intent = stall.entries[-1].body
    assert isinstance(intent, bodies.Intent)
    drain(world, card, 6_00, terminal=NAMED, seq=seq, token=intent.token)


def token_of_another_amount(world: ServiceWorld, card: VirtualCard, stall: Stall) -> None:
    """A token that was taken from an interrupted sale of a euro, under a debit of six."""
    seq, token = interrupted(world, card, stall, 1_00)
    drain(world, card, 6_00, terminal=NAMED, seq=seq, token=token)


def record_of_another_amount(world: ServiceWorld, card: VirtualCard, stall: Stall) -> None:
    """The same, and the record says a euro, as the token does."""
    seq, token = interrupted(world, card, stall, 1_00)
    drain(world, card, 6_00, terminal=NAMED, seq=seq, token=token, record_cents=1_00)


def interrupted(
    world: ServiceWorld, card: VirtualCard, stall: Stall, amount_cents: int
) -> tuple[int, bytes]:
    """Number and token of a sale that was stopped before it was journalled."""
    seq = len(stall.entries) + 1
    session = world.open(card)
    token = token_mac(
        stall.token_key,
        uid=card.uid,
        tmc0=session.tmac().tmc,
        spent0_cents=session.spent_cents(),
        amount_cents=amount_cents,
        seq=seq,
    )
    world.field.lift()
    return seq, token


@pytest.mark.parametrize(
    "forge",
    [
        past_number,
        future_number,
        real_token_again,
        whole_record_again,
        token_of_another_card,
        token_of_another_amount,
        record_of_another_amount,
    ],
)
def test_an_honest_terminal_is_never_named(
    world: ServiceWorld, forge: Callable[[ServiceWorld, VirtualCard, Stall], None]
) -> None:
    """Promise 2: with key 1 anybody writes anybody's name; nobody is believed to have made it.

    Red when the reader id or a record counts without its token, or the token without the state
    of the card that it was made for.
    """
    card, stall, other = world.card(), world.stall(NAMED), world.stall(4)
    stall.sell(card, 5_00)
    stall.sync()
    forge(world, card, stall)
    other.inspect(card)
    other.sell(card, 1_00)
    stall.append(bodies.Stopped())
    show(other, stall)
    show(other, stall)
    named = Finding.objects.filter(terminal_id=NAMED).exclude(kind="outcome_missing")
    assert not named.exists(), [(one.kind, one.facts) for one in named]
    assert all("marks" not in one.facts for one in Finding.objects.all())
    assert "unclaimed" in open_findings()
    assert differences(world.caisse) == []


@pytest.mark.parametrize("tmv0", [None, bytes(8)], ids=["to the byte", "otherwise"])
def test_torn_sale_that_somebody_commits_is_not_withheld(
    world: ServiceWorld, tmv0: bytes | None
) -> None:
    """Promise 2: a terminal that told of its intent has told, whoever made the card execute it.

    Red when a mark counts as withheld though the very intent is here, only not proven.
    """
    card, stall, other = world.card(), world.stall(NAMED), world.stall(4)
    seq = stall.tear(card, 5_00, executed=False)
    intent = stall.entries[-1].body
    assert isinstance(intent, bodies.Intent)
    drain(world, card, 5_00, terminal=NAMED, seq=seq, token=intent.token, tmv0=tmv0)
    other.sell(card, 1_00)
    show(stall, other)
    assert "withheld" not in open_findings()
    assert all("marks" not in one.facts for one in Finding.objects.all())


def test_token_that_was_never_journalled_leaves_the_same_trace(world: ServiceWorld) -> None:
    """What is not promised: a card learns the token before the intent is on disk.

    Whoever relays a sale and stops it just there can commit the debit, and the terminal uses the
    number for something else. The finding states that, and its advice says how it may have come.
    """
    card, stall, other = world.card(), world.stall(NAMED), world.stall(4)
    seq = stall.tear(card, 5_00, executed=True)
    assert seq == len(stall.entries)
    say_otherwise(stall)
    other.sell(card, 1_00)
    show(stall, other)
    assert "withheld" in open_findings()
    assert "interrompue" in str(ADVICE["withheld"])
