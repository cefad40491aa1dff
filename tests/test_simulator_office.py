"""What a world's office decides is judged too: of each ruling, one in which the judge says no.

Each test lets a small honest world come to its end, changes one thing, and sees which promise is
said to be broken; the same world unchanged is found in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from cardkit.resolutions import DisputeKind
from server_stub.models import CardTransaction, Dispute, PaperClaim
from server_stub.models import Terminal as TerminalRow
from server_stub.services.disputes import open_dispute
from simulator.world.centre import COORDINATOR
from simulator.world.founding import WORLD
from simulator.world.marks import Mark
from simulator.world.oracle import check_books
from simulator.world.world import World

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

SEED: Final = 180
"""Of those whose books are computed again; its thief goes on selling."""
STRIKES: Final = ("PEOPLE_DISPUTES:1", "PEOPLE_PAPER_SLIP:1", "PEOPLE_TILL_STOLEN:2")
PRICE_CENTS: Final = 4_00


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A sale is disputed, another one stands on paper, and a terminal is stolen, and sells on."""
    world = World(SEED, only=STRIKES, hostile=(), steps=0)
    try:
        for stall in world.stalls.values():
            assert world.switch_on(stall)
        buy_everywhere(world)
        world.sync_all()
        for _ in range(2):
            world.office.step()
        buy_everywhere(world)
        world.heal()
        yield world
    finally:
        world.end()


def buy_everywhere(world: World) -> None:
    """Let every card buy at every stall."""
    for stall in world.stalls.values():
        for card in world.cards:
            world.people.buy(stall, card, PRICE_CENTS)


def broken(world: World) -> set[str]:
    """Judge, and return which promises are said to be broken."""
    check_books(world)
    return {it.invariant for it in world.violations}


def test_rulings_of_a_good_world_are_found_in_order(world: World) -> None:
    """Promise: no false alarm. Red when the judge holds an honest ruling against anybody."""
    assert broken(world) == set(), world.violations
    assert Dispute.objects.using(WORLD).count() == len(world.truth.disputed) == 1
    assert PaperClaim.objects.using(WORLD).count() == len(world.truth.slips) == 1
    assert set(world.truth.stolen) == world.lost_too_soon
    assert world.marks.counts[Mark.SLIP_PAID] == 1
    assert world.marks.counts[Mark.STOLEN_TILL_TOLD] == 1


def test_a_dispute_that_nobody_opened_breaks_v11(world: World) -> None:
    """Promise 14: what is taken from a merchant is somebody's decision."""
    world.truth.disputed.clear()
    assert broken(world) == {"V11"}


def test_a_dispute_that_was_decided_otherwise_breaks_v11(world: World) -> None:
    """Promise 14: what goes back to a member is what two people said."""
    (number,) = world.truth.disputed
    world.truth.decided[number] = {PRICE_CENTS + 1}
    assert broken(world) == {"V11"}


def test_a_dispute_that_is_never_decided_breaks_v5(world: World) -> None:
    """Promise 4: nothing that is disputed waits for ever."""
    (decided,) = Dispute.objects.using(WORLD)
    sales = CardTransaction.objects.using(WORLD).exclude(tmc=decided.tmc)
    sale = sales.select_related("card")[0]
    opened = open_dispute(world.centre.caisse, sale, DisputeKind.WRONG_AMOUNT, by=COORDINATOR)
    assert isinstance(opened, Dispute)
    world.truth.disputed[opened.number] = PRICE_CENTS
    assert broken(world) == {"V5", "V13"}


def test_a_slip_that_is_not_paid_breaks_v3(world: World) -> None:
    """Promise 2: what stands on paper is owed once, as it stands there."""
    slip = world.truth.slips[0]
    world.truth.slips.append(replace(slip, number=slip.number + 1))
    assert broken(world) == {"V3", "V13"}


def test_a_slip_that_nobody_wrote_breaks_v4(world: World) -> None:
    """Promise 3: nobody is paid for paper that does not exist."""
    world.truth.slips.clear()
    assert broken(world) == {"V4", "V13"}


def test_a_thief_who_moves_more_than_the_window_breaks_v4(world: World) -> None:
    """Promise 19: a stolen terminal costs no more than its window."""
    stolen = TerminalRow.objects.using(WORLD).filter(id__in=world.truth.stolen)
    assert stolen.update(loss_window_cents=1) == 1
    assert {"V4"} <= broken(world) <= {"V4", "V12"}


def test_a_theft_that_is_forgotten_breaks_v4(world: World) -> None:
    """Promise 19: once said, a theft stays said."""
    stolen = TerminalRow.objects.using(WORLD).filter(id__in=world.truth.stolen)
    assert stolen.update(loss_window_cents=None) == 1
    assert {"V4"} <= broken(world) <= {"V4", "V12"}
