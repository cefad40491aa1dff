"""What every terminal knows of every card: a signed header over rows, moved as deltas.

The header binds all rows by one hash, so that a delta that was dropped, cut or based on another
version can't lose one block in silence. Rows name cards and never people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum, unique
from typing import Final

from cardkit import cbor
from cardkit.allowance import DOCUMENT_BYTES_MAX as ALLOWANCE_BYTES_MAX
from cardkit.allowance import UID_BYTES
from cardkit.certificates import Role, Trust, refuse_older
from cardkit.frozen import dataclass
from cardkit.schema import (
    U31,
    U32,
    Blob,
    Choice,
    Flag,
    ListOf,
    Seconds,
    document,
    exactly,
    maybe,
    pack,
    unpack,
    wire,
)
from cardkit.signing import ContentType, Signed, SigningKey

CARDS_MAX: Final = 1_000_000
ROW_BYTES_MAX: Final = 512
TMV_BYTES: Final = 8


@unique
class CardStatus(IntEnum):
    """Whether a card may buy."""

    ACTIVE = 0
    BLOCKED = 1
    """Lost, replaced, left: a stall never learns which."""


@document
class CardRow:
    """What the directory says of one card."""

    uid: bytes = wire(1, exactly(UID_BYTES))
    generation: int = wire(2, U31)
    status: CardStatus = wire(3, Choice(CardStatus))
    allowance: bytes | None = maybe(4, Blob(1, ALLOWANCE_BYTES_MAX), default=None)
    """The signed allowance, small enough for a slot of the card."""
    tmc: int = maybe(5, U32, default=0)
    tmv: bytes | None = maybe(6, exactly(TMV_BYTES), default=None)
    spent_cents: int = maybe(7, U31, default=0)
    """The last transaction that the service has proven: a card that shows less is not this one."""
    read_records: bool = maybe(8, Flag, default=False)
    """Please read this card's records before its next sale."""

    @property
    def encoded(self) -> bytes:
        """The row as it travels and is hashed."""
        return cbor.encode(pack(self))


@document
class DirectoryHeader:
    """One version of the directory."""

    epoch: int = wire(1, U32)
    version: int = wire(2, U32)
    issued_at: datetime = wire(3, Seconds)
    valid_until: datetime = wire(4, Seconds)
    cards: int = wire(5, U31)
    content_hash: bytes = wire(6, exactly(32))

    @property
    def order(self) -> tuple[int, int]:
        """What decides which of two directories is newer."""
        return self.epoch, self.version


@document
class DirectoryDelta:
    """What changed since a base; base (0, 0) is the empty directory."""

    base_epoch: int = wire(1, U32)
    base_version: int = wire(2, U32)
    rows: tuple[bytes, ...] = wire(3, ListOf(Blob(1, ROW_BYTES_MAX), CARDS_MAX))
    removed: tuple[bytes, ...] = maybe(4, ListOf(exactly(UID_BYTES), CARDS_MAX), default=())


@dataclass(frozen=True, slots=True)
class HeldDirectory:
    """A header that was verified, with the digest that entries name it by."""

    header: DirectoryHeader
    digest: bytes


def row_digest(row: bytes) -> bytes:
    """Return the hash of one encoded row."""
    return hashlib.sha256(row).digest()


def content_hash(row_digests: Iterable[bytes]) -> bytes:
    """Return the hash of a whole directory from its rows' digests, ordered by UID."""
    return hashlib.sha256(b"".join(row_digests)).digest()


def read_row(encoded: bytes) -> CardRow:
    """Decode one row; raises DocumentMalformed."""
    return unpack(CardRow, cbor.decode(encoded))


def sign_directory(key: SigningKey, header: DirectoryHeader) -> Signed:
    """Sign a directory header with an issuer key."""
    return key.sign(ContentType.DIRECTORY, pack(header))


def accept_directory(data: bytes, trust: Trust, *, held: HeldDirectory | None) -> HeldDirectory:
    """Verify a header that is not older than the one held; raises DocumentError.

    The rows are the caller's: after applying the delta their `content_hash` must be the header's.
    An expired header is accepted, because its blocks still hold; decide() refuses to sell on it.
    """
    signed = trust.verify(data, ContentType.DIRECTORY, Role.ISSUER)
    header = unpack(DirectoryHeader, cbor.decode(signed.payload))
    trust.check_dates(signed, header.issued_at)
    if held is not None:
        refuse_older(header.order, signed.digest, held.header.order, held.digest)
    return HeldDirectory(header, signed.digest)
