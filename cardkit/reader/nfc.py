"""PN53x chips and other readers that nfcpy drives; only this module imports nfcpy and pyserial.

A PN532 or PN533 does ISO/IEC 14443-4 by itself: one host command an APDU where nfcpy's own way
takes four, each a round trip over a slow line. Chips that can't go nfcpy's way. What nfcpy raises
has many roots, so everything that touches it goes through `_reader` or `_card`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import importlib
import logging
import os
import re
import struct
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import nfc
import nfc.clf
import serial
from nfc.clf import device as nfc_device
from nfc.clf import pn53x, pn532, pn533, transport
from nfc.tag import TagCommandError
from nfc.tag.tt4 import IsoDepInitiator

from cardkit.card.connection import Activation
from cardkit.errors import (
    CardLost,
    ReaderBusy,
    ReaderError,
    ReaderForbidden,
    ReaderLost,
    ReaderMissing,
)
from cardkit.reader.beep import Beep, Buzzer, silence
from cardkit.reader.polled import Link, PolledReader
from cardkit.reader.target import BASE_KBPS, RATES_KBPS, Ats, parse_targets

logger = logging.getLogger(__name__)

_AUTOMATIC_RATS = 0x14
"""SetParameters: fAutomaticATR_RES, which is the chip's default, and fAutomaticRATS (PN532 user
manual UM0701-02, 7.2.9)."""
_FIELD = 0x01  # RFConfiguration item (UM0701-02, 7.3.1)
_FIELD_OFF = b"\x02"
_FIELD_RESET_S = 0.005
"""So long without a field, and every card has forgotten everything (ISO/IEC 14443-3, 6.1)."""
_IN_LIST_PASSIVE_TARGET = 0x4A  # UM0701-02, 7.3.5
_IN_PSL = 0x4E  # UM0701-02, 7.3.7
_IN_SELECT = 0x54  # UM0701-02, 7.3.12
_TYPE_A_106 = 0
_FIRST_TARGET = 1
_LIST_S = 1.0
_EXCHANGE_S = 6.0
"""For the chip to answer: the longest frame waiting time is 4.9 s (ISO/IEC 14443-4, 7.2)."""
_EXCHANGE_OVERHEAD_BYTES = 3  # of InDataExchange: TFI, command code, target (UM0701-02, 7.3.8)
_ANSWER_BYTES_MAX = 0x10002
"""An extended answer with its status word; a card that goes on and on is no card."""
_NAK = b"\xb2"
"""R(NAK), block number 0: a card repeats its last block or acknowledges, and executes nothing
(ISO/IEC 14443-4, 7.5.5.3)."""
_PRESENCE_S = 0.3
_RATS_S = 0.03
_RATS = ((256, b"\xe0\x80"), (128, b"\xe0\x70"))
"""By what the reader can receive: FSD 256 or 128, no CID (ISO/IEC 14443-4, 5.1)."""

_BAUD = 115200
_LEFT_FAST_BAUDS = (921600, 460800, 230400)
"""What a process that was killed leaves the chip at, in the order in which nfcpy tries them."""
_WAKE = bytes(10)
_SET_115200 = bytes.fromhex("0000FF03FDD410041800")  # SetSerialBaudRate (UM0701-02, 7.2.8)
_SET_115200_DONE = bytes.fromhex("0000FF02FED5111A00")
_PROBE_S = 0.1
_PATH = re.compile(r"[A-Za-z0-9/_.:+-]+")
"""nfcpy passes the path to a shell."""

_USB_ID = re.compile(r"([0-9a-fA-F]{4})(?::([0-9a-fA-F]{4}))?")
_USB_PLACE = re.compile(r"([0-9]{1,3})(?::([0-9]{1,3}))?")
USB_DRIVERS: Final[dict[tuple[int, int], str]] = dict(nfc_device.usb_device_map)
"""Vendor and product of the USB readers that nfcpy knows, with its driver's name."""

_CHIP_ERROR = pn53x.Chipset.Error
_CARD_TROUBLE = (_CHIP_ERROR, TagCommandError, nfc.clf.CommunicationError)
_READER_TROUBLE = (
    OSError,
    termios.error,  # pyserial flushes a line that is gone
    transport.libusb.USBError,
    # nfcpy takes frames apart without looking at their length.
    IndexError,
    struct.error,
)
_OPENING_TROUBLE = (
    *_CARD_TROUBLE,
    *_READER_TROUBLE,
    AttributeError,  # nfcpy takes it that every USB device has a product name
)
_REFUSED = {errno.EACCES, errno.EPERM}
_BUSY = {errno.EBUSY, errno.EAGAIN}


