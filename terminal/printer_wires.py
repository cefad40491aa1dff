"""How bytes come to a printer: over USB, a serial line, the network, or into a file.

All of them raise OSError; `terminal.printer` says what that means. Python-escpos is loaded here
alone, and only when something is printed.
"""

from __future__ import annotations

import errno
import importlib
import logging
import os
import shutil
import socket
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from cardkit.errors import PrinterMissing
from cardkit.frozen import dataclass

_USB_PRINTER: Final = 7
"""Interface class of printers (USB Device Class Definition for Printing Devices 1.1, 4.2)."""
_USB_IN: Final = 0x80
_ANSWER_BYTES: Final = 16
_AT_ONCE: Final = b"\x10\x04"
"""DLE EOT, the questions that are answered at once."""
_CAPABILITIES: Final = "escpos.capabilities"
_FOLDER_VARIABLE: Final = "ESCPOS_CAPABILITIES_PICKLE_DIR"
"""Where python-escpos caches what it knows of printers; unset, a new folder each time."""
_BEGINNING: Final = b"\x1b@"
"""ESC @, with which every job begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a printer is waited for."""

    connect_s: float = 5.0
    write_s: float = 10.0
    """Of one chunk, by a printer that takes none because it is busy, open or without paper."""
    answer_s: float = 1.0
    answers: int = 15
    """So many answers are waited for while it prints what it has taken."""


class Wire(Protocol):
    """Bytes to a printer, and back where there is a way back; raises OSError."""

    def send(self, data: bytes) -> None:
        """Send all of it."""

    def receive(self) -> bytes:
        """Return what came within `answer_s`, nothing where nothing comes."""

    def finish(self) -> None:
        """Return when all that was sent is out of this computer."""

    def close(self) -> None:
        """Let go, without waiting for anything."""


class UsbWire:
    """Takes the end points from the printer itself: python-escpos guesses them."""

    def __init__(self, vendor: int, product: int, patience: Patience, backend: object) -> None:
        self._patience = patience
        usb_args = {} if backend is None else {"backend": backend}
        self._driver = escpos("escpos.printer").Usb(vendor, product, usb_args)
        self._device = _opened(self._driver)
        try:
            self._out, self._in = _end_points(self._device)
        except BaseException:
            self.close()
            raise

    def send(self, data: bytes) -> None:
        """Send all of it."""
        while data:
            try:
                taken = self._device.write(self._out, data, int(self._patience.write_s * 1_000))
            except OSError as error:
                taken = _nothing_in_time(error)
            if not taken:
                raise TimeoutError("the printer takes nothing")
            data = data[taken:]  # a transfer may end half-way

    def receive(self) -> bytes:
        """Return what came within `answer_s`."""
        if self._in is None:
            return b""
        answer_ms = int(self._patience.answer_s * 1_000)
        try:
            return bytes(self._device.read(self._in, _ANSWER_BYTES, answer_ms))
        except OSError as error:
            return bytes(_nothing_in_time(error))

    def finish(self) -> None:
        """A transfer that ended was taken."""

    def close(self) -> None:
        """Let go."""
        self._driver.close()


class SerialWire:
    """Held against other programs, and with an end to every wait: the library has none."""

    def __init__(
        self, path: str, baud: int, patience: Patience, pause: Callable[[float], object]
    ) -> None:
        self._patience = patience
        self._pause = pause
        self._is_sending = False
        # Kept, because the library closes the line when nobody holds this any more.
        self._driver = escpos("escpos.printer").Serial(path, baud)
        self._device = _opened(self._driver)
        try:
            self._device.exclusive = True
            self._device.timeout = patience.answer_s
            self._device.write_timeout = patience.write_s
        except OSError:
            self.close()
            raise

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._is_sending = True
        try:
            self._device.write(data)
        except OSError as error:
            if error.errno is None and "timeout" in str(error):  # pyserial's own class
                raise TimeoutError("the printer takes nothing") from error
            raise

    def receive(self) -> bytes:
        """Return what came within `answer_s`."""
        return bytes(self._device.read(1))

    def finish(self) -> None:
        """Wait until the system has passed everything on."""
        step_s = self._patience.write_s / self._patience.answers
        for _ in range(self._patience.answers):
            if not self._device.out_waiting:
                self._is_sending = False
                return
            self._pause(step_s)
        raise TimeoutError("the printer takes nothing")

    def close(self) -> None:
        """Let go."""
        try:
            if self._device.is_open and self._is_sending:
                self._device.reset_output_buffer()  # or the system waits for the printer again
        except termios.error as error:
            raise OSError(*error.args) from error
        finally:
            self._device.close()  # python-escpos would flush, which may never end


