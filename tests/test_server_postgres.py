"""The service on PostgreSQL: the same books, the same walls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.utils import load_backend

from cardkit import bodies
from cardkit.acts import EpochRaised
from server_stub.models import ActRow, CardTransaction, Finding, PostingLine, Terminal
from server_stub.rules.ledger import Book
from server_stub.services import acts, recover
from server_stub.services.books import balances
from server_stub.services.rebuild import differences
from tests.service_world import MERCHANT, ServiceWorld, forged

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

ACTS: Final = 10
"""Of each of two writers."""


@pytest.fixture
def world(postgres: str) -> Iterator[ServiceWorld]:
    """A caisse on PostgreSQL, forgotten afterwards."""
    with transaction.atomic(using=postgres):
        yield ServiceWorld.make(using=postgres)
        transaction.set_rollback(True, using=postgres)


def test_a_day_on_postgresql(world: ServiceWorld) -> None:
    """Promises 1, 2, 6, 8: sale, forgery, refund, tear and recovery end as they do on SQLite."""
    using = world.caisse.using
    one, two = world.card(), world.card()
    stall, burnt, other = world.stall(3), world.stall(4), world.stall(5)
    sold = stall.sell(one, 12_50)
    torn = stall.tear(one, 3_00, executed=True)
    burnt.sell(two, 20_00)
    other.sell(one, 4_00)
    other.sell(two, 5_00)
    stall.refund(one, sold, 2_50)
    stall.append(bodies.Indeterminate(intent_seq=torn, reason=bodies.DoubtReason.DAY_CLOSED))
    stall.sync([*stall.unsent, forged(stall, stall.entries[1], amount_cents=99_00).signed.encoded])
    other.sync()
    recover.declare_lost(world.caisse, Terminal.objects.using(using).get(id=4))
    books = balances(world.caisse)
    assert books[Book.PAYABLE, MERCHANT] == 12_50 - 2_50 + 4_00 + 5_00
    assert books[Book.PROVISIONAL, MERCHANT] == 20_00
    assert books[Book.RETURNED, 0] == 2_50 + 3_00
    assert sum(books.values()) == 0
    kinds = Finding.objects.using(using).filter(closed_at=None).values_list("kind", flat=True)
    assert set(kinds) == {"not_genuine", "seq_fork", "recovered"}
    assert differences(world.caisse) == []


def test_walls_stand_on_postgresql(world: ServiceWorld) -> None:
    """Promises 1 and 6: a proof is posted once, and no posting is changed."""
    using = world.caisse.using
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sync()
    row = CardTransaction.objects.using(using).get()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic(using=using):
        row.save(using=using, force_insert=True)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(using=using):
        PostingLine.objects.using(using).update(amount_cents=1)
    assert connections[using].vendor == "postgresql"


def test_two_writers_never_read_the_same_end_of_the_log(postgres: str) -> None:
    """Promise 6: acts that are made at once follow each other, and none is refused."""
    caisse, together = ServiceWorld.make(using=postgres).caisse, threading.Barrier(2)
    described = connections[postgres].settings_dict
    before = ActRow.objects.using(postgres).count()

    def write(_: int) -> None:
        connections[postgres] = load_backend(described["ENGINE"]).DatabaseWrapper(
            described, postgres
        )
        together.wait()
        try:
            for _ in range(ACTS):
                acts.record(caisse, EpochRaised(epoch=2, reason="two at once"))
        finally:
            connections[postgres].close()

    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, range(2)))
        assert ActRow.objects.using(postgres).count() == before + 2 * ACTS
        assert len(list(acts.log(caisse, using=postgres))) == before + 2 * ACTS
    finally:
        with connections[postgres].cursor() as cursor:
            cursor.execute("TRUNCATE clafoutis_actrow, clafoutis_rule, clafoutis_merchant CASCADE")
