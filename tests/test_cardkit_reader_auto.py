"""`auto` finds what is there, in a stated order, and says of all the rest why not."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cardkit.errors import ReaderForbidden, ReaderMissing
from cardkit.reader import Reader, open_reader
from cardkit.reader.auto import (
    USB_NAMES,
    Candidate,
    Machine,
    Obstacle,
    candidates,
    find_reader,
    open_first,
    open_first_serial,
    pcsc_candidates,
    serial_candidates,
    usb_candidates,
)
from cardkit.reader.nfc import USB_DRIVERS
from simulator.field import Field
from simulator.pcscd import PrivatePcscd
from simulator.pn532 import VirtualPn532
from tests.rights import as_nobody

ACR122U, RCS380 = (0x072F, 0x2200), (0x054C, 0x06C3)


class Bench:
    """A computer's device files and the kernel's lists of them, in a folder."""

    def __init__(self, root: Path) -> None:
        root.chmod(0o755)
        self.machine = Machine(dev=root / "dev", sys=root / "sys", sbin=root / "sbin")
        for folder in ("dev", "sys/bus/usb/devices", "sys/class/tty/console", "sbin"):
            (root / folder).mkdir(parents=True)

    def plug_usb(self, kind: tuple[int, int], number: int, *, version: str = "0100") -> Path:
        """Plug a device into bus 1; its folder in /sys."""
        device = self.machine.sys / f"bus/usb/devices/1-{number}"
        (device / f"1-{number}:1.0").mkdir(parents=True)
        facts = {
            "idVendor": f"{kind[0]:04x}",
            "idProduct": f"{kind[1]:04x}",
            "busnum": "1",
            "devnum": str(number),
            "bcdDevice": version,
        }
        for fact, value in facts.items():
            (device / fact).write_text(f"{value}\n")
        node = self.machine.dev / f"bus/usb/001/{number:03}"
        node.parent.mkdir(parents=True, exist_ok=True)
        node.touch()
        return device

    def bind(self, device: Path, driver: str) -> None:
        """Let a driver of the kernel hold the device."""
        drivers = self.machine.sys / f"bus/usb/drivers/{driver}"
        drivers.mkdir(parents=True, exist_ok=True)
        (device / f"{device.name}:1.0/driver").symlink_to(drivers)

    def plug_serial(self, name: str, target: str | None = None) -> Path:
        """Make a serial line, or a link to one."""
        path = self.machine.dev / name
        if target is None:
            path.touch()
        else:
            path.symlink_to(target)
        return path


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A computer without any reader, in a folder that nobody may look into as well."""
    with tempfile.TemporaryDirectory() as folder:
        yield Bench(Path(folder))


def raising(error: Exception) -> Callable[[], tuple[str, ...]]:
    """A daemon that can't be asked."""

    def names() -> tuple[str, ...]:
        raise error

    return names


def obstacles(seen: Iterator[Candidate]) -> list[Obstacle | None]:
    """What is in the way of each."""
    return [candidate.obstacle for candidate in seen]


# PC/SC


def test_what_pcscd_shows(bench: Bench) -> None:
    """Each contactless slot is a reader; chips and SAMs of the same device are not."""
    names = (
        "ACS ACR1252 1S CL Reader [ACR1252 Reader SAM] 01 00",
        "ACS ACR1252 1S CL Reader [ACR1252 Reader PICC] 00 00",
        "ACS ACR1281 1S Dual Reader ICC 00 00",
        "HID OMNIKEY 5422 Smartcard Reader [OMNIKEY 5422CL Contactless] 01 00",
        "HID OMNIKEY 5422 Smartcard Reader [OMNIKEY 5422 Contact] 00 00",
    )
    seen = list(pcsc_candidates(bench.machine, lambda: names))
    assert [it.address for it in seen] == [f"pcsc:{name[: -len(' 00 00')]}" for name in names]
    chip = Obstacle.NOT_CONTACTLESS
    assert [it.obstacle for it in seen] == [chip, None, chip, None, chip]


def test_a_reader_keeps_its_address_when_pcscd_counts_anew(bench: Bench) -> None:
    """Its numbers go up when it is plugged in again while a program still knew the old one."""

    def addresses(*names: str) -> list[str]:
        return [it.address for it in pcsc_candidates(bench.machine, lambda: names)]

    assert addresses("A Reader 00 00") == addresses("A Reader 01 00") == ["pcsc:A Reader"]
    assert addresses("A Reader 00 00", "A Reader 01 00") == ["pcsc:A Reader", "pcsc:A Reader 01 00"]
    # What finds another slot first is no address.
    assert addresses("A Reader SAM 00 00", "A Reader 00 01") == [
        "pcsc:A Reader SAM",
        "pcsc:A Reader 00 01",
    ]


