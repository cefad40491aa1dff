"""What nobody claims is the member's again: not before every terminal has told, and reversibly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from cardkit import bodies
from server_stub.models import ActRow, CardTransaction, Finding, Terminal
from server_stub.rules.ledger import Book
from server_stub.services import recover, unclaimed
from server_stub.services.rebuild import differences
from server_stub.services.sync import sync
from tests.rogue import bump, drain
from tests.service_books import available_cents, in_book, open_findings, payable_cents, state_of
from tests.service_world import ServiceWorld, Stall

pytestmark = pytest.mark.django_db

SPEND_RETURNED = 10


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with rules and one merchant."""
    return ServiceWorld.make()


def returned_cents(world: ServiceWorld) -> int:
    """What acts gave back."""
    return in_book(world, Book.RETURNED, 0)


def waiting_cents(world: ServiceWorld) -> int:
    """What is nobody's yet."""
    return in_book(world, Book.WAITING, 0)


def show(*stalls: Stall) -> None:
    """Let stalls take the directory of now, and show with the next request that they have it."""
    for _ in range(2):
        for stall in stalls:
            stall.sync()


# The watermark


def test_a_drained_card_is_made_whole(world: ServiceWorld) -> None:
    """Promise 8: what somebody with key 1 took is the member's again, once all stalls have told."""
    card, first, second = world.card(), world.stall(3), world.stall(4)
    drain(world, card, 30_00)
    first.sell(card, 5_00)
    first.sync()
    assert (waiting_cents(world), returned_cents(world)) == (30_00, 0)
    assert open_findings() == {"gap"}
    show(first, second)
    assert (waiting_cents(world), returned_cents(world)) == (0, 30_00)
    assert payable_cents(world) == 5_00
    assert open_findings() == {"unclaimed"}
    first.sync()
    assert available_cents(first, card.uid, spent_cents=35_00) == 95_00
    assert differences(world.caisse) == []


def never(stall: Stall) -> None:
    """Say nothing."""


def takes_it_and_goes(stall: Stall) -> None:
    """Fetch the directory, and never show it."""
    stall.sync()


def shows_it_and_owes(stall: Stall) -> None:
    """Show the directory, but hold back an entry that is known to exist."""
    stall.sync()
    stall.append(bodies.Stopped())
    stall.sync([])


@pytest.mark.parametrize("says", [never, takes_it_and_goes, shows_it_and_owes])
def test_nothing_is_returned_while_one_stall_may_tell(
    world: ServiceWorld, says: Callable[[Stall], None]
) -> None:
    """Promise 1: an offline stall's green is not given away behind its back.

    Red when a terminal counts that has not shown the directory, or that owes entries.
    """
    card, first, offline = world.card(), world.stall(3), world.stall(4)
    offline.sell(card, 30_00)
    first.sell(card, 5_00)
    first.sync()
    kept, offline.entries = offline.entries, offline.entries[:1]
    says(offline)
    show(first)
    show(first)
    assert (waiting_cents(world), returned_cents(world)) == (30_00, 0)
    (point,) = Finding.objects.filter(kind="gap", closed_at=None)
    assert unclaimed.due_at(world.caisse, point) is None
    offline.entries = kept
    offline.sync()
    assert (payable_cents(world), waiting_cents(world)) == (35_00, 0)
    assert returned_cents(world) == 0
    assert open_findings() <= {"seq_fork", "chain_broken"}


def test_repeated_request_tells_nothing_new(world: ServiceWorld) -> None:
    """Promise 1: whoever replays an old request of a stall does not make it seem up to date.

    Red when the watermark goes by the time at which a request arrives.
    """
    card, first, offline = world.card(), world.stall(3), world.stall(4)
    old = offline.request([])
    offline.sell(card, 30_00)
    first.sell(card, 5_00)
    first.sync()
    for _ in range(5):
        world.clock.pass_time(timedelta(days=1))
        sync(world.caisse, replace(old, head_seq=offline.acknowledged))
        show(first)
    assert (waiting_cents(world), returned_cents(world)) == (30_00, 0)


def test_declaring_the_last_one_lost_ends_the_wait(world: ServiceWorld) -> None:
    """Promise 8: a stall that never comes back keeps no member's money for ever.

    First the cards may still prove its sales, for as long as the rule says.
    """
    card, first = world.card(), world.stall(3)
    world.stall(4)
    drain(world, card, 30_00)
    first.sell(card, 5_00)
    show(first)
    recover.declare_lost(world.caisse, Terminal.objects.get(id=4), by=1)
    show(first)
    assert returned_cents(world) == 0, "it may be the lost one's sale"
    (point,) = Finding.objects.filter(kind="gap", closed_at=None)
    assert unclaimed.due_at(world.caisse, point) == point.opened_at + timedelta(days=31)
    world.clock.pass_time(timedelta(days=31))
    first.sync()
    assert (waiting_cents(world), returned_cents(world)) == (0, 30_00)
    assert differences(world.caisse) == []


