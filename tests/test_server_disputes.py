"""A sale that somebody disputes: held or paid while it is open, then returned or left to stand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from cardkit.resolutions import DisputeAnswer, DisputeKind, DisputeReason
from server_stub.console.work_table import sale_line
from server_stub.models import ActText, CardTransaction, Dispute, DisputeStep
from server_stub.rules.disputes import Stage
from server_stub.rules.ledger import Book
from server_stub.rules.scheme import DisputeBearer, RuleName, Unanswered
from server_stub.services import disputes, rebuild, reverse, rules_in_force, settlement
from server_stub.services.deciding import Done, NeedsSecond, NotDone
from simulator.card import VirtualCard
from tests.agreed_books import conserved
from tests.service_books import available_cents, in_book, open_findings, payable_cents
from tests.service_world import ServiceWorld, Stall

pytestmark = pytest.mark.django_db

ANNE, BENOIT = 1, 2
LONG_AGO = date(2026, 1, 1)


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse where one person decides up to 20 €."""
    world = ServiceWorld.make()
    vote(world, RuleName.SINGLE_SIGNATURE_MAX_CENTS, 20_00)
    return world


def vote(world: ServiceWorld, name: RuleName, value: int) -> None:
    """Put a rule in force since long ago."""
    rules_in_force.set_rule(world.caisse, name, value, from_day=LONG_AGO)


def sold(world: ServiceWorld, amount_cents: int = 12_50) -> tuple[Stall, VirtualCard]:
    """A stall that sold to a card, and has told."""
    card, stall = world.card(), world.stall()
    stall.sync()
    stall.sell(card, amount_cents)
    stall.sync()
    return stall, card


def dispute(
    world: ServiceWorld, kind: DisputeKind = DisputeKind.NOT_BOUGHT, cents: int | None = None
) -> Dispute:
    """Dispute the last sale."""
    sale = CardTransaction.objects.order_by("-tmc")[0]
    made = disputes.open_dispute(world.caisse, sale, kind, amount_cents=cents, by=ANNE)
    assert isinstance(made, Dispute), made
    return made


def test_a_disputed_amount_is_held_and_the_rest_is_paid(world: ServiceWorld) -> None:
    """Promise 8: what a member disputes waits with a reason; the rest of the sale is owed."""
    sold(world)
    dispute(world, DisputeKind.WRONG_AMOUNT, 2_50)
    assert (payable_cents(world), in_book(world, Book.HELD)) == (10_00, 2_50)
    assert "disputed" in open_findings()
    conserved(world)


def test_where_it_is_voted_nothing_is_held(world: ServiceWorld) -> None:
    """Promise: whether a disputed amount is held is a vote."""
    vote(world, RuleName.DISPUTE_HOLDS, 0)
    sold(world)
    dispute(world)
    assert (payable_cents(world), in_book(world, Book.HELD)) == (12_50, 0)


def test_the_member_has_it_back_and_the_merchant_is_paid_less(world: ServiceWorld) -> None:
    """Promise 8: returned to the member by a higher allowance, out of what the merchant is owed."""
    stall, card = sold(world)
    one = dispute(world)
    done = disputes.decide(world.caisse, one, to_member=True, reason=DisputeReason.SHOWN, by=ANNE)
    assert isinstance(done, Done)
    assert (payable_cents(world), in_book(world, Book.RETURNED, 0)) == (0, 12_50)
    stall.sync()
    assert available_cents(stall, card.uid, spent_cents=12_50) == 100_00
    assert "disputed" not in open_findings()
    conserved(world)


def test_the_fund_bears_it_where_that_is_voted(world: ServiceWorld) -> None:
    """Promise: who bears a return is a vote: the merchant is paid all the same."""
    vote(world, RuleName.DISPUTE_BORNE_BY, DisputeBearer.FUND)
    sold(world)
    disputes.decide(
        world.caisse, dispute(world), to_member=True, reason=DisputeReason.AGREED, by=ANNE
    )
    assert payable_cents(world) == 12_50
    assert (in_book(world, Book.LOSS, 0), in_book(world, Book.RETURNED, 0)) == (-12_50, 12_50)
    conserved(world)


