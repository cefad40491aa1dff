"""A receipt printer: takes a bitmap, and says why when it does not.

It speaks ESC/POS by python-escpos, which is loaded here alone, and only when something is
printed. A receipt is printed after its sale and never part of it: whatever goes wrong here is a
PrinterError, and the sale stands.

Few printers tell whether they have paper: cheap ones never answer, and a file can't. Where
nothing answers the state is UNKNOWN and "taken" means that the bytes were.
"""

from __future__ import annotations

import errno
import importlib
import logging
import re
import socket
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from PIL import Image

from cardkit.errors import (
    PrinterBusy,
    PrinterError,
    PrinterForbidden,
    PrinterMissing,
    PrinterOutOfPaper,
    PrinterUnreachable,
    must,
)

logger = logging.getLogger(__name__)

NETWORK_PORT: Final = 9100
"""Of raw printing ("JetDirect"); python-escpos has the same default."""
SERIAL_BAUD: Final = 9_600
BAND_ROWS: Final = 24
"""Rows in one raster command: a printer whose cable was pulled waits for no more than that."""
_CHUNK_BYTES: Final = 1_024
"""A second of a slow serial line, so that a printer that stops is noticed within its patience."""
_USB: Final = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})")
_NETWORK: Final = re.compile(r"([A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_SERIAL: Final = re.compile(r"(/[^@]+)(?:@([0-9]{3,7}))?")
_USB_PRINTER: Final = 7
"""Interface class of printers (USB Device Class Definition for Printing Devices 1.1, 4.2)."""
_USB_IN: Final = 0x80

# ESC/POS, Epson's "ESC/POS Command Reference". DLE EOT is answered at once, also by a printer
# that has stopped; GS r in its turn, so its answer says that all before it was printed.
_ASK_PAPER: Final = b"\x10\x04\x04"
_ASK_IN_TURN: Final = b"\x1dr\x01"
_AT_ONCE_MASK, _AT_ONCE = 0x93, 0x12
_IN_TURN_MASK, _IN_TURN = 0x90, 0x00
_PAPER_OUT: Final = 0x60
_PAPER_LOW: Final = 0x0C

_REFUSED: Final = {errno.EACCES, errno.EPERM}
_BUSY: Final = {errno.EBUSY, errno.EAGAIN}
_MISSING: Final = {errno.ENOENT, errno.ENODEV, errno.ENXIO}


@unique
class Paper(Enum):
    """What a printer says of its paper."""

    UNKNOWN = "unknown"
    """It does not tell; neither does this."""
    FINE = "fine"
    LOW = "low"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a printer is waited for."""

    connect_s: float = 5.0
    write_s: float = 10.0
    """Of one chunk, by a printer that takes none because it is busy, open or without paper."""
    answer_s: float = 1.0
    answers: int = 15
    """So many answers are waited for while it prints what it has taken."""


class _Wire(Protocol):
    """Bytes to a printer, and back where there is a way back; raises OSError."""

    def send(self, data: bytes) -> None:
        """Send all of it."""

    def receive(self) -> bytes:
        """Return what came within `answer_s`, nothing where nothing comes."""

    def finish(self) -> None:
        """Return when all that was sent is out of this computer."""

    def close(self) -> None:
        """Let go, without waiting for anything."""


class Printer:
    """An open printer; one receipt, then close it, because many serve one program at a time."""

    def __init__(self, wire: _Wire, *, answers: int) -> None:
        """Take a wire; use `open_printer` instead."""
        self._wire = wire
        self._answers = answers

    def print(self, picture: Image.Image) -> None:
        """Print a bitmap and cut the paper; returns when the printer has taken it all.

        Where the printer answers, that is when it has printed it. Raises PrinterError, after
        which part of it may be on paper.
        """
        job = escpos_job(picture)
        with _speaking():
            paper = self._paper()
            _check(paper)
            try:
                for start in range(0, len(job), _CHUNK_BYTES):
                    self._wire.send(job[start : start + _CHUNK_BYTES])
            except TimeoutError:
                _check(self._paper())  # the frequent reason, which a person can do away with
                raise
            if paper is not Paper.UNKNOWN:
                self._wait_until_printed()
            self._wire.finish()

    def status(self) -> Paper:
        """Ask for the state of the paper."""
        with _speaking():
            return self._paper()

    def close(self) -> None:
        """Let go of the printer; calling it twice is harmless."""
        try:
            self._wire.close()
        except OSError as error:
            logger.debug("closing: %s", error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _paper(self) -> Paper:
        self._wire.send(_ASK_PAPER)
        return _paper_of(self._wire.receive()) or Paper.UNKNOWN

    def _wait_until_printed(self) -> None:
        """Wait for the answer that comes in its turn, and ask for the paper meanwhile."""
        self._wire.send(_ASK_IN_TURN)
        paper = None
        for _ in range(self._answers):
            self._wire.send(_ASK_PAPER)
            said = self._wire.receive()
            paper = _paper_of(said) or paper
            _check(paper)
            if _is_in_turn(said) or _is_in_turn(self._wire.receive()):
                return
        if paper is None:
            raise PrinterUnreachable("it answered before it printed, and no more since")
        logger.debug("a printer that answers at once and never in turn: taken for printed")


def open_printer(
    address: str,
    *,
    patience: Patience | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> Printer:
    """Open the printer at an address; raises PrinterMissing, -Busy, -Forbidden or -Unreachable.

    `usb:VVVV:PPPP` (hex); `serial:/dev/ttyUSB0`, with `@BAUD` behind it where that is not 9600;
    `network:HOST` with `:PORT` where that is not 9100; `file:PATH` for a file or a device that
    only takes bytes.
    """
    patience = patience or Patience()
    kind, _, place = address.partition(":")
    with _speaking():
        if kind == "usb" and (match := _USB.fullmatch(place)):
            vendor, product = (int(group, 16) for group in match.groups())
            return open_usb_printer(vendor, product, patience)
        if kind == "serial" and (match := _SERIAL.fullmatch(place)):
            baud = int(match[2] or SERIAL_BAUD)
            return _printer(_SerialWire(match[1], baud, patience, pause), patience)
        if kind == "network" and (match := _NETWORK.fullmatch(place)):
            port = int(match[2] or NETWORK_PORT)
            return _printer(_NetworkWire(match[1], port, patience), patience)
        if kind == "file" and place:
            return _printer(_FileWire(Path(place)), patience)
    known = "usb:VVVV:PPPP, serial:PATH, network:HOST, file:PATH"
    raise PrinterMissing(f"no address of a printer: {address!r} (known: {known})")


def open_usb_printer(
    vendor: int, product: int, patience: Patience, backend: object = None
) -> Printer:
    """Open a USB printer, on the machine's bus or on another `usb.backend.IBackend`."""
    with _speaking():
        return _printer(_UsbWire(vendor, product, patience, backend), patience)


def escpos_job(picture: Image.Image) -> bytes:
    """Return what a printer is sent for a bitmap: made ready, raster bands, a feed and a cut."""
    must(picture.mode == "1", "a bitmap of one bit a pixel")
    profile = _escpos("escpos.capabilities").Profile(features={"paperFullCut": True})
    # Without a width the library prints a remark to the till's own screen for every band.
    media = {"width": {"pixels": picture.width}}
    profile.profile_data = {**profile.profile_data, "media": media}
    composed = _escpos("escpos.printer").Dummy(profile=profile)
    composed.hw("INIT")
    composed.image(picture, fragment_height=BAND_ROWS)
    composed.cut()
    return bytes(composed.output)


def _printer(wire: _Wire, patience: Patience) -> Printer:
    return Printer(wire, answers=patience.answers)


class _UsbWire:
    """Takes the end points from the printer itself: python-escpos guesses them."""

    def __init__(self, vendor: int, product: int, patience: Patience, backend: object) -> None:
        self._patience = patience
        usb_args = {} if backend is None else {"backend": backend}
        self._driver = _escpos("escpos.printer").Usb(vendor, product, usb_args)
        self._device = _opened(self._driver)
        try:
            self._out, self._in = _end_points(self._device)
        except BaseException:
            self.close()
            raise

    def send(self, data: bytes) -> None:
        while data:
            taken = self._device.write(self._out, data, int(self._patience.write_s * 1_000))
            if not taken:
                raise TimeoutError("the printer takes nothing")
            data = data[taken:]

    def receive(self) -> bytes:
        if self._in is None:
            return b""
        try:
            return bytes(self._device.read(self._in, 16, int(self._patience.answer_s * 1_000)))
        except OSError as error:
            if error.errno == errno.ETIMEDOUT:  # PyUSB's own class, which is no TimeoutError
                return b""
            raise

    def finish(self) -> None:
        """A transfer that ended was taken."""

    def close(self) -> None:
        self._driver.close()


class _SerialWire:
    """Held against other programs, and with an end to every wait: the library has none."""

    def __init__(
        self, path: str, baud: int, patience: Patience, pause: Callable[[float], object]
    ) -> None:
        self._patience = patience
        self._pause = pause
        self._is_sending = False
        # Kept, because the library closes the line when nobody holds this any more.
        self._driver = _escpos("escpos.printer").Serial(path, baud)
        self._device = _opened(self._driver)
        try:
            self._device.exclusive = True
            self._device.timeout = patience.answer_s
            self._device.write_timeout = patience.write_s
        except OSError:
            self.close()
            raise

    def send(self, data: bytes) -> None:
        self._is_sending = True
        try:
            self._device.write(data)
        except OSError as error:
            if error.errno is None and "timeout" in str(error):  # pyserial's own class
                raise TimeoutError("the printer takes nothing") from error
            raise

    def receive(self) -> bytes:
        return bytes(self._device.read(1))

    def finish(self) -> None:
        step_s = self._patience.write_s / self._patience.answers
        for _ in range(self._patience.answers):
            if not self._device.out_waiting:
                self._is_sending = False
                return
            self._pause(step_s)
        raise TimeoutError("the printer takes nothing")

    def close(self) -> None:
        try:
            if self._device.is_open and self._is_sending:
                self._device.reset_output_buffer()  # or the system waits for the printer again
        except termios.error as error:
            raise OSError(*error.args) from error
        finally:
            self._device.close()  # python-escpos would flush, which may never end


class _NetworkWire:
    """A plain socket: python-escpos loses one that could not be connected, and knows no IPv6."""

    def __init__(self, host: str, port: int, patience: Patience) -> None:
        self._patience = patience
        try:
            self._line = socket.create_connection((host, port), patience.connect_s)
        except (UnicodeError, OverflowError) as error:  # no name of a host, no number of a port
            raise PrinterMissing(str(error)) from error

    def send(self, data: bytes) -> None:
        self._line.settimeout(self._patience.write_s)
        self._line.sendall(data)

    def receive(self) -> bytes:
        self._line.settimeout(self._patience.answer_s)
        try:
            return self._line.recv(16)
        except TimeoutError:
            return b""

    def finish(self) -> None:
        """Say that this was all and hear the other end out: a sudden close may undo the rest."""
        self._line.shutdown(socket.SHUT_WR)
        for _ in range(self._patience.answers):
            if not self.receive():
                return

    def close(self) -> None:
        self._line.close()


class _FileWire:
    def __init__(self, path: Path) -> None:
        if path.is_relative_to("/dev") and not path.exists():
            raise FileNotFoundError(errno.ENOENT, "no such device", str(path))
        self._file = path.open("wb")

    def send(self, data: bytes) -> None:
        if data != _ASK_PAPER:  # nobody would answer, and a file is to hold what is printed
            self._file.write(data)
            self._file.flush()

    def receive(self) -> bytes:
        return b""

    def finish(self) -> None:
        """Every chunk was flushed."""

    def close(self) -> None:
        self._file.close()


def _end_points(device: Any) -> tuple[int, int | None]:
    """Return the end points of a printer, out and in; raises PrinterMissing."""
    for interface in device.get_active_configuration():
        if interface.bInterfaceClass == _USB_PRINTER:
            addresses = [it.bEndpointAddress for it in interface]
            out = [it for it in addresses if not it & _USB_IN]
            back = [it for it in addresses if it & _USB_IN]
            if out:
                return out[0], back[0] if back else None
    raise PrinterMissing("the device at this address is no printer")


def _paper_of(answer: bytes) -> Paper | None:
    """Return what the newest answer to DLE EOT 4 says; None when there is none."""
    said = next((it for it in reversed(answer) if it & _AT_ONCE_MASK == _AT_ONCE), None)
    if said is None:
        return None
    if said & _PAPER_OUT:
        return Paper.OUT
    return Paper.LOW if said & _PAPER_LOW else Paper.FINE


def _is_in_turn(answer: bytes) -> bool:
    """Say whether an answer to GS r is among what came."""
    return any(it & _IN_TURN_MASK == _IN_TURN for it in answer)


def _check(paper: Paper | None) -> None:
    if paper is Paper.OUT:
        raise PrinterOutOfPaper("the printer says that it has no paper")


def _opened(driver: Any) -> Any:
    """Open a driver and return its device; raises what the system said, or PrinterMissing.

    The library hides the system's error behind one of its own, and lets through what it is
    missing itself: PyUSB (RuntimeError), or the libusb that PyUSB needs (ValueError).
    """
    try:
        driver.open()
    except (_escpos("escpos.exceptions").Error, RuntimeError, ValueError) as error:
        hidden = error.__context__
        raise (hidden if isinstance(hidden, OSError) else PrinterMissing(str(error))) from error
    if driver.device is None:  # under -O the library's assert says nothing
        raise PrinterMissing("the printer did not open")
    return driver.device


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn what the system says into an error that tells what to do."""
    try:
        yield
    except PrinterError:
        raise
    except OSError as error:
        if error.errno in _REFUSED:
            raise PrinterForbidden(str(error)) from error
        if error.errno in _BUSY:
            raise PrinterBusy(str(error)) from error
        if error.errno in _MISSING or isinstance(error, socket.gaierror):
            raise PrinterMissing(str(error)) from error
        raise PrinterUnreachable(str(error)) from error


def _escpos(module: str) -> Any:
    """Load a part of python-escpos, and keep the log as it was, which the library takes over.

    By its name, because it has no types, and because a till that prints nothing never needs it.
    """
    root = logging.getLogger()
    handlers = root.handlers[:]
    loaded = importlib.import_module(module)
    root.handlers[:] = handlers
    return loaded
