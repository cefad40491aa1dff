"""Conventions on PostgreSQL: the same refusal, also of two who sign at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.utils import load_backend

from server_stub.models import Convention, ConventionEnd
from tests.service_world import MERCHANT, ServiceWorld

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

YEAR = {"from_day": date(2040, 1, 1), "until_day": date(2041, 1, 1)}
TOUCHING = {"from_day": date(2041, 1, 1), "until_day": date(2042, 1, 1)}
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
TRIES = 200


@pytest.fixture
def world(postgres: str) -> Iterator[ServiceWorld]:
    """A caisse on PostgreSQL, forgotten afterwards."""
    with transaction.atomic(using=postgres):
        yield ServiceWorld.make(using=postgres)
        transaction.set_rollback(True, using=postgres)


def sign(using: str, **days: Any) -> Convention:
    """Put a row into the table, by no rule but the database's."""
    return Convention.objects.using(using).create(
        merchant=MERCHANT, signed_on=date(2026, 1, 1), terms=bytes(32), **days
    )


def test_postgresql_refuses_overlaps_and_longer_ends(world: ServiceWorld) -> None:
    """Promise: no SQL puts two conventions on one day, nor prolongs one; edges may touch."""
    using = world.caisse.using
    first = Convention.objects.using(using).get()
    assert first.act is not None
    sign(using, **YEAR)
    with pytest.raises(IntegrityError, match="overlap"), transaction.atomic(using=using):
        sign(using, from_day=date(2040, 12, 31), until_day=date(2041, 6, 1))
    sign(using, **TOUCHING)
    with pytest.raises(IntegrityError, match="prolongs"), transaction.atomic(using=using):
        ConventionEnd.objects.using(using).create(
            act=first.act, convention=first, until_day=first.until_day
        )


def test_of_two_who_sign_at_once_one_is_refused(postgres: str) -> None:
    """Promise: the second waits for the first and then sees its row.

    Red when the trigger takes no lock: neither would see the other's.
    """
    described = connections[postgres].settings_dict
    patience = threading.Event()

    def second() -> None:
        connections[postgres] = load_backend(described["ENGINE"]).DatabaseWrapper(
            described, postgres
        )
        try:
            sign(postgres, **YEAR)
        finally:
            connections[postgres].close()

    try:
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic(using=postgres):
                sign(postgres, **YEAR)
                late = pool.submit(second)
                _until_it_waits(postgres, late, patience)
            with pytest.raises(IntegrityError, match="overlap"):
                late.result()
    finally:
        with connections[postgres].cursor() as cursor:
            cursor.execute("TRUNCATE clafoutis_convention CASCADE")


def _until_it_waits(using: str, late: Future[None], patience: threading.Event) -> None:
    for _ in range(TRIES):
        with connections[using].cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone()[0] or late.done():
                return
        patience.wait(0.05)
    raise TimeoutError("the second writer neither waits nor ends")