class NetworkWire:
    """A plain socket: python-escpos loses one that could not be connected, and knows no IPv6."""

    def __init__(self, host: str, port: int, patience: Patience) -> None:
        self._patience = patience
        try:
            self._line = socket.create_connection((host, port), patience.connect_s)
        except (UnicodeError, OverflowError) as error:  # no name of a host, no number of a port
            raise PrinterMissing(str(error)) from error

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._line.settimeout(self._patience.write_s)
        self._line.sendall(data)

    def receive(self) -> bytes:
        """Return what came within `answer_s`."""
        self._line.settimeout(self._patience.answer_s)
        try:
            return self._line.recv(_ANSWER_BYTES)
        except TimeoutError:
            return b""

    def finish(self) -> None:
        """Say that this was all and hear the other end out: a sudden close may undo the rest."""
        self._line.shutdown(socket.SHUT_WR)
        for _ in range(self._patience.answers):
            if not self.receive():
                return

    def close(self) -> None:
        """Let go."""
        self._line.close()


class FileWire:
    """A file, or a device that only takes bytes, such as `/dev/usb/lp0`."""

    def __init__(self, path: Path) -> None:
        if path.is_relative_to("/dev") and not path.exists():
            raise FileNotFoundError(errno.ENOENT, "no such device", str(path))
        if path.is_file() and not _holds_a_receipt(path):
            raise PermissionError(errno.EPERM, "a file that is no receipt", str(path))
        self._file = path.open("wb")

    def send(self, data: bytes) -> None:
        """Send all of it."""
        # Nobody would answer, and a file is to hold what is printed.
        if not data.startswith(_AT_ONCE):
            self._file.write(data)
            self._file.flush()

    def receive(self) -> bytes:
        """Return what came within `answer_s`."""
        return b""

    def finish(self) -> None:
        """Every chunk was flushed."""

    def close(self) -> None:
        """Let go."""
        self._file.close()


def _holds_a_receipt(path: Path) -> bool:
    """Say whether a file may be written over: an address typed wrong must not cost a journal."""
    with path.open("rb") as file:
        return file.read(len(_BEGINNING)) in {b"", _BEGINNING}


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


def _nothing_in_time(error: OSError) -> int:
    """Return 0 for PyUSB's timeout, which is no TimeoutError; raises every other error again."""
    if error.errno != errno.ETIMEDOUT:
        raise error
    return 0


def _opened(driver: Any) -> Any:
    """Open a driver and return its device; raises what the system said, or PrinterMissing.

    The library hides the system's error behind one of its own, and lets through what it is
    missing itself: PyUSB (RuntimeError), or the libusb that PyUSB needs (ValueError).
    """
    try:
        driver.open()
    except (escpos("escpos.exceptions").Error, RuntimeError, ValueError) as error:
        hidden = error.__context__
        raise (hidden if isinstance(hidden, OSError) else PrinterMissing(str(error))) from error
    if driver.device is None:  # under -O the library's assert says nothing
        raise PrinterMissing("the printer did not open")
    return driver.device


def escpos(module: str) -> Any:
    """Load a part of python-escpos, and put right what the library does while it is loaded.

    It takes over the log, and leaves a folder of its own behind for every process. By its name,
    because it has no types, and because a till that prints nothing never needs it.
    """
    root = logging.getLogger()
    handlers = root.handlers[:]
    is_first = _CAPABILITIES not in sys.modules
    loaded = importlib.import_module(module)
    root.handlers[:] = handlers
    if is_first and _FOLDER_VARIABLE not in os.environ:
        shutil.rmtree(sys.modules[_CAPABILITIES].pickle_dir, ignore_errors=True)
    return loaded
