"""Reads the file of an archive: names, sizes and JSON, and no byte of it is believed here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from auditor.archive.faults import FaultKind, Verdict
from auditor.export import NotAnExport
from cardkit.errors import DocumentError
from cardkit.signing import PublicKey

FORMAT: Final = "clafoutis-archive/1"
MANIFEST: Final = "manifeste.json"
ATTESTATION: Final = "attestation.txt"
ENTRIES: Final = "ecritures.txt"
LINES: Final = "paniers.txt"
SOFTWARE: Final = "logiciel.csv"
FILES_MAX: Final = 64
BYTES_MAX: Final = 512 * 1024 * 1024
"""A million entries: what unpacks to more is no archive but an attack on whoever reads it."""


_NO_ZIP: Final = (
    OSError,
    EOFError,
    RuntimeError,  # encrypted
    NotImplementedError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What `zipfile` raises for bytes that are none."""
_NO_MANIFEST: Final = (
    ArithmeticError,
    AttributeError,
    DocumentError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What comes of JSON that is no manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive says of itself."""

    caisse: str
    terminal: int
    first_day: date
    last_day: date
    made_at: str
    first_seq: int
    last_seq: int
    prev: bytes
    head: bytes
    journal_seq: int
    key: PublicKey
    root: PublicKey
    certificate: bytes | None
    software: bytes
    perimeter: bytes
    files: Mapping[str, str]
    digest: bytes
    """SHA-256 of the manifest's own bytes, which the attestation carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The files of an archive, and what stands in them one by one."""

    manifest: Manifest
    files: Mapping[str, bytes]
    doubled: tuple[str, ...] = field(default=())
    """Names that stand there more than once: readers would not agree on what is in them."""


def read_package(path: Path) -> Package:
    """Read an archive; raises NotAnExport."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > FILES_MAX or sum(it.file_size for it in members) > BYTES_MAX:
                raise NotAnExport(f"{path}: more than any archive holds")
            names = [it.filename for it in members]
            files = {it.filename: archive.read(it) for it in members}
    except _NO_ZIP as error:
        raise NotAnExport(f"{path}: {error}") from error
    if MANIFEST not in files:
        raise NotAnExport(f"{path}: no {MANIFEST}")
    try:
        manifest = _manifest(files[MANIFEST])
    except _NO_MANIFEST as error:
        raise NotAnExport(f"{MANIFEST}: {error!r}") from error
    doubled = tuple(sorted({name for name in names if names.count(name) > 1}))
    return Package(manifest=manifest, files=files, doubled=doubled)


def check_files(package: Package, verdict: Verdict) -> None:
    """Hold every file against the manifest."""
    files = package.files
    named = package.manifest.files
    for name in package.doubled:
        verdict.find(FaultKind.FILE_EXTRA, name)
    for name, digest in sorted(named.items()):
        if name not in files:
            verdict.find(FaultKind.FILE_MISSING, name)
            continue
        found = hashlib.sha256(files[name]).hexdigest()
        if found != digest:
            verdict.find(FaultKind.FILE_CHANGED, name, found, digest)
    for name in sorted(files.keys() - named.keys() - {MANIFEST, ATTESTATION}):
        verdict.find(FaultKind.FILE_EXTRA, name)


def rows(content: bytes) -> list[bytes]:
    """Return what stands in base64 at the end of every line; b"" for what is no base64."""
    found = []
    for row in content.splitlines():
        try:
            found.append(base64.b64decode(row.rpartition(b" ")[2], validate=True))
        except binascii.Error:
            found.append(b"")
    return found


def _manifest(content: bytes) -> Manifest:
    said: Any = json.loads(content)
    if said["format"] != FORMAT:
        raise ValueError(f"format {said['format']!r}")
    certificate = said["terminal_certificate"]
    return Manifest(
        caisse=str(said["caisse"]),
        terminal=int(said["terminal"]),
        first_day=date.fromisoformat(said["first_day"]),
        last_day=date.fromisoformat(said["last_day"]),
        made_at=str(said["made_at"]),
        first_seq=int(said["first_seq"]),
        last_seq=int(said["last_seq"]),
        prev=bytes.fromhex(said["prev"]),
        head=bytes.fromhex(said["head"]),
        journal_seq=int(said["journal_seq"]),
        key=PublicKey.from_bytes(bytes.fromhex(said["terminal_key"])),
        root=PublicKey.from_bytes(bytes.fromhex(said["root_key"])),
        certificate=None if certificate is None else bytes.fromhex(certificate),
        software=bytes.fromhex(said["software"]),
        perimeter=bytes.fromhex(said["fiscal_perimeter"]),
        files={str(name): str(digest) for name, digest in said["files"].items()},
        digest=hashlib.sha256(content).digest(),
    )
