"""Members as people: the waiting list, what is known of one, and forgetting them."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.apps import apps

from cardkit.acts import CardIssued
from server_stub.models import ActRow, Erasure, Person, PostingLine
from server_stub.services import commitments, issue, people, rebuild, waves
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db
OCTOBER = date(2026, 10, 1)
ANNE = 1
NAME = "Marthe Lecœur"


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with one merchant."""
    return ServiceWorld.make()


def member(world: ServiceWorld) -> Person:
    """A member with a card, a commitment, a contribution and a sale."""
    person = people.register(world.caisse, NAME, email="marthe@example.org")
    waves.admit(world.caisse, places=1, by=ANNE)
    account = person.account
    card = world.card(account=bytes(account.number))
    commitments.commit(world.caisse, account, 20_00, first_month=OCTOBER, by=ANNE)
    commitments.receive(world.caisse, account, 20_00, value_date=OCTOBER, reference="Q-1", by=ANNE)
    issue.issue_due(world.caisse)
    stall = world.stall()
    stall.sell(card, 12_50)
    stall.sync()
    return person


def text_of(value: object) -> str:
    """What somebody could read in a column."""
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "ignore")
    return str(value)


def test_a_member_is_shown_all_that_is_known(world: ServiceWorld) -> None:
    """Promise: whoever asks sees everything, in a form that a program reads too."""
    told = json.loads(json.dumps(people.all_about(world.caisse, member(world))))
    assert (told["name"], told["email"]) == (NAME, "marthe@example.org")
    assert told["commitments"][0]["monthly_cents"] == 20_00
    assert told["contributions"][0]["reference"] == "Q-1"
    assert len(told["cards"]) == 1


def test_erasing_a_person_changes_no_book(world: ServiceWorld) -> None:
    """Promise: a member may be forgotten, and every sum is still what the signed facts come to."""
    person = member(world)
    before = rebuild.picture("default")
    sums = sorted(PostingLine.objects.values_list("account", "amount_cents"))
    erased = people.erase(world.caisse, person, by=ANNE)
    assert not Person.objects.exists()
    assert rebuild.picture("default") == before
    assert sorted(PostingLine.objects.values_list("account", "amount_cents")) == sums
    assert rebuild.differences(world.caisse) == []
    assert (erased.erased_by, Erasure.objects.count()) == (ANNE, 1)


def test_a_name_stands_in_one_table(world: ServiceWorld) -> None:
    """Promise 7: no act, no entry, no posting and no card says who somebody is."""
    member(world)
    for model in apps.get_app_config("clafoutis").get_models():
        if model is Person:
            continue
        for row in model._default_manager.values():
            said = " ".join(
                bytes(it).decode("utf-8", "ignore")
                if isinstance(it, bytes | memoryview)
                else str(it)
                for it in row.values()
            )
            assert "Marthe" not in said, model
            assert "example.org" not in said, model
    assert ActRow.objects.count() > 0
    assert not {"name", "email"} & set(CardIssued.__dataclass_fields__)


def test_the_retention_job_forgets_after_two_years(world: ServiceWorld) -> None:
    """Promise: names go two years after the last contact, and not a day before (CNIL 2023-095)."""
    people.register(world.caisse, NAME)
    world.clock.pass_time(timedelta(days=730))
    assert people.erase_due(world.caisse) == 0
    world.clock.pass_time(timedelta(days=1))
    assert people.erase_due(world.caisse) == 1
    assert Erasure.objects.get().erased_by == 0
