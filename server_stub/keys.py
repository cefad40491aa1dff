"""The service's keys: read once from files of its own, never from the database.

The files are `cardkit.keyfiles`'; what the database holds of secrets is encrypted under the
wrapping key that is one of them, each bound to what it is for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import CardProfile
from cardkit.errors import DocumentError, KeyStoreError
from cardkit.keyfiles import (
    CaissePublic,
    ServiceKeys,
    ServiceMasters,
    read_bundle,
    read_public,
)

PROFILES: Final[dict[str, CardProfile]] = {CLAF_PURSE_1.name: CLAF_PURSE_1}
"""The kinds of card that this service can check."""

_NONCE_BYTES: Final = 12

RandomBytes = Callable[[int], bytes]


class KeyRing:
    """Every key that the service may use; its repr shows none."""

    def __init__(
        self, public: CaissePublic, keys: ServiceKeys, *, random: RandomBytes = os.urandom
    ) -> None:
        """Take what the ceremony made; raises KeyStoreError unless the root certified it."""
        try:
            self.trust: Final = public.trust()
        except DocumentError as error:
            raise KeyStoreError(f"a certificate of the caisse: {error}") from error
        self.public: Final = public
        self.caisse: Final = public.caisse
        self.issuer: Final = keys.issuer_key(public.caisse)
        """Signs allowances, permits and directories."""
        self.service: Final = keys.service_key(public.caisse)
        """Signs answers and acts."""
        self._keys = keys
        self._wrapping = AESGCM(keys.wrapping)
        self._random = random

    @classmethod
    def load(cls, directory: Path, *, passphrase: bytes | None = None) -> Self:
        """Read the service's own directory; raises KeyStoreError."""
        public = read_public(directory)
        keys = read_bundle(directory, ServiceKeys, caisse=public.caisse, passphrase=passphrase)
        return cls(public, keys)

    @property
    def newest(self) -> ServiceMasters:
        """The masters that new cards are made with."""
        return self._keys.newest()

    def masters(self, version: int) -> ServiceMasters:
        """The masters that a card was made with; raises KeyStoreError."""
        return self._keys.version(version)

    def tmac_key(self, *, uid: bytes, generation: int, key_version: int, profile: str) -> bytes:
        """The key that proves what one card did in one of its lives; raises KeyStoreError."""
        if profile not in PROFILES:
            raise KeyStoreError(f"no card profile {profile!r}")
        return self._keys.version(key_version).tmac_key(
            uid=uid,
            generation=generation,
            system_id=self.public.system_id,
            profile=PROFILES[profile],
        )

    def seal(self, secret: bytes, *, purpose: str) -> bytes:
        """Encrypt a secret for the database, bound to its purpose, such as `token-key/7`."""
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, secret, purpose.encode("ascii"))

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """Decrypt it; raises KeyStoreError when it is another secret's, or another ring's."""
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._wrapping.decrypt(nonce, ciphertext, purpose.encode("ascii"))
        except (InvalidTag, ValueError) as error:
            raise KeyStoreError(f"{purpose}: sealed with another key") from error

    def __repr__(self) -> str:
        return f"KeyRing({self.caisse!r})"


def token_key_purpose(terminal: int) -> str:
    """What a terminal's K_T is sealed for."""
    return f"token-key/{terminal}"
