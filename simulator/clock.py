"""Time as a world's hand moves it."""

from __future__ import annotations

from datetime import datetime, timedelta

from cardkit.clock import ClockTrust, Instant
from cardkit.errors import must

_BOOT_ID_BYTES = 16


class ManualClock:
    """A clock that stands still until it is told to move (a `Clock`)."""

    def __init__(self, at: datetime, *, trust: ClockTrust = ClockTrust.RTC) -> None:
        self._at = at
        self.trust = trust
        self._up_ms = 0
        self._boots = 1

    def now(self) -> Instant:
        """Return the time that was set."""
        return Instant(self._at, self.trust)

    def monotonic_ms(self) -> int:
        """Return milliseconds since the last boot."""
        return self._up_ms

    def boot_id(self) -> bytes:
        """Return the number of the boot as its name."""
        return self._boots.to_bytes(_BOOT_ID_BYTES)

    def pass_time(self, delta: timedelta) -> None:
        """Let time go by."""
        must(delta >= timedelta(), "time goes forward; a clock that is put back is `set`")
        self._at += delta
        self._up_ms += delta // timedelta(milliseconds=1)

    def set(self, at: datetime) -> None:
        """Put the clock to any time, as a person or a dead battery does."""
        self._at = at

    def reboot(self) -> None:
        """Begin a new boot."""
        self._boots += 1
        self._up_ms = 0
