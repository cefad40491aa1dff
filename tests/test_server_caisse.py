"""What a transaction remembers of what it has read: what it changes itself is read again."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cardkit.acts import EpochRaised
from server_stub.rules.scheme import RuleName
from server_stub.services import acts
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import set_rule, voted
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db

LONG_AGO = date(2026, 1, 1)
DAYS = RuleName.RECOVERY_DAYS


@pytest.fixture
def caisse() -> Caisse:
    """A caisse that has voted on one rule."""
    made = ServiceWorld.make().caisse
    set_rule(made, DAYS, 10, from_day=LONG_AGO)
    return made


def test_rules_and_epoch_are_read_once_a_transaction(caisse: Caisse) -> None:
    """Promise: a delivery of many cards does not ask for the same rule again and again."""
    with caisse.alone():
        assert (voted(caisse, DAYS), acts.epoch(caisse)) == (10, 1)
        with CaptureQueriesContext(connection) as asked, caisse.alone():
            assert (voted(caisse, DAYS), acts.epoch(caisse)) == (10, 1)
        assert not [one for one in asked.captured_queries if "SELECT" in one["sql"]]


def test_what_a_transaction_decides_holds_in_it_at_once(caisse: Caisse) -> None:
    """Promise: an act counts from its own transaction on, whatever was read before it."""
    with caisse.alone():
        assert (voted(caisse, DAYS), acts.epoch(caisse)) == (10, 1)
        set_rule(caisse, DAYS, 12, from_day=LONG_AGO)
        assert (voted(caisse, DAYS), acts.epoch(caisse)) == (12, 1)
        acts.record(caisse, EpochRaised(epoch=2, reason="restored"))
        assert (voted(caisse, DAYS), acts.epoch(caisse)) == (12, 2)


def test_what_is_taken_back_holds_no_more(caisse: Caisse) -> None:
    """Promise: of a part that failed nothing is left, nor in memory, while the whole goes on."""
    with caisse.alone():
        with pytest.raises(ValueError, match="no"):
            _vote_in_vain(caisse)
        assert voted(caisse, DAYS) == 10


def test_nothing_is_remembered_from_one_transaction_to_the_next(caisse: Caisse) -> None:
    """Promise: what another process decides meanwhile is seen by the next request."""
    with caisse.alone():
        assert voted(caisse, DAYS) == 10
    _behind_its_back(caisse, 11)
    assert voted(caisse, DAYS) == 11
    _behind_its_back(caisse, 12)
    with caisse.alone():
        assert voted(caisse, DAYS) == 12


def _vote_in_vain(caisse: Caisse) -> None:
    with caisse.alone():
        set_rule(caisse, DAYS, 12, from_day=LONG_AGO)
        assert voted(caisse, DAYS) == 12
        raise ValueError("no")


def _behind_its_back(caisse: Caisse, number: int) -> None:
    """Change a rule's row as another process would have."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE clafoutis_rule SET value = %s WHERE name = %s", [number, DAYS.value])
