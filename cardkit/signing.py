"""Signed documents: COSE_Sign1 (RFC 9052) with ES256 (RFC 9053, 2.1), in one canonical form.

The protected header names algorithm, content type, key and caisse, so that a document of one
kind or caisse can never stand for another. The unprotected map is empty and s is low: there is
one encoding of one signature, and nothing unsigned to change. What identifies a document is
the SHA-256 of its Sig_structure, never the outer bytes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import field
from enum import Enum, unique
from functools import lru_cache
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from cardkit import cbor
from cardkit.errors import (
    DocumentForeign,
    DocumentMalformed,
    KeyStoreError,
    SignatureInvalid,
    must,
)
from cardkit.frozen import dataclass

_ALG: Final = 1
_CONTENT_TYPE: Final = 3
_KID: Final = 4
_CAISSE: Final = -65537
"""First label of COSE's private-use range (RFC 9052, 11.1)."""
_ES256: Final = -7
_TAG_SIGN1: Final = b"\xd2"
"""CBOR tag 18, COSE_Sign1."""

_SIGN1: Final = _TAG_SIGN1 + b"\x84"
"""An array of four (RFC 9052, 4.2)."""
_NO_HEADER: Final = b"\xa0"
"""The empty map of unprotected headers."""
_SIG_STRUCTURE: Final = b"\x84\x6aSignature1"
"""An array of four that begins with its context (RFC 9052, 4.4)."""
_NO_AAD: Final = b"\x40"
"""The empty byte string of external_aad."""

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256 (FIPS 186-4, D.1.2.3)."""

_VERIFIED_BY: Final = ec.ECDSA(Prehashed(hashes.SHA256()))
_SIGNED_BY: Final = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)
"""Of the digest, which also identifies the document."""

KID_BYTES: Final = 8
CAISSE_CHARACTERS_MAX: Final = 16
_HEADER_BYTES_MAX: Final = 128
"""Twice the longest of ours; a stranger's header is neither read nor remembered beyond it."""
_HEADERS_KEPT: Final = 64
"""A program meets a handful of different ones: a key for each content type."""


@unique
class ContentType(Enum):
    """What a signed document is; the text stands in its protected header."""

    ENTRY = "clafoutis/entry"
    ACT = "clafoutis/act"
    ALLOWANCE = "clafoutis/allowance"
    PERMIT = "clafoutis/permit"
    DIRECTORY = "clafoutis/directory"
    ANSWER = "clafoutis/answer"
    CERTIFICATE = "clafoutis/certificate"
    DIGEST = "clafoutis/digest"
    REQUEST = "clafoutis/request"
    """A request on a stick, where no HTTP signature carries it."""
    RELEASE = "clafoutis/release"
    """The program that tills run."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A COSE_Sign1 object; that it exists says nothing about whether it was verified."""

    protected: bytes
    payload: bytes
    signature: bytes
    content_type: ContentType
    kid: bytes
    caisse: str
    digest: bytes = field(init=False)
    """The SHA-256 of `sig_structure`: what the key signs, and what identifies the document."""

    def __post_init__(self) -> None:
        """Compute the digest once; nobody can give another one."""
        object.__setattr__(self, "digest", _digest(self.protected, self.payload))

    @property
    def sig_structure(self) -> bytes:
        """The bytes that are signed (RFC 9052, 4.4)."""
        return _sig_structure(self.protected, self.payload)

    @property
    def encoded(self) -> bytes:
        """The document as it travels."""
        signature = cbor.byte_string(self.signature)
        payload = cbor.byte_string(self.payload)
        return _SIGN1 + cbor.byte_string(self.protected) + _NO_HEADER + payload + signature


class PublicKey:
    """A P-256 key that verifies."""

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        must(isinstance(key.curve, ec.SECP256R1), "P-256")
        self._key = key
        self.encoded: Final = key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )
        self.digest: Final = hashlib.sha256(self.encoded).digest()
        self.kid: Final = self.digest[:KID_BYTES]

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Self:
        """Read the 33 bytes of a compressed point (SEC 1, 2.3.4)."""
        try:
            return cls(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded))
        except ValueError as error:
            raise DocumentMalformed("not a P-256 public key") from error

    @property
    def key(self) -> ec.EllipticCurvePublicKey:
        """The key as `cryptography` knows it."""
        return self._key

    def check(self, signed: Signed) -> None:
        """Raise SignatureInvalid unless this key made the signature."""
        if not hmac.compare_digest(signed.kid, self.kid):
            raise SignatureInvalid("signed by another key")
        r = int.from_bytes(signed.signature[:32])
        s = int.from_bytes(signed.signature[32:])
        if len(signed.signature) != 64 or not 0 < s <= _ORDER // 2:
            raise SignatureInvalid("not a canonical signature")
        try:
            self._key.verify(encode_dss_signature(r, s), signed.digest, _VERIFIED_BY)
        except (InvalidSignature, ValueError) as error:
            raise SignatureInvalid("wrong signature") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.encoded == other.encoded

    def __hash__(self) -> int:
        return hash(self.encoded)

    def __repr__(self) -> str:
        return f"PublicKey({self.kid.hex()})"


