"""The terminal's small documents in one TinyDB file: identity, permit, certificates, answer.

TinyDB's own storage overwrites the file in place, and a kill while it writes leaves neither the
old nor the new content. So it stands on a storage that replaces the file whole
(docs/adr/0003).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum, unique
from pathlib import Path
from typing import Any, Final

from tinydb import TinyDB, where
from tinydb.storages import Storage

from cardkit.errors import NotPaired, StoreError
from cardkit.frozen import dataclass
from cardkit.signing import PublicKey
from terminal.files import write_atomically

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AtomicStorage(Storage):
    """TinyDB's storage interface over a file that is replaced whole; raises StoreError.

    A checksum stands beside the tables: bits that rot must not become another document.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, Any]] | None:
        """Return the tables, or None before the first write."""
        try:
            held = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError(f"{self._path.name}: {error}") from error
        match held:
            case {"check": str(check), "tables": dict(tables)} if check == _check_of(tables):
                return tables
        raise StoreError(f"{self._path.name} is damaged")

    def write(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace the file."""
        try:
            held = {"check": _check_of(data), "tables": data}
            write_atomically(self._path, json.dumps(held, indent=1).encode())
        except OSError as error:
            raise StoreError(f"{self._path.name}: {error}") from error


@unique
class Document(Enum):
    """What is kept here, by the name that it has in the file."""

    IDENTITY = "identity"
    CERTIFICATES = "certificates"
    TERMINAL_CERTIFICATE = "terminal certificate"
    PERMIT = "permit"
    ANSWER = "answer"
    DIGEST = "digest"
    CONTRADICTION = "digest that contradicts the one held"
    SIGNED_TIME = "signed time"
    DECLARED_TIME = "declared time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who this terminal is, and whom it trusts; fixed when it was paired."""

    caisse: str
    terminal: int
    root: PublicKey
    service_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTime:
    """What a person said the time was at a moment of one boot."""

    boot_id: bytes
    monotonic_ms: int
    at: datetime


class Documents:
    """The documents, each read and replaced as a whole; every method may raise StoreError."""

    def __init__(self, path: Path) -> None:
        self._table = TinyDB(path, storage=AtomicStorage).table("documents", cache_size=0)

    @property
    def identity(self) -> Identity:
        """Who this terminal is; raises NotPaired before it is one."""
        held = self._get(Document.IDENTITY)
        if held is None:
            raise NotPaired("this terminal was never paired")
        return Identity(
            caisse=held["caisse"],
            terminal=held["terminal"],
            root=PublicKey.from_bytes(bytes.fromhex(held["root"])),
            service_url=held["service_url"],
        )

    @identity.setter
    def identity(self, identity: Identity) -> None:
        self._put(
            Document.IDENTITY,
            caisse=identity.caisse,
            terminal=identity.terminal,
            root=identity.root.encoded.hex(),
            service_url=identity.service_url,
        )

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The certificates of the caisse's keys, as they were signed."""
        held = self._get(Document.CERTIFICATES) or {"content": []}
        return tuple(bytes.fromhex(content) for content in held["content"])

    @certificates.setter
    def certificates(self, contents: tuple[bytes, ...]) -> None:
        self._put(Document.CERTIFICATES, content=[content.hex() for content in contents])

    def content(self, document: Document) -> bytes | None:
        """Return a signed document as it arrived."""
        held = self._get(document)
        return None if held is None else bytes.fromhex(held["content"])

    def put_content(self, document: Document, content: bytes) -> None:
        """Keep a signed document."""
        self._put(document, content=content.hex())

    @property
    def signed_time(self) -> datetime:
        """The highest time that somebody we trust has signed."""
        held = self._get(Document.SIGNED_TIME)
        return _EPOCH if held is None else datetime.fromtimestamp(held["at"], UTC)

    @signed_time.setter
    def signed_time(self, at: datetime) -> None:
        self._put(Document.SIGNED_TIME, at=int(at.timestamp()))

    @property
    def declared_time(self) -> DeclaredTime | None:
        """What a person last said the time was."""
        held = self._get(Document.DECLARED_TIME)
        if held is None:
            return None
        return DeclaredTime(
            boot_id=bytes.fromhex(held["boot_id"]),
            monotonic_ms=held["monotonic_ms"],
            at=datetime.fromtimestamp(held["at"], UTC),
        )

    @declared_time.setter
    def declared_time(self, declared: DeclaredTime) -> None:
        self._put(
            Document.DECLARED_TIME,
            boot_id=declared.boot_id.hex(),
            monotonic_ms=declared.monotonic_ms,
            at=int(declared.at.timestamp()),
        )

    def _get(self, document: Document) -> dict[str, Any] | None:
        found = self._table.get(where("name") == document.value)
        return dict(found) if isinstance(found, Mapping) else None

    def _put(self, document: Document, **fields: object) -> None:
        self._table.upsert({"name": document.value, **fields}, where("name") == document.value)


def _check_of(tables: Mapping[str, Mapping[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()
