"""Conservation over random days: no cent waits without a point that tells of it, or for ever."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit import bodies
from cardkit.acts import ReturnReason
from server_stub.models import Finding, Terminal
from server_stub.rules.facts import Returned
from server_stub.rules.ledger import Book
from server_stub.rules.returned import Waiting, allot
from server_stub.services import recover
from server_stub.services.books import balances
from server_stub.services.rebuild import differences
from simulator.card import VirtualCard
from tests.rogue import bump, drain
from tests.service_world import ServiceWorld, Stall

pytestmark = pytest.mark.django_db

WAITS = ("gap", "outcome_missing", "void_contradicted", "entries_missing")
HAPPENINGS = ("sale", "drain", "bump", "torn_open", "torn_void", "torn_doubt", "torn_not", "look")

story = st.lists(
    st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 2), st.integers(1, 9_00), st.booleans()),
    min_size=1,
    max_size=9,
)


def happen(
    world: ServiceWorld, card: VirtualCard, stall: Stall, what: str, amount_cents: int
) -> None:
    """Let one thing happen to a card."""
    if what == "sale":
        stall.sell(card, amount_cents)
    elif what == "drain":
        drain(world, card, amount_cents, terminal=stall.terminal, seq=len(stall.entries) + 1)
    elif what == "bump":
        bump(world, card)
    elif what == "look":
        stall.inspect(card)
    else:
        seq = stall.tear(card, amount_cents, executed=what != "torn_not")
        if what == "torn_void":
            reason = bodies.VoidReason.RECORD_ABSENT
            body = bodies.Void(intent_seq=seq, reason=reason, tmc=1, tmv=bytes(8), spent_cents=0)
            stall.append(body)
        elif what == "torn_doubt":
            reason_of_doubt = bodies.DoubtReason.DAY_CLOSED
            stall.append(bodies.Indeterminate(intent_seq=seq, reason=reason_of_doubt))


def unexplained_cents(world: ServiceWorld) -> int:
    """What waits in the books, beyond what open points tell."""
    waiting_cents = balances(world.caisse).get((Book.WAITING, 0), 0)
    points = Finding.objects.filter(closed_at=None, kind__in=WAITS)
    told = (one.facts.get("sum_cents", one.facts.get("amount_cents", 0)) for one in points)
    return waiting_cents - sum(int(cents) for cents in told)


def live(world: ServiceWorld, card: VirtualCard, stalls: Sequence[Stall], days: object) -> None:
    """Let a story happen, with deliveries in between."""
    for what, number, amount_cents, syncs in days:  # type: ignore[attr-defined]  # as drawn
        happen(world, card, stalls[number], what, amount_cents)
        if syncs:
            stalls[number].sync()
            assert unexplained_cents(world) == 0
    stalls[0].sell(card, 1)
    for _ in range(3):
        for stall in stalls:
            stall.sync()


def test_every_cent_that_waits_is_told_and_ends() -> None:
    """Promise 8: whatever happens to a card, what waits stands in a point; and once every stall
    has told or is lost, and the rules' days are over, nothing waits any more.

    Red when a gap keeps no finding, when a contradiction or a gap has no end, and when a part of
    a gap is returned twice.
    """
    world = ServiceWorld.make()
    card, stalls = world.card(), [world.stall(number) for number in (3, 4, 5)]
    stalls[0].sync()
    before = [copy.copy(vars(stall)) for stall in stalls]
    image, began_at = card.snapshot(), world.now

    @settings(max_examples=10)
    @given(story)
    def check(days: list[tuple[str, int, int, bool]]) -> None:
        card.restore(image)
        world.clock.set(began_at)
        for stall, kept in zip(stalls, before, strict=True):
            vars(stall).update(kept, entries=list(kept["entries"]))
        with transaction.atomic():
            live(world, card, stalls, days)
            assert unexplained_cents(world) == 0
            for stall in stalls[1:]:
                recover.declare_lost(world.caisse, Terminal.objects.get(id=stall.terminal), by=1)
            for held in stalls[0].entries:
                if isinstance(held.body, bodies.Intent):
                    doubt = bodies.DoubtReason.DAY_CLOSED
                    stalls[0].append(bodies.Indeterminate(intent_seq=held.seq, reason=doubt))
            world.clock.pass_time(timedelta(days=60))
            stalls[0].sync()
            assert balances(world.caisse).get((Book.WAITING, 0), 0) == 0
            assert differences(world.caisse) == []
            transaction.set_rollback(True)

    check()


# Acts laid against what waits


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3), st.integers(1, 50)), max_size=5),
    st.lists(st.integers(0, 50), min_size=1, max_size=9),
)
def test_acts_are_never_laid_twice(acts: list[tuple[int, int, int]], money: list[int]) -> None:
    """Promise 8: of what acts gave back, each cent covers one that waits, or is told as beyond."""
    returned = {
        (first, first + more): Returned(
            first_tmc=first,
            last_tmc=first + more,
            amount_cents=cents,
            reason=ReturnReason.UNCLAIMED,
        )
        for first, more, cents in acts
    }
    waiting = [Waiting((tmc, tmc), cents) for tmc, cents in enumerate(money, start=1)]
    allotment = allot(returned.values(), waiting)
    given_cents = sum(allotment.given_cents.values())
    assert given_cents + sum(allotment.beyond_cents.values()) == sum(
        act.amount_cents for act in returned.values()
    )
    assert all(0 <= allotment.left_cents(one) <= one.amount_cents for one in waiting)
