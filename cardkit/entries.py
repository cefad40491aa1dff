"""Journal entries, schema version 1: what a terminal says happened, signed and chained.

Every entry has one envelope (who, where in the chain, when, for whom) and a body that its kind
decides; the bodies are in `cardkit.bodies`. An entry of a kind or with fields that a reader
does not know is kept verbatim and chains like any other: only its body stays opaque.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, unique
from typing import Final

from cardkit import cbor
from cardkit.bodies import BODIES, Body, EntryKind
from cardkit.errors import DocumentForeign, DocumentMalformed, must
from cardkit.frozen import dataclass
from cardkit.schema import (
    S64,
    U31,
    U32,
    U63,
    Flag,
    Int,
    Seconds,
    document,
    exactly,
    maybe,
    pack,
    unpack,
    wire,
)
from cardkit.signing import ContentType, PublicKey, Signed, SigningKey, verify

SCHEMA_VERSION: Final = 1
_BODY: Final = 31
"""The key of the body, above every field the envelope may still gain within one byte."""


@unique
class OperatorRole(IntEnum):
    """Who was at the terminal; never a person's name."""

    NOBODY = 0
    """The program itself."""
    PRODUCER = 1
    HELPER = 2
    COORDINATOR = 3


@document
class Envelope:
    """What every entry says."""

    v: int = wire(1, U31)
    kind: int = wire(2, U31)
    terminal: int = wire(3, Int(1, 2**32 - 1))
    seq: int = wire(4, Int(1, 2**32 - 1))
    prev: bytes = wire(5, exactly(32))
    """Digest of the previous entry; for seq 1, the SHA-256 of the terminal's public key."""
    at: datetime = wire(6, Seconds)
    clock: int = wire(7, U31)
    """A `ClockTrust`; a number that a reader does not know never stops the chain."""
    boot_id: bytes = wire(8, exactly(16))
    monotonic_ms: int = wire(9, U63)
    merchant: int = wire(10, U32)
    """0 for what concerns no merchant."""
    operator: int = wire(11, U31)
    """An `OperatorRole`, likewise."""
    perpetual_cents: int = wire(12, S64)
    """Sales minus refunds of this terminal since its enrolment, this entry included."""
    training: bool = maybe(13, Flag, default=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One verified entry; `body` is None when its kind or version is not known here."""

    envelope: Envelope
    body: Body | None
    signed: Signed

    @property
    def digest(self) -> bytes:
        """What the next entry's `prev` has to be."""
        return self.signed.digest

    @property
    def seq(self) -> int:
        """Its place in the chain."""
        return self.envelope.seq


def sign_entry(key: SigningKey, envelope: Envelope, body: Body) -> Entry:
    """Sign an entry with a terminal's journal key."""
    must(BODIES[EntryKind(envelope.kind)] is type(body), "a body of its envelope's kind")
    payload = pack(envelope)
    payload[_BODY] = pack(body)  # the last key, so they still rise
    return Entry(envelope, body, key.sign_encoded(ContentType.ENTRY, cbor.encode_rising(payload)))


def open_entry(data: bytes, key: PublicKey, *, caisse: str, terminal: int) -> Entry:
    """Verify one entry of a terminal; raises DocumentError.

    A body that can't be read leaves an entry whose body is None: a signed fact is never refused.
    """
    signed = verify(data, ContentType.ENTRY, caisse=caisse, keys=[key])
    payload = cbor.decode(signed.payload)
    envelope = unpack(Envelope, payload)
    if envelope.terminal != terminal:
        raise DocumentForeign(f"an entry of terminal {envelope.terminal}")
    raw = payload.get(_BODY) if isinstance(payload, dict) else None
    return Entry(envelope, _read_body(envelope, raw), signed)


def follows(entry: Entry, *, seq: int, digest: bytes) -> bool:
    """Say whether an entry comes right after the one with this seq and digest."""
    return entry.envelope.seq == seq + 1 and entry.envelope.prev == digest


def _read_body(envelope: Envelope, raw: cbor.Value) -> Body | None:
    if envelope.v != SCHEMA_VERSION or envelope.kind not in BODIES:
        return None
    try:
        return unpack(BODIES[EntryKind(envelope.kind)], raw)
    except DocumentMalformed:
        return None
