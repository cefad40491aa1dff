"""A file system that can lose power, as a model: what was written, and what of it is promised.

Strict where POSIX is: only fsync of a file makes its content last, only fsync of a directory its
names. After an fsync that failed the pages count as clean and still read as they were written,
as Linux does it; only writing them again can save them. A rename is never half done.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path, PurePosixPath
from typing import Final

SECTOR_BYTES: Final = 512
"""What a disk writes at once, if it does."""
PAGE_BYTES: Final = 4096
"""What the kernel keeps clean or dirty as a whole."""
_SECTORS_PER_TEAR: Final = 8
"""One of so many kept sectors is torn in itself."""

Image = Mapping[str, bytes]
"""What lies on a disk, by name."""


@unique
class Cut(Enum):
    """What a cut takes from that which was written and not synced."""

    NOTHING = "the process died and the machine went on"
    UNSYNCED = "everything that was not synced is lost"
    TORN = "writes and names reached the disk in order, and the last one in part"
    SHUFFLED = "any sectors and names reached the disk, in any order, some sectors torn"


@dataclass(frozen=True, slots=True)
class Found:
    """A file that lay there before, and lasts, instead of whatever was known by that name."""

    name: str
    file: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """A name that somebody else has taken away, lastingly."""

    name: str


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset of a file."""

    file: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A new length."""

    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """A file's content was promised to last."""

    file: int


@dataclass(frozen=True, slots=True)
class SyncFailed:
    """A file's content was not promised to last, and its pages count as clean nevertheless."""

    file: int


@dataclass(frozen=True, slots=True)
class Link:
    """A new name for a new file."""

    name: str
    file: int


@dataclass(frozen=True, slots=True)
class Unlink:
    """A name that is gone."""

    name: str


@dataclass(frozen=True, slots=True)
class Rename:
    """A file that goes by another name from here on, instead of whatever had it."""

    old: str
    new: str
    file: int


@dataclass(frozen=True, slots=True)
class SyncNames:
    """The names in a directory were promised to last; "." is the volume's own."""

    directory: str = "."


Operation = Found | Lost | Write | Truncate | Sync | SyncFailed | Link | Unlink | Rename | SyncNames
_Content = Write | Truncate
_Naming = Link | Unlink | Rename
_Pending = Write | Truncate | Link | Unlink | Rename


@dataclass(slots=True)
class _File:
    content: bytearray
    """As every process reads it."""
    durable: bytearray
    """As it is promised to be after a cut."""


