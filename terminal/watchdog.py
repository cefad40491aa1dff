"""What the till tells systemd: that it is ready, that it lives, and that it leaves (sd_notify(3)).

Whoever calls `alive` from the loop that serves the screen lets systemd see a screen that has
stopped answering; a thread of its own would go on when nothing else does.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from typing import Final, Self

from cardkit.frozen import dataclass

logger = logging.getLogger(__name__)

SOCKET_VARIABLE: Final = "NOTIFY_SOCKET"
INTERVAL_VARIABLE: Final = "WATCHDOG_USEC"
"""WATCHDOG_PID beside it is not asked: it names cage, of which the till is a grandchild, and the
unit says NotifyAccess=all for that reason."""
_USEC_PER_S: Final = 1_000_000
_ABSTRACT: Final = "@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """The way to the service manager; every call does nothing where there is none."""

    address: str | None
    """Of its datagram socket: a path, or a name in the abstract namespace behind an `@`."""
    interval_s: float | None
    """How often `alive` is to be called: twice in the time after which we are taken for dead."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Take what systemd put into a service's environment; an interval that is none is none."""
        dead_after_usec = environment.get(INTERVAL_VARIABLE, "")
        is_number = dead_after_usec.isascii() and dead_after_usec.isdigit()
        usec = int(dead_after_usec) if is_number else 0
        return cls(
            address=environment.get(SOCKET_VARIABLE) or None,
            interval_s=usec / 2 / _USEC_PER_S if usec else None,
        )

    def ready(self) -> None:
        """Say that the first screen can be used: from here on silence counts."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Say that the loop still turns."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the end was wanted."""
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """Leave one line for `systemctl status`; no secret, and nothing of a card."""
        self._tell(f"STATUS={' '.join(text.split())}")

    def _tell(self, assignment: str) -> None:
        """Send one datagram, without waiting: a full queue costs one sign of life of two."""
        if self.address is None:
            return
        name = self.address
        if name.startswith(_ABSTRACT):
            name = "\0" + name.removeprefix(_ABSTRACT)
        try:
            with socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            ) as out:
                out.sendto(assignment.encode(), name)
        except OSError as error:
            # The till sells on. No warning: while nobody listens it would come every few seconds.
            logger.debug("systemd did not take %s: %s", assignment, error)
