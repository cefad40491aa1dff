"""Books outside of any transaction, so that a copy of them can be made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.payout_world import PayoutWorld, empty_books, open_accounts


@pytest.fixture(scope="module")
def kept(django_db_blocker: DjangoDbBlocker, django_db_setup: None) -> Iterator[sqlite3.Connection]:
    """A copy of empty books; `PayoutWorld.make` begins with it."""
    with django_db_blocker.unblock(), empty_books() as books:
        yield books


@pytest.fixture
def paying(kept: sqlite3.Connection, django_db_blocker: DjangoDbBlocker) -> Iterator[PayoutWorld]:
    """A caisse that owes something to two merchants with accounts."""
    with django_db_blocker.unblock():
        paying = PayoutWorld.make(kept)
        open_accounts(paying.world)
        paying.trade(12_50, 3_20)
        yield paying
