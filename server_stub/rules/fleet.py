"""What somebody should look at about a terminal, before it stops selling on a market day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Final

FSYNC_SLOW_MS: Final = 250
"""A sale waits for two of them while the card lies there."""
DISK_LOW_MB: Final = 200
"""A year of a busy stall."""
HOT_C: Final = 80
"""From here on a Raspberry Pi slows itself down (Raspberry Pi documentation, "Frequency
management and thermal control")."""
_UNDERVOLTAGE_NOW: Final = 0x1
_UNDERVOLTAGE_SINCE_START: Final = 0x10000
"""Bits 0 and 16 of `vcgencmd get_throttled` (Raspberry Pi documentation, "vcgencmd")."""


@unique
class Trouble(StrEnum):
    """What is the matter, the gravest first."""

    ENTRIES_MISSING = "entries_missing"
    PERMIT_ENDED = "permit_ended"
    """It sells nothing."""
    PERMIT_ENDS = "permit_ends"
    NEVER_HEARD = "never_heard"
    SILENT = "silent"
    UNSENT = "unsent"
    """It said that it has more than it has sent, and nothing came since."""
    CLOCK_UNTRUSTED = "clock_untrusted"
    UNDERVOLTAGE = "undervoltage"
    DISK_LOW = "disk_low"
    DISK_SLOW = "disk_slow"
    HOT = "hot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a terminal is, as far as it has said; None is what it has not said."""

    last_seen_at: datetime | None
    permit_until: datetime | None
    """Of the permit that it last said it holds."""
    has_gap: bool
    unsent_entries: int
    clock_trusted: bool | None
    undervoltage: int | None
    disk_free_mb: int | None
    fsync_p95_ms: int | None
    temperature_c: int | None


def troubles(condition: Condition, *, now: datetime, silent_days: int) -> Iterator[Trouble]:
    """Yield what is the matter with a terminal in use, the gravest first."""
    silence = timedelta(days=silent_days)
    ends = condition.permit_until
    seen = condition.last_seen_at
    bits = condition.undervoltage or 0
    signs = {
        Trouble.ENTRIES_MISSING: condition.has_gap,
        Trouble.PERMIT_ENDED: ends is not None and ends < now,
        Trouble.PERMIT_ENDS: ends is not None and now <= ends < now + silence,
        Trouble.NEVER_HEARD: seen is None,
        Trouble.SILENT: seen is not None and seen + silence <= now,
        Trouble.UNSENT: condition.unsent_entries > 0,
        Trouble.CLOCK_UNTRUSTED: condition.clock_trusted is False,
        Trouble.UNDERVOLTAGE: bool(bits & (_UNDERVOLTAGE_NOW | _UNDERVOLTAGE_SINCE_START)),
        Trouble.DISK_LOW: _below(condition.disk_free_mb, DISK_LOW_MB),
        Trouble.DISK_SLOW: _above(condition.fsync_p95_ms, FSYNC_SLOW_MS),
        Trouble.HOT: _above(condition.temperature_c, HOT_C - 1),
    }
    return (trouble for trouble, is_so in signs.items() if is_so)


def _below(value: int | None, bound: int) -> bool:
    return value is not None and value < bound


def _above(value: int | None, bound: int) -> bool:
    return value is not None and value > bound