@contextlib.contextmanager
def _reader() -> Iterator[None]:
    """Speak to the reader alone: whatever nfcpy, pyserial or libusb raise is ReaderLost."""
    try:
        yield
    except (*_CARD_TROUBLE, *_READER_TROUBLE) as error:
        raise ReaderLost(f"{type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _card() -> Iterator[None]:
    """Speak to a card: what the chip says of it is CardLost, all else as for the reader."""
    with _reader():
        try:
            yield
        except _CARD_TROUBLE as error:
            raise CardLost(f"no answer: {error}") from error


class _NfcpyLink:
    """What both ways of speaking to a card have in common: nfcpy's device, and how it ends."""

    def __init__(self, driver: Any, *, name: str, let_go: Callable[[], None]) -> None:
        self._driver = driver
        self._name = name
        self._let_go = let_go
        self._beep = _silenced(driver)

    @property
    def name(self) -> str:
        """The chip and where it is."""
        return self._name

    @property
    def beep(self) -> Beep:
        """Only the ACR122U among nfcpy's readers has a buzzer."""
        return self._beep

    def release(self) -> None:
        """Switch the field off."""
        with _reader():
            self._driver.mute()

    def close(self) -> None:
        """Put the chip to sleep at its first baud rate, or at least close the line."""
        _close(self._driver)
        self._let_go()


class ChipLink(_NfcpyLink):
    """A chip that does ISO/IEC 14443-4 itself (a `Link`)."""

    def __init__(self, driver: Any, *, name: str, let_go: Callable[[], None]) -> None:
        """Take an initialised PN532 or PN533; raises ReaderLost."""
        super().__init__(driver, name=name, let_go=let_go)
        self._chip = driver.chipset
        with _reader():
            self._chip.set_parameters(_AUTOMATIC_RATS)

    def find(self) -> Activation | None:
        """Reset the field and activate the one card in it; raises CardCollision for two."""
        targets_max = self._chip.in_list_passive_target_max_target
        with _reader():
            self._chip.rf_configuration(_FIELD, _FIELD_OFF)
            time.sleep(_FIELD_RESET_S)
            asked = bytearray([targets_max, _TYPE_A_106])
            answer = self._chip.command(_IN_LIST_PASSIVE_TARGET, asked, _LIST_S)
        return parse_targets(bytes(answer))

    def speed_up(self, found: Activation) -> Activation | None:
        """Let the chip negotiate (PPS) the best rate; a card that won't is found again, as slow."""
        rates = Ats.unpack(found.ats or b"").rates
        if rates.slower_kbps == BASE_KBPS:
            return found
        codes = (RATES_KBPS.index(rates.to_card_kbps), RATES_KBPS.index(rates.from_card_kbps))
        with _reader():
            answer = self._chip.command(_IN_PSL, bytearray([_FIRST_TARGET, *codes]), _LIST_S)
        if answer[:1] == b"\x00":
            return replace(found, bit_rate_kbps=rates.slower_kbps)
        # Whether the card heard it is unknown, and then nobody knows its rate.
        return self.find()

    def exchange(self, command: bytes) -> bytes:
        """Carry one APDU; frames longer than the host's are chained both ways."""
        size = self._chip.host_command_frame_max_size - _EXCHANGE_OVERHEAD_BYTES
        parts = [command[at : at + size] for at in range(0, len(command), size)] or [b""]
        with _card():
            for part in parts[:-1]:
                self._chip.in_data_exchange(part, _EXCHANGE_S, more=True)
            answer, more = self._chip.in_data_exchange(parts[-1], _EXCHANGE_S)
            while more and len(answer) <= _ANSWER_BYTES_MAX:
                part, more = self._chip.in_data_exchange(b"", _EXCHANGE_S)
                answer += part
        return _whole(answer, is_cut=more)

    def is_present(self) -> bool:
        """Ask below the chip's protocol, as libnfc does: its own test loses some cards.

        Until its first APDU a card may lie there halted, because the chip looked for a second.
        """
        try:
            with _card():
                answer = self._chip.command(_IN_SELECT, bytearray([_FIRST_TARGET]), _LIST_S)
                if answer[:1] != b"\x00":
                    return False
                self._chip.in_communicate_thru(_NAK, _PRESENCE_S)
        except CardLost:
            return False
        return True


class HostLink(_NfcpyLink):
    """A chip that only carries frames: nfcpy speaks ISO/IEC 14443-4 (a `Link`)."""

    def __init__(self, driver: Any, *, name: str, let_go: Callable[[], None]) -> None:
        """Take an initialised device."""
        super().__init__(driver, name=name, let_go=let_go)
        self._frontend = nfc.ContactlessFrontend()
        self._frontend.device = driver
        self._protocol: Any = None

    def find(self) -> Activation | None:
        """Reset the field and activate the first card that answers; two are not told apart."""
        self._protocol = None
        with _reader():
            self._driver.mute()
            time.sleep(_FIELD_RESET_S)
            target = self._sense()
            if target is None or target.sdd_res is None:
                return None
            found = Activation(
                uid=bytes(target.sdd_res),
                atqa=bytes(target.sens_res)[::-1],
                sak=target.sel_res[0],
                bit_rate_kbps=BASE_KBPS,
            )
        return self._activated(found) if found.speaks_apdus else found

    def speed_up(self, found: Activation) -> Activation:
        """Stay at 106 kbit/s: nfcpy knows no PPS."""
        return found

    def exchange(self, command: bytes) -> bytes:
        """Carry one APDU, in blocks."""
        with _card():
            answer = self._protocol.exchange(command)
        return _whole(answer, is_cut=False)

    def is_present(self) -> bool:
        """Ask for an acknowledgement with the block number in use."""
        if self._protocol is None:
            return False
        try:
            with _card():
                self._protocol.exchange(None)
        except CardLost:
            return False
        return True

    def _sense(self) -> Any:
        """The target in the field, or None; an answer in disorder is none."""
        try:
            return self._frontend.sense(nfc.clf.RemoteTarget("106A"), iterations=1)
        except nfc.clf.CommunicationError as error:
            logger.debug("an answer in disorder: %s", error)
            return None

    def _activated(self, found: Activation) -> Activation | None:
        """The card after RATS; None when it did not answer it."""
        try:
            with _card():
                size = self._frontend.max_recv_data_size
                rats = next(command for least, command in _RATS if size >= least)
                ats = bytes(self._frontend.exchange(rats, _RATS_S))
                allowed = Ats.unpack(ats)
                frame_bytes = min(allowed.frame_bytes, self._frontend.max_send_data_size)
                self._protocol = IsoDepInitiator(self._frontend, frame_bytes, allowed.frame_wait_s)
        except CardLost:
            return None
        return replace(found, ats=ats)


MakeLink = Callable[..., Link]
"""A link's class: takes nfcpy's device, `name` and `let_go`."""


def open_serial(path: str, *, make_link: MakeLink = ChipLink) -> PolledReader:
    """Open the PN532 on a serial line, wherever a link leads at that moment.

    Raises ReaderMissing, ReaderBusy or ReaderForbidden.
    """
    return PolledReader(lambda: _serial_link(path, make_link))


def open_usb(place: str) -> PolledReader:
    """Open one of nfcpy's USB readers: `VVVV`, `VVVV:PPPP` (hex), `BUS`, `BUS:DEV` (decimal).

    No place at all is the first one. Raises ReaderMissing, ReaderBusy or ReaderForbidden.
    """
    return PolledReader(lambda: _usb_link(place))


def _serial_link(path: str, make_link: MakeLink) -> Link:
    port = os.path.realpath(path)  # nfcpy knows the slow UART of a Raspberry Pi by its name
    if not _PATH.fullmatch(port):
        raise ReaderMissing(f"no path of a serial line: {path!r}")
    lock = _lock(path, port)
    try:
        driver = _serial_driver(path, port)
        name = f"{driver.chipset_name} ({path})"
        with _closed_on_failure(driver):
            return make_link(driver, name=name, let_go=lambda: os.close(lock))
    except BaseException:
        os.close(lock)
        raise


def _lock(path: str, port: str) -> int:
    """Keep other processes of ours, and everybody else who asks, off the line; return the lock.

    It comes before anything is opened for good: that alone would change the other's baud rate.
    """
    with _opening(path):
        lock = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        if not os.isatty(lock):
            raise ReaderMissing(f"{path} is no serial line")
        with _opening(path):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _serial_driver(path: str, port: str) -> Any:
    """Nfcpy's PN532, also when the chip was left at a higher baud rate."""
    try:
        return _initialised(port)
    except _OPENING_TROUBLE as error:
        logger.debug("no PN532 at %s baud on %s: %s", _BAUD, path, error)
    with _opening(path):
        if not any(_slowed_down(port, baud) for baud in _LEFT_FAST_BAUDS):
            raise ReaderMissing(f"nothing on {path} answers as a PN532")
        return _initialised(port)


def _initialised(port: str) -> Any:
    line = transport.TTY(port)
    try:
        driver = pn532.init(line)
    except BaseException:
        _hang_up(line)
        raise
    driver._path = port  # noqa: SLF001 - nfcpy sets it from outside as well
    return driver


def _slowed_down(port: str, baud: int) -> bool:
    """Tell a chip that listens at this rate to go back to the first one; say whether it did."""
    with serial.Serial(port, baud, timeout=_PROBE_S) as line:
        line.write(_WAKE + _SET_115200)
        wanted = bytes(pn532.Chipset.ACK) + _SET_115200_DONE
        if line.read(len(wanted)) != wanted:
            return False
        line.write(bytes(pn532.Chipset.ACK))  # only after it the chip changes its rate
        line.flush()
        return True


def _usb_link(place: str) -> Link:
    with _opening(f"usb:{place}"):
        found = [it for it in transport.USB.find("usb") if it[:2] in USB_DRIVERS]
    matching = [it for it in found if is_at(place, it)]
    if not matching:
        raise ReaderMissing(f"no USB reader that nfcpy drives is at usb:{place}")
    vendor, product, bus, number = matching[0]
    address = f"usb:{bus:03}:{number:03}"
    with _opening(address):
        module = importlib.import_module(f"nfc.clf.{USB_DRIVERS[vendor, product]}")
        line = transport.USB(bus, number)
        try:
            driver = module.init(line)
        except BaseException:
            line.close()
            raise
    driver._path = address  # noqa: SLF001 - nfcpy sets it from outside as well
    parts = (driver.vendor_name, driver.product_name, driver.chipset_name, f"({address})")
    does_iso_dep = isinstance(getattr(driver, "chipset", None), pn532.Chipset | pn533.Chipset)
    make_link = ChipLink if does_iso_dep else HostLink
    with _closed_on_failure(driver):
        return make_link(driver, name=" ".join(filter(None, parts)), let_go=lambda: None)


def is_at(place: str, reader: tuple[int, int, int, int]) -> bool:
    """Whether a reader (vendor, product, bus, device) is the one that is asked for."""
    for pattern, base, facts in ((_USB_ID, 16, reader[:2]), (_USB_PLACE, 10, reader[2:])):
        if match := pattern.fullmatch(place):
            asked = [int(group, base) for group in match.groups() if group]
            return list(facts[: len(asked)]) == asked
    return place == ""


@contextlib.contextmanager
def _opening(address: str) -> Iterator[None]:
    """Turn what goes wrong with opening into an error that says what to do."""
    try:
        yield
    except _OPENING_TROUBLE as error:
        number = getattr(error, "errno", None)
        if number in _REFUSED:
            raise ReaderForbidden(f"no permission for {address}") from error
        if number in _BUSY:
            raise ReaderBusy(f"another program or a kernel driver holds {address}") from error
        raise ReaderMissing(f"{address}: {error}") from error


@contextlib.contextmanager
def _closed_on_failure(driver: Any) -> Iterator[None]:
    """Close nfcpy's device again when no link could be made; a loss at once is a missing reader."""
    try:
        yield
    except ReaderError as error:
        _close(driver)
        raise ReaderMissing(str(error)) from error


def _silenced(driver: Any) -> Beep:
    """Mute the one reader of nfcpy's that can beep; nfcpy never lets it."""
    ask = getattr(getattr(driver, "chipset", None), "ccid_xfr_block", None)
    if ask is None:
        return Beep.NONE
    with _reader():
        return silence(Buzzer.ACR122, lambda command: bytes(ask(bytearray(command))))


def _whole(answer: bytes | bytearray | None, *, is_cut: bool) -> bytes:
    """An R-APDU, which has a status word at least; raises CardLost for less."""
    if answer is None or is_cut or len(answer) < 2:
        raise CardLost("no whole answer")
    return bytes(answer)


def _close(driver: Any) -> None:
    """Close nfcpy's device; on a dead line it fails half-way, and leaves it open."""
    chip = getattr(driver, "chipset", None)
    line = getattr(chip, "transport", None)
    try:
        driver.close()
    except (*_READER_TROUBLE, _CHIP_ERROR) as error:
        logger.debug("the reader was gone already: %s", error)
        _hang_up(line)


def _hang_up(line: Any) -> None:
    """Close the line itself."""
    with contextlib.suppress(*_READER_TROUBLE):
        tty = getattr(line, "tty", None)
        if tty is not None:
            tty.close()
        elif line is not None:
            line.close()
