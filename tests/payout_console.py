"""The console over books of their own, outside of any transaction: a copy of them can be made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model
from django.test import Client, override_settings

from server_stub import scratch
from server_stub.models import ConsoleRole
from tests.console_visitors import served, visitor
from tests.payout_world import BOOKS, PayoutWorld, copied


class ToBooks:
    """Sends whatever names no database to the books that are being tried: people, sessions."""

    def db_for_read(self, _model: type[Model], **_hints: object) -> str:
        """Read there."""
        return BOOKS

    def db_for_write(self, _model: type[Model], **_hints: object) -> str:
        """Write there."""
        return BOOKS

    def allow_relation(self, *_rows: object, **_hints: object) -> bool:
        """All of it is in one place."""
        return True


@contextmanager
def served_books(paying: PayoutWorld, data: Path) -> Iterator[PayoutWorld]:
    """Serve a caisse that pays, with a data directory and an account of its own."""
    own = {
        "DATABASE_ROUTERS": ["tests.payout_console.ToBooks"],
        "DATA_DIR": data,
        "DEBTOR_NAME": "CLAF de Flers",
        "DEBTOR_IBAN": "FR7630006000011234567890189",
    }
    with override_settings(**own), served(paying.world):
        yield paying


@contextmanager
def books_with_people() -> Iterator[sqlite3.Connection]:
    """Empty books that have what people and their sessions stand in, too."""
    with scratch.empty_books(BOOKS):
        executor = MigrationExecutor(connections[BOOKS])
        executor.migrate(executor.loader.graph.leaf_nodes())
        yield copied()


def people(paying: PayoutWorld) -> tuple[Client, Client]:
    """A coordinator's and a treasurer's browser."""
    coordinator = visitor(paying.world, ConsoleRole.COORDINATOR)
    return coordinator, visitor(paying.world, ConsoleRole.TREASURER)
