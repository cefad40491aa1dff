"""A code scanner on USB: to the system a keyboard that types what it read, and Enter.

Before the till's own screens begin, what is typed is a line of a terminal (termios(3)); it is not
shown, for a ticket is a secret.
"""

from __future__ import annotations

import os
import select
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_READ_BYTES: Final = 4096
_LINE_BYTES_MAX: Final = 4096
"""More than any code holds (ISO/IEC 18004: 2,953 bytes); the rest of such a line is let go."""


class Scanner:
    """Lines that somebody scans or types, taken one at a time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_open = True
        self._typed = bytearray()
        self._lines: list[str] = []

    def wait(self, seconds: float) -> None:
        """Let seconds pass, fewer when something is typed."""
        if not self._is_open:
            time.sleep(seconds)
            return
        readable, _, _ = select.select([self._descriptor], [], [], seconds)
        if readable:
            self._read()

    def take(self) -> str | None:
        """Return the newest line since the last call; None where there is none."""
        lines, self._lines = self._lines, []
        return lines[-1] if lines else None

    def _read(self) -> None:
        try:
            content = os.read(self._descriptor, _READ_BYTES)
        except OSError:
            content = b""
        self._is_open = bool(content)
        self._typed += content
        *whole, rest = bytes(self._typed).replace(b"\r", b"\n").split(b"\n")
        self._typed = bytearray(rest[:_LINE_BYTES_MAX])
        self._lines += [text for line in whole if (text := line.decode("utf-8", "replace").strip())]


@contextmanager
def scanner(descriptor: int) -> Iterator[Scanner]:
    """Take what is typed at a terminal without showing it; anything else is read as it is."""
    if not os.isatty(descriptor):
        yield Scanner(descriptor)
        return
    before = termios.tcgetattr(descriptor)
    unseen = [*before]
    unseen[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSADRAIN, unseen)
    try:
        yield Scanner(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
