"""Runs `nmcli`, and reads its terse output exactly (nmcli(1), "--terse", "--escape").

Everything that the till does with a network goes through here: NetworkManager listens on the
system's bus, so that a process without a network of its own may still ask for one. A secret
travels by standard input, never as an argument that every process may read.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from enum import Enum, unique
from typing import Final

from cardkit.frozen import dataclass

NMCLI: Final = "nmcli"
TIMEOUT_S: Final = 60.0
"""Longer than NetworkManager itself tries: a scan, a password, an address."""
_WAIT_S: Final = 45
_REASON: Final = re.compile(r"\((\d+)\)")


@unique
class WifiTrouble(Enum):
    """Why NetworkManager did not do what was asked."""

    NOT_INSTALLED = "nmcli is not installed"
    NOT_RUNNING = "NetworkManager does not run"
    NOT_ALLOWED = "polkit refuses this user"
    NO_DEVICE = "there is no Wi-Fi here, or it is switched off"
    MALFORMED = "no Wi-Fi password has this form"
    REJECTED = "the network does not take this password"
    NOT_FOUND = "no such network is in reach"
    NO_ADDRESS = "the network gives no address"
    UNSUPPORTED = "the network asks for more than a password"
    TIMED_OUT = "it took too long"
    FAILED = "it failed otherwise"


_PHRASES: Final = {
    WifiTrouble.NOT_RUNNING: ("Could not create NMClient",),
    WifiTrouble.NOT_ALLOWED: ("Not authorized", "Insufficient privileges"),
    WifiTrouble.NO_DEVICE: ("No Wi-Fi device found", "No suitable device found"),
    WifiTrouble.REJECTED: ("Secrets were required",),
    WifiTrouble.NOT_FOUND: ("No network with SSID",),
}
_REASONS: Final = {
    WifiTrouble.REJECTED: frozenset({7, 8, 9, 10, 11}),
    WifiTrouble.NOT_FOUND: frozenset({53}),
    WifiTrouble.NO_ADDRESS: frozenset({5, 15, 16, 17}),
}
"""NetworkManager, NMDeviceStateReason: secrets and supplicant; SSID not found; IP and DHCP."""
_STATUSES: Final = {
    3: WifiTrouble.TIMED_OUT,
    8: WifiTrouble.NOT_RUNNING,
    10: WifiTrouble.NOT_FOUND,
}
"""nmcli(1), "EXIT STATUS"."""


@dataclass(frozen=True, slots=True)
class Said:
    """What nmcli wrote on its standard output."""

    text: str

    def rows(self) -> Iterator[list[str]]:
        """Return the columns of each line."""
        return (split_terse(line) for line in self.text.splitlines() if line)

    def blocks(self) -> Iterator[dict[str, str]]:
        """Return the records of multi-line output: nothing is escaped there, a blank line ends."""
        for block in self.text.split("\n\n"):
            pairs = (line.partition(":") for line in block.splitlines() if ":" in line)
            record = {name: value for name, _, value in pairs}
            if record:
                yield record


class Nmcli:
    """One `nmcli` program; every call is a process of its own."""

    def __init__(self, program: str = NMCLI, *, timeout_s: float = TIMEOUT_S) -> None:
        self._program = program
        self._timeout_s = timeout_s

    def ask(self, *arguments: str, secret: bytes = b"") -> Said | WifiTrouble:
        """Run it in plain English; `secret` is its standard input, and stands nowhere else."""
        command = [self._program, "--terse", "--wait", str(_WAIT_S), *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - no shell, and secrets are no arguments
                command,
                input=secret,
                capture_output=True,
                check=False,
                timeout=self._timeout_s,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except subprocess.TimeoutExpired:
            return WifiTrouble.TIMED_OUT
        except OSError:
            return WifiTrouble.NOT_INSTALLED
        if done.returncode != 0:
            return trouble_of(done.returncode, done.stderr.decode("utf-8", "replace"))
        return Said(done.stdout.decode("utf-8", "replace"))


def trouble_of(status: int, stderr: str) -> WifiTrouble:
    """Name a failure by exit status, by reason, and only then by the words."""
    for trouble, phrases in _PHRASES.items():
        if any(phrase in stderr for phrase in phrases):
            return trouble
    reasons = {int(number) for number in _REASON.findall(stderr)}
    for trouble, numbers in _REASONS.items():
        if reasons & numbers:
            return trouble
    return _STATUSES.get(status, WifiTrouble.FAILED)


def split_terse(line: str) -> list[str]:
    """Split at the colons, where a backslash takes the next character as it is."""
    fields, field, characters = list[str](), "", iter(line)
    for character in characters:
        if character == "\\":
            field += next(characters, "\\")
        elif character == ":":
            fields.append(field)
            field = ""
        else:
            field += character
    return [*fields, field]


def secret_line(name: str, value: str) -> bytes:
    """Return a line of a passwd-file, whose reader strips blanks and undoes backslashes.

    NetworkManager 1.42, libnmc-base/nm-client-utils.c, `nmc_utils_parse_passwd_file`.
    """
    escaped = value.replace("\\", "\\\\").replace(" ", "\\ ")
    return f"{name}:{escaped}\n".encode()
