"""The terminal's clock: the computer's own, never below what somebody signed.

A stall without a battery-backed clock wakes up in the past. Then a person is asked what time it
is, and the answer counts for this boot (docs/protocol.md, "Time").
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cardkit.clock import Clock, ClockTrust, Instant, floored
from terminal.documents import DeclaredTime
from terminal.store import Store


class FlooredClock:
    """A clock that a store bounds from below."""

    def __init__(self, inner: Clock, store: Store) -> None:
        self._inner = inner
        self._store = store
        self._declared = store.documents.declared_time

    def now(self) -> Instant:
        """Return the time: the computer's if it can be trusted, else what a person declared."""
        floor = self._store.signed_time
        reading = floored(self._inner.now(), floor)  # also an RTC whose cell is flat is not trusted
        declared = self._declared
        if (
            reading.trust is ClockTrust.UNTRUSTED
            and declared is not None
            and declared.boot_id == self.boot_id()
        ):
            passed_s = (self.monotonic_ms() - declared.monotonic_ms) // 1000
            reading = Instant(declared.at + timedelta(seconds=passed_s), ClockTrust.DECLARED)
        return floored(reading, floor)

    def monotonic_ms(self) -> int:
        """Return milliseconds since this boot."""
        return self._inner.monotonic_ms()

    def boot_id(self) -> bytes:
        """Return the name of this boot."""
        return self._inner.boot_id()

    def declare(self, at: datetime) -> bool:
        """Take a person's word for the time of this boot; False when what was signed forbids it.

        Below: the highest signed time. Above: the end of the directory's life, beyond which
        nothing can be sold anyway.
        """
        at = at.astimezone(UTC).replace(microsecond=0)
        directory = self._store.directory
        if at < self._store.signed_time or (
            directory is not None and at > directory.header.valid_until
        ):
            return False
        self._declared = DeclaredTime(
            boot_id=self.boot_id(), monotonic_ms=self.monotonic_ms(), at=at
        )
        self._store.documents.declared_time = self._declared
        return True
