"""Votes: dated, with their minutes, printed with their unit, and never backwards."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import translation

from server_stub.models import Rule
from server_stub.rules.scheme import STARTING_VALUES, RuleName
from server_stub.rules.voting import NotVoted, Unit, first_open_day, read_value, unit_of
from server_stub.services import commitments, rebuild, settlement
from server_stub.services.rule_words import LABELS, value_in_words
from server_stub.services.rules_in_force import printed, value
from server_stub.services.votes import vote
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db

SEPTEMBER, OCTOBER, NOVEMBER = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)
ANNE, BRUNO = 1, 2
CREDIT = RuleName.MONTHLY_CREDIT_CENTS


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse on 1 October 2026."""
    return ServiceWorld.make()


def decide(
    world: ServiceWorld,
    written: str = "90",
    *,
    name: str = CREDIT.value,
    from_day: date = NOVEMBER,
    voted_on: date = OCTOBER,
    minutes: str = "Crédit à 90 €",
) -> Rule | NotVoted:
    """A vote of the committee."""
    return vote(
        world.caisse,
        name,
        written,
        from_day=from_day,
        voted_on=voted_on,
        minutes=minutes,
        by=ANNE,
    )


def test_a_vote_says_where_it_was_decided(world: ServiceWorld) -> None:
    """Promise: each rule in force has its minutes, its day, and who entered it; printed in full."""
    made = decide(world)
    assert isinstance(made, Rule)
    assert (made.value, made.set_by, made.voted_on) == (90_00, ANNE, OCTOBER)
    with translation.override("fr"):
        (before,) = (it for it in printed(world.caisse, OCTOBER) if it.name == CREDIT)
        (after,) = (it for it in printed(world.caisse, NOVEMBER) if it.name == CREDIT)
    assert before.line.endswith("(valeur de départ, sans vote)")
    assert after.line == (
        "Crédit par mois : 90,00\u00a0€, depuis le 1 novembre 2026 "
        "(procès-verbal du 1 octobre 2026, « Crédit à 90 € »)"
    )
    assert value(world.caisse, CREDIT, day=OCTOBER) == 100_00


def test_a_vote_is_computed_again_from_the_log(world: ServiceWorld) -> None:
    """Promise 6: value, minutes and author come from the signed log, and a change shows."""
    decide(world)
    assert rebuild.differences(world.caisse) == []
    Rule.objects.filter(from_day=NOVEMBER).update(minutes="Crédit à 95 €")
    assert [it.where for it in rebuild.differences(world.caisse)] == [f"rule {CREDIT} {NOVEMBER}"]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"name": "monthly_income_cents"}, NotVoted.NO_SUCH_RULE),
        ({"written": "beaucoup"}, NotVoted.NOT_A_VALUE),
        ({"minutes": "  "}, NotVoted.NO_MINUTES),
        ({"minutes": "x" * 121}, NotVoted.NO_MINUTES),
        ({"voted_on": NOVEMBER}, NotVoted.VOTED_LATER),
    ],
)
def test_what_is_no_vote_is_not_on_record(
    world: ServiceWorld, facts: dict[str, str], why: NotVoted
) -> None:
    """Promise: no rule without a value that it can have, a vote that was held, and its minutes."""
    before = Rule.objects.count()
    assert decide(world, **facts) is why  # type: ignore[arg-type]  # a few facts of several types
    assert Rule.objects.count() == before


def test_nothing_is_decided_for_months_that_are_over(world: ServiceWorld) -> None:
    """Promise: a vote never reaches back into a closed period; before anything began, none is."""
    assert isinstance(decide(world, from_day=SEPTEMBER), Rule)
    account = world.row(world.card()).account
    commitments.commit(world.caisse, account, 20_00, first_month=OCTOBER, by=ANNE)
    assert decide(world, "80", from_day=SEPTEMBER) is NotVoted.CLOSED_PERIOD
    assert isinstance(decide(world, "80", from_day=OCTOBER), Rule)


def test_what_a_run_was_paid_by_stays(world: ServiceWorld) -> None:
    """Promise: days up to an approved run are closed: what it paid was right by its rules."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sync()
    run = settlement.draw_up(world.caisse, by=ANNE)
    settlement.approve(world.caisse, run.name, by=BRUNO)
    assert decide(world, from_day=OCTOBER) is NotVoted.CLOSED_PERIOD
    assert isinstance(decide(world, from_day=date(2026, 10, 2)), Rule)


def test_the_first_open_day_is_a_month_or_the_day_after_a_run() -> None:
    """Promise: what is closed is told by the calendar and by runs, and by nothing else."""
    today = date(2026, 10, 20)
    for begun, settled, first in (
        (False, None, date.min),
        (True, None, OCTOBER),
        (True, date(2026, 9, 30), OCTOBER),
        (True, date(2026, 10, 14), date(2026, 10, 15)),
    ):
        assert first_open_day(today=today, has_begun=begun, last_settled=settled) == first


@pytest.mark.parametrize(
    ("name", "written", "number"),
    [
        (CREDIT, "90", 90_00),
        (CREDIT, "0", 0),
        (CREDIT, "12,5", 12_50),
        (CREDIT, "-1", None),
        (RuleName.PERMIT_DAYS, "35", 35),
        (RuleName.PERMIT_DAYS, "35,5", None),
        (RuleName.COVERAGE_PERCENT, "70 %", 70),
        (RuleName.COVERAGE_PERCENT, "101", None),
        (RuleName.ADMISSION_ORDER, "draw", 1),
        (RuleName.ADMISSION_ORDER, "1", None),
        (RuleName.LEAVING_CREDIT, "Lapses", 1),
    ],
)
def test_values_are_written_as_people_say_them(
    name: RuleName, written: str, number: int | None
) -> None:
    """Promise: euros, whole numbers and answers; anything else is refused, never guessed."""
    assert read_value(name, written) == number


def test_every_rule_can_be_printed() -> None:
    """Promise: whoever adds a rule gives it a name for people, and a value with a unit."""
    assert set(LABELS) == set(RuleName)

    for name in RuleName:
        assert unit_of(name) is not Unit.NUMBER, name
        assert value_in_words(name, STARTING_VALUES.get(name, 0)).strip()
