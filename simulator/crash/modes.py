"""The teeth of rung C2: the same cuts under journal modes that are known to lose, and to keep.

A tiny journal is written with plain SQL in some mode, by the SQLite that ships or by the newer
one of apsw, and cut after every operation. If WAL with synchronous NORMAL, or DELETE with FULL,
lost nothing here, then a till that loses nothing would prove nothing.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Final, Protocol

from simulator.crash.images import fresh, replayed
from simulator.disk import Disk
from simulator.volume import Cut, Found, write_image

ENTRIES: Final = 8
IMAGES_A_MOMENT: Final = 3
_NAME: Final = "tiny.db"
_CONTENT: Final = 900
"""Bytes of an entry, so that every few of them need a new page."""


@unique
class Mode(Enum):
    """A journal mode with its synchronous setting."""

    WAL_FULL = ("WAL", "FULL")
    WAL_NORMAL = ("WAL", "NORMAL")
    DELETE_EXTRA = ("DELETE", "EXTRA")
    DELETE_FULL = ("DELETE", "FULL")
    TRUNCATE_FULL = ("TRUNCATE", "FULL")
    OFF = ("OFF", "OFF")


KEEPING: Final = frozenset({Mode.WAL_FULL, Mode.DELETE_EXTRA, Mode.TRUNCATE_FULL})
LOSING: Final = frozenset(Mode) - KEEPING


class Connection(Protocol):
    """What this rung needs of a connection, whichever SQLite it is."""

    def execute(self, sql: str, values: tuple[object, ...] = ..., /) -> object:
        """Run one statement."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


Engine = Callable[[Path, Disk], Connection]
"""Opens a database so that every operation reaches the disk that is given."""


@dataclass(slots=True)
class Verdict:
    """How a mode came through."""

    images: int = 0
    lost: int = 0
    """Images without an entry that was acknowledged."""
    corrupt: int = 0
    """Images that can't be read, or hold what nobody wrote."""


def shipped(path: Path, disk: Disk) -> Connection:
    """Open with the SQLite that Python's own module is linked to; the disk is entered already."""
    del disk
    return sqlite3.connect(path, isolation_level=None)


def try_mode(mode: Mode, folder: Path, *, seed: int, engine: Engine = shipped) -> Verdict:
    """Write a tiny journal in a mode and judge the images of every cut."""
    disk, acknowledged = _write(mode, fresh(folder / "life"), engine)
    chance, verdict = random.Random(f"mode {seed}"), Verdict()
    opened = max(at for at, it in enumerate(disk.history, 1) if isinstance(it, Found))
    for operations, volume in replayed(tuple(disk.history)):
        if operations < opened:
            continue
        promised = sum(1 for it in acknowledged if it <= operations)
        for number in range(IMAGES_A_MOMENT):
            cut = Cut.UNSYNCED if number == 0 else (Cut.TORN, Cut.SHUFFLED)[number % 2]
            image = volume.image(cut, chance)
            scratch = fresh(folder / "image")
            write_image(image, scratch)
            _judge(scratch / _NAME, promised, verdict)
    return verdict


def content_of(number: int) -> bytes:
    """What stands in an entry."""
    return random.Random(number).randbytes(_CONTENT)


def _write(mode: Mode, folder: Path, engine: Engine) -> tuple[Disk, list[int]]:
    """Write the entries; returns the disk, and after how many operations each was promised."""
    path = folder / _NAME
    _provision(path, mode)
    acknowledged = list[int]()
    with Disk(folder, records=True) as disk:
        db = engine(path, disk)
        _set(db, mode)
        for number in range(1, ENTRIES + 1):
            db.execute("INSERT INTO entry VALUES (?, ?)", (number, content_of(number)))
            acknowledged.append(len(disk.history))
        db.close()
    return disk, acknowledged


def _provision(path: Path, mode: Mode) -> None:
    """A database in its final mode from the beginning, and all of it on the disk."""
    db = sqlite3.connect(path, isolation_level=None)
    _set(db, mode)
    db.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, content BLOB NOT NULL)")
    db.close()


def _set(db: Connection, mode: Mode) -> None:
    journal, synchronous = mode.value
    db.execute(f"PRAGMA journal_mode = {journal}")
    db.execute(f"PRAGMA synchronous = {synchronous}")


def _judge(path: Path, promised: int, verdict: Verdict) -> None:
    verdict.images += 1
    db = sqlite3.connect(path, isolation_level=None)
    try:
        rows = db.execute("SELECT seq, content FROM entry ORDER BY seq").fetchall()
        (sound,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error:
        verdict.corrupt += 1
        return
    finally:
        db.close()
    expected = [(number, content_of(number)) for number in range(1, len(rows) + 1)]
    if sound != "ok" or rows != expected:
        verdict.corrupt += 1
    elif len(rows) < promised:
        verdict.lost += 1
