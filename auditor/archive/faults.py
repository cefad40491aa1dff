"""What can be wrong with a fiscal archive: which kind of thing, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, unique


@unique
class FaultKind(StrEnum):
    """What is wrong; `auditor.archive.words` says what it means."""

    FILE_CHANGED = "file-changed"
    FILE_MISSING = "file-missing"
    FILE_EXTRA = "file-extra"
    ATTESTATION = "attestation"
    """No signed entry vouches for the manifest."""
    ROOT = "root"
    """The certificate is not of the root key that was asked for."""
    CERTIFICATE = "certificate"
    UNREADABLE = "unreadable"
    SIGNATURE = "signature"
    MISSING = "missing"
    """Entries are not there."""
    ORDER = "order"
    """An entry does not stand in its place."""
    CHAIN = "chain"
    """An entry does not follow the one before it."""
    TAIL = "tail"
    """The end is not the one that the manifest or a ticket tells of."""
    HEAD = "head"
    """A ticket names another entry than the one that is shown."""
    PERPETUAL = "perpetual"
    SALE = "sale"
    """A sale says something else than its intent, or ended twice."""
    LINES_MISSING = "lines-missing"
    LINES_CHANGED = "lines-changed"
    LINES_TOTAL = "lines-total"
    """Lines whose sums are not those that were signed."""
    CLOSURE_TOTAL = "closure-total"
    CLOSURE_VAT = "closure-vat"
    CLOSURE_HEAD = "closure-head"
    CLOSURE_GAP = "closure-gap"
    CLOSURE_TWICE = "closure-twice"
    SOFTWARE = "software"


@unique
class NoteKind(StrEnum):
    """What a reader should know, and what is no fault."""

    UNCERTIFIED = "uncertified"
    """The archive holds no certificate of the terminal's key."""
    NO_ROOT = "no-root"
    """Nobody said which root key to trust."""
    NO_HEAD = "no-head"
    """No ticket was held against the archive."""
    NOT_COVERED = "not-covered"
    """A ticket from before or after the archive's entries, of a journal that goes so far."""
    OUTSIDE = "outside"
    """A closure covers entries that the archive does not hold."""
    UNCLOSED = "unclosed"
    """Sales that no closure covers yet."""
    UNKNOWN = "unknown"
    """Entries of a kind that this version does not know."""
    OTHER_SOFTWARE = "other-software"
    """The program that wrote the archive is not the one that ran in its period."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong; `place` is a file's name or an entry's number."""

    kind: FaultKind
    place: str
    said: str = ""
    """What the archive says."""
    found: str = ""
    """What it should be."""


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One thing that is worth knowing."""

    kind: NoteKind
    about: str = ""


@dataclass
class Verdict:
    """What has been found so far."""

    faults: list[Fault] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def find(self, kind: FaultKind, place: str, said: object = "", found: object = "") -> None:
        """Note that something is wrong."""
        self.faults.append(Fault(kind, place, str(said), str(found)))

    def note(self, kind: NoteKind, about: object = "") -> None:
        """Note what is worth knowing."""
        self.notes.append(Note(kind, str(about)))