class SigningKey:
    """A P-256 key that signs for one caisse; its repr shows the public half only."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, caisse: str) -> None:
        must(0 < len(caisse) <= CAISSE_CHARACTERS_MAX and caisse.isascii(), "a caisse's id")
        self._key = key
        self.caisse: Final = caisse
        self.public: Final = PublicKey(key.public_key())

    @classmethod
    def generate(cls, *, caisse: str) -> Self:
        """Make a new key from the operating system's randomness."""
        return cls(ec.generate_private_key(ec.SECP256R1()), caisse=caisse)

    @classmethod
    def from_scalar(cls, scalar: int, *, caisse: str) -> Self:
        """Make the key with this private scalar, for vectors and seeded worlds."""
        return cls(ec.derive_private_key(scalar, ec.SECP256R1()), caisse=caisse)

    @classmethod
    def from_pem(cls, pem: bytes, *, caisse: str, passphrase: bytes | None = None) -> Self:
        """Read a PKCS#8 key."""
        try:
            key = serialization.load_pem_private_key(pem, passphrase)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyStoreError("not a key, or sealed with another passphrase") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise KeyStoreError("not a P-256 key")
        return cls(key, caisse=caisse)

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """The key as `cryptography` knows it."""
        return self._key

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """Return the key as PKCS#8, encrypted when there is a passphrase."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase is not None:
            encryption = serialization.BestAvailableEncryption(passphrase)
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )

    def sign(self, content_type: ContentType, payload: cbor.Value) -> Signed:
        """Sign a payload; the nonce is RFC 6979's, so a seeded world repeats itself."""
        return self.sign_encoded(content_type, cbor.encode(payload))

    def sign_encoded(self, content_type: ContentType, body: bytes) -> Signed:
        """Sign a payload that is canonical CBOR already."""
        protected = _written_header(content_type, self.public.kid, self.caisse)
        der = self._key.sign(_digest(protected, body), _SIGNED_BY)
        r, s = decode_dss_signature(der)
        signature = r.to_bytes(32) + min(s, _ORDER - s).to_bytes(32)
        return Signed(protected, body, signature, content_type, self.public.kid, self.caisse)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.kid.hex()}, caisse={self.caisse!r})"


def parse(data: bytes) -> Signed:
    """Read the envelope without trusting it; raises DocumentMalformed."""
    if data[:1] != _TAG_SIGN1:
        raise DocumentMalformed("not a COSE_Sign1")
    match cbor.decode(data[1:]):
        case [bytes(protected), dict(unprotected), bytes(payload), bytes(signature)]:
            if unprotected:
                raise DocumentMalformed("unprotected header is not empty")
        case _:
            raise DocumentMalformed("not a COSE_Sign1")
    if len(protected) > _HEADER_BYTES_MAX:
        raise DocumentMalformed("protected header is not ours")
    return Signed(protected, payload, signature, *_read_header(protected))


def verify(
    data: bytes, content_type: ContentType, *, caisse: str, keys: Iterable[PublicKey]
) -> Signed:
    """Return the document once its envelope, content type, caisse and signature are right.

    Raises DocumentMalformed, DocumentForeign or SignatureInvalid, before any payload is decoded.
    """
    signed = parse(data)
    if signed.content_type is not content_type or signed.caisse != caisse:
        raise DocumentForeign(f"{signed.content_type.value} of {signed.caisse!r}")
    for key in keys:
        if key.kid == signed.kid:
            key.check(signed)
            return signed
    raise SignatureInvalid(f"unknown key {signed.kid.hex()}")


def _sig_structure(protected: bytes, payload: bytes) -> bytes:
    return _SIG_STRUCTURE + cbor.byte_string(protected) + _NO_AAD + cbor.byte_string(payload)


def _digest(protected: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(_sig_structure(protected, payload)).digest()


@lru_cache(maxsize=_HEADERS_KEPT)
def _written_header(content_type: ContentType, kid: bytes, caisse: str) -> bytes:
    return cbor.encode(
        {_ALG: _ES256, _CONTENT_TYPE: content_type.value, _KID: kid, _CAISSE: caisse}
    )


@lru_cache(maxsize=_HEADERS_KEPT)
def _read_header(protected: bytes) -> tuple[ContentType, bytes, str]:
    """Return content type, key and caisse of a protected header; raises DocumentMalformed."""
    match cbor.decode(protected):
        case {1: -7, 3: str(content_type), 4: bytes(kid), -65537: str(caisse), **rest}:
            if rest:
                raise DocumentMalformed("unknown protected header")
        case _:
            raise DocumentMalformed("protected header is not ours")
    try:
        return ContentType(content_type), kid, caisse
    except ValueError as error:
        raise DocumentMalformed(f"unknown content type {content_type!r}") from error
