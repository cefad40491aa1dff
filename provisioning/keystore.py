"""The key ceremony: a caisse's keys are made once, and part at once into three hands.

    OUT/root       with the coordinator; needed to enrol a terminal
    OUT/service    goes to the server, and is wiped here
    OUT/workshop   stays with the workshop

Each directory also holds what anybody may read. The files are cardkit.keyfiles'.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Final

from cardkit.card.aes import KEY_BYTES
from cardkit.card.keys import TRAINING_SYSTEM_ID
from cardkit.certificates import Certificate, Role, certify
from cardkit.errors import KeyStoreError, must
from cardkit.keyfiles import (
    Bundle,
    CaissePublic,
    RootKeys,
    ServiceKeys,
    ServiceMasters,
    WorkshopKeys,
    write_bundle,
    write_public,
)
from cardkit.pairing import CardMaster
from cardkit.signing import PublicKey, SigningKey

FIRST_VERSION: Final = 1
PASSPHRASE_BYTES_MIN: Final = 12
CERTIFICATE_DAYS: Final = 3 * 365
ROOT_NAME: Final = "root"
SERVICE_NAME: Final = "service"
WORKSHOP_NAME: Final = "workshop"
_FIRST_KEY: Final = 1
_WRAPPING_BYTES: Final = 32
_SYSTEM_ID_PREFIX: Final = b"CLAF-"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """All keys of a caisse; together only while they are made, and in demos."""

    public: CaissePublic
    root: RootKeys = field(repr=False)
    service: ServiceKeys = field(repr=False)
    workshop: WorkshopKeys = field(repr=False)

    @property
    def root_key(self) -> PublicKey:
        """What terminals and tickets know the caisse by."""
        return PublicKey.from_bytes(self.public.root)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passphrases:
    """One for each holder, and no two the same; raises KeyStoreError."""

    root: bytes = field(repr=False)
    service: bytes = field(repr=False)
    workshop: bytes = field(repr=False)

    def __post_init__(self) -> None:
        held = (self.root, self.service, self.workshop)
        for passphrase in held:
            refuse_short(passphrase)
        if any(secrets.compare_digest(one, other) for one, other in combinations(held, 2)):
            raise KeyStoreError("two holders with one passphrase are one holder")

    def of(self, name: str) -> bytes:
        """The passphrase of the holder of one directory."""
        return {
            ROOT_NAME: self.root,
            SERVICE_NAME: self.service,
            WORKSHOP_NAME: self.workshop,
        }[name]


def refuse_short(passphrase: bytes) -> None:
    """Raise KeyStoreError for a passphrase that can be guessed."""
    if len(passphrase) < PASSPHRASE_BYTES_MIN:
        raise KeyStoreError(f"a passphrase has {PASSPHRASE_BYTES_MIN} bytes at least")


def new_keys(
    caisse: str,
    *,
    now: datetime,
    step_max_cents: int,
    system_id: bytes | None = None,
    make_key: Callable[..., SigningKey] = SigningKey.generate,
    random: Callable[[int], bytes] = os.urandom,
) -> KeySet:
    """Make every key of a caisse and certify those that sign.

    `step_max_cents` is the most that four weeks may add to one card's allowance, what was given
    back included: terminals refuse more, whatever the issuer signs.
    Raises KeyStoreError for a caisse whose cards would pass for training cards.
    """
    named = system_id or _SYSTEM_ID_PREFIX + caisse.upper().encode("ascii")
    if named == TRAINING_SYSTEM_ID:
        raise KeyStoreError(f"a caisse cannot be called {caisse}: training cards are")
    root, issuer, service, workshop = (make_key(caisse=caisse) for _ in range(4))
    until = now + timedelta(days=CERTIFICATE_DAYS)

    def certified(role: Role, key: SigningKey, ceiling_cents: int | None = None) -> bytes:
        certificate = Certificate(
            role=role,
            subject=_FIRST_KEY,
            valid_from=now,
            valid_until=until,
            public_key=key.public.encoded,
            step_max_cents=ceiling_cents,
            counted_from=None if ceiling_cents is None else now,
        )
        return certify(root, certificate).encoded

    return KeySet(
        public=CaissePublic(
            caisse=caisse,
            system_id=named,
            root=root.public.encoded,
            certificates=(
                certified(Role.ISSUER, issuer, step_max_cents),
                certified(Role.SERVICE, service),
                certified(Role.WORKSHOP, workshop),
            ),
        ),
        root=RootKeys(root=scalar_of(root)),
        service=ServiceKeys(
            issuer=scalar_of(issuer),
            service=scalar_of(service),
            wrapping=random(_WRAPPING_BYTES),
            masters=(service_masters(FIRST_VERSION, random),),
        ),
        workshop=WorkshopKeys(
            signing=scalar_of(workshop),
            masters=(CardMaster(version=FIRST_VERSION, key=random(KEY_BYTES)),),
        ),
    )


def write_keys(out: Path, keys: KeySet, *, passphrases: Passphrases | None) -> None:
    """Part the keys into OUT's three directories; raises KeyStoreError and overwrites nothing.

    Without passphrases, which is for demos, OUT itself must be closed to others too.
    """
    _make_private(out, must_be_private=passphrases is None)
    for name, bundle in (
        (ROOT_NAME, keys.root),
        (SERVICE_NAME, keys.service),
        (WORKSHOP_NAME, keys.workshop),
    ):
        passphrase = None if passphrases is None else passphrases.of(name)
        write_holder(out / name, keys.public, bundle, passphrase=passphrase)


def write_holder(
    directory: Path, public: CaissePublic, bundle: Bundle, *, passphrase: bytes | None
) -> None:
    """Leave one holder's bundle, and what is public, in a directory; raises KeyStoreError."""
    _make_private(directory, must_be_private=True)
    write_bundle(directory, bundle, caisse=public.caisse, passphrase=passphrase)
    write_public(directory, public)


def install_service_keys(public: CaissePublic, keys: ServiceKeys, into: Path) -> None:
    """Leave the service's bundle open on its server, for a service that starts without a person.

    Raises DocumentError when the root did not certify what is public, and KeyStoreError.
    """
    public.trust()
    write_holder(into, public, keys, passphrase=None)


def service_masters(version: int, random: Callable[[int], bytes]) -> ServiceMasters:
    """Make one version of the masters of every card key but key 1."""
    picc, application, closed, tmac = (random(KEY_BYTES) for _ in range(4))
    return ServiceMasters(
        version=version, picc=picc, application=application, closed=closed, tmac=tmac
    )


def scalar_of(key: SigningKey) -> bytes:
    """Return a signing key as its bundle holds it."""
    return key.key.private_numbers().private_value.to_bytes(32)


def _make_private(directory: Path, *, must_be_private: bool) -> None:
    """Make a directory for its owner alone; one that exists is only looked at."""
    must(directory.name != "", "a directory has a name")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = directory.stat().st_mode
    except OSError as error:
        raise KeyStoreError(f"{directory}: {error.strerror}") from error
    if must_be_private and mode & 0o077:
        raise KeyStoreError(f"{directory}: others than its owner may enter (mode {mode & 0o777:o})")
