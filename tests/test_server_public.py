"""The public page: what everybody may read, and nothing that says what one person did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from server_stub.rules.scheme import RuleName
from server_stub.services import commitments, issue, rules_in_force
from server_stub.services.public_figures import PEOPLE_MIN, Figures, count, newest
from tests.console_visitors import served
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 1)


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served over HTTP."""
    world = ServiceWorld.make()
    rules_in_force.set_rule(world.caisse, RuleName.COMMITMENT_NEEDED, 1, from_day=OCTOBER)
    with served(world):
        yield world


def members(world: ServiceWorld, *monthly_cents: int) -> None:
    """People who promised so much, paid it, and spent ten euros each."""
    cards = [world.card() for _ in monthly_cents]
    for card, cents in zip(cards, monthly_cents, strict=True):
        account = world.row(card).account
        commitments.commit(world.caisse, account, cents, first_month=OCTOBER, by=1)
        commitments.receive(
            world.caisse, account, cents, value_date=OCTOBER, reference="B1-1", by=1
        )
    issue.issue_due(world.caisse)
    stall = world.stall()
    for card in cards:
        stall.sell(card, 10_00)
    stall.sync()


def counted(world: ServiceWorld) -> Figures:
    """Today's figures, as the page reads them."""
    assert count(world.caisse) is not None
    figures = newest(world.caisse)
    assert figures is not None
    return figures


def test_small_cells_are_hidden(world: ServiceWorld) -> None:
    """Promise 7: of four people no sum is told, for it would say what each of them did."""
    members(world, *[100_00] * (PEOPLE_MIN - 1))
    month = counted(world).months[-1]
    assert (month.contributed_cents, month.spent_cents) == (None, None)
    assert ">40,00" not in Client().get("/public/").content.decode()


def test_sums_of_enough_people_are_told(world: ServiceWorld) -> None:
    """The committee's figures are public where nobody is recognised in them."""
    members(world, *[100_00] * PEOPLE_MIN)
    month = counted(world).months[-1]
    assert (month.contributed_cents, month.spent_cents) == (500_00, 50_00)
    shown = Client().get("/public/").content.decode()
    assert "500,00" in shown
    assert "50,00" in shown


def test_few_who_pay_less_are_not_told_by_the_others(world: ServiceWorld) -> None:
    """Promise 7: who pays less than the allowance is not counted out by subtraction."""
    members(world, *[100_00] * PEOPLE_MIN, *[20_00] * (PEOPLE_MIN - 1))
    figures = counted(world)
    assert (figures.above, figures.below) == (None, None)


def test_page_without_figures_says_when_there_are_some(world: ServiceWorld) -> None:
    """Before the first night the rules are there, and the page says what comes."""
    shown = Client().get("/public/").content.decode()
    assert "revenez demain" in shown
    assert "Règles" in shown or "règles" in shown
    assert Client().post("/public/").status_code == 405


def test_page_costs_the_books_no_sum(
    world: ServiceWorld, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Whoever reloads a public page a thousand times adds up nothing."""
    members(world, *[100_00] * PEOPLE_MIN)
    counted(world)
    with django_assert_max_num_queries(3):
        Client().get("/public/")
