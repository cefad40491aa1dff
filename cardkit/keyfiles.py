"""A caisse's keys as files: three bundles for three holders, and what anybody may read.

    caisse.public     CaissePublic: the root's public key and the certificates it signed
    root.keys         RootKeys: certifies; with the coordinator, never on a server
    service.keys      ServiceKeys: signs, issues, and makes every key of a card but key 1
    workshop.keys     WorkshopKeys: the masters of key 1; signs requests to the service

No file holds all of them, so that nobody makes money alone: what says who may (root), what
proves a sale (service) and what sells (workshop) open to different passphrases.

A file is a CBOR map: name of the bundle, caisse, content. Sealed, the content is AES-256-GCM
under Argon2id (RFC 9106, 4), bound to the two names. A service has to start without a person,
so a bundle may also lie open; but none is read or written where others than its owner could.
"""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final, Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from cardkit import cbor
from cardkit.card.keys import diversify
from cardkit.card.profile import CardProfile
from cardkit.certificates import KEY_BYTES, Role, Trust, open_certificate
from cardkit.errors import DocumentError, KeyStoreError, must
from cardkit.pairing import CardMaster
from cardkit.schema import (
    U31,
    Blob,
    ListOf,
    Nested,
    Text,
    document,
    exactly,
    maybe,
    pack,
    unpack,
    wire,
)
from cardkit.signing import CAISSE_CHARACTERS_MAX, PublicKey, SigningKey
from cardkit.workshop import CardKeys

PUBLIC_NAME: Final = "caisse.public"
MASTERS_MAX: Final = 8
"""Versions of the card masters held at once: a card lives for years."""
SYSTEM_ID: Final = Blob(6, 16)
"""What separates the cards of one caisse, and training cards, in AN10922's input."""

_FILE_BYTES_MAX: Final = 64 * 1024
_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_GENERATION_BYTES: Final = 4
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_LANES: Final = 4
_ITERATIONS: Final = 3
_MEMORY_KIB: Final = 64 * 1024
"""The second recommended choice of RFC 9106, 4, which fits a small computer too."""

_SCALAR: Final = exactly(32)
_AES128: Final = exactly(16)


@document
class CaissePublic:
    """What everybody may know of a caisse, and has to start with."""

    caisse: str = wire(1, Text(CAISSE_CHARACTERS_MAX))
    system_id: bytes = wire(2, SYSTEM_ID)
    root: bytes = wire(3, exactly(KEY_BYTES))
    certificates: tuple[bytes, ...] = wire(4, ListOf(Blob(1, 1024), 16))
    """Of issuer, service and workshop."""

    def trust(self) -> Trust:
        """Verify every certificate against the root; raises DocumentError."""
        trust = Trust(PublicKey.from_bytes(self.root), caisse=self.caisse)
        for certificate in self.certificates:
            trust.accept(certificate)
        return trust

    def workshop_key(self, at: datetime) -> PublicKey:
        """The key whose requests the service obeys at an instant: the last one certified.

        Raises DocumentError, and KeyStoreError when there is none.
        """
        root = PublicKey.from_bytes(self.root)
        held = [open_certificate(data, root, caisse=self.caisse) for data in self.certificates]
        certified = [
            (certificate.valid_from, certificate.public_key)
            for certificate in held
            if certificate.role is Role.WORKSHOP
            and certificate.public_key is not None
            and certificate.valid_from <= at <= certificate.valid_until
        ]
        if not certified:
            raise KeyStoreError("no workshop is certified now")
        return PublicKey.from_bytes(max(certified)[1])


class Bundle(Protocol):
    """One holder's secrets."""

    NAME: ClassVar[str]


B = TypeVar("B", bound=Bundle)


@document
class RootKeys:
    """The coordinator's: what says who may."""

    NAME: ClassVar[str] = "root.keys"

    root: bytes = wire(1, _SCALAR)

    def signing_key(self, caisse: str) -> SigningKey:
        """The key that certifies."""
        return _signing_key(self.root, caisse)

    def __repr__(self) -> str:
        return "RootKeys(…)"


