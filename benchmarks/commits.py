"""The two commits of a sale as bare SQLite, for comparison: they are no cryptography.

The journal's own schema, triggers, modes and lengths of entries; nothing is signed or looked up.
"""

from __future__ import annotations

import sqlite3
import time
from itertools import count
from pathlib import Path
from typing import Final

from terminal.journal import CHECKPOINT_ENTRIES
from terminal.journal_schema import INSERT, SCHEMA

_MODES: Final = (
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 0",
)
_DAY: Final = 20261001


class BareCommits:
    """A journal's table without a journal; entries of two given lengths go in by pairs."""

    def __init__(self, path: Path, *, intent_bytes: int, sale_bytes: int) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        for mode in _MODES:
            self._db.execute(mode).fetchall()
        self._db.executescript(SCHEMA)
        self._intent, self._sale = bytes(intent_bytes), bytes(sale_bytes)
        self._seqs = count(1, 2)

    def cpu_ns(self) -> int:
        """Return the CPU time of one intent and its sale, each on the disk by itself."""
        seq = next(self._seqs)
        uid = seq.to_bytes(7)
        begun_ns = time.thread_time_ns()
        self._db.execute(INSERT, (seq, 20, _DAY, 0, None, uid, None, 1_00, self._intent))
        self._db.execute(INSERT, (seq + 1, 21, _DAY, 0, seq, uid, 2, 1_00, self._sale))
        taken_ns = time.thread_time_ns() - begun_ns
        if seq % CHECKPOINT_ENTRIES == 1:
            self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        return taken_ns

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
