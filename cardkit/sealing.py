"""Secrets on their way to one device: HPKE (RFC 9180), X25519, HKDF-SHA256, ChaCha20-Poly1305."""

from __future__ import annotations

from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from cardkit.errors import DocumentMalformed

SEALING_KEY_BYTES: Final = 32
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class SealingKey:
    """An ephemeral key that only its holder can open sealed secrets with."""

    def __init__(self, key: X25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> Self:
        """Make a new key."""
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, scalar: bytes) -> Self:
        """Read the 32 private bytes back."""
        return cls(X25519PrivateKey.from_private_bytes(scalar))

    @property
    def private_bytes(self) -> bytes:
        """The 32 private bytes, to survive a restart while pairing is under way."""
        return self._key.private_bytes_raw()

    @property
    def public_bytes(self) -> bytes:
        """The 32 bytes that others seal for."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """Open what was sealed for this key and purpose; raises DocumentMalformed."""
        try:
            return _SUITE.decrypt(sealed, self._key, info=_info(purpose))
        except (InvalidTag, ValueError) as error:
            raise DocumentMalformed("not sealed for this key") from error

    def __repr__(self) -> str:
        return f"SealingKey({self.public_bytes.hex()[:16]}…)"


def seal(secret: bytes, recipient: bytes, *, purpose: str) -> bytes:
    """Seal a secret for the holder of a 32-byte public key, and for one purpose."""
    try:
        key = X25519PublicKey.from_public_bytes(recipient)
        return _SUITE.encrypt(secret, key, info=_info(purpose))
    except ValueError as error:  # also of a point of low order, which fits no private key
        raise DocumentMalformed("not an X25519 public key") from error


def _info(purpose: str) -> bytes:
    return b"clafoutis/" + purpose.encode("ascii")