def test_a_rejected_dispute_leaves_the_sale_as_it_was(world: ServiceWorld) -> None:
    """Promise 1: a sale that stands is paid in the end, whatever was said in between."""
    sold(world)
    disputes.decide(
        world.caisse, dispute(world), to_member=False, reason=DisputeReason.SHOWN, by=ANNE
    )
    assert (payable_cents(world), in_book(world, Book.HELD)) == (12_50, 0)
    conserved(world)


def test_above_the_limit_it_takes_two_who_decide_the_same(world: ServiceWorld) -> None:
    """Promise 4: no single person returns more than the voted limit; asking twice is not two."""
    sold(world, 20_01)
    one = dispute(world)

    def decide(by: int, *, to_member: bool = True) -> object:
        reason = DisputeReason.SHOWN
        return disputes.decide(world.caisse, one, to_member=to_member, reason=reason, by=by)

    assert decide(ANNE) == NeedsSecond(ANNE)
    assert decide(ANNE) == NeedsSecond(ANNE)
    assert decide(BENOIT, to_member=False) == NeedsSecond(BENOIT), "another decision is no consent"
    assert in_book(world, Book.RETURNED, 0) == 0
    assert isinstance(decide(ANNE, to_member=False), Done)
    assert payable_cents(world) == 20_01


@pytest.mark.parametrize(
    ("unanswered", "left_cents"), [(Unanswered.RETURNED, 0), (Unanswered.REJECTED, 12_50)]
)
def test_silence_is_what_was_voted(
    world: ServiceWorld, unanswered: Unanswered, left_cents: int
) -> None:
    """Promise 8: a producer who does not answer by the day is decided upon by the voted rule."""
    vote(world, RuleName.DISPUTE_UNANSWERED, unanswered)
    stall, _ = sold(world)
    dispute(world)
    world.clock.pass_time(timedelta(days=14))
    assert disputes.settle_due(world.caisse) == 0, "the last day is theirs"
    world.clock.pass_time(timedelta(days=1))
    stall.sync()
    assert payable_cents(world) == left_cents
    assert disputes.settle_due(world.caisse) == 0, "once"
    conserved(world)


def test_an_answer_stops_the_day_and_its_text_can_be_erased(world: ServiceWorld) -> None:
    """Promise 7: what the producer wrote stands beside the log; people decide after an answer."""
    sold(world)
    one = dispute(world)
    text = "Elle est venue samedi."
    done = disputes.answer(world.caisse, one, DisputeAnswer.CONTESTS, text=text, by=ANNE)
    assert isinstance(done, Done)
    world.clock.pass_time(timedelta(days=60))
    assert disputes.settle_due(world.caisse) == 0
    assert ActText.objects.get().text == text
    ActText.objects.all().delete()
    assert rebuild.differences(world.caisse) == []


def test_a_sale_is_found_by_the_number_on_the_card(world: ServiceWorld) -> None:
    """Promise: who answers a member needs a card's number and no name: day, merchant, amount."""
    _, card = sold(world)
    (sale,) = disputes.sales_of(world.caisse, card.uid.hex(" "))
    assert "2026-10-01" in sale_line(sale)
    assert "12,50" in sale_line(sale)
    assert disputes.sale_of(world.caisse, card.uid.hex(), sale.tmc) == sale
    assert disputes.sale_of(world.caisse, card.uid.hex(), sale.tmc + 1) is None
    assert disputes.sales_of(world.caisse, "carte de Mme M.") == []


