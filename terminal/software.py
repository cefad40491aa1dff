"""Which program this is: the hash that the journal names it by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Self

_PACKAGES: Final = ("cardkit", "terminal")
_SOURCES: Final = frozenset({".py", ".toml"})
"""What decides how the program behaves: code, and the card profile."""
_BOARD_SERIAL: Final = Path("/proc/device-tree/serial-number")


@dataclass(frozen=True, slots=True)
class Software:
    """The installed program, and the board that it runs on."""

    digest: bytes
    version: str
    board_serial: bytes | None
    """Hash of the board's serial number, where a board has one."""

    @classmethod
    def installed(cls) -> Self:
        """Hash every source of what is installed beside this one."""
        root = Path(__file__).parent.parent
        whole = hashlib.sha256()
        for package in _PACKAGES:
            sources = (it for it in (root / package).rglob("*") if it.suffix in _SOURCES)
            for path in sorted(sources):
                content = hashlib.sha256(path.read_bytes()).digest()
                whole.update(path.relative_to(root).as_posix().encode() + b"\x00" + content)
        return cls(whole.digest(), _version(), _board_serial())


def _version() -> str:
    try:
        return version("clafoutis")
    except PackageNotFoundError:
        return "unpackaged"


def _board_serial() -> bytes | None:
    try:
        return hashlib.sha256(_BOARD_SERIAL.read_bytes()).digest()
    except OSError:
        return None
