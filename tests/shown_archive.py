"""An archive that was good, and the ways in which somebody would change it."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from auditor.archive.chain import Anchor
from auditor.archive.check import ArchiveReport, check_archive
from auditor.archive.faults import FaultKind
from auditor.archive.package import read_package
from cardkit.bodies import BODIES, Body, Closure, EntryKind, MediumExchanged
from cardkit.entries import Entry, sign_entry
from cardkit.errors import must
from terminal.fiscal.signature import short_signature
from tests.archived import JOURNAL_KEY, Stall, key, live

ENTRIES, LINES, MANIFEST, ATTESTATION = (
    "ecritures.txt",
    "paniers.txt",
    "manifeste.json",
    "attestation.txt",
)
Files = dict[str, bytes]
ReadFiles = Mapping[str, bytes]


@dataclass(frozen=True)
class Shown:
    """An archive, and what people outside hold of its journal."""

    path: Path
    entries: tuple[Entry, ...]
    root: bytes

    @classmethod
    def make(cls, folder: Path) -> Shown:
        """Live three days, and archive them."""
        stall = Stall.found(folder)
        live(stall)
        stall.archive(folder / "archive.zip")
        entries = stall.till.journal.entries(0, 1_000)
        root = stall.world.root.public.digest
        stall.close()
        return cls(folder / "archive.zip", entries, root)

    def ticket(self, seq: int) -> Anchor:
        """What a ticket about an entry says."""
        return Anchor(seq, short_signature(self.entries[seq - 1]))


def read(path: Path) -> Files:
    """The files of an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, files: ReadFiles) -> Path:
    """An archive of these files."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def report_of(path: Path, *anchors: Anchor, root: bytes | None = None) -> ArchiveReport:
    """What a check says of an archive."""
    return check_archive(read_package(path), root=root, anchors=anchors)


def found(report: ArchiveReport) -> set[FaultKind]:
    """The kinds of what was found."""
    return {fault.kind for fault in report.faults}


def edited(files: ReadFiles, name: str, change: Callable[[list[bytes]], list[bytes]]) -> Files:
    """The files with other lines in one of them."""
    rows = change(files[name].splitlines(keepends=True))
    return {**files, name: b"".join(rows)}


def remade(files: ReadFiles, **said: Any) -> Files:
    """The files with a manifest that fits them again: whoever edits is no beginner."""
    manifest = json.loads(files[MANIFEST])
    hashes = {name: hashlib.sha256(files[name]).hexdigest() for name in manifest["files"]}
    manifest |= {"files": hashes, **said}
    return {**files, MANIFEST: json.dumps(manifest).encode()}


def flipped(row: bytes, at: int) -> bytes:
    """A line of base64 with one bit of its content turned."""
    content = bytearray(base64.b64decode(row.strip().rpartition(b" ")[2]))
    content[at] ^= 1
    head = row.rpartition(b" ")[0]
    return (head + b" " if head else b"") + base64.b64encode(bytes(content)) + b"\n"


def cut(entries: tuple[Entry, ...], last: int) -> dict[str, object]:
    """What a manifest says of a journal that ends earlier."""
    head = entries[last - 1].digest.hex()
    return {"last_seq": last, "head": head, "journal_seq": last, "journal_head": head}


def signed_anew(shown: Shown, folder: Path, bodies: Mapping[int, Body]) -> Path:
    """An archive of the same journal with other bodies, all signed with the terminal's key."""
    signer, prev, entries = key(JOURNAL_KEY), shown.entries[0].envelope.prev, list[Entry]()
    seqs = {entry.digest: entry.seq for entry in shown.entries}
    for entry in shown.entries:
        body = bodies.get(entry.seq, entry.body)
        if isinstance(body, Closure) and body.head in seqs:
            body = replace(body, head=entries[seqs[body.head] - 1].digest)
        must(body is not None, "a body that is known")
        kind = next(it for it, cls in BODIES.items() if cls is type(body))
        same = BODIES[EntryKind(entry.envelope.kind)] is type(body)
        envelope = replace(entry.envelope, kind=entry.envelope.kind if same else kind, prev=prev)
        entries.append(sign_entry(signer, envelope, cast(Body, body)))
        prev = entries[-1].digest
    rows = b"".join(base64.b64encode(it.signed.encoded) + b"\n" for it in entries)
    files = remade({**read(shown.path), ENTRIES: rows}, **cut(tuple(entries), len(entries)))
    return written(folder / "anew.zip", attested(files, tuple(entries)))


def attested(files: ReadFiles, entries: tuple[Entry, ...]) -> Files:
    """The files with an entry of the terminal's own key that vouches for the manifest."""
    last = entries[-1]
    body = MediumExchanged(
        medium="fiscal archive",
        written_up_to_seq=last.seq,
        written_digest=hashlib.sha256(files[MANIFEST]).digest(),
    )
    envelope = replace(
        last.envelope, kind=EntryKind.MEDIUM_EXCHANGED, seq=last.seq + 1, prev=last.digest
    )
    content = sign_entry(key(JOURNAL_KEY), envelope, body).signed.encoded
    return {**files, ATTESTATION: base64.b64encode(content) + b"\n"}
