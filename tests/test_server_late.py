"""Late contributions: what follows is a vote, and no stall ever learns of it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, timedelta

import pytest

from cardkit.allowance import Allowance
from cardkit.clock import PARIS
from cardkit.directory import CardRow
from cardkit.till_box import Means
from server_stub.exports.reminders import reminder_list
from server_stub.models import Account, Person
from server_stub.rules.dues import AccountPaid, MonthPaid
from server_stub.rules.late import Age, by_age, days_late, is_credit_withheld
from server_stub.rules.scheme import LateDues, RuleName
from server_stub.services import issue, payments, rebuild, rules_in_force
from server_stub.services.commitments import Promised, commit
from server_stub.services.directory import publish
from server_stub.services.entitled import standing_of
from server_stub.services.late import late_accounts, reminders
from server_stub.services.payments import Taken
from server_stub.services.standings import standings
from simulator.card import VirtualCard
from tests.service_books import allowance_at, payable_cents
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db
SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER, JANUARY = (
    date(2026, 9, 1),
    date(2026, 10, 1),
    date(2026, 11, 1),
    date(2026, 12, 1),
    date(2027, 1, 1),
)
ANNE = 1
DAYS_GIVEN = 9


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse that has voted that credit needs a commitment."""
    world = ServiceWorld.make()
    rules_in_force.set_rule(world.caisse, RuleName.COMMITMENT_NEEDED, 1, from_day=SEPTEMBER)
    return world


def vote(world: ServiceWorld, late: LateDues, *, days: int = 31) -> None:
    """Say what lateness leads to."""
    rules_in_force.set_rule(world.caisse, RuleName.LATE_DUES, int(late), from_day=OCTOBER)
    rules_in_force.set_rule(world.caisse, RuleName.LATE_CREDIT_DAYS, days, from_day=OCTOBER)


def member(world: ServiceWorld, *, months: int = 6) -> tuple[VirtualCard, Account]:
    """Somebody with a card who promised 20 € a month from October on."""
    card = world.card()
    account = world.row(card).account
    made = commit(world.caisse, account, 20_00, first_month=OCTOBER, months=months, by=ANNE)
    assert isinstance(made, Promised)
    issue.issue_due(world.caisse)
    return card, account


def pay(world: ServiceWorld, account: Account, cents: int) -> None:
    """Pay today."""
    done = payments.take(
        world.caisse,
        account,
        cents,
        means=Means.TRANSFER,
        value_date=world.now.astimezone(PARIS).date(),
        reference="VIR1",
        by=ANNE,
    )
    assert isinstance(done, Taken)


def pass_to(world: ServiceWorld, day: date) -> None:
    """Go on to noon of a day, the months that are due being signed each day."""
    while world.now.date() < day:
        world.clock.pass_time(timedelta(days=1))
        issue.issue_due(world.caisse)


def held(world: ServiceWorld, card: VirtualCard) -> Allowance:
    """The newest allowance of a card."""
    allowance = issue.held_allowance(world.caisse, world.row(card))
    assert allowance is not None
    return allowance


def last_month(world: ServiceWorld, card: VirtualCard) -> date:
    """The last month that is signed for a card."""
    return held(world, card).steps[-1].from_at.astimezone(PARIS).date()


@pytest.mark.parametrize("late", [LateDues.NOTHING, LateDues.REMINDER])
def test_lateness_takes_no_credit_unless_it_is_voted(world: ServiceWorld, late: LateDues) -> None:
    """Promise: that a late member gets no new month is a vote; without it every month comes."""
    vote(world, late, days=0)
    card, _ = member(world)
    pass_to(world, date(2026, 12, 15))
    assert last_month(world, card) == JANUARY
    assert bool(reminders(world.caisse)) is (late is LateDues.REMINDER)


def test_after_the_voted_days_no_new_month_is_signed(world: ServiceWorld) -> None:
    """Promise: not a day before, and what was signed stays the member's."""
    vote(world, LateDues.NO_CREDIT, days=31)
    card, account = member(world)
    pass_to(world, date(2026, 11, 10))  # 31 days after the 10th of October
    assert last_month(world, card) == DECEMBER
    assert not late_accounts(world.caisse)[0].is_withheld
    pass_to(world, date(2026, 12, 5))
    assert last_month(world, card) == DECEMBER
    assert late_accounts(world.caisse)[0].is_withheld
    pay(world, account, 40_00)
    issue.issue_due(world.caisse)
    assert last_month(world, card) == JANUARY
    assert rebuild.differences(world.caisse) == []


def test_months_that_were_held_back_come_when_they_are_paid(world: ServiceWorld) -> None:
    """Promise: credit follows the contribution: who pays for a month that was held back has it."""
    vote(world, LateDues.NO_CREDIT, days=0)
    card, account = member(world)
    pass_to(world, date(2027, 2, 3))
    assert last_month(world, card) == NOVEMBER
    before_cents = held(world, card).steps[-1].cumulative_cents
    pay(world, account, 100_00)
    issue.issue_due(world.caisse)
    assert last_month(world, card) == date(2027, 3, 1)
    assert held(world, card).steps[-1].cumulative_cents == before_cents + 4 * 100_00
    assert late_accounts(world.caisse) == []