@document
class ServiceMasters:
    """One version of the masters of all card keys but key 1."""

    version: int = wire(1, U31)
    picc: bytes = wire(2, _AES128)
    application: bytes = wire(3, _AES128)
    closed: bytes = wire(4, _AES128)
    tmac: bytes = wire(5, _AES128)

    def picc_key(self, *, uid: bytes, system_id: bytes, profile: CardProfile) -> bytes:
        """One card's PICC master key, in every life under this version the same."""
        return diversify(self.picc, uid=uid, aid=profile.aid, system_id=system_id)

    def tmac_key(
        self, *, uid: bytes, generation: int, system_id: bytes, profile: CardProfile
    ) -> bytes:
        """One card's TMAC key, another one in every life of the card.

        The generation ends AN10922's input: a proof of an earlier life proves nothing in this.
        """
        life = system_id + generation.to_bytes(_GENERATION_BYTES)
        return diversify(self.tmac, uid=uid, aid=profile.aid, system_id=life)

    def card_keys(
        self, *, uid: bytes, generation: int, system_id: bytes, profile: CardProfile
    ) -> CardKeys:
        """What the workshop needs to make one card, beside key 1."""

        def own(master: bytes) -> bytes:
            return diversify(master, uid=uid, aid=profile.aid, system_id=system_id)

        return CardKeys(
            picc_master=self.picc_key(uid=uid, system_id=system_id, profile=profile),
            app_master=own(self.application),
            closed=own(self.closed),
            tmac=self.tmac_key(
                uid=uid, generation=generation, system_id=system_id, profile=profile
            ),
        )

    def __repr__(self) -> str:
        return f"ServiceMasters(version={self.version})"


@document
class ServiceKeys:
    """The service's: what issues and what proves."""

    NAME: ClassVar[str] = "service.keys"

    issuer: bytes = wire(1, _SCALAR)
    service: bytes = wire(2, _SCALAR)
    wrapping: bytes = wire(3, exactly(32))
    """AES-256: under it the terminals' token keys lie in the database."""
    masters: tuple[ServiceMasters, ...] = wire(4, ListOf(Nested(ServiceMasters), MASTERS_MAX))

    def issuer_key(self, caisse: str) -> SigningKey:
        """The key of allowances, permits and directories."""
        return _signing_key(self.issuer, caisse)

    def service_key(self, caisse: str) -> SigningKey:
        """The key of answers and acts."""
        return _signing_key(self.service, caisse)

    def newest(self) -> ServiceMasters:
        """The masters that new cards are made with."""
        return max(self.masters, key=lambda masters: masters.version)

    def version(self, version: int) -> ServiceMasters:
        """The masters that a card was made with; raises KeyStoreError."""
        for masters in self.masters:
            if masters.version == version:
                return masters
        raise KeyStoreError(f"no card masters of version {version}")

    def __repr__(self) -> str:
        return f"ServiceKeys({len(self.masters)} versions)"


@document
class WorkshopKeys:
    """The workshop's: what sells."""

    NAME: ClassVar[str] = "workshop.keys"

    signing: bytes = wire(1, _SCALAR)
    masters: tuple[CardMaster, ...] = wire(2, ListOf(Nested(CardMaster), MASTERS_MAX))
    """Of key 1; versions as in ServiceMasters."""

    def signing_key(self, caisse: str) -> SigningKey:
        """The key that signs requests to the service."""
        return _signing_key(self.signing, caisse)

    def version(self, version: int) -> CardMaster:
        """The master of key 1 that goes with the service's version; raises KeyStoreError."""
        for master in self.masters:
            if master.version == version:
                return master
        raise KeyStoreError(f"no key-1 master of version {version}")

    def __repr__(self) -> str:
        return f"WorkshopKeys({len(self.masters)} versions)"


@document
class _File:
    bundle: str = wire(1, Text(32))
    caisse: str = wire(2, Text(CAISSE_CHARACTERS_MAX))
    content: bytes = wire(3, Blob(1, _FILE_BYTES_MAX))
    salt: bytes | None = maybe(4, exactly(_SALT_BYTES), default=None)
    nonce: bytes | None = maybe(5, exactly(_NONCE_BYTES), default=None)

    def __repr__(self) -> str:
        return f"_File({self.bundle})"


def write_public(directory: Path, public: CaissePublic) -> Path:
    """Leave what anybody may read in a directory."""
    path = directory / PUBLIC_NAME
    _write(path, public_file(public), mode=0o644)
    return path


def public_file(public: CaissePublic) -> bytes:
    """Return what its file holds."""
    return cbor.encode(pack(public))


def read_public(directory: Path) -> CaissePublic:
    """Read it back; raises KeyStoreError. Certificates are verified by `trust`."""
    try:
        return open_public((directory / PUBLIC_NAME).read_bytes())
    except (OSError, KeyStoreError) as error:
        raise KeyStoreError(f"{directory / PUBLIC_NAME}: {error}") from error


def open_public(data: bytes) -> CaissePublic:
    """Read what its file held; raises KeyStoreError."""
    try:
        return unpack(CaissePublic, cbor.decode(data))
    except DocumentError as error:
        raise KeyStoreError(str(error)) from error