def test_of_two_readers_of_one_model_the_first_is_taken(virtual_pcscd: PrivatePcscd) -> None:
    """Each address opens the reader that it stands for."""
    names = virtual_pcscd.reader_names
    first, second = pcsc_candidates(Machine(), lambda: names)
    assert first.address == "pcsc:" + names[0].removesuffix(" 00 00")
    found = find_reader((first, second))
    assert found.reader is not None
    assert found.reader.name == names[0]
    found.reader.close()
    with contextlib.closing(open_reader(second.address)) as reader:
        assert reader.name == names[1]


def test_why_pcscd_shows_nothing(bench: Bench) -> None:
    """Not installed, not running, refusing, or without a reader: four things to do."""
    daemon = raising(ReaderMissing("no service"))
    assert obstacles(pcsc_candidates(bench.machine, daemon)) == [Obstacle.PCSCD_NOT_INSTALLED]
    (bench.machine.sbin / "pcscd").touch()
    assert obstacles(pcsc_candidates(bench.machine, daemon)) == [Obstacle.PCSCD_NOT_RUNNING]
    refusing = raising(ReaderForbidden("polkit"))
    assert obstacles(pcsc_candidates(bench.machine, refusing)) == [Obstacle.PCSCD_REFUSES]
    assert obstacles(pcsc_candidates(bench.machine, tuple)) == [Obstacle.PCSCD_HAS_NONE]


# USB


def test_usb_readers_are_known(bench: Bench) -> None:
    """Whatever nfcpy drives has a name, and nothing else is listed; interfaces are no devices."""
    assert set(USB_NAMES) == set(USB_DRIVERS)
    bench.plug_usb((0x1D6B, 0x0002), 1)
    bench.plug_usb(RCS380, 7)
    (bench.machine.sys / "bus/usb/devices/1-7:1.0").mkdir()
    assert list(usb_candidates(bench.machine)) == [Candidate("usb:001:007", "Sony RC-S380")]


def test_what_holds_a_usb_reader(bench: Bench) -> None:
    """The kernel's own NFC driver, which grabs it at plugging, or a program such as pcscd."""
    bench.bind(bench.plug_usb(ACR122U, 3), "pn533_usb")
    bench.bind(bench.plug_usb(RCS380, 4), "port100")
    bench.bind(bench.plug_usb(RCS380, 5), "usbfs")
    kernel = Obstacle.KERNEL_DRIVER
    assert obstacles(usb_candidates(bench.machine)) == [kernel, kernel, Obstacle.BUSY]


def test_an_acr122u_whose_firmware_hangs(bench: Bench) -> None:
    """With versions 2.15 and 2.16 it takes nfcpy's first command about its light badly."""
    for number, version in enumerate(("0207", "0214", "0215", "0216"), start=2):
        bench.plug_usb(ACR122U, number, version=version)
    bench.plug_usb(RCS380, 6, version="0215")
    bad = Obstacle.BAD_FIRMWARE
    assert obstacles(usb_candidates(bench.machine)) == [None, None, bad, bad, None]


def test_a_usb_reader_that_is_just_leaving_is_not_there(bench: Bench) -> None:
    """A loose plug takes its files away one by one, while they are read: no reason to crash."""
    device = bench.plug_usb(ACR122U, 4)
    (device / "bcdDevice").unlink()
    bench.plug_usb(RCS380, 5)
    assert [it.address for it in usb_candidates(bench.machine)] == ["usb:001:005"]


def test_a_usb_reader_that_may_not_be_opened(bench: Bench) -> None:
    """The udev rule is missing, or the user is not in its group."""
    bench.plug_usb(RCS380, 3)
    (bench.machine.dev / "bus/usb/001/003").chmod(0)
    with as_nobody():
        assert obstacles(usb_candidates(bench.machine)) == [Obstacle.NO_PERMISSION]


# Serial lines


def test_serial_lines_in_order(bench: Bench) -> None:
    """The Raspberry Pi's name for its line first, every line once, then what hangs on USB."""
    for name in ("ttyUSB1", "ttyUSB0", "ttyS0", "ttyAMA0", "ttyAMA10", "tty1"):
        bench.plug_serial(name)
    bench.plug_serial("serial0", "ttyAMA0")
    names = ["serial0", "ttyS0", "ttyUSB0", "ttyUSB1"]
    assert list(serial_candidates(bench.machine)) == [
        Candidate(f"pn532:{bench.machine.dev / name}", f"PN532 {bench.machine.dev / name}")
        for name in names
    ]


