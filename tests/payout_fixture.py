"""Empty books that a copy can be made of, migrated once for all the tests of a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.payout_world import empty_books


@pytest.fixture(scope="module")
def kept(django_db_blocker: DjangoDbBlocker, django_db_setup: None) -> Iterator[sqlite3.Connection]:
    """A copy of empty books; `PayoutWorld.make` begins with it."""
    with django_db_blocker.unblock(), empty_books() as books:
        yield books
