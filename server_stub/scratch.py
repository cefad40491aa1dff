"""Books in memory, which one thread alone knows: to compute again, to try, to live worlds in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import load_backend

from server_stub.database import memory


@contextmanager
def empty_books(using: str) -> Iterator[str]:
    """Give every table without a row under a name, and forget it all afterwards."""
    with _memory(using):
        fill(using)
        yield using


def fill(using: str) -> None:
    """Make a database in memory one with every table, and without a row."""
    connections[using].ensure_connection()
    connections[using].connection.deserialize(_tables())


def connect(using: str) -> BaseDatabaseWrapper:
    """Connect a name to a database in memory, in which there is nothing yet."""
    described = {**connections[DEFAULT_DB_ALIAS].settings_dict, **memory()}
    wrapper: BaseDatabaseWrapper = load_backend(described["ENGINE"]).DatabaseWrapper(
        described, using
    )
    connections[using] = wrapper
    return wrapper


@contextmanager
def _memory(using: str) -> Iterator[BaseDatabaseWrapper]:
    wrapper = connect(using)
    try:
        yield wrapper
    finally:
        wrapper.close()
        del connections[using]


@cache
def _tables() -> bytes:
    """What migrations come to; they take seconds, and so are run once by each process that asks."""
    with _memory("tables") as wrapper:
        executor = MigrationExecutor(wrapper)
        executor.migrate(executor.loader.graph.leaf_nodes("clafoutis"))
        tables: bytes = wrapper.connection.serialize()
    return tables
