"""The service at work: its keys, its clock, its database; what every service is given first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from django.db import connections, transaction

from cardkit.clock import Clock
from server_stub.keys import KeyRing

_ONE_WRITER: Final = 0x434C4146
"""Names the lock; any number that nobody else uses in this database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caisse:
    """Wired once per process, or per test."""

    ring: KeyRing
    clock: Clock
    using: str = "default"
    """The name of the database connection."""
    replaying: bool = False
    """While the books are recomputed, nothing new is decided and nothing signed."""

    @property
    def name(self) -> str:
        """The caisse's id."""
        return self.ring.caisse

    def now(self) -> datetime:
        """Return the present time, UTC."""
        return self.clock.now().at

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One transaction with no other writer beside it; may be nested.

        The log of acts has one end, and whoever adds to it has to see it. SQLite has one writer
        anyway; PostgreSQL would let two read the same end, and refuse the second.
        """
        with transaction.atomic(using=self.using):
            connection = connections[self.using]
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_WRITER])
            yield

    def on(self, using: str, *, replaying: bool) -> Self:
        """Return the same caisse over another database."""
        return replace(self, using=using, replaying=replaying)