def test_no_more_is_disputed_than_is_left(world: ServiceWorld) -> None:
    """Promise 2: a refunded part can't be returned a second time, nor a sale disputed twice."""
    card, stall = world.card(), world.stall()
    stall.sync()
    seq = stall.sell(card, 12_50)
    stall.sync()
    stall.refund(card, seq, 2_00)
    stall.sync()
    sale = CardTransaction.objects.get()
    open_one = disputes.open_dispute
    kind = DisputeKind.WRONG_AMOUNT
    assert open_one(world.caisse, sale, kind, amount_cents=10_51, by=1) is NotDone.MORE_THAN_LEFT
    assert isinstance(open_one(world.caisse, sale, kind, amount_cents=10_50, by=1), Dispute)
    assert open_one(world.caisse, sale, kind, amount_cents=1, by=1) is NotDone.ALREADY


def test_a_late_refund_of_what_was_returned_is_not_paid_twice(world: ServiceWorld) -> None:
    """Promise 2: the stall refunds, offline, what the caisse has returned: once is enough."""
    card, stall = world.card(), world.stall()
    stall.sync()
    seq = stall.sell(card, 12_50)
    stall.sync()
    disputes.decide(
        world.caisse, dispute(world), to_member=True, reason=DisputeReason.AGREED, by=ANNE
    )
    stall.refund(card, seq, 5_00)
    stall.sync()
    assert payable_cents(world) == 0
    assert "refund_waits" in open_findings()
    conserved(world)


def test_a_return_that_is_taken_back_is_the_funds(world: ServiceWorld) -> None:
    """Promise: a signed credit is never lowered: who undoes a return lets the fund bear it."""
    sold(world)
    one = dispute(world)
    done = disputes.decide(world.caisse, one, to_member=True, reason=DisputeReason.SHOWN, by=ANNE)
    assert isinstance(done, Done)
    assert isinstance(reverse.take_back(world.caisse, done.act, by=ANNE), Done)
    assert disputes.stage_of(world.caisse, one) is Stage.BORNE
    assert (payable_cents(world), in_book(world, Book.LOSS, 0)) == (12_50, -12_50)
    again = reverse.take_back(world.caisse, done.act, by=ANNE)
    assert again is NotDone.REVERSED_ALREADY
    conserved(world)


def test_a_rejection_that_is_taken_back_waits_for_people(world: ServiceWorld) -> None:
    """Promise: taking a decision back opens the dispute anew, and no day decides it by itself."""
    sold(world)
    one = dispute(world)
    done = disputes.decide(world.caisse, one, to_member=False, reason=DisputeReason.SHOWN, by=ANNE)
    assert isinstance(done, Done)
    reverse.take_back(world.caisse, done.act, by=ANNE)
    assert disputes.stage_of(world.caisse, one) is Stage.REOPENED
    assert (payable_cents(world), in_book(world, Book.HELD)) == (0, 12_50)
    world.clock.pass_time(timedelta(days=100))
    assert disputes.settle_due(world.caisse) == 0
    conserved(world)


def test_a_sale_that_is_paid_already_is_charged_to_the_next_run(world: ServiceWorld) -> None:
    """Promise: a return after the payout leaves the account below zero until sales make up."""
    stall, card = sold(world)
    pay_all(world)
    disputes.decide(
        world.caisse, dispute(world), to_member=True, reason=DisputeReason.SHOWN, by=ANNE
    )
    assert payable_cents(world) == -12_50
    stall.sell(card, 20_00)
    stall.sync()
    assert payable_cents(world) == 7_50


def pay_all(world: ServiceWorld) -> None:
    """Draw up, approve, send and confirm a run."""
    draft = settlement.draw_up(world.caisse, by=ANNE)
    name = str(getattr(draft, "name", draft))
    settlement.approve(world.caisse, name, by=BENOIT)
    settlement.mark_sent(world.caisse, name, by=ANNE, backup=lambda: None)
    settlement.confirm(world.caisse, name, by=ANNE)
    assert payable_cents(world) == 0


def test_nothing_of_a_dispute_is_edited(world: ServiceWorld) -> None:
    """Promise 6: a dispute and its steps are facts: the database refuses to change them."""
    sold(world)
    disputes.answer(world.caisse, dispute(world), DisputeAnswer.AGREES, by=ANNE)
    for model in (Dispute, DisputeStep):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.all().delete()