def test_a_partial_payment_counts_for_the_oldest_month(world: ServiceWorld) -> None:
    """Promise: what is missing is told by its age, to the cent."""
    vote(world, LateDues.REMINDER)
    _, account = member(world)
    pass_to(world, date(2026, 12, 15))
    pay(world, account, 30_00)
    (late,) = late_accounts(world.caisse)
    assert late.missing_cents == 30_00
    assert late.months == (NOVEMBER, DECEMBER)
    assert late.days_late == 35
    assert {age: cents for age, cents in late.by_age.items() if cents} == {
        Age.MONTH: 20_00,
        Age.TWO_MONTHS: 10_00,
    }


def test_a_stall_learns_nothing_of_lateness(world: ServiceWorld) -> None:
    """Promise 7: a late member's card is, at a stall, one of somebody who promised less: the same.

    One is late since October; another one has paid, and the commitment ended with November.
    """
    vote(world, LateDues.NO_CREDIT, days=0)
    (late, _), (paying, account) = member(world), member(world, months=2)
    rules_in_force.set_rule(world.caisse, RuleName.GRACE_MONTHS, 0, from_day=OCTOBER)
    pay(world, account, 40_00)
    stall = world.stall()
    pass_to(world, date(2026, 12, 3))
    assert [it.account for it in late_accounts(world.caisse)] == [world.row(late).account]
    publish(world.caisse)
    stall.sync()
    rows = [stall.rows[card.uid] for card in (late, paying)]
    allowances = [allowance_at(stall, card.uid) for card in (late, paying)]
    assert allowances[0].steps[-1].cumulative_cents == 200_00
    one, other = (replace(it, uid=bytes(7), digest=bytes(32)) for it in allowances)
    assert one == other
    first, second = (_without_what_is_its_own(row) for row in rows)
    assert first == second
    stall.sell(late, 12_50)
    stall.sync()
    assert payable_cents(world) == 12_50


def _without_what_is_its_own(row: CardRow) -> CardRow:
    """A row without number, proof and the signed allowance, which is compared by itself."""
    return replace(row, uid=bytes(7), tmv=bytes(8), allowance=None)


def test_the_reminder_list_is_computed_by_no_spreadsheet(world: ServiceWorld) -> None:
    """Promise: a name that is a formula stays a name, and an erased member's row bears none."""
    vote(world, LateDues.REMINDER)
    accounts = [Account.objects.create(number=bytes([it]) * 16) for it in (1, 2)]
    for account in accounts:
        made = commit(world.caisse, account, 20_00, first_month=OCTOBER, by=ANNE)
        assert isinstance(made, Promised)
    Person.objects.create(
        account=accounts[0],
        name="=HYPERLINK(1)",
        address="+33 rue",
        applied_on=SEPTEMBER,
        last_contact_on=SEPTEMBER,
    )
    world.clock.pass_time(timedelta(days=45))
    text = reminder_list(reminders(world.caisse)).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))[1:]
    assert rows[0][0] == "'=HYPERLINK(1)"
    assert rows[0][2] == "'+33 rue"
    assert rows[0][4:6] == ["10/2026 11/2026", "40,00"]
    assert rows[1][0] == ""


@pytest.mark.parametrize(
    ("day", "days"),
    [
        (date(2026, 11, 10), 0),
        (date(2026, 11, 11), 1),
        (date(2026, 12, 10), 30),
        (date(2028, 2, 29), 476),
    ],
)
def test_days_are_counted_from_the_last_one_that_was_given(day: date, days: int) -> None:
    """Promise: the last day to pay is not late, and leap days are days."""
    assert days_late(NOVEMBER, day, days_given=DAYS_GIVEN) == days


def test_ages_are_told_apart_at_their_edges() -> None:
    """Promise: 30 days are in the first group and 31 in the second."""
    month = MonthPaid(month=NOVEMBER, due_cents=20_00, paid_cents=5_00, is_late=True)
    paid = AccountPaid(months=(month,), surplus_cents=0)
    for days, age in ((30, Age.MONTH), (31, Age.TWO_MONTHS), (91, Age.OLDER)):
        day = NOVEMBER + timedelta(days=DAYS_GIVEN + days)
        told = by_age(paid, day, days_given=DAYS_GIVEN)
        assert told[age] == sum(told.values()) == 15_00
        for borne, is_withheld in ((days, False), (days - 1, True), (None, False)):
            assert (
                is_credit_withheld(paid, day, days_given=DAYS_GIVEN, days_borne=borne)
                is is_withheld
            )


def test_all_standings_at_once_are_each_ones_own(world: ServiceWorld) -> None:
    """Promise 7: a list made in one go says of nobody what their own page does not say."""
    accounts = [member(world)[1], member(world, months=3)[1], member(world)[1]]
    pay(world, accounts[0], 20_00)
    pay(world, accounts[2], 5_00)
    world.clock.pass_time(timedelta(days=45))
    together = {one.account: one.paid for one in standings(world.caisse)}
    assert together == {one: standing_of(world.caisse, one.pk) for one in accounts}
    assert sum(one.late_cents for one in together.values()) > 0
