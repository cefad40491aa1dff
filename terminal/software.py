"""Which program this is: the hash that the journal names it by."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from typing import Final, Self

from cardkit.frozen import dataclass

_PACKAGES: Final = ("cardkit", "terminal")
_SOURCES: Final = frozenset({".py", ".toml"})
"""What decides how the program behaves: code, and the card profile."""
_RECORD: Final = "clafoutis-*.dist-info"
_BOARD_SERIAL: Final = Path("/proc/device-tree/serial-number")
_RELEASE: Final = Path(sys.prefix) / "release.cbor"
"""The signed list of what this environment holds, where it is a till's slot."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of the program, by its path within it, and the SHA-256 of its content."""

    name: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Software:
    """The installed program, and the board that it runs on."""

    digest: bytes
    version: str
    board_serial: bytes | None
    """Hash of the board's serial number, where a board has one."""
    sources: tuple[Source, ...] = field(default=(), repr=False)
    """What the digest is made of, where the program is looked at file by file."""
    release: str | None = None
    """The name of the signed release, where it was installed from one: SHA-256 of its list."""

    @classmethod
    def installed(cls) -> Self:
        """Hash every source of what is installed beside this one."""
        sources = installed_sources()
        return cls(hash_of(sources), _version(), _board_serial(), sources, _release())


def installed_sources() -> tuple[Source, ...]:
    """Return every source of what is installed beside this one, in the order of its hash."""
    return sources_below(Path(__file__).parent.parent)


def sources_below(root: Path) -> tuple[Source, ...]:
    """Return every source of a program that lies, or was unpacked, in a folder; raises OSError."""
    found = []
    for package in _PACKAGES:
        sources = (it for it in (root / package).rglob("*") if it.suffix in _SOURCES)
        for path in sorted(sources):
            digest = hashlib.sha256(path.read_bytes()).digest()
            found.append(Source(path.relative_to(root).as_posix(), digest))
    return tuple(found)


def hash_of(sources: Iterable[Source]) -> bytes:
    """Return the one hash of sources: SHA-256 over each name, a zero byte and its own hash."""
    whole = hashlib.sha256()
    for source in sources:
        whole.update(source.name.encode() + b"\x00" + source.digest)
    return whole.digest()


def _version() -> str:
    """Read it off the folder that tells what is installed, as `importlib.metadata` does.

    That library takes as long to load as all of cryptography (packaging.python.org, "Recording
    installed projects": `name-version.dist-info`).
    """
    found = (it for place in sys.path for it in Path(place).glob(_RECORD))
    return next((it.stem.partition("-")[2] for it in found), "unpackaged")


def _release() -> str | None:
    try:
        return hashlib.sha256(_RELEASE.read_bytes()).hexdigest()
    except OSError:
        return None


def _board_serial() -> bytes | None:
    try:
        return hashlib.sha256(_BOARD_SERIAL.read_bytes()).digest()
    except OSError:
        return None
