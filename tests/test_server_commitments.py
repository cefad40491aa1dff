"""From a promise to credit on a card, and from what came in to what the fund carries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from cardkit.clock import PARIS
from cardkit.membership import CommitmentChangeKind
from server_stub.models import Account, Commitment, Contribution
from server_stub.rules.scheme import RuleName
from server_stub.services import commitments, fund, issue, rebuild, rules_in_force
from server_stub.services.commitments import NotPromised, Promised
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER, DECEMBER, JANUARY = (
    date(2026, 10, 1),
    date(2026, 11, 1),
    date(2026, 12, 1),
    date(2027, 1, 1),
)
ANNE = 1


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse that has voted that credit needs a commitment, on 1 October 2026."""
    world = ServiceWorld.make()
    rules_in_force.set_rule(world.caisse, RuleName.COMMITMENT_NEEDED, 1, from_day=date(2026, 9, 1))
    return world


def account(number: int = 1) -> Account:
    """An account without a card yet."""
    return Account.objects.get_or_create(number=number.to_bytes(16))[0]


def promise(world: ServiceWorld, monthly_cents: int = 20_00, *, persons: int = 1) -> Commitment:
    """A promise from October on."""
    made = commitments.commit(
        world.caisse, account(), monthly_cents, first_month=OCTOBER, persons=persons, by=ANNE
    )
    assert isinstance(made, Promised)
    return made.commitment


def signed(world: ServiceWorld, card: object) -> list[tuple[date, int]]:
    """The months that a card's newest allowance has signed, and what each adds."""
    held = issue.held_allowance(world.caisse, world.row(card))  # type: ignore[arg-type]  # a card
    if held is None:
        return []
    steps = [(it.from_at.astimezone(PARIS).date(), it.cumulative_cents) for it in held.steps]
    before = [0, *(cents for _, cents in steps)]
    return [(day, cents - earlier) for (day, cents), earlier in zip(steps, before, strict=False)]


def test_credit_is_given_for_months_that_were_promised(world: ServiceWorld) -> None:
    """Promise: no commitment, no credit; with one, this month and the next, and no month after."""
    card = world.card()
    assert signed(world, card) == []
    promise(world)
    issue.issue_due(world.caisse)
    assert signed(world, card) == [(OCTOBER, 100_00), (NOVEMBER, 100_00)]
    world.clock.pass_time(timedelta(days=70))  # 10 December
    issue.issue_due(world.caisse)
    assert [day for day, _ in signed(world, card)][-2:] == [DECEMBER, JANUARY]  # one of grace
    world.clock.pass_time(timedelta(days=60))  # 8 February
    issue.issue_due(world.caisse)
    assert signed(world, card)[-1][0] == JANUARY


def test_a_caisse_that_never_voted_it_gives_to_all() -> None:
    """Promise: the rule is a vote: without it every account has its credit, as before."""
    world = ServiceWorld.make()
    assert [day for day, _ in signed(world, world.card())] == [OCTOBER, NOVEMBER]


def test_a_further_person_adds_what_is_voted(world: ServiceWorld) -> None:
    """Promise: a household of three has two thirds of an extra share more, where that is voted."""
    rules_in_force.set_rule(world.caisse, RuleName.EXTRA_PERSON_CENTS, 30_00, from_day=OCTOBER)
    card = world.card()
    promise(world, persons=3)
    issue.issue_due(world.caisse)
    assert signed(world, card)[0] == (OCTOBER, 160_00)


def test_a_month_that_was_signed_stays_the_members(world: ServiceWorld) -> None:
    """Promise: ending a commitment takes no credit back that a stall may know of already."""
    card = world.card()
    commitment = promise(world)
    issue.issue_due(world.caisse)
    ended = commitments.change(
        world.caisse, commitment, CommitmentChangeKind.ENDED, from_month=NOVEMBER, by=ANNE
    )
    assert isinstance(ended, Promised)
    world.clock.pass_time(timedelta(days=40))
    issue.issue_due(world.caisse)
    assert signed(world, card)[-1] == (NOVEMBER, 200_00)  # October is in it, as a sum


