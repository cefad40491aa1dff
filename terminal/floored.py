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
    """A clock that a store bounds from below, and a person's word from above too."""

    def __init__(self, inner: Clock, store: Store) -> None:
        self._inner = inner
        self._store = store
        self._declared = store.documents.declared_time

    @property
    def earliest(self) -> datetime:
        """The floor: the highest signed time, before which it can't be."""
        return self._store.signed_time

    @property
    def latest(self) -> datetime:
        """The end of the directory's life, after which nothing can be sold anyway.

        Without a directory it is the permit's.
        """
        directory = self._store.directory
        if directory is None:
            return self._store.permit.permit.valid_until
        return directory.header.valid_until

    def now(self) -> Instant:
        """Return the time: the computer's if it can be trusted, else what a person declared."""
        reading = self._believed(floored(self._inner.now(), self.earliest))
        declared = self._declared
        if (
            reading.trust is ClockTrust.UNTRUSTED
            and declared is not None
            and declared.boot_id == self.boot_id()
        ):
            passed_s = (self.monotonic_ms() - declared.monotonic_ms) // 1000
            reading = Instant(declared.at + timedelta(seconds=passed_s), ClockTrust.DECLARED)
        return floored(reading, self.earliest)

    def monotonic_ms(self) -> int:
        """Return milliseconds since this boot."""
        return self._inner.monotonic_ms()

    def boot_id(self) -> bytes:
        """Return the name of this boot."""
        return self._inner.boot_id()

    def declare(self, at: datetime) -> bool:
        """Take a person's word for the time of this boot; False outside `earliest` to `latest`."""
        at = at.astimezone(UTC).replace(microsecond=0)
        if not self.earliest <= at <= self.latest:
            return False
        self._declared = DeclaredTime(
            boot_id=self.boot_id(), monotonic_ms=self.monotonic_ms(), at=at
        )
        self._store.documents.declared_time = self._declared
        return True

    def _believed(self, reading: Instant) -> Instant:
        """Take its trust from an RTC that has left the directory's life.

        Either the stall has been offline for too long, or the chip tells 2040. Nobody can sell
        then, but a person has to be able to say which it is; else a chip that was set wrong once
        would lock the till out for ever.
        """
        directory = self._store.directory
        if (
            reading.trust is ClockTrust.RTC
            and directory is not None
            and reading.at > directory.header.valid_until
        ):
            return Instant(reading.at, ClockTrust.UNTRUSTED)
        return reading
