"""What stands in the till's place in a kiosk: it tells what reaches it, byte by byte.

    python kiosk_probe.py SOCKET [plain]

It asks foot for what Textual asks it for; `plain`, it does not ask for Textual's keys, as nobody
does while Textual is not there yet. Keys that raise signals stay as they were found.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import termios

MOUSE = "\x1b[?1000h\x1b[?1006h"
"""Presses and releases, as decimal cells (XTerm Control Sequences, "Mouse Tracking")."""
KEYBOARD = "\x1b[>1u"
"""Keys that a terminal could not tell apart (kitty's keyboard protocol)."""
BYTES_MAX = 256


def main(address: str, keyboard: str) -> None:
    """Tell the size of the terminal, now and when it changes, and every byte that comes in."""
    tty = sys.stdin.fileno()
    attributes = termios.tcgetattr(tty)
    attributes[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(tty, termios.TCSANOW, attributes)
    os.write(sys.stdout.fileno(), f"{MOUSE}{keyboard}\x1b[2J\x1b[H12,50 €".encode())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as report:
        report.connect(address)

        def tell(heard: bytes) -> None:
            size = os.get_terminal_size(tty)
            report.send(f"{size.columns}x{size.lines} ".encode() + heard)

        # foot starts its program in 80 columns and gets its real size a moment later.
        signal.signal(signal.SIGWINCH, lambda *_: tell(b""))
        tell(b"")
        while heard := os.read(tty, BYTES_MAX):
            tell(heard)


if __name__ == "__main__":
    main(sys.argv[1], "" if sys.argv[2:] == ["plain"] else KEYBOARD)
