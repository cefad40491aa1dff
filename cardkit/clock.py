"""Time is an aware UTC datetime from an injected clock, with how far it may be believed.

A stall's computer may have no battery-backed clock. What bounds it from below is the highest
*signed* time it has seen (an acknowledgement, a directory, an allowance on a card), never its
own reading: one wrong 2040 would lock it out for ever (docs/protocol.md, "Time").
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import IntEnum, unique
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from cardkit.frozen import dataclass

PARIS: Final = ZoneInfo("Europe/Paris")
"""The zone of business dates; every other time is UTC."""

_SYNCHRONISED: Final = "run/systemd/timesync/synchronized"
_RTC: Final = "sys/class/rtc/rtc0/since_epoch"
_RTC_APART_S: Final = 5
"""A clock chip without its cell is there all the same, and tells another time."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@unique
class ClockTrust(IntEnum):
    """Why a time may be believed, weakest first."""

    UNTRUSTED = 0
    DECLARED = 1
    """The producer was asked for the date."""
    RTC = 2
    SYNCHRONISED = 3


@dataclass(frozen=True, slots=True)
class Instant:
    """A UTC time and its trust."""

    at: datetime
    trust: ClockTrust


class Clock(Protocol):
    """Where a program gets its time from."""

    def now(self) -> Instant:
        """Return the present time, UTC, and its trust."""

    def monotonic_ms(self) -> int:
        """Return milliseconds since this boot."""

    def boot_id(self) -> bytes:
        """Return the 16 bytes that name this boot."""


def _system_time() -> datetime:
    return datetime.now(UTC)


class SystemClock:
    """The computer's own clock; where it reads the time, and what vouches for it, is injected."""

    def __init__(
        self, *, root: Path = Path("/"), read: Callable[[], datetime] = _system_time
    ) -> None:
        self._synchronised = root / _SYNCHRONISED
        self._rtc = root / _RTC
        self._read = read
        self._boot_id: bytes | None = None

    def now(self) -> Instant:
        """Return the system time; trusted when systemd-timesyncd or an RTC vouches for it."""
        at = self._read().replace(microsecond=0)
        if self._synchronised.exists():
            return Instant(at, ClockTrust.SYNCHRONISED)
        return Instant(at, ClockTrust.RTC if self._rtc_agrees(at) else ClockTrust.UNTRUSTED)

    def monotonic_ms(self) -> int:
        """Return milliseconds of CLOCK_BOOTTIME, which counts suspended time too."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def boot_id(self) -> bytes:
        """Return the kernel's random id of this boot, which is read once: each entry names it."""
        if self._boot_id is None:
            self._boot_id = bytes.fromhex(_BOOT_ID.read_text("ascii").strip().replace("-", ""))
        return self._boot_id

    def _rtc_agrees(self, at: datetime) -> bool:
        try:
            told_s = int(self._rtc.read_text("ascii"))
        except (OSError, ValueError):
            return False
        return abs(at.timestamp() - told_s) <= _RTC_APART_S


def floored(reading: Instant, floor: datetime) -> Instant:
    """Raise a reading to the highest signed time; a clock found behind it is not trusted."""
    if reading.at >= floor:
        return reading
    return Instant(floor, ClockTrust.UNTRUSTED)


def business_date(at: datetime) -> date:
    """Return the calendar day in France that this UTC instant belongs to."""
    return at.astimezone(PARIS).date()
