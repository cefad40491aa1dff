"""Which readers this computer has, in the order in which they are tried, and what is in their way.

The order: what pcscd shows, because its drivers are looked after and it arbitrates between
programs; then the USB readers that nfcpy drives; then a PN532 on a serial line, which comes last
because asking a line means to write to whatever hangs on it, and that may be a ticket printer.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum, unique
from pathlib import Path
from typing import Final

from cardkit.errors import ReaderBusy, ReaderError, ReaderForbidden, ReaderMissing
from cardkit.frozen import dataclass
from cardkit.reader import Reader, open_reader

logger = logging.getLogger(__name__)

USB_NAMES: Final = {
    (0x054C, 0x0193): "Sony PN531",
    (0x04CC, 0x0531): "Philips PN531",
    (0x04CC, 0x2533): "NXP PN533",
    (0x04E6, 0x5591): "SCM SCL3711",
    (0x04E6, 0x5593): "SCM SCL3712",
    (0x054C, 0x02E1): "Sony RC-S330/360/370",
    (0x054C, 0x06C1): "Sony RC-S380",
    (0x054C, 0x06C3): "Sony RC-S380",
    (0x072F, 0x2200): "ACS ACR122U",
}
"""Vendor and product of what nfcpy drives on USB."""

_ACR122U = (0x072F, 0x2200)
_BAD_ACR122U_VERSIONS = {"0215", "0216"}
"""In `bcdDevice`: with these nfcpy hangs at its first LED command; pcscd works with them."""
_USERSPACE_DRIVER = "usbfs"
"""What the kernel calls the driver of an interface that some program has claimed."""
_SERIAL_FIRST = ("serial0", "ttyAMA0", "ttyS0")
_SERIAL_MORE = "ttyUSB*"
_NOT_CONTACTLESS = re.compile(r"\bSAM\b|\bICC\b|\bContact\b")
"""In the names of readers with several slots."""
_PCSCD_NUMBERS = re.compile(r" [0-9A-F]{2} [0-9A-F]{2}\Z")
"""Reader and slot, which pcscd puts behind a name and counts anew at a replugging."""


@unique
class Obstacle(Enum):
    """Why a reader is not used; each has a sentence on the screen that says what to do."""

    NOT_NEEDED = "another one comes first"
    PCSCD_NOT_INSTALLED = "pcscd is not installed"
    PCSCD_NOT_RUNNING = "pcscd does not run"
    PCSCD_REFUSES = "polkit refuses this user"
    PCSCD_HAS_NONE = "pcscd shows no reader"
    NOT_CONTACTLESS = "a slot for chips or SAMs"
    NO_PERMISSION = "this user may not open the device"
    BUSY = "another program holds it"
    KERNEL_DRIVER = "a kernel driver holds it"
    BAD_FIRMWARE = "its firmware hangs with nfcpy"
    CONSOLE = "the kernel's console is on this line"
    SILENT = "nothing answers there"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reader that may be there: its address, its name, and what is in its way, if anything."""

    address: str
    name: str
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a computer shows its devices."""

    dev: Path = Path("/dev")
    sys: Path = Path("/sys")
    sbin: Path = Path("/usr/sbin")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search ended with: the open reader, or None, and all that was looked at, in order."""

    reader: Reader | None
    candidates: tuple[Candidate, ...]

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that was opened."""
        is_open = self.reader is not None
        return next((it for it in self.candidates if is_open and it.obstacle is None), None)


def pcsc_names() -> tuple[str, ...]:
    """Return pcscd's readers; raises ReaderMissing or ReaderForbidden."""
    from cardkit.reader.pcsc import reader_names  # noqa: PLC0415 - only who asks needs pyscard

    return reader_names()


THIS_MACHINE: Final = Machine()
Names = Callable[[], tuple[str, ...]]
Open = Callable[[str], Reader]


def open_first(machine: Machine = THIS_MACHINE) -> Reader:
    """Open the first reader that works; raises ReaderMissing, which names every obstacle."""
    return _demand(find_reader(candidates(machine)), "auto")


def open_first_serial(machine: Machine = THIS_MACHINE) -> Reader:
    """Open the first serial line with a PN532 on it; raises ReaderMissing likewise."""
    return _demand(find_reader(tuple(serial_candidates(machine))), "pn532:")


def candidates(machine: Machine = THIS_MACHINE, names: Names = pcsc_names) -> tuple[Candidate, ...]:
    """Look at what is there, in order, without opening anything."""
    return (
        *pcsc_candidates(machine, names),
        *usb_candidates(machine),
        *serial_candidates(machine),
    )