@dataclass(slots=True)
class Volume:
    """Files by number, their names, and what a cut could still take."""

    names: dict[str, int] = field(default_factory=dict)
    _files: dict[int, _File] = field(default_factory=dict)
    _durable_names: dict[str, int] = field(default_factory=dict)
    _pending: list[_Pending] = field(default_factory=list)

    @classmethod
    def holding(cls, image: Image) -> Volume:
        """A volume on which everything lasts; files are numbered in the order of the image."""
        volume = cls()
        for number, (name, content) in enumerate(image.items()):
            volume.apply(Found(name, number, content))
        return volume

    @property
    def next_file(self) -> int:
        """The number of the file that comes next."""
        return len(self._files)

    def content(self, file: int) -> bytearray:
        """Return a file as processes read it; not to be changed."""
        return self._files[file].content

    def apply(self, operation: Operation) -> None:
        """Let one thing happen."""
        match operation:
            case Found(name=name, file=file, content=content):
                self._files[file] = _File(bytearray(content), bytearray(content))
                self._forget(name)
                self.names[name] = self._durable_names[name] = file
            case Lost(name=name):
                self._forget(name)
            case Write() | Truncate():
                change(self._files[operation.file].content, operation)
                self._pending.append(operation)
            case Sync(file=file):
                self._sync(file)
                self._settle(file)
            case SyncFailed(file=file):
                self._settle(file)
            case Link() | Unlink() | Rename():
                if isinstance(operation, Link):
                    self._files.setdefault(operation.file, _File(bytearray(), bytearray()))
                rename(self.names, operation)
                self._pending.append(operation)
            case SyncNames(directory=directory):
                self._sync_names(directory)

    def image(self, cut: Cut, chance: random.Random) -> Image:
        """Return one of the disks that a cut at this moment could leave; empties nothing."""
        if cut is Cut.NOTHING:
            return {name: bytes(self._files[it].content) for name, it in self.names.items()}
        names = dict(self._durable_names)
        contents: dict[int, bytearray] = {}
        for kept in self._kept(cut, chance):
            if isinstance(kept, Write | Truncate):
                if kept.file not in contents:
                    contents[kept.file] = self._files[kept.file].durable[:]
                change(contents[kept.file], kept)
            else:
                rename(names, kept)
        return {
            name: bytes(contents.get(file, self._files[file].durable))
            for name, file in names.items()
        }

    @property
    def pending(self) -> int:
        """How many writes and names a cut could still take."""
        return len(self._pending)

    def _kept(self, cut: Cut, chance: random.Random) -> Iterator[_Pending]:
        match cut:
            case Cut.TORN if self._pending:
                whole = chance.randrange(len(self._pending))
                yield from self._pending[:whole]
                last = self._pending[whole]
                if isinstance(last, Write):
                    yield _part(last, chance.randrange(len(last.data) + 1))
            case Cut.SHUFFLED:
                for it in self._pending:
                    yield from _some_of(it, chance)

    def _sync(self, number: int) -> None:
        """Make lasting every page that was written since it was clean, and the length."""
        file = self._files[number]
        changes = [it for it in self._pending if isinstance(it, _Content) and it.file == number]
        for it in changes:
            if isinstance(it, Truncate):
                del file.durable[it.size :]
        _resize(file.durable, len(file.content))
        for page in {page for it in changes if isinstance(it, Write) for page in _pages(it)}:
            here = slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
            file.durable[here] = file.content[here]

    def _settle(self, number: int) -> None:
        self._pending = [
            it for it in self._pending if not (isinstance(it, _Content) and it.file == number)
        ]

    def _forget(self, name: str) -> None:
        self.names.pop(name, None)
        self._durable_names.pop(name, None)
        self._pending = [it for it in self._pending if not _is_about(it, name)]

    def _sync_names(self, directory: str) -> None:
        for it in self._pending:
            if isinstance(it, _Naming) and _directory(it) == directory:
                rename(self._durable_names, it)
        self._pending = [
            it
            for it in self._pending
            if not (isinstance(it, _Naming) and _directory(it) == directory)
        ]


def change(content: bytearray, operation: Write | Truncate) -> None:
    """Let a file's bytes change; what was never written reads as zeros."""
    match operation:
        case Write(offset=offset, data=data):
            _resize(content, max(len(content), offset + len(data)))
            content[offset : offset + len(data)] = data
        case Truncate(size=size):
            _resize(content, size)


def rename(names: dict[str, int], operation: Link | Unlink | Rename) -> None:
    """Let names change."""
    match operation:
        case Link(name=name, file=file):
            names[name] = file
        case Unlink(name=name):
            names.pop(name, None)
        case Rename(old=old, new=new, file=file):
            names.pop(old, None)
            names[new] = file


def write_image(image: Image, folder: Path) -> None:
    """Leave an image in a folder, as new files and beside what else is there."""
    for name, content in image.items():
        path = folder / name
        path.unlink(missing_ok=True)
        path.write_bytes(content)


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def _pages(write: Write) -> range:
    last = max(write.offset, write.offset + len(write.data) - 1)
    return range(write.offset // PAGE_BYTES, last // PAGE_BYTES + 1)


def _part(write: Write, size: int) -> Write:
    return Write(write.file, write.offset, write.data[:size])


def _some_of(pending: _Pending, chance: random.Random) -> Iterator[_Pending]:
    """Return those sectors of a write that reach the disk, or the whole of something else."""
    if not isinstance(pending, Write):
        if chance.getrandbits(1):
            yield pending
        return
    for piece in _sectors(pending):
        if chance.getrandbits(1):
            torn = not chance.randrange(_SECTORS_PER_TEAR)
            yield _part(piece, chance.randrange(len(piece.data) + 1)) if torn else piece


def _sectors(write: Write) -> Iterator[Write]:
    begin, end = write.offset, write.offset + len(write.data)
    while begin < end:
        stop = min(end, (begin // SECTOR_BYTES + 1) * SECTOR_BYTES)
        yield Write(write.file, begin, write.data[begin - write.offset : stop - write.offset])
        begin = stop


def _directory(operation: Link | Unlink | Rename) -> str:
    name = operation.new if isinstance(operation, Rename) else operation.name
    return str(PurePosixPath(name).parent)


def _is_about(operation: _Pending, name: str) -> bool:
    match operation:
        case Link(name=it) | Unlink(name=it):
            return it == name
        case Rename(old=old, new=new):
            return name in {old, new}
    return False
