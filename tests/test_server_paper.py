"""Slips of the paper carnet: two people, once, out of a book of their own, and no double."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from server_stub.models import CardTransaction, PaperClaim, PaperPaid, PaperSlip
from server_stub.rules.ledger import Book
from server_stub.rules.paper import CARD_UNKNOWN, NOT_INITIALLED, SAME_SALE, WAS_SELLING, NotPaid
from server_stub.rules.scheme import RuleName
from server_stub.services import issue, paper, reverse, rules_in_force, withheld
from server_stub.services.deciding import Done, NeedsSecond
from simulator.card import VirtualCard
from tests.agreed_books import conserved
from tests.service_books import in_book, open_findings, payable_cents
from tests.service_world import MERCHANT, ServiceWorld

pytestmark = pytest.mark.django_db

ANNE, BENOIT = 1, 2
TODAY = date(2026, 10, 1)
CARNET = 4


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse whose merchant 7 holds carnet 4, slips 151 to 200."""
    world = ServiceWorld.make()
    paper.hand_out(world.caisse, CARNET, merchant=MERCHANT, first_slip=151, last_slip=200, by=ANNE)
    return world


def enter(
    world: ServiceWorld, card: VirtualCard | None, number: int = 151, cents: int = 12_00
) -> PaperSlip:
    """Let a first person enter a slip of today."""
    made = paper.enter(
        world.caisse,
        CARNET,
        number,
        day=TODAY,
        card_number="04 00" if card is None else card.uid.hex(" "),
        amount_cents=cents,
        is_initialled=True,
        by=ANNE,
    )
    assert isinstance(made, PaperSlip), made
    return made


def confirm(
    world: ServiceWorld, number: int = 151, cents: int = 12_00, *, doubts: int = 0, by: int = BENOIT
) -> Done | NotPaid:
    """Let a second person read it."""
    return paper.confirm(world.caisse, CARNET, number, amount_cents=cents, doubts=doubts, by=by)


def vote(world: ServiceWorld, name: RuleName, value: int) -> None:
    """Put a rule in force since long ago."""
    rules_in_force.set_rule(world.caisse, name, value, from_day=date(2026, 1, 1))


def test_two_people_pay_a_slip_and_no_card_has_spent_it(world: ServiceWorld) -> None:
    """Promise 2: one person's word pays nothing; what two decided is booked apart, with a reason.

    The card's counter knows nothing of it, and nothing is said to be spent.
    """
    enter(world, world.card())
    assert payable_cents(world) == 0
    assert confirm(world, by=ANNE) is NotPaid.SAME_PERSON
    assert confirm(world, cents=12_01) is NotPaid.NOT_THE_SAME
    assert isinstance(confirm(world), Done)
    assert (payable_cents(world), in_book(world, Book.PAPER, 0)) == (12_00, -12_00)
    assert in_book(world, Book.SPENT, 0) == 0
    assert confirm(world) is NotPaid.PAID_ALREADY
    conserved(world)


@pytest.mark.parametrize("number", [150, 201])
def test_a_slip_that_the_carnet_does_not_have_is_refused(world: ServiceWorld, number: int) -> None:
    """Promise 2: a number that was never handed out is nobody's money."""
    made = paper.enter(
        world.caisse,
        CARNET,
        number,
        day=TODAY,
        card_number="",
        amount_cents=1,
        is_initialled=True,
        by=ANNE,
    )
    assert made is NotPaid.NOT_IN_CARNET


def test_a_number_is_entered_and_paid_once(world: ServiceWorld) -> None:
    """Promise 1, exactly once: the code refuses the same number, and so does the database."""
    enter(world, None)
    again = paper.enter(
        world.caisse,
        CARNET,
        151,
        day=TODAY,
        card_number="",
        amount_cents=5_00,
        is_initialled=True,
        by=BENOIT,
    )
    assert again is NotPaid.KNOWN_ALREADY
    assert isinstance(confirm(world, doubts=CARD_UNKNOWN), Done)
    claim = PaperClaim.objects.get()
    for row in (PaperSlip.objects.get(), PaperPaid(carnet=CARNET, slip=151, claim=claim)):
        row.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        PaperClaim.objects.all().delete()


def test_what_speaks_against_a_slip_is_shown_before_it_is_paid(world: ServiceWorld) -> None:
    """Promise 2: the same sale told by a terminal stops a slip, until two people say otherwise."""
    card, stall = world.card(), world.stall()
    stall.sync()
    stall.sell(card, 12_00)
    stall.sync()
    slip = enter(world, card)
    assert paper.doubts_about(world.caisse, slip) == SAME_SALE | WAS_SELLING
    assert confirm(world) is NotPaid.DOUBTFUL
    assert confirm(world, doubts=WAS_SELLING) is NotPaid.DOUBTFUL
    assert isinstance(confirm(world, doubts=SAME_SALE | WAS_SELLING), Done)
    assert "paper_double" not in open_findings(), "two people knew"
    conserved(world)


