"""What the SQLite that ships asks of its disk, for whoever wants to hear of it or to answer.

The unix VFS of the very library that Python's `sqlite3` is linked to is asked through ctypes to
open files with our own methods in front of its own. One set of callbacks serves every file of the
process, so that watching one more costs next to nothing (SQLite's documentation, "The OS
Interface or VFS"; sqlite3.h, sqlite3_vfs and sqlite3_io_methods).
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

OK: Final = 0
OPEN_MAIN_JOURNAL: Final = 0x800
OPEN_SUPER_JOURNAL: Final = 0x4000
OPEN_WAL: Final = 0x80000

_P, _I, _I64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_Open = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, _P)  # a path stays a pointer: SQLite keeps it
_Delete = ctypes.CFUNCTYPE(_I, _P, _P, _I)
_Close = ctypes.CFUNCTYPE(_I, _P)
_Transfer = ctypes.CFUNCTYPE(_I, _P, _P, _I, _I64)
_Truncate = ctypes.CFUNCTYPE(_I, _P, _I64)
_Sync = ctypes.CFUNCTYPE(_I, _P, _I)

Proceed = Callable[[], int]
"""Does what the library would have done by itself, and returns its result."""
ProceedInPart = Callable[[int], int]
"""Writes so many of the bytes as the library would have written them all."""


class Watcher(Protocol):
    """Who answers for the files of one folder.

    Answers are results of SQLite's. Whoever does not call `proceed` has refused.
    """

    def open(self, name: str, flags: int, proceed: Proceed) -> tuple[int, int]:
        """Open a file; returns the result, and what the file is called from here on."""
        ...

    def close(self, handle: int) -> None:
        """Hear that a file is closed."""
        ...

    def delete(self, name: str, proceed: Proceed, *, syncs_names: bool) -> int:
        """Remove a name."""
        ...

    def read(self, proceed: Proceed) -> int:
        """Read something."""
        ...

    def write(self, handle: int, offset: int, data: bytes, proceed: ProceedInPart) -> int:
        """Write something."""
        ...

    def truncate(self, handle: int, size: int, proceed: Proceed) -> int:
        """Change a file's length."""
        ...

    def sync(self, handle: int, proceed: Proceed) -> int:
        """Make a file's content last."""
        ...


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("iVersion", _I),
        ("szOsFile", _I),
        ("mxPathname", _I),
        ("pNext", _P),
        ("zName", ctypes.c_char_p),
        ("pAppData", _P),
        ("xOpen", _P),
        ("xDelete", _P),
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


@dataclass(slots=True)
class _Own:
    """The library's own methods of one kind of file."""

    close: Any
    read: Any
    write: Any
    truncate: Any
    sync: Any


@dataclass(slots=True)
class _Handle:
    """One open file: whose it is, what it is called there, and the library's methods."""

    watcher: Watcher
    number: int
    own: _Own


class _Shim:
    """Our callbacks in front of the library's, for as long as somebody watches a folder."""

    def __init__(self) -> None:
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        self._vfs = library.sqlite3_vfs_find(None).contents
        self._original = self._vfs.xOpen, self._vfs.xDelete
        self._own_open, self._own_delete = _Open(self._original[0]), _Delete(self._original[1])
        self._front = _Open(self._x_open), _Delete(self._x_delete)
        self._callbacks = (
            _Close(self._x_close),
            _Transfer(self._x_read),
            _Transfer(self._x_write),
            _Truncate(self._x_truncate),
            _Sync(self._x_sync),
        )
        self._watchers: dict[str, Watcher] = {}
        self._handles: dict[int, _Handle] = {}
        self._tables: dict[int, tuple[_Methods, _Own]] = {}

    def watch(self, folder: Path, watcher: Watcher) -> None:
        if not self._watchers:
            self._vfs.xOpen, self._vfs.xDelete = map(_address, self._front)
        self._watchers[str(folder)] = watcher

    def unwatch(self, folder: Path) -> None:
        self._watchers.pop(str(folder), None)
        if not self._watchers:
            self._vfs.xOpen, self._vfs.xDelete = self._original

    def _find(self, path: int | None) -> tuple[Watcher | None, str]:
        known = b"" if path is None else ctypes.string_at(path)
        folder, _, name = known.decode().rpartition("/")
        return self._watchers.get(folder), name

    def _x_open(self, vfs: int, path: int | None, file: int, flags: int, out: int) -> int:
        def proceed() -> int:
            return int(self._own_open(vfs, path, file, flags, out))

        watcher, name = self._find(path)
        if watcher is None:
            return proceed()
        result, number = watcher.open(name, flags, proceed)
        if result == OK:
            self._handles[file] = _Handle(watcher, number, self._put_in_front(file))
        else:
            ctypes.cast(file, ctypes.POINTER(_P))[0] = None  # then nobody calls xClose
        return result

    def _x_delete(self, vfs: int, path: int, syncs_names: int) -> int:
        def proceed() -> int:
            return int(self._own_delete(vfs, path, syncs_names))

        watcher, name = self._find(path)
        if watcher is None:
            return proceed()
        return watcher.delete(name, proceed, syncs_names=bool(syncs_names))

    def _x_close(self, this: int) -> int:
        handle = self._handles.pop(this)
        handle.watcher.close(handle.number)
        return int(handle.own.close(this))

    def _x_read(self, this: int, into: int, amount: int, offset: int) -> int:
        handle = self._handles[this]
        return handle.watcher.read(lambda: int(handle.own.read(this, into, amount, offset)))

    def _x_write(self, this: int, data: int, amount: int, offset: int) -> int:
        handle = self._handles[this]
        content = ctypes.string_at(data, amount)
        return handle.watcher.write(
            handle.number, offset, content, lambda n: int(handle.own.write(this, data, n, offset))
        )

    def _x_truncate(self, this: int, size: int) -> int:
        handle = self._handles[this]
        return handle.watcher.truncate(
            handle.number, size, lambda: int(handle.own.truncate(this, size))
        )

    def _x_sync(self, this: int, flags: int) -> int:
        handle = self._handles[this]
        return handle.watcher.sync(handle.number, lambda: int(handle.own.sync(this, flags)))

    def _put_in_front(self, file: int) -> _Own:
        """Let an open file call our methods; returns the library's."""
        pointer = ctypes.cast(file, ctypes.POINTER(_P))
        address = pointer[0]
        if address not in self._tables:
            table = _Methods.from_buffer_copy(_Methods.from_address(address))
            own = _Own(
                _Close(table.xClose),
                _Transfer(table.xRead),
                _Transfer(table.xWrite),
                _Truncate(table.xTruncate),
                _Sync(table.xSync),
            )
            table.xClose, table.xRead, table.xWrite, table.xTruncate, table.xSync = map(
                _address, self._callbacks
            )
            self._tables[address] = table, own
        table, own = self._tables[address]
        pointer[0] = ctypes.addressof(table)
        return own


_SHIM: Final = _Shim()
"""One, and for ever: the library is one too, and keeps pointers to what is called back."""


def watch(folder: Path, watcher: Watcher) -> None:
    """Let a watcher answer for every file that SQLite opens in a folder from here on."""
    _SHIM.watch(folder.resolve(), watcher)


def unwatch(folder: Path) -> None:
    """Let SQLite alone with a folder; files that are open stay watched until they are closed."""
    _SHIM.unwatch(folder.resolve())


def _address(callback: Any) -> int | None:
    return ctypes.cast(callback, _P).value
