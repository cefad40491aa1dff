"""What a till runs: the signed list of a release's files, and what they come to once installed.

The root signs it: whoever could sign a program could sign everything else, so it is no weaker a
key than the one that lets terminals in (docs/protocol.md, "Releases").
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from cardkit import cbor
from cardkit.errors import DocumentMalformed, DocumentRolledBack
from cardkit.frozen import dataclass
from cardkit.schema import U31, ListOf, Nested, Seconds, Text, document, exactly, pack, unpack, wire
from cardkit.signing import ContentType, PublicKey, Signed, SigningKey, verify

SIGNED_NAME: Final = "release.cbor"
"""The signed list, beside the files that it names."""
ABOUT_NAME: Final = "about.json"
"""What whoever gathered the files says of them; it is signed like any other file."""
FILES_MAX: Final = 512
_HASH: Final = exactly(32)
_BLOCK: Final = 1 << 20


@document
class ReleaseFile:
    """One file of a release."""

    name: str = wire(1, Text(160))
    """Its path in the release's folder, with `/` between parts."""
    size: int = wire(2, U31)
    digest: bytes = wire(3, _HASH)


@document
class Release:
    """One program for tills."""

    version: str = wire(1, Text(32))
    made_at: datetime = wire(2, Seconds)
    """What decides which of two releases is newer."""
    software: bytes = wire(3, _HASH)
    """Hash of the installed program, as the till's journal names it."""
    perimeter: bytes = wire(4, _HASH)
    """Hash of the fiscal perimeter in it."""
    machine: str = wire(5, Text(16))
    """What `uname -m` says where it runs."""
    files: tuple[ReleaseFile, ...] = wire(6, ListOf(Nested(ReleaseFile), FILES_MAX))


@dataclass(frozen=True, slots=True)
class HeldRelease:
    """A release whose signature was verified, with the digest that it is known by."""

    release: Release
    digest: bytes


def sign_release(root: SigningKey, release: Release) -> Signed:
    """Sign a release with the root key."""
    return root.sign(ContentType.RELEASE, pack(release))


def accept_release(
    data: bytes, root: PublicKey, *, caisse: str, held: HeldRelease | None = None
) -> HeldRelease:
    """Verify a release that is not older than the one held; raises DocumentError."""
    signed = verify(data, ContentType.RELEASE, caisse=caisse, keys=[root])
    release = unpack(Release, cbor.decode(signed.payload))
    for it in release.files:
        _check_name(it.name)
    if held is not None and release.made_at < held.release.made_at:
        raise DocumentRolledBack(f"{release.version} is older than {held.release.version}")
    return HeldRelease(release, signed.digest)


def list_files(folder: Path) -> tuple[ReleaseFile, ...]:
    """Hash every file of a folder but the signed list itself, in the order of their names.

    Raises OSError, and DocumentMalformed for what no release may hold, such as a link.
    """
    return tuple(_file(folder, path) for path in sorted(_found(folder)))


def check_files(folder: Path, release: Release) -> None:
    """Raise DocumentMalformed unless a folder holds these files and no others; or OSError."""
    there = {it.name: it for it in list_files(folder)}
    for wanted in release.files:
        if there.pop(wanted.name, None) != wanted:
            raise DocumentMalformed(f"{wanted.name} is missing or damaged")
    if there:
        raise DocumentMalformed(f"{min(there)} does not belong to this release")


def _found(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise DocumentMalformed(f"{path.name} is no plain file")
        if path.is_file() and path != folder / SIGNED_NAME:
            yield path


def _file(folder: Path, path: Path) -> ReleaseFile:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return ReleaseFile(name=path.relative_to(folder).as_posix(), size=size, digest=digest.digest())


def _check_name(name: str) -> None:
    """Refuse a path that could lead out of the release's folder; raises DocumentMalformed."""
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts) or "\\" in name or "\0" in name:
        raise DocumentMalformed("a file outside of its release")