def test_a_stranger_and_a_slip_without_initials_are_doubtful(world: ServiceWorld) -> None:
    """Promise 2: a card that is none of ours, or no initials, is said before money moves."""
    made = paper.enter(
        world.caisse,
        CARNET,
        160,
        day=TODAY,
        card_number="illisible",
        amount_cents=3_00,
        is_initialled=False,
        by=ANNE,
    )
    assert isinstance(made, PaperSlip)
    assert paper.doubts_about(world.caisse, made) == CARD_UNKNOWN | NOT_INITIALLED
    done = confirm(world, 160, 3_00, doubts=CARD_UNKNOWN | NOT_INITIALLED)
    assert isinstance(done, Done)
    assert issue.issue_due(world.caisse) == 0, "nobody's credit can make it good"
    conserved(world)


def test_a_double_that_comes_later_is_found_and_taken_back(world: ServiceWorld) -> None:
    """Promise 1, exactly once: the terminal comes back and tells of what a slip was paid for."""
    card, stall = world.card(), world.stall()
    stall.sync()
    stall.sell(card, 12_00)
    enter(world, card)
    done = confirm(world)
    assert isinstance(done, Done)
    stall.sync()
    assert payable_cents(world) == 24_00
    assert "paper_double" in open_findings()
    assert isinstance(reverse.take_back(world.caisse, done.act, by=ANNE), NeedsSecond)
    assert isinstance(reverse.take_back(world.caisse, done.act, by=BENOIT), Done)
    assert payable_cents(world) == 12_00
    assert "paper_double" not in open_findings()
    conserved(world)


def test_months_to_come_make_a_slip_good_and_signed_ones_do_not(world: ServiceWorld) -> None:
    """Promise: no signed credit is lowered: only a month that is not signed yet gives less.

    No month gives less by more than the rule says; the rest is taken from the next one.
    """
    vote(world, RuleName.PAPER_MONTH_MAX_CENTS, 8_00)
    card = world.card()
    before = cumulative(world, card)
    enter(world, card)
    confirm(world)
    issue.issue_due(world.caisse)
    assert cumulative(world, card) == before, "October and November are signed"
    world.clock.pass_time(timedelta(days=40))
    issue.issue_due(world.caisse)
    assert cumulative(world, card) == before + 92_00
    world.clock.pass_time(timedelta(days=30))
    issue.issue_due(world.caisse)
    assert cumulative(world, card) == before + 92_00 + 96_00
    assert withheld.due_cents(world.caisse, world.row(card).account_id) == 0
    assert in_book(world, Book.WITHHELD, 0) == -in_book(world, Book.PAPER, 0)
    conserved(world)


def test_what_was_held_back_wrongly_is_given_back(world: ServiceWorld) -> None:
    """Promise 8: a slip that is taken back leaves no member with less credit."""
    card = world.card()
    before = cumulative(world, card)
    enter(world, card)
    done = confirm(world)
    assert isinstance(done, Done)
    world.clock.pass_time(timedelta(days=40))
    issue.issue_due(world.caisse)
    for person in (ANNE, BENOIT):
        reverse.take_back(world.caisse, done.act, by=person)
    issue.issue_due(world.caisse)
    assert cumulative(world, card) == before + 100_00
    assert (in_book(world, Book.WITHHELD, 0), in_book(world, Book.PAPER, 0)) == (0, 0)
    conserved(world)


def test_the_fund_bears_it_where_that_is_voted(world: ServiceWorld) -> None:
    """Promise: whether months to come make slips good is a vote."""
    vote(world, RuleName.PAPER_ON_CREDIT, 0)
    card = world.card()
    before = cumulative(world, card)
    enter(world, card)
    confirm(world)
    world.clock.pass_time(timedelta(days=40))
    issue.issue_due(world.caisse)
    assert cumulative(world, card) == before + 100_00
    conserved(world)


def test_a_stalls_slips_of_one_day_have_a_ceiling(world: ServiceWorld) -> None:
    """Promise 2: a thief with a carnet is bounded by a vote, whatever two people sign."""
    vote(world, RuleName.PAPER_DAY_MAX_CENTS, 20_00)
    card = world.card()
    enter(world, card)
    enter(world, card, 152, 8_01)
    confirm(world)
    assert confirm(world, 152, 8_01) is NotPaid.OVER_CEILING
    assert [slip.number for slip in paper.entered(world.caisse)] == [152], "it is kept"
    assert payable_cents(world) == 12_00


def test_a_slip_that_was_read_wrongly_is_entered_anew(world: ServiceWorld) -> None:
    """Promise: what is not paid can be entered again; what is paid is taken back first."""
    card = world.card()
    enter(world, card, cents=21_00)
    assert paper.drop(world.caisse, CARNET, 151) is None
    enter(world, card)
    done = confirm(world)
    assert isinstance(done, Done)
    assert paper.drop(world.caisse, CARNET, 151) is NotPaid.PAID_ALREADY
    for person in (ANNE, BENOIT):
        reverse.take_back(world.caisse, done.act, by=person)
    assert paper.drop(world.caisse, CARNET, 151) is None
    enter(world, card, cents=11_00)
    assert isinstance(confirm(world, cents=11_00), Done)
    assert payable_cents(world) == 11_00
    conserved(world)


def cumulative(world: ServiceWorld, card: VirtualCard) -> int:
    """All that a card was ever given."""
    held = issue.held_allowance(world.caisse, world.row(card))
    assert held is not None
    assert CardTransaction.objects.filter(card=world.row(card)).count() == 0
    return held.steps[-1].cumulative_cents
