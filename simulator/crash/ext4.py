"""Rung C5: a real ext4 on a disk that loses power, with what the kernel really wrote.

The file system stands on a loop device over a FUSE disk that logs blocks and flushes. A process
works on it and says what it has promised. Then the disk is put together as a cut at some moment
would leave it, mounted, which lets ext4 replay its own log, and opened. Needs root, /dev/fuse and
loop devices.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Final

from cardkit.errors import ClafoutisError, must
from simulator.crash.fuse import Block, Flush, FuseDisk
from simulator.crash.images import fresh
from simulator.crash.life import read_rows
from simulator.crash.stall import MERCHANT, CrashStall
from simulator.volume import SECTOR_BYTES
from terminal.config import DataDirectory

DISK_BYTES: Final = 16 << 20
SALES: Final = 12
_TINY: Final = "tiny.db"
_PATIENCE_S: Final = 60


@unique
class Worker(Enum):
    """Who works on the file system, by the function of this module that it runs."""

    TILL = "sell"
    NORMAL = "write_carelessly"
    """A tiny journal in WAL mode with synchronous NORMAL, which has to be seen to lose."""


@dataclass(frozen=True, slots=True)
class Promise:
    """So many entries were promised when the disk's log was so long."""

    logged: int
    entries: int


@dataclass(frozen=True, slots=True)
class Day:
    """What a worker's disk was, what reached it, and what was promised when."""

    worker: Worker
    base: bytes
    log: tuple[Block | Flush, ...]
    promises: tuple[Promise, ...]

    def promised(self, logged: int) -> int:
        """Return how many entries were promised by then."""
        return max((it.entries for it in self.promises if it.logged <= logged), default=0)

    def image(self, logged: int, chance: random.Random) -> bytearray:
        """Return what a cut leaves when the log was so long: all before the last flush, and some.

        Of what was written since, any sectors may have reached the disk.
        """
        flushed = max(
            (at for at, it in enumerate(self.log[:logged], 1) if isinstance(it, Flush)), default=0
        )
        content = bytearray(self.base)
        for it in self.log[:flushed]:
            if isinstance(it, Block):
                content[it.offset : it.offset + len(it.data)] = it.data
        for it in self.log[flushed:logged]:
            if isinstance(it, Block):
                for begin in range(0, len(it.data), SECTOR_BYTES):
                    if chance.getrandbits(1):
                        piece = it.data[begin : begin + SECTOR_BYTES]
                        content[it.offset + begin : it.offset + begin + len(piece)] = piece
        return content


def sell(folder: Path) -> None:
    """Enrol a terminal and sell, telling every head."""
    stall = CrashStall.enrolled(folder / "till")
    till = stall.till()
    _tell(till.journal.head.seq)
    for number in range(SALES):
        card = stall.cards[number % len(stall.cards)]
        stall.tap(card, lambda it: till.sell(it, 2_50, merchant=MERCHANT))
        _tell(till.journal.head.seq)
        till.rest()
    till.stop()
    _tell(till.journal.head.seq)


def write_carelessly(folder: Path) -> None:
    """Write entries in a mode that does not sync them, telling each."""
    db = sqlite3.connect(folder / _TINY, isolation_level=None)
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
        db.execute(f"PRAGMA {pragma}").fetchall()
    db.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY)")
    db.execute("PRAGMA synchronous = NORMAL")
    for number in range(1, 2 * SALES + 1):
        db.execute("INSERT INTO entry VALUES (?)", (number,))
        _tell(number)
        if number % 8 == 0:
            db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()


def _tell(entries: int) -> None:
    """Say what is promised, and wait until it was noted."""
    sys.stdout.write(f"{entries}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def why_not(scratch: Path) -> str | None:
    """Return what forbids this rung here; None when it is possible."""
    for tool in ("mkfs.ext4", "losetup", "mount", "umount"):
        if shutil.which(tool) is None:
            return f"{tool} is not here"
    try:
        with file_system(fresh(scratch)):
            return None
    except (OSError, subprocess.SubprocessError) as error:
        return f"no FUSE disk and loop device: {error}"


@dataclass(frozen=True, slots=True)
class _Mounted:
    disk: FuseDisk
    base: bytes
    folder: Path


@contextmanager
def file_system(scratch: Path) -> Iterator[_Mounted]:
    """Give a new ext4 on a new FUSE disk."""
    base, fuse, folder = scratch / "base", scratch / "fuse", scratch / "mounted"
    fuse.mkdir()
    folder.mkdir()
    with base.open("wb") as file:
        file.truncate(DISK_BYTES)
    _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(base))
    content = base.read_bytes()
    base.unlink()
    with FuseDisk(fuse, bytearray(content)) as disk:
        device = _run("losetup", "--find", "--show", str(disk.path))
        try:
            _run("mount", "-t", "ext4", device, str(folder))
            try:
                yield _Mounted(disk, content, folder)
            finally:
                _run("umount", str(folder))
        finally:
            _run("losetup", "--detach", device)


def live(worker: Worker, scratch: Path) -> Day:
    """Let a worker work on a file system of its own, and stop the disk when it is done."""
    promises = list[Promise]()
    with file_system(fresh(scratch)) as mounted:
        program = f"from {__name__} import *; {worker.value}(Path(sys.argv[1]))"
        command = [sys.executable, "-c", program, str(mounted.folder)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
            must(process.stdin is not None and process.stdout is not None, "both are pipes")
            for line in process.stdout:  # type: ignore[union-attr]  # narrowed by must()
                promises.append(Promise(len(mounted.disk.log), int(line)))
                process.stdin.write("noted\n")  # type: ignore[union-attr]  # see above
                process.stdin.flush()  # type: ignore[union-attr]  # see above
        must(process.returncode == 0, "a worker ends by itself")
        log = tuple(mounted.disk.log)
    return Day(worker, mounted.base, log, tuple(promises))


def recovered(image: bytearray, worker: Worker, scratch: Path) -> int:
    """Mount an image and return the entries that are there; -1 when nothing opens."""
    fresh(scratch)
    path, folder, copy = scratch / "image", scratch / "mounted", scratch / "copy"
    folder.mkdir()
    path.write_bytes(image)
    _run("mount", "-t", "ext4", "-o", "loop", str(path), str(folder))
    try:
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("lost+found"))
    finally:
        _run("umount", str(folder))
    return _entries_of_till(copy) if worker is Worker.TILL else _entries_of_tiny(copy)


def _entries_of_till(folder: Path) -> int:
    try:
        till = CrashStall(DataDirectory(folder / "till")).open_till()
    except ClafoutisError:
        return -1
    found = till.journal.verify()
    till.close()
    return found if len(read_rows(folder / "till" / "journal.db")) == found else -1


def _entries_of_tiny(folder: Path) -> int:
    try:
        db = sqlite3.connect(f"file:{folder / _TINY}?mode=rw", uri=True)
        try:
            ((count,),) = db.execute("SELECT COUNT(*) FROM entry").fetchall()
        finally:
            db.close()
    except sqlite3.Error:
        return -1
    return int(count)


def _run(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE_S)
    return done.stdout.strip()
