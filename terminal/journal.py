"""What this terminal says happened: signed, chained, append-only, on disk before anyone is told.

One process, one connection (an exclusive lock sees to it), SQLite in WAL mode with
synchronous=FULL: `append` returns when the entry would survive a power cut. The file is made in
its final mode and renamed into place. Checkpoints happen when they are asked for, never inside a
tap. After a write that failed nothing more is written until the journal has been opened anew,
because what reached the disk is not known (docs/protocol.md, "The journal").
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cardkit.bodies import (
    Acknowledged,
    Body,
    Enrolled,
    EntryKind,
    Indeterminate,
    Intent,
    Refund,
    RefundCounted,
    Sale,
    Void,
)
from cardkit.clock import Clock, Instant
from cardkit.entries import (
    SCHEMA_VERSION,
    Entry,
    Envelope,
    OperatorRole,
    follows,
    sign_entry,
)
from cardkit.errors import Bug, JournalDamaged, JournalLocked, JournalStopped
from cardkit.frozen import dataclass
from cardkit.signing import SigningKey
from terminal.files import PRIVATE, sync_directory, write_again
from terminal.integrity import find_damage
from terminal.journal_read import JournalReader, OpenIntent
from terminal.journal_schema import INSERT, RULES, SCHEMA, intent_seq_of, lookup, movement_cents

LOCK_NAME: Final = "lock"
FSYNCS_KEPT: Final = 200
"""Enough for a percentile of one market day."""
CHECKPOINT_ENTRIES: Final = 4
"""Two sales in the write-ahead log, sixty kilobytes, before it is begun anew."""
_CHECK_BATCH: Final = 1_000
_FINAL_MODE: Final = (
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA foreign_keys = ON",
)
_IN_FORCE: Final = (("locking_mode", "exclusive"), ("journal_mode", "wal"), ("synchronous", 2))


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry: where the next one goes, and what it chains to."""

    seq: int
    digest: bytes
    perpetual_cents: int


