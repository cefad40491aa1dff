"""The books can be computed again from what was signed, and any other figure shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from cardkit import bodies
from cardkit.errors import DocumentError
from server_stub.models import (
    ActRow,
    Card,
    CardTransaction,
    Claim,
    DirectoryRow,
    PostingLine,
    StoredEntry,
    Terminal,
)
from server_stub.services import blocks, issue, recover
from server_stub.services.rebuild import differences
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse after a fortnight in which everything happened once."""
    world = ServiceWorld.make()
    one, two = world.card(), world.card()
    stall, burnt, other = world.stall(3), world.stall(4), world.stall(5)
    sold = stall.sell(one, 12_50)
    torn = stall.tear(one, 3_00, executed=True)
    burnt.sell(two, 20_00)
    other.sell(one, 4_00)
    other.sell(two, 5_00)
    stall.refund(one, sold, 2_50)
    stall.append(bodies.Indeterminate(intent_seq=torn, reason=bodies.DoubtReason.DAY_CLOSED))
    other.sync()
    stall.sync()
    recover.declare_lost(world.caisse, Terminal.objects.get(id=4), by=1)
    (sale,) = recover.recovered(world.caisse, Terminal.objects.get(id=4))
    recover.confirm(world.caisse, sale, by=1)
    blocks.block_card(world.caisse, world.row(two), by=1)
    world.clock.pass_time(timedelta(days=14))
    issue.issue_due(world.caisse)
    stall.sync()
    return world


def tamper(sql: str, *parameters: int) -> None:
    """Do what only somebody with the database file can do."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute(sql, parameters)
        for _, definition in triggers:
            cursor.execute(definition)


def test_books_come_to_the_same(world: ServiceWorld) -> None:
    """Promise 6: entries, acts and documents alone give every posting, claim and state again."""
    assert differences(world.caisse) == []
    assert differences(world.caisse) == [], "and leave nothing behind"


def test_a_changed_line_shows(world: ServiceWorld) -> None:
    """Promise 6: a cent moved in the database is named with its row."""
    line = PostingLine.objects.filter(account="payable").first()
    assert line is not None
    tamper(
        "UPDATE clafoutis_postingline SET amount_cents = amount_cents + 1 WHERE id = %s", line.pk
    )
    (found,) = differences(world.caisse)
    assert "payable 7" in found.where
    assert int(found.kept) == int(found.computed) + 1


def test_changed_states_show(world: ServiceWorld) -> None:
    """Promise 6: a claim or transaction that was set by hand differs from what facts give."""
    Claim.objects.filter(state="payable").update(state="held")
    CardTransaction.objects.update(merchant=8)
    wheres = {one.where.split()[0] for one in differences(world.caisse)}
    assert wheres == {"claim", "transaction"}


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        ("clafoutis_rule SET value = 99900 WHERE name = 'monthly_credit_cents'", "rule"),
        ("clafoutis_allowanceissued SET content = x'00' WHERE id = 1", "allowance"),
        ("clafoutis_allowanceissued SET cumulative_cents = 1 WHERE id = 1", "allowance"),
        ("clafoutis_card SET status = 'active' WHERE status = 'blocked'", "card"),
        ("clafoutis_card SET proven_spent_cents = 0 WHERE id = 1", "card"),
        ("clafoutis_terminal SET cursor_seq = 1 WHERE id = 3", "journal"),
    ],
)
def test_changed_decisions_show(world: ServiceWorld, sql: str, where: str) -> None:
    """Promise 6: what the next decision would go by is what acts decided, and nothing else."""
    tamper(f"UPDATE {sql}")
    (found,) = differences(world.caisse)
    assert found.where.split()[0] == where


def test_removed_entry_shows(world: ServiceWorld) -> None:
    """Promise 6: a deleted fact leaves books that nothing explains."""
    last = StoredEntry.objects.filter(terminal_id=5, kind=21).last()
    assert last is not None
    with connection.constraint_checks_disabled():
        connection.check_constraints = lambda *_: None  # type: ignore[method-assign]
        tamper("DELETE FROM clafoutis_storedentry WHERE id = %s", last.pk)
        assert differences(world.caisse) != []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE clafoutis_actrow SET content = CAST(content || x'00' AS BLOB) WHERE seq = 3",
        "DELETE FROM clafoutis_actrow WHERE seq = 3",
        "UPDATE clafoutis_terminal SET certificate = x'00' WHERE id = 3",
        "UPDATE clafoutis_directoryrow SET encoded = "
        "(SELECT encoded FROM clafoutis_directoryrow WHERE id = 2) WHERE id = 1",
    ],
)
def test_broken_foundations_are_refused(world: ServiceWorld, sql: str) -> None:
    """Promise 6: a changed act, certificate or directory row is not computed with."""
    assert DirectoryRow.objects.filter(id=1).exists()
    assert ActRow.objects.filter(seq=3).exists()
    tamper(sql)
    with pytest.raises(DocumentError):
        differences(world.caisse)


def test_nothing_is_signed_while_computing(world: ServiceWorld) -> None:
    """Promise 6: computing again makes no act and no document."""
    before = ActRow.objects.count(), Card.objects.count()
    differences(world.caisse)
    assert (ActRow.objects.count(), Card.objects.count()) == before
