"""What a terminal gains by signing a false date, or by naming a directory that it knows is old."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from server_stub.models import Terminal, TerminalStatus
from server_stub.rules.ledger import Book
from server_stub.services import blocks, issue
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from tests.service_books import in_book, open_findings, payable_cents, state_of
from tests.service_world import ServiceWorld, Stall

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with rules and one merchant."""
    return ServiceWorld.make()


def sell_at(stall: Stall, card: VirtualCard, amount_cents: int, moment: datetime) -> bytes:
    """Sell under a date that the terminal makes up; returns the intent's digest."""
    clock = stall.world.clock
    assert isinstance(clock, ManualClock)
    truth = stall.world.now
    clock.set(moment)
    seq = stall.sell(card, amount_cents)
    clock.set(truth)
    return stall.entries[seq - 1].digest


def test_a_sale_after_its_documents_ran_out_is_held(world: ServiceWorld) -> None:
    """Promise 2: a till that sells on after its documents' last day is not paid by itself."""
    card, stall = world.card(), world.stall()
    world.clock.pass_time(timedelta(days=36))
    intent = sell_at(stall, card, 5_00, world.now)
    stall.sync()
    assert state_of(intent) == ("held", "permit_expired")
    assert (payable_cents(world), in_book(world, Book.HELD)) == (0, 5_00)


def test_a_date_ahead_opens_what_is_signed_and_no_more(world: ServiceWorld) -> None:
    """What is not promised: an entry's date is not bounded by when the service last answered.

    A till that is dated ahead gains the one month that is signed in advance; beyond what is
    signed it is not paid by itself, and beyond its permit neither.
    """
    card, stall = world.card(), world.stall()
    days = [world.now + timedelta(days=31 + day) for day in range(3)]
    sales = [sell_at(stall, card, 80_00, day) for day in days]
    late = sell_at(stall, card, 1_00, world.now + timedelta(days=36))
    stall.sync()
    assert [state_of(sale) for sale in sales] == [
        ("payable", ""),
        ("payable", ""),
        ("held", "not_enough"),
    ]
    assert state_of(late) == ("held", "permit_expired")
    assert payable_cents(world) == 160_00


def test_a_directory_that_was_replaced_still_pays(world: ServiceWorld) -> None:
    """What is not promised: a till that names an older directory than it has shown is paid.

    An honest till can't do it. One that was altered signs an old date as well, and sells to a
    blocked card what that card had left, however long after.
    """
    card, stall = world.card(), world.stall()
    before, old, rows = world.now, stall.directory_digest, stall.rows
    blocks.block_card(world.caisse, world.row(card))
    stall.sync()
    stall.sync()
    assert stall.directory_digest != old
    stall.directory_digest, stall.rows = old, rows
    world.clock.pass_time(timedelta(days=200))
    intent = sell_at(stall, card, 5_00, before)
    stall.sync()
    assert state_of(intent) == ("payable", "")


def test_a_stolen_till_is_told_and_still_owed(world: ServiceWorld) -> None:
    """What is not promised: what a revoked terminal signs later is told, and not held by itself.

    The money is the enrolled merchant's, so that the thief has nothing of it.
    """
    card, stall = world.card(), world.stall()
    Terminal.objects.filter(id=stall.terminal).update(status=TerminalStatus.REVOKED)
    stall.sell(card, 5_00)
    stall.sync()
    assert open_findings() == {"terminal_not_active"}
    assert payable_cents(world) == 5_00


def test_a_blocked_card_gets_no_further_month(world: ServiceWorld) -> None:
    """Promise 3: what a finder can still spend is what was signed before the block, and no more."""
    card = world.card()
    row = world.row(card)
    blocks.block_card(world.caisse, row)
    held = issue.held_allowance(world.caisse, row)
    world.clock.pass_time(timedelta(days=70))
    issue.issue_due(world.caisse)
    assert held is not None
    assert issue.held_allowance(world.caisse, world.row(card)) == held
