"""What the caisse has told this terminal: permit, directory, certificates, the time it signed.

Rows and their signed header stand in one SQLite file and change in one transaction: between two
files a cut could leave blocks that belong to no header. Everything here can be fetched again, so
damage is answered by asking for the whole directory and never by stopping sales of the journal.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, cast

from cardkit import cbor
from cardkit.allowance import Allowance, accept_allowance
from cardkit.certificates import Trust
from cardkit.digest import HeldDigest, accept_digest
from cardkit.directory import (
    CardRow,
    DirectoryDelta,
    HeldDirectory,
    accept_directory,
    content_hash,
    read_row,
    row_digest,
)
from cardkit.errors import (
    DocumentError,
    DocumentMalformed,
    DocumentRolledBack,
    SignatureInvalid,
    StoreError,
)
from cardkit.permit import HeldPermit, accept_permit
from cardkit.schema import pack, unpack
from cardkit.sync import HeldAnswer, SyncAnswer, accept_answer
from terminal.config import DataDirectory
from terminal.documents import Document, Documents
from terminal.files import PRIVATE, write_again
from terminal.integrity import find_damage

logger = logging.getLogger(__name__)

EMPTY: Final = (0, 0)
"""The (epoch, version) of the directory that has no rows."""
_ALLOWANCES_KEPT: Final = 1_000
"""The cards of a long market day, each verified at its first tap; about a megabyte."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS row (
    uid     BLOB PRIMARY KEY,
    digest  BLOB NOT NULL,
    content BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS header (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    content BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS absorbed (
    seq INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE IF NOT EXISTS seen (
    digest BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS borne (
    uid     BLOB PRIMARY KEY,
    content BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""

_PRIMARY: Final = 0xFF
"""The part of an extended result code that names its family."""
_MODE: Final = (
    "PRAGMA locking_mode = EXCLUSIVE",  # one process at a time comes here: no row needs a lock
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
)


class Store:
    """The documents in force; every method may raise StoreError."""

    def __init__(self, db: sqlite3.Connection, documents: Documents) -> None:
        """Take an open database; use `open` instead."""
        identity = documents.identity
        self._db = db
        self._stopped = False
        self._documents = documents
        self.terminal: Final = identity.terminal
        self.trust: Final = Trust(identity.root, caisse=identity.caisse)
        for certificate in documents.certificates:
            self.trust.accept(certificate)
        self._permit = self._held_permit()
        self._answer = self._held_answer()
        self._directory, self.damage = self._held_directory()
        self._signed_time = documents.signed_time
        self._delta_failed = False
        self._accepted: dict[bytes, Allowance] = {}
        self._last_row: tuple[bytes, CardRow | None] | None = None
        self._bearers = {uid for (uid,) in self._rows("SELECT uid FROM borne")}
        """The few cards that know more than the directory: most taps ask in vain."""

    @classmethod
    def open(cls, data: DataDirectory) -> Store:
        """Open a paired terminal's store and check that the rows are those of their header."""
        try:
            if not data.store.exists():
                os.close(os.open(data.store, os.O_WRONLY | os.O_CREAT, PRIVATE))
            write_again(data.store.with_name(f"{data.store.name}-wal"))
            db = sqlite3.connect(data.store, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{data.store.name}: {error}") from error
        try:
            _begin(db)
            return cls(db, Documents(data.documents))
        except BaseException:
            db.close()
            raise

    @property
    def permit(self) -> HeldPermit:
        """What this terminal may do; raises StoreError when it was never told."""
        if self._permit is None:
            raise StoreError("this terminal holds no permit")
        return self._permit

    @property
    def directory(self) -> HeldDirectory | None:
        """The directory in force; None before the first, and when its rows were damaged."""
        return self._directory

    @property
    def delta_base(self) -> tuple[int, int]:
        """The directory that a delta can start from; EMPTY asks for the whole one."""
        if self._directory is None or self._delta_failed:
            return EMPTY
        return self._directory.header.order

    @property
    def answer(self) -> SyncAnswer | None:
        """What the service said last, without the documents that it brought."""
        return self._answer

    @property
    def signed_time(self) -> datetime:
        """The highest time that somebody we trust has signed: no clock is believed below it."""
        return self._signed_time

    @property
    def documents(self) -> Documents:
        """The small documents themselves."""
        return self._documents

    def row(self, uid: bytes) -> CardRow | None:
        """Return what the directory says of a card."""
        if self._directory is None:
            return None
        if self._last_row is None or self._last_row[0] != uid:
            rows = self._rows("SELECT content FROM row WHERE uid = ?", uid)
            self._last_row = uid, read_row(rows[0][0]) if rows else None
        return self._last_row[1]

    def allowance(self, content: bytes) -> Allowance:
        """Verify an allowance, once for as long as the certificates stay; raises DocumentError."""
        held = self._accepted.get(content)
        if held is None:
            held = accept_allowance(content, self.trust)
            if len(self._accepted) == _ALLOWANCES_KEPT:
                del self._accepted[next(iter(self._accepted))]
            self._accepted[content] = held
        return held

    def accept_certificates(self, contents: tuple[bytes, ...]) -> None:
        """Verify certificates against the root and keep the new ones; raises DocumentError.

        What stands before one that is refused is kept: it may be a revocation.
        """
        new = [content for content in contents if content not in self._documents.certificates]
        if not new:
            return
        self._accepted.clear()  # a certificate can revoke
        accepted = []
        try:
            for content in new:
                self.trust.accept(content)
                accepted.append(content)
        finally:
            self._documents.certificates = (*self._documents.certificates, *accepted)

    def accept_permit(self, content: bytes) -> HeldPermit:
        """Verify and keep a permit that is not older than the one held; raises DocumentError."""
        new = accept_permit(content, self.trust, terminal=self.terminal)
        held = self._permit
        if held is not None and new.permit.order < held.permit.order:
            raise DocumentRolledBack(f"permit {new.permit.order} after {held.permit.order}")
        if held is None or new.digest != held.digest:
            self._documents.put_content(Document.PERMIT, content)
            self._permit = new
            self.note_signed_time(new.permit.issued_at)
        return new

    def accept_directory(
        self, content: bytes, delta: DirectoryDelta | None, *, refunded: frozenset[bytes]
    ) -> HeldDirectory:
        """Verify a header, apply its delta and keep both, or neither; raises DocumentError.

        `refunded` are the cards that this terminal has refunded: what their new allowances
        contain is noted here, in case a later version no longer lists it.
        """
        held = self._directory
        new = accept_directory(content, self.trust, held=held)
        if held is not None and new.digest == held.digest:
            return held
        self._delta_failed = True
        self._last_row = None
        with self._transaction():
            self._apply(delta or _nothing_changed(held), refunded)
            self._check_content(new)
            self._execute("INSERT OR REPLACE INTO header VALUES (1, ?)", content)
        self._delta_failed = False
        self._directory = new
        self.damage = None
        self.note_signed_time(new.header.issued_at)
        return new

    def open_answer(self, content: bytes) -> HeldAnswer:
        """Verify an answer to this terminal; raises DocumentError.

        A lower epoch, or an earlier answer of the same one, is a replay.
        """
        new = accept_answer(content, self.trust, terminal=self.terminal)
        if self._answer is not None and _order(new.answer) < _order(self._answer):
            raise DocumentRolledBack("an answer older than the last one")
        return new

    def keep_answer(self, answer: SyncAnswer) -> None:
        """Keep what a verified answer says, without the documents that it brought."""
        kept = replace(
            answer, directory=None, delta=None, permit=None, certificates=(), digest=None
        )
        self._documents.put_content(Document.ANSWER, cbor.encode(pack(kept)))
        self._answer = kept
        self.note_signed_time(kept.answered_at)

    @property
    def digest(self) -> HeldDigest | None:
        """The service's last daily digest."""
        content = self._documents.content(Document.DIGEST)
        return None if content is None else accept_digest(content, self.trust, held=None)

    def accept_digest(self, content: bytes, own: Callable[[int], bytes | None]) -> HeldDigest:
        """Verify and keep a digest that contradicts neither the one held nor our own journal.

        `own` returns the digest of one of our own entries. One that contradicts is kept beside
        the one held, because the two together prove what the service has done.
        Raises DocumentError.
        """
        held = self.digest
        try:
            new = accept_digest(content, self.trust, held=held)
            ours = new.digest.head_of(self.terminal)
            if ours is not None and ours.up_to_seq and own(ours.up_to_seq) != ours.head:
                raise DocumentMalformed(f"names another entry {ours.up_to_seq} of this terminal")
        except DocumentMalformed:
            if self._documents.content(Document.CONTRADICTION) is None:
                self._documents.put_content(Document.CONTRADICTION, content)
            raise
        if held is None or new.hash != held.hash:
            self._documents.put_content(Document.DIGEST, content)
        return new

    def absorb(self, allowance: Allowance) -> None:
        """Remember which refunds of this terminal an accepted allowance contains, for ever."""
        for ref in allowance.refunds:
            if ref.terminal == self.terminal and not self.is_absorbed(ref.seq):
                self._execute("INSERT INTO absorbed VALUES (?)", ref.seq)

    def is_absorbed(self, seq: int) -> bool:
        """Say whether some allowance has contained this refund: it is never counted again."""
        return bool(self._rows("SELECT 1 FROM absorbed WHERE seq = ?", seq))

    def borne(self, uid: bytes) -> bytes | None:
        """Return the newest allowance that a card has brought here, if it ever was the newest."""
        if uid not in self._bearers:
            return None
        ((content,),) = self._rows("SELECT content FROM borne WHERE uid = ?", uid)
        return cast(bytes, content)

    def keep_borne(self, uid: bytes, content: bytes) -> None:
        """Remember what a card brought, so that it can't be taken back by writing an older one."""
        self._execute("INSERT OR REPLACE INTO borne VALUES (?, ?)", uid, content)
        self._bearers.add(uid)

    def mark_seen(self, digest: bytes) -> None:
        """Remember that the journal knows a document that came from a card."""
        self._execute("INSERT OR IGNORE INTO seen VALUES (?)", digest)

    def is_seen(self, digest: bytes) -> bool:
        """Say whether the journal knows a document that came from a card."""
        return bool(self._rows("SELECT 1 FROM seen WHERE digest = ?", digest))

    def note_signed_time(self, at: datetime) -> None:
        """Raise the floor of every clock reading to a time that somebody we trust has signed."""
        if at > self._signed_time:
            self._documents.signed_time = at
            self._signed_time = at

    def close(self) -> None:
        """Let go of the file; calling it twice is harmless."""
        self._db.close()

    def _apply(self, delta: DirectoryDelta, refunded: frozenset[bytes]) -> None:
        base = delta.base_epoch, delta.base_version
        if base == EMPTY:
            self._execute("DELETE FROM row")
        elif self._directory is None or base != self._directory.header.order:
            raise DocumentMalformed(f"a delta to directory {base}, which is not the one held")
        for uid in delta.removed:
            self._execute("DELETE FROM row WHERE uid = ?", uid)
        for content in delta.rows:
            row = read_row(content)
            insert = "INSERT OR REPLACE INTO row VALUES (?, ?, ?)"
            self._execute(insert, row.uid, row_digest(content), content)
            if row.uid in refunded and row.allowance is not None:
                self.absorb(accept_allowance(row.allowance, self.trust))

    def _check_content(self, directory: HeldDirectory) -> None:
        digests = [digest for (digest,) in self._rows("SELECT digest FROM row ORDER BY uid")]
        header = directory.header
        if len(digests) != header.cards or content_hash(digests) != header.content_hash:
            raise DocumentMalformed("the rows are not those of the signed header")

    def _held_permit(self) -> HeldPermit | None:
        """Return the permit as it was accepted.

        It stays until another one comes, also when its key was replaced since: a till that can't
        start can't take the other one in.
        """
        content = self._documents.content(Document.PERMIT)
        if content is None:
            return None
        certificates = self._documents.certificates
        for known in range(len(certificates), 0, -1):
            trust = Trust(self.trust.root, caisse=self.trust.caisse)
            for certificate in certificates[:known]:
                trust.accept(certificate)
            with suppress(SignatureInvalid):
                return accept_permit(content, trust, terminal=self.terminal)
        raise StoreError("no certificate for the permit that is held")

    def _held_answer(self) -> SyncAnswer | None:
        content = self._documents.content(Document.ANSWER)
        return None if content is None else unpack(SyncAnswer, cbor.decode(content))

    def _held_directory(self) -> tuple[HeldDirectory | None, str | None]:
        """Return the directory, or what is wrong with it."""
        try:
            damage = find_damage(self._db)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise StoreError(str(error)) from error
        if damage is not None:
            logger.error("the store is damaged and the directory will be fetched again: %s", damage)
            return None, damage
        headers = self._rows("SELECT content FROM header")
        if not headers:
            return None, None
        try:
            for uid, digest, content in self._rows("SELECT uid, digest, content FROM row"):
                if digest != row_digest(content) or uid != read_row(content).uid:
                    raise DocumentMalformed(f"row {uid.hex()}")
            held = accept_directory(headers[0][0], self.trust, held=None)
            self._check_content(held)
        except DocumentError as error:
            logger.error("the directory is damaged and will be fetched again: %s", error)
            return None, str(error)
        return held, None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(StoreError):
                self._execute("ROLLBACK")  # a disk that failed undoes it at the next opening
            raise
        self._execute("COMMIT")

    def _execute(self, sql: str, *values: object) -> None:
        self._rows(sql, *values)

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        if self._stopped:
            raise StoreError("the disk has failed: the store has to be opened anew")
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            self._stopped = getattr(error, "sqlite_errorcode", 0) & _PRIMARY == sqlite3.SQLITE_IOERR
            raise StoreError(str(error)) from error
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise StoreError(str(error)) from error  # its own words may be damaged too


def _begin(db: sqlite3.Connection) -> None:
    """Bring a database into its mode and shape; raises StoreError."""
    try:
        for pragma in _MODE:
            db.execute(pragma).fetchall()
        db.executescript(_SCHEMA)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(str(error)) from error


def _nothing_changed(held: HeldDirectory | None) -> DirectoryDelta:
    epoch, version = EMPTY if held is None else held.header.order
    return DirectoryDelta(base_epoch=epoch, base_version=version, rows=())


def _order(answer: SyncAnswer) -> tuple[int, datetime]:
    return answer.epoch, answer.answered_at
