"""A disk that can lose power: records what SQLite, the one that ships, writes and syncs.

The unix VFS of the very library that Python's `sqlite3` is linked to is asked through ctypes to
open files with our own `xWrite`, `xTruncate` and `xSync` in front of its own. `image` then is
what a cut would leave if the disk kept nothing but what it was told to keep (SQLite's own
documentation: "The OS Interface or VFS"; sqlite3.h, sqlite3_vfs and sqlite3_io_methods).
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SQLITE_OK: Final = 0
SQLITE_IOERR_FSYNC: Final = 10 | (4 << 8)

_P, _I, _I64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_Open = ctypes.CFUNCTYPE(_I, _P, ctypes.c_char_p, _P, _I, _P)
_Write = ctypes.CFUNCTYPE(_I, _P, _P, _I, _I64)
_Truncate = ctypes.CFUNCTYPE(_I, _P, _I64)
_Sync = ctypes.CFUNCTYPE(_I, _P, _I)


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("iVersion", _I),
        ("szOsFile", _I),
        ("mxPathname", _I),
        ("pNext", _P),
        ("zName", ctypes.c_char_p),
        ("pAppData", _P),
        ("xOpen", _P),
    )


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3: the pointers that are wrapped have names."""

    _fields_ = (
        ("iVersion", _I),
        ("xClose", _P),
        ("xRead", _P),
        ("xWrite", _P),
        ("xTruncate", _P),
        ("xSync", _P),
        ("others", _P * 13),
    )


@dataclass
class _File:
    """One file: what was written to it, and how much of that was synced."""

    content: bytearray
    synced: bytes = b""
    syncs: int = 0


@dataclass
class Disk:
    """Every file that SQLite opened while the disk was watched, by path."""

    files: dict[str, _File] = field(default_factory=dict)
    broken: bool = False
    """Whether every sync from now on fails."""

    def image(self, source: Path, folder: Path) -> None:
        """Leave in `folder` what a power cut at this moment would leave in `source`."""
        for name, file in self.files.items():
            path = Path(name)
            if path.parent == source:
                (folder / path.name).write_bytes(file.synced)

    @property
    def syncs(self) -> int:
        """How often anything was synced."""
        return sum(file.syncs for file in self.files.values())


@contextmanager
def watched_disk() -> Iterator[Disk]:
    """Watch every file that SQLite opens inside the block, and until it closes it."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None).contents
    disk, keep = Disk(), list[Any]()
    original = vfs.xOpen
    open_file = _Open(original)

    def x_open(vfs_pointer: int, name: bytes, file: int, flags: int, out: int) -> int:
        result = open_file(vfs_pointer, name, file, flags, out)
        if result == SQLITE_OK and name:
            keep.extend(_wrap(file, disk, name.decode()))
        return int(result)

    replacement = _Open(x_open)
    vfs.xOpen = ctypes.cast(replacement, _P).value
    try:
        yield disk
    finally:
        vfs.xOpen = original
        _FOREVER.extend((replacement, keep))


_FOREVER: Final[list[Any]] = []
"""Callbacks that C still points to may never be collected."""


def _wrap(file: int, disk: Disk, path: str) -> tuple[Any, ...]:
    """Put our methods in front of an open file's own; returns what has to stay alive."""
    pointer = ctypes.cast(file, ctypes.POINTER(ctypes.POINTER(_Methods)))
    own = pointer.contents.contents
    watched = _Methods.from_buffer_copy(own)
    before = Path(path).read_bytes() if Path(path).exists() else b""
    state = disk.files.setdefault(path, _File(bytearray(before), before))
    own_write, own_truncate, own_sync = (
        _Write(own.xWrite),
        _Truncate(own.xTruncate),
        _Sync(own.xSync),
    )

    def x_write(this: int, data: int, amount: int, offset: int) -> int:
        state.content.extend(bytes(max(0, offset + amount - len(state.content))))
        state.content[offset : offset + amount] = ctypes.string_at(data, amount)
        return int(own_write(this, data, amount, offset))

    def x_truncate(this: int, size: int) -> int:
        del state.content[size:]
        return int(own_truncate(this, size))

    def x_sync(this: int, flags: int) -> int:
        if disk.broken:
            return SQLITE_IOERR_FSYNC
        state.synced, state.syncs = bytes(state.content), state.syncs + 1
        return int(own_sync(this, flags))

    callbacks = _Write(x_write), _Truncate(x_truncate), _Sync(x_sync)
    watched.xWrite, watched.xTruncate, watched.xSync = (
        ctypes.cast(callback, _P).value for callback in callbacks
    )
    pointer[0] = ctypes.pointer(watched)
    return watched, callbacks
