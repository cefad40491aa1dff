"""A receipt printer: takes a bitmap, and says why when it does not.

It speaks ESC/POS as python-escpos composes it. A receipt is printed after its sale and is never
part of it: whatever goes wrong here is a PrinterError, and the sale stands.

Few printers tell whether they have paper: cheap ones never answer, and a file can't. Where
nothing answers the state is UNKNOWN and "taken" means that the bytes were.
"""

from __future__ import annotations

import errno
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, unique
from pathlib import Path
from types import TracebackType
from typing import Final, Self

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
from terminal.printer_wires import (
    FileWire,
    NetworkWire,
    Patience,
    SerialWire,
    UsbWire,
    Wire,
    escpos,
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


class Printer:
    """An open printer; one receipt, then close it, because many serve one program at a time."""

    def __init__(self, wire: Wire, *, answers: int) -> None:
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
            return _printer(SerialWire(match[1], baud, patience, pause), patience)
        if kind == "network" and (match := _NETWORK.fullmatch(place)):
            port = int(match[2] or NETWORK_PORT)
            return _printer(NetworkWire(match[1], port, patience), patience)
        if kind == "file" and place:
            return _printer(FileWire(Path(place)), patience)
    known = "usb:VVVV:PPPP, serial:PATH, network:HOST, file:PATH"
    raise PrinterMissing(f"no address of a printer: {address!r} (known: {known})")


def open_usb_printer(
    vendor: int, product: int, patience: Patience, backend: object = None
) -> Printer:
    """Open a USB printer, on the machine's bus or on another `usb.backend.IBackend`."""
    with _speaking():
        return _printer(UsbWire(vendor, product, patience, backend), patience)


def escpos_job(picture: Image.Image) -> bytes:
    """Return what a printer is sent for a bitmap: made ready, raster bands, a feed and a cut."""
    must(picture.mode == "1", "a bitmap of one bit a pixel")
    profile = escpos("escpos.capabilities").Profile(features={"paperFullCut": True})
    # Without a width the library prints a remark to the till's own screen for every band.
    media = {"width": {"pixels": picture.width}}
    profile.profile_data = {**profile.profile_data, "media": media}
    composed = escpos("escpos.printer").Dummy(profile=profile)
    composed.hw("INIT")
    composed.image(picture, fragment_height=BAND_ROWS)
    composed.cut()
    return bytes(composed.output)


def _printer(wire: Wire, patience: Patience) -> Printer:
    return Printer(wire, answers=patience.answers)


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