def write_bundle(directory: Path, bundle: Bundle, *, caisse: str, passphrase: bytes | None) -> Path:
    """Leave a bundle in a directory of its owner's, sealed unless `passphrase` is None.

    Raises KeyStoreError when others may enter the directory, or a bundle is there already.
    """
    refuse_open_to_others(directory)
    path = directory / bundle.NAME
    _write(path, bundle_file(bundle, caisse=caisse, passphrase=passphrase), mode=0o600)
    return path


def bundle_file(bundle: Bundle, *, caisse: str, passphrase: bytes | None) -> bytes:
    """Return what the file of a bundle holds, sealed unless `passphrase` is None."""
    must(passphrase is None or bool(passphrase), "a passphrase is not empty")
    content = cbor.encode(pack(bundle))
    salt = nonce = None
    if passphrase is not None:
        salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
        content = _cipher(passphrase, salt).encrypt(nonce, content, _names(bundle.NAME, caisse))
    file = _File(bundle=bundle.NAME, caisse=caisse, content=content, salt=salt, nonce=nonce)
    return cbor.encode(pack(file))


def read_bundle(
    directory: Path, kind: type[B], *, caisse: str, passphrase: bytes | None = None
) -> B:
    """Read a bundle; raises KeyStoreError, also when others may read it or it is sealed."""
    path = directory / kind.NAME
    refuse_open_to_others(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyStoreError(f"{path}: {error.strerror}") from error
    try:
        return open_bundle(data, kind, caisse=caisse, passphrase=passphrase)
    except KeyStoreError as error:
        raise KeyStoreError(f"{path}: {error}") from error


def open_bundle(data: bytes, kind: type[B], *, caisse: str, passphrase: bytes | None = None) -> B:
    """Read what the file of a bundle held; raises KeyStoreError."""
    file = _file(data)
    if (file.bundle, file.caisse) != (kind.NAME, caisse):
        raise KeyStoreError(f"this is {file.bundle} of {file.caisse!r}")
    try:
        return unpack(kind, cbor.decode(_open(file, passphrase)))
    except (InvalidTag, DocumentError) as error:
        raise KeyStoreError("wrong passphrase, or damaged") from error


def bundle_names(data: bytes) -> tuple[str, str]:
    """Return bundle and caisse that a file says it holds; raises KeyStoreError."""
    file = _file(data)
    return file.bundle, file.caisse


def is_sealed(directory: Path, kind: type[B]) -> bool:
    """Say whether a bundle needs a passphrase; raises KeyStoreError when there is none."""
    return _read_file(directory / kind.NAME).salt is not None


def _read_file(path: Path) -> _File:
    refuse_open_to_others(path)
    try:
        return _file(path.read_bytes())
    except (OSError, KeyStoreError) as error:
        raise KeyStoreError(f"{path}: not a key file") from error


def _file(data: bytes) -> _File:
    try:
        return unpack(_File, cbor.decode(data))
    except DocumentError as error:
        raise KeyStoreError("not a key file") from error


def _open(file: _File, passphrase: bytes | None) -> bytes:
    if file.salt is None or file.nonce is None:
        return file.content
    if not passphrase:
        raise KeyStoreError(f"{file.bundle} needs its passphrase")
    names = _names(file.bundle, file.caisse)
    return _cipher(passphrase, file.salt).decrypt(file.nonce, file.content, names)


def _cipher(passphrase: bytes, salt: bytes) -> AESGCM:
    kdf = Argon2id(
        salt=salt, length=32, iterations=_ITERATIONS, lanes=_LANES, memory_cost=_MEMORY_KIB
    )
    return AESGCM(kdf.derive(passphrase))


def _names(bundle: str, caisse: str) -> bytes:
    return cbor.encode([bundle, caisse])


def _signing_key(scalar: bytes, caisse: str) -> SigningKey:
    try:
        return SigningKey.from_scalar(int.from_bytes(scalar), caisse=caisse)
    except ValueError as error:
        raise KeyStoreError("not the private scalar of a P-256 key") from error


def refuse_open_to_others(path: Path) -> None:
    """Raise KeyStoreError unless a file or a directory is its owner's alone."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise KeyStoreError(f"{path}: {error.strerror}") from error
    if mode & _OPEN_TO_OTHERS:
        raise KeyStoreError(f"{path}: others than its owner may use it (mode {mode & 0o777:o})")


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Write a new file to the disk; one that exists is never replaced."""
    must(len(content) <= _FILE_BYTES_MAX, "a key file is small")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise KeyStoreError(f"{path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