def test_lost_sale_is_recovered_before_it_is_given_away(world: ServiceWorld) -> None:
    """Promise 1: of a burnt terminal the cards are asked first, and the merchant has the money."""
    card, burnt, first = world.card(), world.stall(4), world.stall(3)
    for amount_cents in (4_00, 5_00, 6_00):
        burnt.sell(card, amount_cents)
    first.sell(card, 1_00)
    show(first)
    recover.declare_lost(world.caisse, Terminal.objects.get(id=4), by=1)
    assert waiting_cents(world) == 15_00, "three in a row are a sum without records"
    world.clock.pass_time(timedelta(days=3))
    first.inspect(card)
    show(first)
    world.clock.pass_time(timedelta(days=40))
    show(first)
    assert in_book(world, Book.PROVISIONAL) == 15_00
    assert returned_cents(world) == 0


def test_bumped_counter_costs_nobody_anything(world: ServiceWorld) -> None:
    """Promise 8: a gap without a debit is told and ends, and nothing is given back for it."""
    card, stall = world.card(), world.stall()
    bump(world, card)
    stall.sell(card, 5_00)
    stall.sync()
    assert open_findings() == {"gap"}
    show(stall)
    assert open_findings() == {"unclaimed"}
    assert not ActRow.objects.filter(kind=SPEND_RETURNED).exists()
    assert available_cents(stall, card.uid, spent_cents=5_00) == 95_00


# What comes late


def hold_back(stall: Stall) -> None:
    """Pretend that the journal ends before the sales."""
    kept, stall.entries = stall.entries, stall.entries[:1]
    show(stall)
    stall.entries = kept


def test_late_green_is_paid_and_is_a_loss(world: ServiceWorld) -> None:
    """Promise 1: that nobody claimed it was the service's conclusion; a green is paid all the same.

    Red when a return of unclaimed spend holds the sale that turns up.
    """
    card, late, first = world.card(), world.stall(4), world.stall(3)
    late.sell(card, 30_00)
    first.sell(card, 5_00)
    first.sync()
    hold_back(late)
    show(first)
    assert returned_cents(world) == 30_00
    late.sync()
    assert payable_cents(world) == 35_00
    assert (in_book(world, Book.LOSS, 0), returned_cents(world)) == (-30_00, 30_00)
    assert in_book(world, Book.SPENT, 0) == -35_00
    assert open_findings() == {"returned_and_green"}
    assert differences(world.caisse) == []


def test_rescued_journal_of_a_lost_terminal_is_paid(world: ServiceWorld) -> None:
    """Promise 1: after the money went back, a rescued SD card still pays its merchant."""
    card, burnt, first = world.card(), world.stall(4), world.stall(3)
    for amount_cents in (4_00, 5_00, 6_00):
        burnt.sell(card, amount_cents)
    first.sell(card, 1_00)
    show(first)
    recover.declare_lost(world.caisse, Terminal.objects.get(id=4), by=1)
    world.clock.pass_time(timedelta(days=31))
    first.sync()
    assert returned_cents(world) == 15_00
    burnt.sync()
    assert payable_cents(world) == 16_00
    assert in_book(world, Book.LOSS, 0) == -15_00
    assert differences(world.caisse) == []


@pytest.mark.parametrize("claimed", [1, 2, 3])
def test_gap_that_is_claimed_in_part_is_returned_once(world: ServiceWorld, claimed: int) -> None:
    """Promise 8: what a late journal takes out of a returned gap is a loss; the rest is not
    given back a second time.
    """
    card, late, first = world.card(), world.stall(4), world.stall(3)
    for number in (1, 2, 3):
        if number == claimed:
            late.sell(card, 7_00)
        else:
            drain(world, card, number * 1_00)
    gone_cents = 7_00 + sum(number * 1_00 for number in (1, 2, 3) if number != claimed)
    first.sell(card, 5_00)
    first.sync()
    hold_back(late)
    show(first)
    assert returned_cents(world) == gone_cents
    late.sync()
    show(first, late)
    assert payable_cents(world) == 12_00
    assert (returned_cents(world), in_book(world, Book.LOSS, 0)) == (gone_cents, -7_00)
    assert waiting_cents(world) == 0
    assert ActRow.objects.filter(kind=SPEND_RETURNED).count() == 1
    assert differences(world.caisse) == []