def find_reader(seen: tuple[Candidate, ...], open_address: Open = open_reader) -> Found:
    """Open the first candidate without an obstacle, and say what became of each."""
    reader: Reader | None = None
    tried = []
    for candidate in seen:
        obstacle = candidate.obstacle
        if obstacle is None and reader is not None:
            obstacle = Obstacle.NOT_NEEDED
        elif obstacle is None:
            try:
                reader = open_address(candidate.address)
            except ReaderError as error:
                logger.info("%s: %s", candidate.address, error)
                obstacle = _obstacle_of(error)
        tried.append(replace(candidate, obstacle=obstacle))
    return Found(reader, tuple(tried))


def pcsc_candidates(machine: Machine, names: Names = pcsc_names) -> Iterator[Candidate]:
    """What pcscd shows, or why it shows nothing."""
    try:
        found = names()
    except ReaderForbidden:
        yield Candidate("pcsc:", "PC/SC", Obstacle.PCSCD_REFUSES)
        return
    except ReaderMissing:
        is_installed = (machine.sbin / "pcscd").exists()
        missing = Obstacle.PCSCD_NOT_RUNNING if is_installed else Obstacle.PCSCD_NOT_INSTALLED
        yield Candidate("pcsc:", "PC/SC", missing)
        return
    if not found:
        yield Candidate("pcsc:", "PC/SC", Obstacle.PCSCD_HAS_NONE)
    for name in found:
        other_slot = Obstacle.NOT_CONTACTLESS if _NOT_CONTACTLESS.search(name) else None
        yield Candidate(_pcsc_address(name, found), name, other_slot)


def usb_candidates(machine: Machine) -> Iterator[Candidate]:
    """USB readers of nfcpy's, as the kernel lists them."""
    for device in sorted((machine.sys / "bus/usb/devices").glob("*")):
        try:
            kind = (int(_told(device, "idVendor"), 16), int(_told(device, "idProduct"), 16))
            bus, number = int(_told(device, "busnum")), int(_told(device, "devnum"))
            version = _told(device, "bcdDevice")
        except (OSError, ValueError):
            continue  # an interface, or a device that is just leaving
        if kind in USB_NAMES:
            node = machine.dev / f"bus/usb/{bus:03}/{number:03}"
            is_bad = kind == _ACR122U and version in _BAD_ACR122U_VERSIONS
            obstacle = _usb_obstacle(device, node, is_bad=is_bad)
            yield Candidate(f"usb:{bus:03}:{number:03}", USB_NAMES[kind], obstacle)


def serial_candidates(machine: Machine) -> Iterator[Candidate]:
    """Serial lines that a PN532 may hang on; one line under two names is looked at once."""
    seen = set()
    paths = [machine.dev / name for name in _SERIAL_FIRST]
    for path in (*paths, *sorted(machine.dev.glob(_SERIAL_MORE))):
        line = path.resolve()
        if path.exists() and line not in seen:
            seen.add(line)
            yield Candidate(f"pn532:{path}", f"PN532 {path}", _serial_obstacle(machine, line))


def _pcsc_address(name: str, names: tuple[str, ...]) -> str:
    """The address that finds this reader; without pcscd's numbers, where that finds no other."""
    lasting = _PCSCD_NUMBERS.sub("", name)
    first = next(it for it in names if lasting in it)
    return f"pcsc:{lasting if first == name else name}"


def _usb_obstacle(device: Path, node: Path, *, is_bad: bool) -> Obstacle | None:
    holders = {link.resolve().name for link in device.glob(f"{device.name}:*/driver")}
    if holders - {_USERSPACE_DRIVER}:
        return Obstacle.KERNEL_DRIVER
    if holders:
        return Obstacle.BUSY
    if is_bad:
        return Obstacle.BAD_FIRMWARE
    return None if _may_open(node) else Obstacle.NO_PERMISSION


def _serial_obstacle(machine: Machine, line: Path) -> Obstacle | None:
    if not _may_open(line):
        return Obstacle.NO_PERMISSION
    consoles = machine.sys / "class/tty/console/active"
    if consoles.exists() and line.name in consoles.read_text("ascii").split():
        return Obstacle.CONSOLE
    return None


def _obstacle_of(error: ReaderError) -> Obstacle:
    if isinstance(error, ReaderForbidden):
        return Obstacle.NO_PERMISSION
    return Obstacle.BUSY if isinstance(error, ReaderBusy) else Obstacle.SILENT


def _may_open(node: Path) -> bool:
    return os.access(node, os.R_OK | os.W_OK, effective_ids=True)


def _told(device: Path, fact: str) -> str:
    return (device / fact).read_text("ascii").strip()


def _demand(found: Found, address: str) -> Reader:
    """The reader, its choice logged; raises ReaderMissing with all obstacles."""
    reasons = [f"{it.name}: {it.obstacle.value}" for it in found.candidates if it.obstacle]
    if found.reader is None:
        raise ReaderMissing(f"{address}: {'; '.join(reasons) or 'nothing is there'}")
    logger.info("%s chose %s (%s)", address, found.reader.name, "; ".join(reasons))
    return found.reader
