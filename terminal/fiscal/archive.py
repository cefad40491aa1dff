"""The fiscal archive: one file that proves a period without the terminal (docs/protocol.md, 11).

Entries as they were signed, the lines of baskets with their salts, French tables and a manifest
that names every file by its hash. The journal gets an entry with the manifest's hash, and the
archive a copy of it: so an archive is itself part of the chain, and says when it was made.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import logging
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final, Self

from cardkit.bodies import EntryKind, MediumExchanged
from cardkit.clock import PARIS
from cardkit.entries import Entry, OperatorRole
from cardkit.errors import StickFull, StickGone, StickReadOnly, StoreError
from cardkit.frozen import dataclass
from terminal.documents import Document, Documents
from terminal.files import PRIVATE, sync_directory
from terminal.fiscal.contents import Contents, Period, gather
from terminal.fiscal.perimeter import perimeter_digest
from terminal.fiscal.tables import tables
from terminal.journal import Journal
from terminal.lines import BasketLines
from terminal.software import Software, Source, installed_sources

if TYPE_CHECKING:
    from terminal.till import Till

logger = logging.getLogger(__name__)

FORMAT: Final = "clafoutis-archive/1"
MEDIUM: Final = "fiscal archive"
"""What the journal calls it."""
README: Final = Path(__file__).with_name("LISEZMOI.txt")
_MANIFEST: Final = "manifeste.json"
_ATTESTATION: Final = "attestation.txt"
_READABLE: Final = 0o644
"""What an unpacked file may be: an archive is for others to read."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True)
class NothingToArchive:
    """The journal has no entry of these days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """An archive that was written, and the journal's entry about it."""

    path: Path
    first_seq: int
    last_seq: int
    manifest_digest: bytes
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What is said of an archive in its manifest and its README."""

    period: Period
    contents: Contents
    made_at: datetime

    @property
    def first(self) -> Entry:
        return self.contents.entries[0]

    @property
    def last(self) -> Entry:
        return self.contents.entries[-1]


class FiscalArchives:
    """Writes archives of one terminal's journal."""

    def __init__(
        self,
        journal: Journal,
        *,
        lines: BasketLines | None,
        documents: Documents,
        now: Callable[[], datetime],
        software: Software,
        sources: tuple[Source, ...],
    ) -> None:
        """Take what the terminal holds; `sources` are those that `software` is the hash of."""
        self._journal = journal
        self._lines = lines
        self._documents = documents
        self._now = now
        self._software = software
        self._sources = sources

    @classmethod
    def of(cls, till: Till) -> Self:
        """Return what archives an open till, as the program that is installed.

        Lines that can't be opened don't keep the rest back: the auditor will say which are missing.
        """
        try:
            lines: BasketLines | None = till.lines
        except StoreError as error:
            logger.error("an archive without lines: %s", error)
            lines = None
        return cls(
            till.journal,
            lines=lines,
            documents=till.store.documents,
            now=lambda: till.clock.now().at,
            software=Software.installed(),
            sources=installed_sources(),
        )

    def write(
        self,
        period: Period,
        path: Path,
        *,
        operator: OperatorRole = OperatorRole.NOBODY,
        training: bool = False,
    ) -> Archived | NothingToArchive:
        """Write the archive of a period to a new or an old file, and journal that it was made.

        The journal is told when everything else is on the disk. Raises StickError when the file
        can't be written, and JournalError.
        """
        contents = gather(self._journal, self._lines, period)
        if contents is None:
            return NothingToArchive()
        written = _Written(period=period, contents=contents, made_at=self._now())
        files = dict(self._files(written))
        manifest = self._manifest(written, files)
        digest = hashlib.sha256(manifest).digest()
        aside = path.with_name(f".{path.name}.new")
        with _writing(aside):
            _begin(aside)
            _add(aside, written.made_at, {**files, _MANIFEST: manifest}.items())
        entry = self._journal.append(
            EntryKind.MEDIUM_EXCHANGED,
            MediumExchanged(
                medium=MEDIUM, written_up_to_seq=written.last.seq, written_digest=digest
            ),
            operator=operator,
            training=training,
        )
        with _writing(aside):
            _add(aside, written.made_at, [(_ATTESTATION, _line(entry))])
            aside.rename(path)
            sync_directory(path.parent)
        return Archived(
            path=path,
            first_seq=written.first.seq,
            last_seq=written.last.seq,
            manifest_digest=digest,
            entry=entry,
        )

    def _files(self, written: _Written) -> Iterator[tuple[str, bytes]]:
        """Return everything that the manifest names."""
        yield README.name, self._readme(written)
        yield "ecritures.txt", b"".join(_line(entry) for entry in written.contents.entries)
        yield (
            "paniers.txt",
            b"".join(
                lines_hash.hex().encode() + b" " + base64.b64encode(content) + b"\n"
                for lines_hash, content in written.contents.lines.items()
            ),
        )
        yield from tables(written.contents, self._sources)

    def _manifest(self, written: _Written, files: dict[str, bytes]) -> bytes:
        identity, head = self._documents.identity, self._journal.head
        certificate = self._documents.content(Document.TERMINAL_CERTIFICATE)
        manifest = {
            "format": FORMAT,
            "caisse": identity.caisse,
            "terminal": identity.terminal,
            "first_day": written.period.first_day.isoformat(),
            "last_day": written.period.last_day.isoformat(),
            "made_at": written.made_at.isoformat(),
            "first_seq": written.first.seq,
            "last_seq": written.last.seq,
            "prev": written.first.envelope.prev.hex(),
            "head": written.last.digest.hex(),
            "journal_seq": head.seq,
            "journal_head": head.digest.hex(),
            "terminal_key": self._journal.public_key.encoded.hex(),
            "terminal_certificate": None if certificate is None else certificate.hex(),
            "root_key": identity.root.encoded.hex(),
            "software": self._software.digest.hex(),
            "software_version": self._software.version,
            "fiscal_perimeter": perimeter_digest(self._sources).hex(),
            "files": {name: hashlib.sha256(it).hexdigest() for name, it in files.items()},
        }
        return json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"

    def _readme(self, written: _Written) -> bytes:
        text = Template(README.read_text("utf-8")).substitute(
            caisse=self._journal.caisse,
            terminal=self._journal.terminal,
            first_day=written.period.first_day.strftime("%d/%m/%Y"),
            last_day=written.period.last_day.strftime("%d/%m/%Y"),
            first_seq=written.first.seq,
            last_seq=written.last.seq,
            made_at=written.made_at.astimezone(PARIS).strftime("%d/%m/%Y à %H:%M:%S"),
            version=self._software.version,
            perimeter=perimeter_digest(self._sources).hex(),
            key=self._journal.public_key.digest.hex(),
            head=written.last.digest.hex(),
        )
        return text.replace("\n", "\r\n").encode("utf-8-sig")


def _line(entry: Entry) -> bytes:
    return base64.b64encode(entry.signed.encoded) + b"\n"


def _begin(path: Path) -> None:
    """Make an empty file that nobody else reads; raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(path, flags, PRIVATE))


def _add(path: Path, made_at: datetime, files: Iterable[tuple[str, bytes]]) -> None:
    """Add members whose date is the archive's, and wait for the disk; raises OSError."""
    stamp = made_at.astimezone(PARIS).timetuple()[:6]
    with path.open("r+b") as file:
        with zipfile.ZipFile(file, "a") as archive:
            for name, content in files:
                member = zipfile.ZipInfo(name, stamp)
                member.external_attr = _READABLE << 16
                archive.writestr(member, content, zipfile.ZIP_DEFLATED)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _writing(aside: Path) -> Iterator[None]:
    """Translate what goes wrong with the file that is written, and leave none; raises StickError.

    The journal may know of an archive that is not there then; the reverse never happens.
    """
    try:
        yield
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        told = f"{aside.parent}: {error.strerror}"
        if error.errno in _FULL:
            raise StickFull(told) from error
        raise (StickReadOnly if error.errno in _READ_ONLY else StickGone)(told) from error