class Journal(JournalReader):
    """An open journal; `create` or `open` makes one, `close` lets go of it.

    Any method may raise JournalStopped once a write has failed.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        lock: int,
        *,
        key: SigningKey,
        terminal: int,
        clock: Clock,
    ) -> None:
        """Take a connection in its final mode; use `create` or `open` instead."""
        super().__init__(db, key=key.public, caisse=key.caisse, terminal=terminal)
        self._lock = lock
        self._key = key
        self._clock = clock
        self._stopped = False
        self._commit_ms: deque[int] = deque(maxlen=FSYNCS_KEPT)
        self._head = Head(0, key.public.digest, 0)
        self._unsent_cents = 0
        self._open: dict[int, bytes] = {}
        self._refunded: set[bytes] = set()
        self._in_log = CHECKPOINT_ENTRIES  # or more: what a log was left with is not known

    @classmethod
    def create(
        cls, path: Path, *, key: SigningKey, terminal: int, clock: Clock, enrolled: Enrolled
    ) -> Journal:
        """Begin a chain with its Enrolled entry; raises JournalError when there is one already."""
        lock = take_lock(path)
        try:
            if path.exists():
                raise JournalDamaged(1, "there is a journal already")
            aside = path.with_name(f".{path.name}.new")
            _remove(aside)
            os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
            db = _connect(aside)
            db.executescript(SCHEMA)
            begun = cls(db, lock, key=key, terminal=terminal, clock=clock)
            begun.append(EntryKind.ENROLLED, enrolled)
            db.close()
            aside.rename(path)
            sync_directory(path.parent)
        except (sqlite3.Error, OSError) as error:
            os.close(lock)
            raise JournalStopped(str(error)) from error
        except BaseException:
            os.close(lock)
            raise
        return cls._opened(path, lock, key=key, terminal=terminal, clock=clock)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        key: SigningKey,
        terminal: int,
        clock: Clock,
        lock: int | None = None,
    ) -> Journal:
        """Open a chain and verify what was added since it was last verified.

        `lock` is what `take_lock` gave, and is the journal's from here on, also after an error.
        Raises JournalLocked, JournalDamaged or JournalStopped.
        """
        lock = take_lock(path) if lock is None else lock
        return cls._opened(path, lock, key=key, terminal=terminal, clock=clock)

    @classmethod
    def _opened(
        cls, path: Path, lock: int, *, key: SigningKey, terminal: int, clock: Clock
    ) -> Journal:
        db: sqlite3.Connection | None = None
        try:
            if not path.exists():
                raise JournalDamaged(1, "there is no journal")
            write_again(path.with_name(f"{path.name}-wal"))  # left by whoever did not close it
            db = _connect(path)
            journal = cls(db, lock, key=key, terminal=terminal, clock=clock)
            journal._resume()
        except BaseException as error:
            if db is not None:
                db.close()
            os.close(lock)
            if isinstance(error, (sqlite3.OperationalError, OSError)):
                raise JournalStopped(str(error)) from error
            if isinstance(error, (sqlite3.DatabaseError, UnicodeDecodeError)):
                raise JournalDamaged(1, str(error)) from error  # its own words may be damaged too
            raise
        return journal

    @property
    def head(self) -> Head:
        """The last entry."""
        return self._head

    @property
    def next_seq(self) -> int:
        """The number of the entry that comes next."""
        return self._head.seq + 1

    @property
    def is_running(self) -> bool:
        """Whether entries can be appended: it is open, and no write has failed."""
        return not self._stopped and self._lock >= 0

    def append(
        self,
        kind: EntryKind,
        body: Body,
        *,
        merchant: int = 0,
        operator: OperatorRole = OperatorRole.NOBODY,
        training: bool = False,
        at: Instant | None = None,
    ) -> Entry:
        """Sign an entry once and return it when it is on the disk; raises JournalStopped.

        `at` is given by who has already read the clock for what the entry is about.
        """
        self._check_running()
        now = at or self._clock.now()
        movement = movement_cents(body, training=training)
        envelope = Envelope(
            v=SCHEMA_VERSION,
            kind=kind,
            terminal=self.terminal,
            seq=self.next_seq,
            prev=self._head.digest,
            at=now.at,
            clock=now.trust,
            boot_id=self._clock.boot_id(),
            monotonic_ms=self._clock.monotonic_ms(),
            merchant=merchant,
            operator=operator,
            perpetual_cents=self._head.perpetual_cents + movement,
            training=training,
        )
        entry = sign_entry(self._key, envelope, body)
        try:
            self._store(entry)
            self._head = Head(entry.seq, entry.digest, envelope.perpetual_cents)
            self._keep_count(entry, movement)
        except Bug:
            raise  # refused by the journal's rules, so it is not on the disk
        except BaseException:
            self._stopped = True  # Ctrl-C comes anywhere: whether it is on the disk is not known
            raise
        return entry

    def unsent_cents(self) -> int:
        """Return the sales that no acknowledgement covers, without looking at each of them."""
        self._check_running()
        return self._unsent_cents

    def open_intents(self, uid: bytes | None = None) -> tuple[OpenIntent, ...]:
        """Return the intents, of one card or of all, whose outcome is not known yet."""
        self._check_running()
        wanted = tuple(seq for seq, card in self._open.items() if uid is None or card == uid)
        entries = (self.entry(seq) for seq in wanted)
        return tuple(self._open_intent(entry) for entry in entries if entry is not None)

    def refunds(self, uid: bytes, generation: int) -> tuple[RefundCounted, ...]:
        """Return every refund of this terminal to one generation of a card, oldest first."""
        self._check_running()
        return super().refunds(uid, generation) if uid in self._refunded else ()

    def verify(self) -> int:
        """Verify pages, signatures, links and columns from the first entry on; return their number.

        Raises JournalDamaged with the first entry in doubt.
        """
        self._check_file()
        return self._verify(Head(0, self._key.public.digest, 0)).seq

    def verify_unsent(self) -> None:
        """Verify the chain behind what is acknowledged, which nobody else holds.

        Raises JournalDamaged with the first entry in doubt.
        """
        self._verify(self._head_at(self.acknowledged_seq))

    def checkpoint(self) -> None:
        """Move what the write-ahead log holds into the database, once it is much; for idle moments.

        The next sale then writes over its blocks: a log that is cut to nothing would have to
        grow again inside a tap, and the disk to note its new length twice. A log that begins
        anew costs the next tap a third fsync, for its header: not every tap shall pay it.
        """
        self._check_running()
        if self._in_log < CHECKPOINT_ENTRIES:
            return
        self._guarded(lambda: self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall())
        self._in_log = 0

    @property
    def commit_p95_ms(self) -> int | None:
        """How long 95 of 100 entries took to reach the disk, lately; None before the first."""
        if not self._commit_ms:
            return None
        return sorted(self._commit_ms)[len(self._commit_ms) * 95 // 100]

    def close(self) -> None:
        """Let go of file and lock; calling it twice is harmless."""
        if self._lock >= 0:
            self._db.close()
            os.close(self._lock)
            self._lock = -1

    def _store(self, entry: Entry) -> None:
        """Insert one entry; autocommit makes it one transaction, which ends with its fsync."""
        columns = lookup(entry, self._intent_uid(entry.body))
        begun_ns = time.monotonic_ns()
        self._guarded(lambda: self._db.execute(INSERT, (entry.seq, *columns, entry.signed.encoded)))
        self._in_log += 1
        self._commit_ms.append((time.monotonic_ns() - begun_ns) // 1_000_000)

    def _keep_count(self, entry: Entry, movement_cents: int) -> None:
        """Keep what every tap asks: unsent cents, open intents, and which cards got a refund.

        A restored service may acknowledge less than before, so an acknowledgement subtracts
        nothing: it sets the figure anew.
        """
        match entry.body:
            case Intent(uid=uid):
                self._open[entry.seq] = uid
            case Sale(intent_seq=intent_seq):
                self._unsent_cents += movement_cents
                del self._open[intent_seq]
            case Refund(uid=uid):
                self._refunded.add(uid)
            case Void(intent_seq=intent_seq) | Indeterminate(intent_seq=intent_seq):
                del self._open[intent_seq]
            case Acknowledged():
                self._unsent_cents = super().unsent_cents()

    def _count_anew(self) -> None:
        self._unsent_cents = super().unsent_cents()
        self._open = {held.seq: held.intent.uid for held in super().open_intents()}
        self._refunded = set(self.refunded_cards())

    def _guarded(self, write: Callable[[], object]) -> None:
        self._check_running()
        try:
            write()
        except sqlite3.IntegrityError as error:
            raise Bug(f"the journal's rules: {error}") from error
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
            self._stopped = True
            raise JournalStopped(str(error)) from error

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        self._check_running()
        return super()._rows(sql, *values)

    def _check_running(self) -> None:
        if self._stopped:
            raise JournalStopped("a write failed: open the journal anew")

    def _resume(self) -> None:
        """Find the head, and verify the chain since the last time that this was done.

        What was verified then and is not acknowledged is held against a checksum each time:
        nobody else holds it, the service would refuse it for ever, bits rot, and SQLite does not
        notice. What a restored service acknowledges no longer is verified as if it were new. Five
        weeks of a busy stall are ten thousand entries; a signature costs a hundred times its
        checksum.
        """
        self._check_file()
        mark = self._rows("SELECT seq, digest, base_seq, checksum FROM verified")
        begin, is_asked_again = Head(0, self._key.public.digest, 0), False
        if mark:
            seq, digest, base_seq, checksum = mark[0]
            begin = self._head_at(seq)
            if begin.digest != digest:
                raise JournalDamaged(seq, "not the entry that was verified")
            is_asked_again = self.acknowledged_seq < base_seq
            if is_asked_again or self._checksum(base_seq, seq) != checksum:  # the chain knows which
                begin = self._head_at(min(seq, self.acknowledged_seq))
        self._head = self._verify(begin)
        if self._head.seq == 0:
            raise JournalDamaged(1, "the chain has no beginning")
        if self.perpetual_cents() != self._head.perpetual_cents:
            raise JournalDamaged(1, "the amounts do not add up to the perpetual total")
        if not mark or self._head.seq > mark[0][0] or is_asked_again:
            self._keep_mark()
        self._count_anew()

    def _head_at(self, seq: int) -> Head:
        """Return what an entry would be continued from; raises JournalDamaged without it."""
        if seq == 0:
            return Head(0, self._key.public.digest, 0)
        entry = self.entry(seq)
        if entry is None:
            raise JournalDamaged(seq, "not the entry that was verified")
        return Head(seq, entry.digest, entry.envelope.perpetual_cents)

    def _keep_mark(self) -> None:
        """Note how far the chain is verified, and the checksum of what only we hold."""
        seq, base_seq = self._head.seq, self.acknowledged_seq
        mark = (seq, self._head.digest, base_seq, self._checksum(base_seq, seq))
        sql = "INSERT OR REPLACE INTO verified VALUES (1, ?, ?, ?, ?)"
        self._guarded(lambda: self._db.execute(sql, mark))

    def _checksum(self, after_seq: int, up_to_seq: int) -> bytes:
        """Return the SHA-256 of signed entries, one behind the other."""
        total = hashlib.sha256()
        sql = "SELECT content FROM entry WHERE seq > ? AND seq <= ? ORDER BY seq"
        for (content,) in self._rows(sql, after_seq, up_to_seq):
            total.update(content)
        return total.digest()

    def _check_file(self) -> None:
        """Hold pages, rows, indexes and rules against each other; raises JournalDamaged."""
        try:
            damage = find_damage(self._db)
        except sqlite3.OperationalError as error:
            raise JournalStopped(str(error)) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise JournalDamaged(1, str(error)) from error
        if damage is not None:
            raise JournalDamaged(1, damage)
        rules = self._rows("SELECT sql FROM sqlite_schema WHERE type = 'trigger'")
        if {rule for (rule,) in rules} != RULES:
            raise JournalDamaged(1, "the rules are not those of a journal")

    def _verify(self, head: Head) -> Head:
        while batch := self.entries(head.seq, _CHECK_BATCH):
            for entry in batch:
                head = self._next_head(head, entry)
        return head

    def _next_head(self, head: Head, entry: Entry) -> Head:
        """Check one entry against the one before it, and its row against itself."""
        expected_seq, perpetual_cents = head.seq + 1, entry.envelope.perpetual_cents
        if not follows(entry, seq=head.seq, digest=head.digest):
            raise JournalDamaged(expected_seq, "does not follow the entry before it")
        moved_cents = movement_cents(entry.body, training=entry.envelope.training)
        if perpetual_cents != head.perpetual_cents + moved_cents:
            raise JournalDamaged(expected_seq, "the perpetual total does not add up")
        columns = "SELECT seq, kind, business_date, training, about_seq, uid, tmc, amount_cents"
        (row,) = self._rows(f"{columns} FROM entry WHERE seq = ?", expected_seq)
        if row != (entry.seq, *lookup(entry, self._intent_uid(entry.body))):
            raise JournalDamaged(expected_seq, "the row says something else than its entry")
        return Head(entry.seq, entry.digest, perpetual_cents)

    def _intent_uid(self, body: Body | None) -> bytes | None:
        """Return the card of the intent that an outcome is about."""
        intent_seq = intent_seq_of(body)
        if intent_seq is None:
            return None
        if intent_seq in self._open:
            return self._open[intent_seq]
        rows = self._rows("SELECT uid FROM entry WHERE seq = ?", intent_seq)
        return rows[0][0] if rows else None


def _connect(path: Path) -> sqlite3.Connection:
    """Open the one connection and make sure that its mode is in force; sqlite3.Error otherwise."""
    db = sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None)
    try:
        for pragma in _FINAL_MODE:
            db.execute(pragma).fetchall()
        for name, value in _IN_FORCE:
            (found,) = db.execute(f"PRAGMA {name}").fetchone()
            if found != value:
                raise sqlite3.OperationalError(f"{name} is {found}")
    except BaseException:
        db.close()
        raise
    return db


def take_lock(path: Path) -> int:
    """Take the lock beside a journal; raises JournalLocked. It goes with the process."""
    try:
        lock = os.open(path.with_name(LOCK_NAME), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise JournalStopped(str(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise JournalLocked(str(path)) from error
    return lock


def _remove(path: Path) -> None:
    """Clear away what a creation that was cut short has left."""
    for leftover in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        leftover.unlink(missing_ok=True)
