"""The computer's network interfaces, as the kernel tells of them without any right."""

from __future__ import annotations

import fcntl
import socket
import struct
from pathlib import Path
from typing import Final

from cardkit.frozen import dataclass

_SIOCGIFADDR: Final = 0x8915
"""Linux, include/uapi/linux/sockios.h: the IPv4 address of an interface."""
_IFREQ: Final = struct.Struct("16s24x")
"""Linux, netdevice(7): the name, and room for the answer."""
_LOOPBACK: Final = "lo"
_SCOPE_GLOBAL: Final = "00"
_SELF_GIVEN: Final = (169, 254)
"""RFC 3927: an address that a computer gives itself when nobody else did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One network interface that is not the computer's own loop."""

    name: str
    is_up: bool
    """A cable, a Wi-Fi network or a telephone is at its other end."""
    has_address: bool
    """Somebody gave it an address that leads further than the next computer."""


def links(root: Path = Path("/")) -> tuple[Link, ...]:
    """Return the interfaces by name; empty where the kernel tells nothing."""
    folder = root / "sys/class/net"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    global_v6 = _global_v6(root / "proc/net/if_inet6")
    return tuple(
        Link(
            name=name,
            is_up=_is_up(folder / name),
            has_address=name in global_v6 or _has_v4(name),
        )
        for name in names
        if name != _LOOPBACK
    )


def _is_up(folder: Path) -> bool:
    """Say whether the carrier is there; a telephone's interface says "unknown" while it works."""
    try:
        return (folder / "operstate").read_text("ascii").strip() in ("up", "unknown")
    except OSError:
        return False


def _global_v6(path: Path) -> frozenset[str]:
    """Return the interfaces with an address of global scope (proc_net(5), if_inet6)."""
    try:
        lines = path.read_text("ascii").splitlines()
    except OSError:
        return frozenset()
    rows = [line.split() for line in lines]
    return frozenset(row[5] for row in rows if len(row) == 6 and row[3] == _SCOPE_GLOBAL)


def _has_v4(name: str) -> bool:
    asked = _IFREQ.pack(name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        try:
            answer = fcntl.ioctl(handle.fileno(), _SIOCGIFADDR, asked)
        except OSError:
            return False
    first, second = answer[20:22]  # the sockaddr_in after the name: family, port, address
    return (first, second) != _SELF_GIVEN
