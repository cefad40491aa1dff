"""The disk under a till's SQLite files: it can lose power, fail, be full, and lie about a sync.

with Disk(folder) as disk:                 # the SQLite that ships now writes through it
    till = open_till(...)                  # in that folder
    disk.fail(Trouble.SYNC, after=2)       # the third sync from here on fails, once
    disk.freeze()                          # the process is dead, or the power gone:
    till.close()                           # nothing that is done now reaches the files
    disk.thaw(Cut.SHUFFLED, chance)        # what is left lies in the folder
    till = open_till(...)

Only what SQLite writes is watched; other files of the folder stay as they are. Threads must not
share a disk.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from simulator.vfs import (
    OK,
    OPEN_MAIN_JOURNAL,
    OPEN_SUPER_JOURNAL,
    OPEN_WAL,
    Proceed,
    ProceedInPart,
    unwatch,
    watch,
)
from simulator.volume import (
    Cut,
    Found,
    Image,
    Link,
    Lost,
    Operation,
    Sync,
    SyncFailed,
    SyncNames,
    Truncate,
    Unlink,
    Volume,
    Write,
    write_image,
)

_FULL: Final = 13
_CANTOPEN: Final = 14
_IOERR: Final = 10
_IOERR_READ: Final = _IOERR | (1 << 8)
_IOERR_WRITE: Final = _IOERR | (3 << 8)
_IOERR_FSYNC: Final = _IOERR | (4 << 8)
_IOERR_TRUNCATE: Final = _IOERR | (6 << 8)
_IOERR_DELETE: Final = _IOERR | (10 << 8)
_SYNCS_ITS_NAME: Final = OPEN_MAIN_JOURNAL | OPEN_SUPER_JOURNAL | OPEN_WAL
"""Files whose first sync is one of the directory too (os_unix.c, UNIXFILE_DIRSYNC)."""


@unique
class Trouble(Enum):
    """How a disk fails."""

    IO = "anything that changes the disk fails, a write half way through"
    FULL = "a write finds no room, half way through"
    SYNC = "a sync fails, and the pages count as clean"
    READ = "a read fails"


_CHANGES: Final = frozenset({Trouble.IO})
_STRUCK_BY: Final = {
    "read": frozenset({Trouble.READ}),
    "write": frozenset({Trouble.IO, Trouble.FULL}),
    "sync": frozenset({Trouble.IO, Trouble.SYNC}),
    "change": _CHANGES,
}


@dataclass(slots=True)
class _Armed:
    """A trouble, and after how many operations it comes."""

    trouble: Trouble
    after: int
    for_ever: bool
    passed: int = 0
    struck: int = 0


@dataclass(slots=True)
class _Handle:
    """One opening of a file, and whether its next sync is one of the directory too."""

    file: int
    owes_names: bool


class Disk:
    """The disk of one folder, while it is entered."""

    def __init__(self, folder: Path, *, records: bool = False) -> None:
        """Make a disk; one that `records` keeps every operation in `history`."""
        self.folder: Final = folder
        self.volume = Volume()
        self.history: list[Operation] = []
        self.syncs = 0
        """How often anything was synced."""
        self._records = records
        self._armed: _Armed | None = None
        self._frozen = False
        self._handles: dict[int, _Handle] = {}
        self._inodes: dict[str, int] = {}
        self._opened = 0

    def __enter__(self) -> Self:
        watch(self.folder, self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        unwatch(self.folder)

    def fail(self, trouble: Trouble, *, after: int = 0, for_ever: bool = False) -> None:
        """Fail once, or for ever, when `after` operations that could fail so have passed."""
        self._armed = _Armed(trouble, after, for_ever)

    def heal(self) -> int:
        """Let nothing fail any more; returns how often something did since `fail`."""
        struck = 0 if self._armed is None else self._armed.struck
        self._armed = None
        return struck

    @property
    def passed(self) -> int:
        """How many operations since `fail` could have failed so."""
        return 0 if self._armed is None else self._armed.passed

    def freeze(self) -> None:
        """Refuse everything from here on, so that whoever died can be closed without a trace."""
        self._frozen = True
        self._handles.clear()

    def thaw(self, cut: Cut, chance: random.Random) -> None:
        """Leave in the folder what the cut has left, and work again."""
        if cut is not Cut.NOTHING:
            image = self.volume.image(cut, chance)
            for name in self.volume.names.keys() - image.keys():
                (self.folder / name).unlink(missing_ok=True)
            write_image(image, self.folder)
            self.volume = Volume.holding(image)
            self._inodes = {name: (self.folder / name).stat().st_ino for name in image}
        self._frozen = False

    def image(self, cut: Cut, chance: random.Random) -> Image:
        """Return one of the disks that a cut at this moment could leave, and go on."""
        return self.volume.image(cut, chance)

    # What SQLite asks (simulator.vfs.Watcher)

    def open(self, name: str, flags: int, proceed: Proceed) -> tuple[int, int]:
        """Open a file; one that was changed behind our back is taken as it lies there."""
        before = self._lies_there(name)
        if self._frozen or (before is None and self._strikes("change")):
            return _CANTOPEN, -1
        result = proceed()
        if result != OK:
            return result, -1
        file = self._file(name, before)
        self._inodes[name] = (self.folder / name).stat().st_ino
        self._opened += 1
        self._handles[self._opened] = _Handle(file, bool(flags & _SYNCS_ITS_NAME))
        return OK, self._opened

    def close(self, handle: int) -> None:
        """Hear that a file is closed."""
        self._handles.pop(handle, None)

    def delete(self, name: str, proceed: Proceed, *, syncs_names: bool) -> int:
        """Remove a name."""
        if self._frozen or self._strikes("change"):
            return _IOERR_DELETE
        result = proceed()
        if result == OK:
            self._note(Unlink(name))
            if syncs_names:
                self._note(SyncNames())
        return result

    def read(self, proceed: Proceed) -> int:
        """Read something."""
        return _IOERR_READ if self._strikes("read") else proceed()

    def write(self, handle: int, offset: int, data: bytes, proceed: ProceedInPart) -> int:
        """Write something, or half of it."""
        opened = self._handles.get(handle)
        if opened is None:
            return _IOERR_WRITE
        if self._strikes("write"):
            half = len(data) // 2
            if half and proceed(half) == OK:
                self._note(Write(opened.file, offset, data[:half]))
            is_full = self._armed is not None and self._armed.trouble is Trouble.FULL
            return _FULL if is_full else _IOERR_WRITE
        result = proceed(len(data))
        if result == OK:
            self._note(Write(opened.file, offset, data))
        return result

    def truncate(self, handle: int, size: int, proceed: Proceed) -> int:
        """Change a file's length."""
        opened = self._handles.get(handle)
        if opened is None or self._strikes("change"):
            return _IOERR_TRUNCATE
        result = proceed()
        if result == OK:
            self._note(Truncate(opened.file, size))
        return result

    def sync(self, handle: int, proceed: Proceed) -> int:
        """Make a file's content last."""
        opened = self._handles.get(handle)
        if opened is None:
            return _IOERR_FSYNC
        if self._strikes("sync"):
            self._note(SyncFailed(opened.file))
            return _IOERR_FSYNC
        result = proceed()
        if result == OK:
            self.syncs += 1
            self._note(Sync(opened.file))
            if opened.owes_names:
                opened.owes_names = False
                self._note(SyncNames())
        return result

    def _file(self, name: str, before: bytes | None) -> int:
        """Return the number of a file that was just opened, known or not."""
        known = self.volume.names.get(name)
        if before is None:
            if known is not None:
                self._note(Lost(name))
            self._note(Link(name, self.volume.next_file))
        elif known is None or self._was_replaced(name) or self.volume.content(known) != before:
            self._note(Found(name, self.volume.next_file, before))
        return self.volume.names[name]

    def _was_replaced(self, name: str) -> bool:
        """Say whether another file has this name now: whoever renames has synced."""
        return self._inodes.get(name) != (self.folder / name).stat().st_ino

    def _lies_there(self, name: str) -> bytes | None:
        """Return a file's content; one that is open is not read again.

        To close a file that is open elsewhere in the process lets go of its locks (fcntl(2)).
        """
        known = self.volume.names.get(name)
        if known is not None and any(it.file == known for it in self._handles.values()):
            return bytes(self.volume.content(known))
        path = self.folder / name
        return path.read_bytes() if path.exists() else None

    def _strikes(self, what: str) -> bool:
        """Count an operation, and say whether it fails."""
        armed = self._armed
        if armed is None or armed.trouble not in _STRUCK_BY[what]:
            return False
        armed.passed += 1
        is_now = armed.passed == armed.after + 1
        is_since = armed.for_ever and armed.passed > armed.after
        armed.struck += is_now or is_since
        return is_now or is_since

    def _note(self, operation: Operation) -> None:
        self.volume.apply(operation)
        if self._records:
            self.history.append(operation)
