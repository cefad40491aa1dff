"""A receipt printer of the tests: reads ESC/POS byte by byte, burns dots, answers as Epson says.

Written from Epson's "ESC/POS Command Reference" and not from the library that it is held against.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from dataclasses import dataclass, field

from PIL import Image

FINE = 0x12
"""Nothing but the two bits that are always set (DLE EOT 4)."""
LOW = FINE | 0x0C
OUT = FINE | 0x60
IN_TURN = 0x00
_ASK_PAPER = b"\x10\x04\x04"
_SHORT = {b"\x1b@": 2, b"\x1dv": 8}
"""Lengths of commands, of the raster's head; all others have three bytes."""


@dataclass
class EscposPrinter:
    """What a printer has done, and what is the matter with it."""

    answers: bool = True
    paper: int = FINE
    rows_of_paper: int | None = None
    """How many rows of dots are left on the roll; None: no end."""
    knows_in_turn: bool = True
    initialised: int = 0
    cuts: int = 0
    fed_lines: int = 0
    rows: list[bytes] = field(default_factory=list)
    _held: bytes = b""
    _is_stopped: bool = False

    def take(self, data: bytes) -> bytes:
        """Take bytes as they come and return what is answered."""
        self._held += data
        answer = b""
        while self._held and not self._is_stopped:
            taken, said = self._one(self._held)
            if not taken:
                break
            self._held = self._held[taken:]
            answer += said
        if self._is_stopped:  # all waits for paper, but for the question that is answered at once
            answer += bytes([OUT]) * self._held.count(_ASK_PAPER)
            self._held = b""
        return answer if self.answers else b""

    def picture(self) -> Image.Image:
        """Return what is on paper as a bitmap."""
        (width_bytes,) = {len(row) for row in self.rows}
        size = (8 * width_bytes, len(self.rows))
        return Image.frombytes("1", size, bytes(255 - it for row in self.rows for it in row))

    def _one(self, held: bytes) -> tuple[int, bytes]:
        """Obey one command and return its length and answer; 0 for one that is not whole yet."""
        length, answer = _SHORT.get(held[:2], 3), b""
        if len(held) < length:
            return 0, b""
        match held[:2]:
            case b"\x1b@":
                self.initialised += 1
            case b"\x1bd":
                self.fed_lines += held[2]
            case b"\x1dV":
                self.cuts += 1
            case b"\x1dr" if self.knows_in_turn:
                answer = bytes([IN_TURN])
            case b"\x1dr":
                pass
            case b"\x10\x04":
                assert held[:3] == _ASK_PAPER
                answer = bytes([self.paper])
            case b"\x1dv":
                return self._raster(held), b""
            case _:
                raise AssertionError(f"no command: {held[:8]!r}")
        return length, answer

    def _raster(self, held: bytes) -> int:
        """Burn GS v 0: a mode, bytes in a row, rows, the dots."""
        _, _, zero, mode, width_bytes, height = struct.unpack("<4B2H", held[:8])
        assert (zero, mode) == (ord("0"), 0)
        end = 8 + int(width_bytes * height)
        if len(held) < end:
            return 0
        for top in range(8, end, width_bytes):
            if self.rows_of_paper is not None and len(self.rows) >= self.rows_of_paper:
                self._is_stopped = True
                break
            self.rows.append(held[top : top + width_bytes])
        return end


class NetworkPrinter:
    """A printer that serves one connection, in a thread of its own."""

    def __init__(self, printer: EscposPrinter, *, unplugged_after: int | None = None) -> None:
        self._printer = printer
        self._unplugged_after = unplugged_after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """As a terminal's settings hold it."""
        return f"network:127.0.0.1:{self._listener.getsockname()[1]}"

    def wait(self) -> None:
        """Return when the connection is over."""
        self._thread.join()

    def _serve(self) -> None:
        line, _ = self._listener.accept()
        self._listener.close()
        taken = 0
        with line:
            while data := line.recv(512):
                taken += len(data)
                if self._unplugged_after is not None and taken >= self._unplugged_after:
                    reset_at_once = struct.pack("ii", 1, 0)
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_at_once)
                    return
                if answer := self._printer.take(data):
                    line.sendall(answer)


class SerialPrinter:
    """A printer at the far end of a pseudo-terminal, in a thread of its own."""

    def __init__(self, printer: EscposPrinter, *, unplugged_after: int | None = None) -> None:
        self._printer = printer
        self._unplugged_after = unplugged_after
        self._far, self._near = os.openpty()
        self.path = os.ttyname(self._near)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """As a terminal's settings hold it."""
        return f"serial:{self.path}"

    def wait(self) -> None:
        """Return when everybody has let go of the line and all of it is read."""
        if self._near >= 0:
            os.close(self._near)
            self._near = -1
        self._thread.join()

    def _serve(self) -> None:
        taken = 0
        try:
            while data := os.read(self._far, 512):
                taken += len(data)
                if self._unplugged_after is not None and taken >= self._unplugged_after:
                    return
                if answer := self._printer.take(data):
                    os.write(self._far, answer)
        except OSError:
            pass  # nobody has the near end open any more
        finally:
            os.close(self._far)
