"""The till's half of the exchange: requests leave through the outbox, answers come by the inbox.

The sync process carries the files and can neither read the journal nor write it
(docs/protocol.md, "Sync"). Everything here may happen twice: entries are stored by their hash,
and an answer that was half taken in before a cut is taken in again.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from cardkit.bodies import (
    Acknowledged,
    Body,
    DocumentAccepted,
    DocumentRefused,
    EntryKind,
)
from cardkit.clock import Clock
from cardkit.entries import Entry
from cardkit.errors import (
    DocumentError,
    DocumentForeign,
    DocumentRolledBack,
    JournalDamaged,
    StoreError,
)
from cardkit.signing import ContentType
from cardkit.sync import (
    ENTRIES_MAX,
    Health,
    HeldAnswer,
    SyncAnswer,
    SyncRequest,
    encode_request,
)
from terminal.config import DataDirectory
from terminal.files import sync_directory, write_atomically
from terminal.journal import Journal
from terminal.power import Power, read_power
from terminal.store import Store

logger = logging.getLogger(__name__)

SUFFIX = ".cbor"
_REASON_CHARACTERS = 128


class Mailbox:
    """Outbox and inbox of one till."""

    def __init__(
        self,
        data: DataDirectory,
        *,
        journal: Journal,
        store: Store,
        clock: Clock,
        software_version: str,
        power: Callable[[Path], Power] = read_power,
    ) -> None:
        self._data = data
        self._journal = journal
        self._store = store
        self._clock = clock
        self._software_version = software_version
        self._power = power

    def export(self) -> tuple[Path, ...]:
        """Leave the unsent entries as requests, and nothing else, in the outbox.

        There is always one request at least: without entries it asks for what is new. A full one
        that waits already is left alone, for the disk's sake. Raises StoreError when the outbox
        takes nothing; the entries stay where they are.
        """
        with _files():
            requests = tuple(self._requests())
            paths = tuple(self._path(request) for request in requests)
            for stale in set(self._data.outbox.glob(f"*{SUFFIX}")) - set(paths):
                stale.unlink(missing_ok=True)
            for path, request in zip(paths, requests, strict=True):
                if path == paths[-1] or not path.exists():
                    write_atomically(path, encode_request(request))
        return paths

    def consume(self) -> int:
        """Take in the answers that have arrived, in their order, and return how many were good.

        Raises JournalDamaged when the service holds another chain than ours, and StoreError when
        the inbox can't be read.
        """
        accepted = 0
        with _files():
            for path in sorted(self._data.inbox.glob(f"*{SUFFIX}")):
                accepted += self._take_in_file(path)
        self.journal_documents()
        return accepted

    def request(self, path: Path) -> bytes:
        """Return the body of a request that `export` left; raises StoreError."""
        with _files():
            return path.read_bytes()

    def is_news(self, content: bytes) -> bool:
        """Say whether an answer may tell something: not a replay, nor another terminal's.

        One that can't be believed is news all the same: taking it in journals why.
        """
        try:
            self._store.open_answer(content)
        except (DocumentRolledBack, DocumentForeign):
            return False
        except DocumentError:
            return True
        return True

    def deliver(self, content: bytes) -> bool:
        """Take in an answer that came another way, through the inbox; say whether it was good.

        Its name is none of the sync process's, whose numbers are not the till's to give. Raises
        as `consume` does.
        """
        path = self._data.inbox / f"{0:010}{SUFFIX}"
        with _files():
            write_atomically(path, content)
            is_good = self._take_in_file(path)
        self.journal_documents()
        return is_good

    def journal_documents(self) -> None:
        """Journal the permit and the directory in force, unless that has been done."""
        permit, directory = self._store.permit, self._store.directory
        epoch, version = permit.permit.order
        self._accepted(EntryKind.PERMIT_ACCEPTED, epoch, version, permit.digest)
        if directory is not None:
            epoch, version = directory.header.order
            self._accepted(EntryKind.DIRECTORY_ACCEPTED, epoch, version, directory.digest)

    def _requests(self) -> Iterator[SyncRequest]:
        seq = self._journal.acknowledged_seq
        while True:
            entries = self._journal.contents(seq, ENTRIES_MAX)
            yield self._request(entries, seq)
            seq += len(entries)
            if not entries or seq >= self._journal.head.seq:
                return

    def _request(self, entries: tuple[bytes, ...], after_seq: int) -> SyncRequest:
        answer, permit = self._store.answer, self._store.permit.permit
        directory_epoch, directory_version = self._store.delta_base
        return SyncRequest(
            terminal=self._journal.terminal,
            entries=entries,
            epoch=0 if answer is None else answer.epoch,
            directory_epoch=directory_epoch,
            directory_version=directory_version,
            permit_epoch=permit.epoch,
            permit_version=permit.version,
            acknowledged_seq=after_seq,
            head_seq=self._journal.head.seq,
            health=self._health(),
        )

    def _health(self) -> Health:
        power = self._power(self._data.root)
        return Health(
            software_version=self._software_version,
            sqlite_version=sqlite3.sqlite_version,
            clock=self._clock.now().trust,
            fsync_p95_ms=self._journal.commit_p95_ms,
            disk_free_mb=power.disk_free_mb,
            temperature_c=power.temperature_c,
            undervoltage=None if power.throttled is None else int(power.throttled),
        )

    def _path(self, request: SyncRequest) -> Path:
        first = request.acknowledged_seq + 1
        last = request.acknowledged_seq + len(request.entries)
        return self._data.outbox / f"{first:010}-{last:010}{SUFFIX}"

    def _take_in_file(self, path: Path) -> bool:
        """Use an answer, and let go of its file when that is done."""
        is_good = self._take_in(path.read_bytes())
        path.unlink()
        sync_directory(path.parent)
        return is_good

    def _take_in(self, content: bytes) -> bool:
        """Use one answer; what can't be used is journalled with the reason."""
        try:
            held = self._store.open_answer(content)
        except DocumentError as error:
            self._refuse(ContentType.ANSWER, content, error)
            return False
        self._check_head(held.answer)
        self._store.keep_answer(held.answer)
        self._acknowledge(held)
        self._use_documents(held.answer)
        return True

    def _check_head(self, answer: SyncAnswer) -> None:
        """Raise JournalDamaged when the service holds another chain of this terminal than ours.

        Then this one was put back to an earlier state, and going on would fork it. The answer
        stays in the inbox, so that nothing is sold until the terminal was paired anew.
        """
        if answer.up_to_seq == 0:
            return
        entry = self._journal.entry(answer.up_to_seq)
        if entry is None or entry.digest != answer.head:
            raise JournalDamaged(answer.up_to_seq, "the service holds another entry")

    def _acknowledge(self, held: HeldAnswer) -> None:
        """Journal an acknowledgement, unless all it adds is that of the one before.

        Raises JournalDamaged where a restored service asks again for what has rotted meanwhile.
        """
        answer = held.answer
        before = self._journal.last(EntryKind.ACKNOWLEDGED)
        if before is not None and _says_nothing_new(before, answer):
            return
        held_seq = self._journal.acknowledged_seq
        self._journal.append(
            EntryKind.ACKNOWLEDGED,
            Acknowledged(
                up_to_seq=answer.up_to_seq,
                head=answer.head,
                epoch=answer.epoch,
                answered_at=answer.answered_at,
                answer=held.digest,
                settled=answer.settled,
                acts_seq=answer.acts_seq,
                acts_head=answer.acts_head,
            ),
        )
        if answer.up_to_seq < held_seq:  # restored: what it held is ours alone again
            self._journal.verify_unsent()

    def _use_documents(self, answer: SyncAnswer) -> None:
        """Put certificates, permit and directory in force; each stands for itself."""
        try:
            self._store.accept_certificates(answer.certificates)
        except DocumentError as error:
            self._refuse(ContentType.CERTIFICATE, b"".join(answer.certificates), error)
        if answer.digest is not None:
            try:
                self._store.accept_digest(answer.digest, self._entry_digest)
            except DocumentError as error:
                self._refuse(ContentType.DIGEST, answer.digest, error)
        if answer.permit is not None:
            try:
                self._store.accept_permit(answer.permit)
            except DocumentError as error:
                self._refuse(ContentType.PERMIT, answer.permit, error)
        if answer.directory is not None:
            refunded = self._journal.refunded_cards()
            try:
                self._store.accept_directory(answer.directory, answer.delta, refunded=refunded)
            except DocumentError as error:
                self._refuse(ContentType.DIRECTORY, answer.directory, error)

    def _entry_digest(self, seq: int) -> bytes | None:
        entry = self._journal.entry(seq)
        return None if entry is None else entry.digest

    def _accepted(self, kind: EntryKind, epoch: int, version: int, digest: bytes) -> None:
        last = self._journal.last(kind)
        if last is None or last.body is None or _digest(last.body) != digest:
            body = DocumentAccepted(epoch=epoch, version=version, digest=digest)
            self._journal.append(kind, body)

    def _refuse(self, kind: ContentType, content: bytes, error: DocumentError) -> None:
        """Journal a refusal, unless it is the last one again: answers repeat what they bring."""
        logger.warning("%s was not accepted: %s", kind.value, error)
        refused = DocumentRefused(
            content_type=kind.value,
            digest=hashlib.sha256(content).digest(),
            reason=f"{type(error).__name__}: {error}"[:_REASON_CHARACTERS],
        )
        before = self._journal.last(EntryKind.DOCUMENT_REFUSED)
        if before is None or before.body != refused:
            self._journal.append(EntryKind.DOCUMENT_REFUSED, refused)


@contextmanager
def _files() -> Iterator[None]:
    """Call the trouble of outbox and inbox by our name for it."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{error.filename}: {error.strerror}") from error


def _digest(body: Body) -> bytes | None:
    return body.digest if isinstance(body, DocumentAccepted) else None


def _says_nothing_new(before: Entry, answer: SyncAnswer) -> bool:
    """Say whether an answer covers as much as the one before, and that one's own entry at most."""
    covered = cast(Acknowledged, before.body)
    facts = (covered.epoch, covered.settled, covered.acts_head)
    if facts != (answer.epoch, answer.settled, answer.acts_head):
        return False
    everything_was_covered = covered.up_to_seq == before.seq - 1
    return answer.up_to_seq == covered.up_to_seq or (
        everything_was_covered and answer.up_to_seq == before.seq
    )