def test_second_word_under_a_told_number_is_held(world: ServiceWorld) -> None:
    """Promise 2: nobody has the goods paid, the money returned, and then a sale signed after all.

    Red when a late claim is paid although its number was told as something else.
    """
    card, stall, first = world.card(), world.stall(4), world.stall(3)
    stall.sell(card, 30_00)
    sold = stall.entries[1:]
    stall.entries, stall.head = stall.entries[:1], stall.entries[0].digest
    stall.append(bodies.Stopped())
    first.sell(card, 5_00)
    first.sync()
    show(stall, first)
    assert returned_cents(world) == 30_00
    stall.sync([entry.signed.encoded for entry in sold])
    assert payable_cents(world) == 5_00
    assert state_of(sold[0].digest) == ("held", "returned_before")
    assert in_book(world, Book.HELD) == 30_00
    assert "seq_fork" in open_findings()
    assert differences(world.caisse) == []


# Contradicted voids


def denied(world: ServiceWorld) -> Stall:
    """A stall whose last word on an executed debit is that nothing happened, and all is told."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    seq = stall.tear(card, 9_00, executed=True)
    reason = bodies.VoidReason.RECORD_ABSENT
    stall.append(bodies.Void(intent_seq=seq, reason=reason, tmc=1, tmv=bytes(8), spent_cents=0))
    stall.sync()
    other.sell(card, 1_00)
    other.sync()
    return stall


def test_contradicted_void_ends_on_its_day(world: ServiceWorld) -> None:
    """Promise 8: a debit that its terminal denies waits for a person, and not for ever."""
    stall = denied(world)
    (point,) = Finding.objects.filter(kind="void_contradicted", closed_at=None)
    assert unclaimed.due_at(world.caisse, point) == point.opened_at + timedelta(days=14)
    world.clock.pass_time(timedelta(days=13))
    stall.sync()
    assert (waiting_cents(world), returned_cents(world)) == (9_00, 0)
    world.clock.pass_time(timedelta(days=1))
    stall.sync()
    assert (waiting_cents(world), returned_cents(world)) == (0, 9_00)
    assert open_findings() == set()
    assert differences(world.caisse) == []


def test_person_may_end_a_contradiction_at_once(world: ServiceWorld) -> None:
    """Promise 8: whoever has asked the producer need not wait for the rule's day."""
    denied(world)
    (sale,) = unclaimed.contradicted(world.caisse)
    unclaimed.give_back_now(world.caisse, sale, by=1)
    assert (waiting_cents(world), returned_cents(world)) == (0, 9_00)
    assert unclaimed.contradicted(world.caisse) == []
    assert CardTransaction.objects.get(pk=sale.pk).state == "returned"
    assert differences(world.caisse) == []


def test_contradiction_in_a_journal_with_a_hole_waits(world: ServiceWorld) -> None:
    """Promise 1: that goods left may stand in an entry that has not come."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    seq = stall.tear(card, 9_00, executed=True)
    missing = stall.append(bodies.Stopped())
    reason = bodies.VoidReason.RECORD_ABSENT
    stall.append(bodies.Void(intent_seq=seq, reason=reason, tmc=1, tmv=bytes(8), spent_cents=0))
    other.sell(card, 1_00)
    other.sync()
    stall.sync([data for data in stall.unsent if data != missing.signed.encoded])
    world.clock.pass_time(timedelta(days=60))
    other.sync()
    assert (waiting_cents(world), returned_cents(world)) == (9_00, 0)


def test_contradiction_in_a_lost_journal_with_a_hole_ends(world: ServiceWorld) -> None:
    """Promise 8: from a terminal that is lost, what would fill the hole is not waited for.

    Red when the rule's days count for complete journals only: then it waits for ever.
    """
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    seq = stall.tear(card, 9_00, executed=True)
    missing = stall.append(bodies.Stopped())
    reason = bodies.VoidReason.RECORD_ABSENT
    stall.append(bodies.Void(intent_seq=seq, reason=reason, tmc=1, tmv=bytes(8), spent_cents=0))
    other.sell(card, 1_00)
    other.sync()
    stall.sync([data for data in stall.unsent if data != missing.signed.encoded])
    recover.declare_lost(world.caisse, Terminal.objects.get(id=stall.terminal), by=1)
    world.clock.pass_time(timedelta(days=14))
    other.sync()
    assert (waiting_cents(world), returned_cents(world)) == (0, 9_00)
    assert differences(world.caisse) == []
