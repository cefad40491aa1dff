"""The serial line of a virtual PN532: a pty whose other end any driver opens by its path."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import tty

from simulator.pn532_chip import BAUDS_BPS

READ_BYTES = 4096
OSPEED = 5  # in what tcgetattr returns
BAUD_CODES = {getattr(termios, f"B{baud}"): baud for baud in BAUDS_BPS}


class PtyLine:
    """The chip's end of the line; `path` is the host's.

    It keeps the host's end open too: drivers close and reopen it when they change its speed, and
    would find nobody there. `receive` belongs to one thread, `nudge` to any other.
    """

    def __init__(self, baud_bps: int) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._set_host_baud(baud_bps)
        self._nudged, self._nudge = os.pipe()
        os.set_blocking(self._nudge, False)
        self.path = os.ttyname(self._slave)

    @property
    def host_baud_bps(self) -> int:
        """What the host has set its end to; 0 for a speed that the chip can't have."""
        return BAUD_CODES.get(termios.tcgetattr(self._slave)[OSPEED], 0)

    def receive(self, timeout_s: float | None) -> bytes:
        """What the host has sent; nothing after a nudge or when the time is over."""
        readable, _, _ = select.select([self._master, self._nudged], [], [], timeout_s)
        if self._nudged in readable:
            os.read(self._nudged, READ_BYTES)
        if self._master not in readable:
            return b""
        return os.read(self._master, READ_BYTES)

    def send(self, data: bytes) -> None:
        """Send to the host; as on a real line, what a host does not fetch is lost."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)

    def nudge(self) -> None:
        """Let `receive` return."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._nudge, b"\x00")

    def close(self) -> None:
        """Unplug: whoever has the host's end open is told that the line is gone."""
        for descriptor in (self._master, self._slave, self._nudge, self._nudged):
            os.close(descriptor)

    def _set_host_baud(self, baud_bps: int) -> None:
        attributes = termios.tcgetattr(self._slave)
        attributes[OSPEED - 1] = attributes[OSPEED] = getattr(termios, f"B{baud_bps}")
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)