def test_a_line_with_the_console_on_it(bench: Bench) -> None:
    """The kernel's messages would drown the reader; a link to the line does not hide it."""
    bench.plug_serial("ttyS0")
    bench.plug_serial("ttyAMA0")
    bench.plug_serial("serial0", "ttyS0")
    (bench.machine.sys / "class/tty/console/active").write_text("tty0 ttyS0\n")
    assert obstacles(serial_candidates(bench.machine)) == [Obstacle.CONSOLE, None]


def test_a_line_that_may_not_be_opened(bench: Bench) -> None:
    """The user is not in the group dialout."""
    bench.plug_serial("ttyUSB0").chmod(0)
    with as_nobody():
        assert obstacles(serial_candidates(bench.machine)) == [Obstacle.NO_PERMISSION]


# The choice


def test_the_order_is_pcscd_then_usb_then_serial(bench: Bench) -> None:
    """A serial line comes last, because asking it is to write to whatever hangs on it."""
    bench.plug_serial("ttyUSB0")
    bench.plug_usb(RCS380, 3)
    seen = candidates(bench.machine, lambda: ("Reader 00 00",))
    assert [it.address.partition(":")[0] for it in seen] == ["pcsc", "usb", "pn532"]


def test_the_first_that_opens_is_chosen() -> None:
    """What can't be is not tried, what fails says why, and after the choice nothing is touched."""
    errors = {"b": ReaderMissing("silence"), "c": ReaderForbidden("no")}
    opened: list[str] = []

    def open_address(address: str) -> Reader:
        opened.append(address)
        if address in errors:
            raise errors[address]
        return Field(address)

    seen = tuple(
        Candidate(address, address.upper(), obstacle)
        for address, obstacle in [("a", Obstacle.CONSOLE), ("b", None), ("c", None), ("d", None)]
    )
    more = (Candidate("e", "E"), Candidate("f", "F", Obstacle.BUSY))
    found = find_reader((*seen, *more), open_address)
    assert opened == ["b", "c", "d"]
    assert found.reader is not None
    assert found.reader.name == "d"
    assert found.chosen == Candidate("d", "D")
    assert obstacles(iter(found.candidates)) == [
        Obstacle.CONSOLE,
        Obstacle.SILENT,
        Obstacle.NO_PERMISSION,
        None,
        Obstacle.NOT_NEEDED,
        Obstacle.BUSY,
    ]


def test_none_at_all_says_why(bench: Bench) -> None:
    """The message of `auto` names every candidate and its obstacle."""
    found = find_reader((Candidate("a", "A", Obstacle.CONSOLE),))
    assert (found.reader, found.chosen) == (None, None)
    with pytest.raises(ReaderMissing, match="nothing is there"):
        open_first_serial(bench.machine)
    bench.plug_serial("ttyS0")
    with pytest.raises(ReaderMissing, match=r"pn532:.*ttyS0: nothing answers there"):
        open_first_serial(bench.machine)


def test_a_pn532_is_found_behind_the_lines_without_one(bench: Bench) -> None:
    """A held line and a silent one come first, and are named in the log; the third has the chip."""
    master, slave = os.openpty()
    with VirtualPn532() as chip, VirtualPn532() as held:
        bench.plug_serial("serial0", os.ttyname(slave))
        bench.plug_serial("ttyUSB0", held.path)
        bench.plug_serial("ttyUSB1", chip.path)
        with Path(held.path).open("rb", buffering=0) as line:
            fcntl.flock(line, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = find_reader(tuple(serial_candidates(bench.machine)))
            assert found.reader is not None
            found.reader.close()
    assert found.reader.name.endswith("ttyUSB1)")
    assert obstacles(iter(found.candidates)) == [Obstacle.SILENT, Obstacle.BUSY, None]
    os.close(master)
    os.close(slave)


def test_auto_takes_what_pcscd_has(
    bench: Bench, virtual_pcscd: PrivatePcscd, caplog: pytest.LogCaptureFixture
) -> None:
    """With a daemon that shows a reader, nothing is written to any line; the log says so."""
    bench.plug_serial("ttyUSB0")
    with caplog.at_level(logging.INFO), contextlib.closing(open_first(bench.machine)) as reader:
        assert reader.name == virtual_pcscd.reader_names[0]
    assert f"auto chose {reader.name}" in caplog.text
    assert "ttyUSB0: another one comes first" in caplog.text
