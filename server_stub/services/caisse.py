"""The service at work: its keys, its clock, its database; what every service is given first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self, TypeVar

from django.db import connections, transaction

from cardkit.clock import Clock
from server_stub.keys import KeyRing

_ONE_WRITER: Final = 0x434C4146
"""Names the lock; any number that nobody else uses in this database."""

T = TypeVar("T")


class _Known(threading.local):
    """What this thread has read in the transaction that it is in, by database and by name."""

    def __init__(self) -> None:
        self.read: dict[str, dict[str, Any]] = {}


_KNOWN: Final = _Known()


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
            with self._knowing():
                yield

    def once(self, name: str, read: Callable[[], T]) -> T:
        """Return what was read under this name under `alone`, or read it; else read it each time.

        For what nothing but an act changes: rules, the epoch. Nobody else writes meanwhile, and
        whoever writes it himself says so (`forget`).
        """
        known = _KNOWN.read.get(self.using)
        if known is None:
            return read()
        if name not in known:
            known[name] = read()
        value: T = known[name]
        return value

    def forget(self) -> None:
        """Read anew what `once` remembers: an act may have changed it, or was taken back."""
        if self.using in _KNOWN.read:
            _KNOWN.read[self.using].clear()

    @contextmanager
    def _knowing(self) -> Iterator[None]:
        if self.using not in _KNOWN.read:
            _KNOWN.read[self.using] = {}
            try:
                yield
            finally:
                del _KNOWN.read[self.using]
            return
        try:
            yield
        except BaseException:
            self.forget()  # the acts of this part are rolled back, and the whole may go on
            raise

    def on(self, using: str, *, replaying: bool) -> Self:
        """Return the same caisse over another database."""
        return replace(self, using=using, replaying=replaying)
