"""Finds the USB stick among what is mounted; systemd mounts it (systemd/media-clafoutis.mount)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cardkit.frozen import dataclass

MOUNTS: Final = Path("/proc/self/mountinfo")
PLACES: Final = (Path("/media"), Path("/run/media"))
"""Where our own unit, and a desktop, mount what is plugged in."""
FILE_SYSTEMS: Final = frozenset({"vfat", "exfat"})
"""What sticks are sold with; others carry owners, links and devices that nobody checked."""
_MEDIUM_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Stick:
    """A stick that is plugged in and mounted."""

    path: Path
    medium: str
    """What the journal calls it: its device and the last part of its place."""
    device: int
    """`st_dev` of everything on it: once it is pulled, another file system lies under the path."""


def find_stick(path: Path = MOUNTS) -> Stick | None:
    """Return the stick that was mounted last, or None; where nothing can be read, there is none."""
    try:
        text = path.read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    return next(reversed(sticks(text)), None)


def stick_at(path: Path) -> Stick | None:
    """Take a folder for a stick, as somebody says it is one; None when it is not there."""
    try:
        return Stick(path=path, medium=_medium("-", path.name), device=path.stat().st_dev)
    except OSError:
        return None


def sticks(mountinfo: str) -> tuple[Stick, ...]:
    """Read a table of mounts (proc_pid_mountinfo(5)); lines of another form are left out."""
    found = (_stick(line.split(" ")) for line in mountinfo.splitlines())
    return tuple(stick for stick in found if stick is not None)


def _stick(fields: list[str]) -> Stick | None:
    """Read one line: (3) major:minor, (5) mount point, and after a dash (9) type, (10) source."""
    try:
        numbers, target = fields[2], Path(_plain(fields[4]))
        dash = fields.index("-")
        kind, source = fields[dash + 1], Path(_plain(fields[dash + 2]))
        major, minor = (int(number) for number in numbers.split(":"))
    except (ValueError, IndexError):
        return None
    if kind not in FILE_SYSTEMS or not any(place in target.parents for place in PLACES):
        return None
    medium = _medium(source.name, target.name)
    return Stick(path=target, medium=medium, device=os.makedev(major, minor))


def _medium(device: str, name: str) -> str:
    """Name a stick in the journal, whose texts are short."""
    plain = f"{device} {name}".encode("ascii", "replace").decode("ascii")
    return plain[:_MEDIUM_CHARACTERS]


def _plain(field: str) -> str:
    """Undo the octal escapes of blanks and backslashes (getmntent(3))."""
    plain, *escaped = field.split("\\")
    for part in escaped:
        code, rest = part[:3], part[3:]
        is_octal = len(code) == 3 and all(digit in "01234567" for digit in code)
        plain += chr(int(code, 8)) + rest if is_octal else "\\" + part
    return plain
