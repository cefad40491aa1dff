"""Who may sign what: certificates made with a root key that is on no server.

The root certifies the caisse's keys, its terminals, its merchants and its workshop. A terminal
knows nothing but the root's public key; a service that lies can't make a terminal, a merchant
or a larger credit out of nothing (docs/protocol.md, "Certificates").
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import IntEnum, unique
from typing import Final

from cardkit import cbor
from cardkit.errors import (
    DocumentExpired,
    DocumentForeign,
    DocumentMalformed,
    DocumentRolledBack,
    SignatureInvalid,
)
from cardkit.schema import U31, U32, Choice, Seconds, document, exactly, maybe, pack, unpack, wire
from cardkit.sealing import SEALING_KEY_BYTES
from cardkit.signing import ContentType, PublicKey, Signed, SigningKey, verify

KEY_BYTES: Final = 33
"""A compressed P-256 point."""
CEILING_PERIOD: Final = timedelta(days=28)
"""The shortest month, so that twelve months never pass an honest ceiling."""


@unique
class Role(IntEnum):
    """What the holder of a certified key may do."""

    ISSUER = 1
    """Signs allowances, permits and directories."""
    SERVICE = 2
    """Signs the answers of an exchange and the log of the service's own acts."""
    TERMINAL = 3
    """Signs a journal; `transport_key` signs its requests."""
    MERCHANT = 4
    """Is paid; has no key."""
    WORKSHOP = 5
    """Issues cards and enrols terminals through the service."""


@document
class Certificate:
    """What the root says of one subject."""

    role: Role = wire(1, Choice(Role))
    subject: int = wire(2, U32)
    """Terminal id, merchant id, or the number of the key."""
    valid_from: datetime = wire(3, Seconds)
    valid_until: datetime = wire(4, Seconds)
    public_key: bytes | None = maybe(5, exactly(KEY_BYTES), default=None)
    transport_key: bytes | None = maybe(6, exactly(KEY_BYTES), default=None)
    step_max_cents: int | None = maybe(7, U31, default=None)
    """For an issuer: the most that four weeks may add to one card's allowance, refunds included."""
    counted_from: datetime | None = maybe(8, Seconds, default=None)
    """For an issuer: the beginning of the first of those weeks; the same in each renewal."""
    sealing_key: bytes | None = maybe(9, exactly(SEALING_KEY_BYTES), default=None)
    """Opens what travels on a stick to this holder (X25519)."""
    payee_hash: bytes | None = maybe(10, exactly(32), default=None)
    """For a merchant: SHA-256 of the account that is paid, as the convention names it."""

    def ceiling_cents(self, at: datetime) -> int:
        """Return the most that an issuer may let one card spend in total by an instant."""
        if self.step_max_cents is None or self.counted_from is None:
            return 0
        periods = max(0, (at - self.counted_from) // CEILING_PERIOD)
        return self.step_max_cents * (periods + 1)


class Trust:
    """The certified keys of one caisse; everything in it was verified against the root."""

    def __init__(self, root: PublicKey, *, caisse: str) -> None:
        self.root: Final = root
        self.caisse: Final = caisse
        self._held: dict[tuple[Role, int], Certificate] = {}
        self._keys: dict[tuple[Role, int], PublicKey] = {}
        """The points of what is held, unpacked once: that costs a third of a verification."""

    def accept(self, data: bytes) -> Certificate:
        """Verify and hold a certificate; raises DocumentError.

        A later one of the same subject replaces it; without a key, that revokes the subject.
        """
        certificate = open_certificate(data, self.root, caisse=self.caisse)
        encoded = certificate.public_key
        key = None if encoded is None else PublicKey.from_bytes(encoded)
        subject = certificate.role, certificate.subject
        before = self._held.get(subject)
        if before is not None and certificate.valid_from < before.valid_from:
            raise DocumentRolledBack(f"an older certificate of {subject}")
        for other, held in self._held.items():
            is_key = encoded is not None and held.public_key == encoded
            if is_key and other != subject:
                raise DocumentMalformed(f"{subject} has the key of {other}")
        self._held[subject] = certificate
        self._keys.pop(subject, None)
        if key is not None:
            self._keys[subject] = key
        return certificate

    def keys(self, role: Role) -> Iterable[PublicKey]:
        """Return the keys that hold a role."""
        return [key for (holds, _), key in self._keys.items() if holds is role]

    def verify(self, data: bytes, content_type: ContentType, role: Role) -> Signed:
        """Verify a document against the keys that hold a role; raises DocumentError."""
        return verify(data, content_type, caisse=self.caisse, keys=self.keys(role))

    def check_dates(self, signed: Signed, made_at: datetime) -> Certificate:
        """Return the signer's certificate if it was valid when the document says it was made."""
        for subject, key in self._keys.items():
            if key.kid == signed.kid:
                certificate = self._held[subject]
                if not certificate.valid_from <= made_at <= certificate.valid_until:
                    raise DocumentExpired("made outside the dates of its key")
                return certificate
        raise SignatureInvalid(f"no certificate for {signed.kid.hex()}")


def refuse_older(
    order: tuple[int, int], digest: bytes, held_order: tuple[int, int], held_digest: bytes
) -> None:
    """Raise unless a document may follow the one held: no older one, and no second of a number."""
    if order < held_order:
        raise DocumentRolledBack(f"{order} after {held_order}")
    if order == held_order and digest != held_digest:
        raise DocumentMalformed(f"two documents call themselves {order}")


def certify(root: SigningKey, certificate: Certificate) -> Signed:
    """Sign a certificate with the root key."""
    return root.sign(ContentType.CERTIFICATE, pack(certificate))


def open_certificate(data: bytes, root: PublicKey, *, caisse: str) -> Certificate:
    """Verify and decode a certificate; raises DocumentError."""
    signed = verify(data, ContentType.CERTIFICATE, caisse=caisse, keys=[root])
    return unpack(Certificate, cbor.decode(signed.payload))


def terminal_keys(certificate: Certificate) -> tuple[PublicKey, PublicKey]:
    """Return a terminal's journal key and transport key; raises DocumentForeign."""
    journal, transport = certificate.public_key, certificate.transport_key
    if certificate.role is not Role.TERMINAL or journal is None or transport is None:
        raise DocumentForeign("not a terminal's certificate")
    return PublicKey.from_bytes(journal), PublicKey.from_bytes(transport)
