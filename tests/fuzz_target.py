"""What a fuzz target is: a function of bytes that says nothing, unless a promise is broken.

A target lets no exception out but its own AssertionError. What it calls may raise the errors of
`cardkit/errors.py` that belong to its seam, and the target names those it expects.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

BYTES_MAX: Final = 4096
"""Of one input: longer than any document that a length limit lets through, and quick to read."""
_MEMORY: Final = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Target:
    """One way for bytes of the world to come in."""

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    """Good inputs, made by our own encoders: where a corpus begins."""
    replayed: int = 150
    """Changed inputs that every push tries, beside the corpus; fewer where one takes long."""


class Parts:
    """Takes an input apart; where it ends, zeros follow, so that every input says something."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes have not been taken."""
        return max(0, len(self._data) - self._at)

    def take(self, length: int) -> bytes:
        """The next bytes."""
        taken = self._data[self._at : self._at + length]
        self._at += length
        return taken.ljust(length, b"\0")

    def number(self, length: int = 1) -> int:
        """The next bytes as an unsigned number."""
        return int.from_bytes(self.take(length))

    def block(self) -> bytes:
        """The next bytes behind a length of two bytes, or what is left of them."""
        return self.take(min(self.number(2), self.left))

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(self.left)


def blocks(*contents: bytes) -> bytes:
    """What `Parts.block` takes apart."""
    return b"".join(len(content).to_bytes(2) + content for content in contents)


def flipped(content: bytes, data: bytes) -> bytes:
    """A document with bytes replaced: three bytes of `data` for each, place and what to xor."""
    changed, parts = bytearray(content), Parts(data)
    while parts.left >= 3:
        place = parts.number(2) % len(changed)
        changed[place] ^= parts.number()
    return bytes(changed)


def memory() -> Path | None:
    """Where files need no disk; None for the usual place of temporary files."""
    return _MEMORY if _MEMORY.is_dir() and "TMPDIR" not in os.environ else None


@cache
def workplace() -> Path:
    """A folder of this process, in memory unless TMPDIR says where, that goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="clafoutis-fuzz-", dir=memory())
    _HELD.append(folder)
    return Path(folder.name)


_HELD: Final[list[tempfile.TemporaryDirectory[str]]] = []


_NUMBERS: Final = itertools.count(1)


def new_folder() -> Path:
    """A new folder in the workplace."""
    path = workplace() / str(next(_NUMBERS))
    path.mkdir(mode=0o700)
    return path