@pytest.mark.parametrize(
    ("monthly_cents", "first_month", "why"),
    [
        (15_00, OCTOBER, NotPromised.BELOW_FLOOR),
        (22_00, OCTOBER, NotPromised.NOT_IN_STEPS),
        (20_00, date(2026, 10, 2), NotPromised.NOT_A_MONTH),
        (20_00, DECEMBER, NotPromised.SPOKEN_FOR),
    ],
)
def test_what_is_not_voted_is_refused_with_a_reason(
    world: ServiceWorld, monthly_cents: int, first_month: date, why: NotPromised
) -> None:
    """Promise: floor, step and months are votes, and no month is promised twice."""
    promise(world)
    refused = commitments.commit(
        world.caisse, account(), monthly_cents, first_month=first_month, by=ANNE
    )
    assert refused is why
    assert Commitment.objects.count() == 1


def test_a_change_is_of_a_month_that_was_promised(world: ServiceWorld) -> None:
    """Promise: nothing is changed of a month that the commitment does not speak of."""
    commitment = promise(world)
    kind = CommitmentChangeKind.MONTH_OFF
    assert (
        commitments.change(world.caisse, commitment, kind, from_month=JANUARY, by=ANNE)
        is NotPromised.NOT_OF_IT
    )
    assert isinstance(
        commitments.change(world.caisse, commitment, kind, from_month=NOVEMBER, by=ANNE), Promised
    )


def test_what_came_in_fills_what_is_due(world: ServiceWorld) -> None:
    """Promise: late, partial and taken-back contributions are told apart, to the cent."""
    promise(world, 30_00)
    holder = account()

    def receive(cents: int, day: date, reference: str) -> None:
        commitments.receive(
            world.caisse, holder, cents, value_date=day, reference=reference, by=ANNE
        )

    receive(20_00, date(2026, 10, 1), "Q-1")
    assert commitments.standing(world.caisse, holder).late_cents == 0
    world.clock.pass_time(timedelta(days=15))
    assert commitments.standing(world.caisse, holder).late_cents == 10_00
    receive(10_00, date(2026, 10, 15), "Q-2")
    assert commitments.standing(world.caisse, holder).late_cents == 0
    receive(-10_00, date(2026, 10, 16), "Q-2 rejected")
    assert commitments.standing(world.caisse, holder).late_cents == 10_00


def test_promises_are_part_of_the_books(world: ServiceWorld) -> None:
    """Promise: commitments, changes and contributions are computed again from the signed log."""
    world.card()
    commitment = promise(world)
    commitments.change(
        world.caisse, commitment, CommitmentChangeKind.MONTH_OFF, from_month=NOVEMBER, by=ANNE
    )
    commitments.receive(
        world.caisse, account(), 20_00, value_date=OCTOBER, reference="Q-1", by=ANNE
    )
    issue.issue_due(world.caisse)
    assert rebuild.differences(world.caisse) == []


def test_nothing_of_a_promise_is_ever_edited(world: ServiceWorld) -> None:
    """Promise: a correction is a new entry: the database itself refuses to change an old one."""
    commitment = promise(world)
    commitments.receive(
        world.caisse, account(), 20_00, value_date=OCTOBER, reference="Q-1", by=ANNE
    )
    for rows in (Commitment.objects.filter(pk=commitment.pk), Contribution.objects.all()):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.delete()


def test_the_fund_is_projected_from_the_books(world: ServiceWorld) -> None:
    """Promise: what the committee is shown starts from the books, and counts no cent twice.

    One member at 20 €: October's credit is out, November's is signed and not counted yet.
    """
    world.card()
    promise(world)
    commitments.receive(
        world.caisse, account(), 20_00, value_date=OCTOBER, reference="Q-1", by=ANNE
    )
    issue.issue_due(world.caisse)
    made = fund.forecast(world.caisse, date(2026, 12, 31))
    assert made.months == (NOVEMBER, DECEMBER)
    assert made.state.cash_cents == 20_020_00
    assert made.state.outstanding_cents == 100_00
    cautious = made.bands[0]
    assert [line.worth_cents for line in cautious] == [19_839_00, 19_758_00]
    # Each further member costs 100 − 19 € a month, and two months are left.
    assert made.admissible[0] == 19_758_00 // (2 * 81_00)


def test_a_sale_leaves_the_worth_of_the_fund_as_it_is(world: ServiceWorld) -> None:
    """Promise: credit that is spent is owed to a merchant: the fund is not poorer for it."""
    card = world.card()
    promise(world)
    issue.issue_due(world.caisse)
    before = fund.fund_state(world.caisse).worth_cents
    stall = world.stall()
    stall.sell(card, 12_50)
    stall.sync()
    after = fund.fund_state(world.caisse)
    assert after.owed_cents == 12_50
    assert after.worth_cents == before
    assert world.now > datetime(2026, 10, 1, tzinfo=UTC)
