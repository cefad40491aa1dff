"""How the board is fed, how warm it is, and how much room is left, as Linux tells it in files.

A Raspberry Pi on a tired power bank throttles, drops USB readers and spoils its SD card, and
says so nowhere but here. Every reading may be missing: other boards have other files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import IntFlag, unique
from pathlib import Path
from typing import Final

from cardkit.errors import StoreError
from cardkit.frozen import dataclass

HOT_C: Final = 80
"""A Raspberry Pi slows down from here on (raspberrypi/documentation, "vcgencmd")."""
LOW_PERCENT: Final = 15
DISK_LOW_MB: Final = 200
"""Weeks of sales; a system that writes its logs beside them needs more than they do."""

_THROTTLED: Final = "sys/devices/platform/soc/soc:firmware/get_throttled"
"""Raspberry Pi's kernel, drivers/firmware/raspberrypi.c: what `vcgencmd get_throttled` prints."""
_HWMON: Final = "sys/class/hwmon"
_VOLT: Final = "rpi_volt"
_ALARM: Final = "in0_lcrit_alarm"
"""Linux, drivers/hwmon/raspberrypi-hwmon.c: 1 while the voltage is below its limit."""
_THERMAL: Final = "sys/class/thermal/thermal_zone0/temp"
_SUPPLIES: Final = "sys/class/power_supply"


@unique
class Throttled(IntFlag):
    """The bits of `vcgencmd get_throttled` (raspberrypi/documentation)."""

    UNDERVOLTAGE = 1 << 0
    FREQUENCY_CAPPED = 1 << 1
    THROTTLED = 1 << 2
    TOO_WARM = 1 << 3
    UNDERVOLTAGE_SEEN = 1 << 16
    """Since the board was switched on, as the three that follow."""
    FREQUENCY_CAPPED_SEEN = 1 << 17
    THROTTLED_SEEN = 1 << 18
    TOO_WARM_SEEN = 1 << 19


_KNOWN: Final = 0xF000F
"""Other bits have no meaning yet, and a request no room for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """A battery that the kernel knows of."""

    percent: int
    is_draining: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What is known of the board; None where it has no such file."""

    throttled: Throttled | None = None
    temperature_c: int | None = None
    battery: Battery | None = None
    disk_free_mb: int | None = None

    @property
    def is_weak(self) -> bool:
        """Whether the supply is too weak at this moment."""
        return self.throttled is not None and Throttled.UNDERVOLTAGE in self.throttled

    @property
    def was_weak(self) -> bool:
        """Whether the supply has been too weak since the board was switched on."""
        seen = Throttled.UNDERVOLTAGE | Throttled.UNDERVOLTAGE_SEEN
        return self.throttled is not None and bool(self.throttled & seen)

    @property
    def is_hot(self) -> bool:
        """Whether the board is slowed down by its own warmth."""
        return self.temperature_c is not None and self.temperature_c >= HOT_C

    @property
    def is_low(self) -> bool:
        """Whether the battery ends soon."""
        battery = self.battery
        return battery is not None and battery.is_draining and battery.percent <= LOW_PERCENT

    @property
    def is_disk_low(self) -> bool:
        """Whether there is little room left for sales."""
        return self.disk_free_mb is not None and self.disk_free_mb <= DISK_LOW_MB


def read_power(data: Path, *, root: Path = Path("/")) -> Power:
    """Read everything now; some twenty small files, so it may be done every few seconds.

    `data` is the folder whose disk counts.
    """
    return Power(
        throttled=_throttled(root),
        temperature_c=_temperature_c(root),
        battery=_battery(root),
        disk_free_mb=_disk_free_mb(data),
    )


def parse_throttled(text: str) -> Throttled | None:
    """Read bits in hexadecimal, with or without what `vcgencmd` prints before them."""
    try:
        bits = int(text.strip().removeprefix("throttled="), 16)
    except ValueError:
        return None
    return Throttled(bits & _KNOWN)


def _throttled(root: Path) -> Throttled | None:
    text = _text(root / _THROTTLED)
    told = None if text is None else parse_throttled(text)
    if told is not None:
        return told
    for folder in _folders(root / _HWMON):
        if _text(folder / "name") == _VOLT:
            alarm = _number(folder / _ALARM)
            return None if alarm is None else Throttled(min(1, alarm))
    return None


def _temperature_c(root: Path) -> int | None:
    thousandths = _number(root / _THERMAL)
    return None if thousandths is None else round(thousandths / 1000)


def _battery(root: Path) -> Battery | None:
    """Return the first battery of the system itself, not that of a mouse."""
    for folder in _folders(root / _SUPPLIES):
        percent = _number(folder / "capacity")
        is_ours = _text(folder / "type") == "Battery" and _text(folder / "scope") != "Device"
        if is_ours and percent is not None:
            is_draining = _text(folder / "status") == "Discharging"
            return Battery(percent=max(0, min(100, percent)), is_draining=is_draining)
    return None


def _disk_free_mb(path: Path) -> int:
    try:
        free = os.statvfs(path)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    return free.f_bavail * free.f_frsize // 1_000_000


def _folders(path: Path) -> Iterator[Path]:
    try:
        yield from sorted(path.iterdir())
    except OSError:
        return


def _number(path: Path) -> int | None:
    text = _text(path)
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    """Read a file of the kernel; one that can't be read now is one that is not there."""
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeError):
        return None
