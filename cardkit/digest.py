"""One day's digest: where the service's log and every journal stood, signed, and kept by tills.

A service that shows two histories would have to give two digests of one day to two tills. Each
keeps the last one and refuses what contradicts it; what they keep, an auditor compares
(docs/protocol.md, "The daily digest").
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from cardkit import cbor
from cardkit.certificates import Role, Trust
from cardkit.errors import DocumentMalformed, DocumentRolledBack
from cardkit.frozen import dataclass
from cardkit.schema import (
    U32,
    U63,
    Day,
    ListOf,
    Nested,
    Seconds,
    document,
    exactly,
    pack,
    unpack,
    wire,
)
from cardkit.signing import ContentType, Signed, SigningKey

HASH_BYTES: Final = 32
JOURNALS_MAX: Final = 1_000
NO_DIGEST: Final = bytes(HASH_BYTES)
"""What the first digest of all says came before it."""


@document
class JournalHead:
    """How far one terminal's journal is held without a gap, and the entry that stands there."""

    terminal: int = wire(1, U32)
    up_to_seq: int = wire(2, U32)
    head: bytes = wire(3, exactly(HASH_BYTES))


@document
class Digest:
    """One day's digest."""

    epoch: int = wire(1, U32)
    day: date = wire(2, Day)
    made_at: datetime = wire(3, Seconds)
    acts_seq: int = wire(4, U63)
    """The last act before the one that holds this digest."""
    acts_head: bytes = wire(5, exactly(HASH_BYTES))
    previous: bytes = wire(6, exactly(HASH_BYTES))
    """Of the signed digest before this one, or NO_DIGEST."""
    journals: tuple[JournalHead, ...] = wire(7, ListOf(Nested(JournalHead), JOURNALS_MAX))

    @property
    def order(self) -> tuple[int, date]:
        """What decides which of two digests is newer."""
        return self.epoch, self.day

    def head_of(self, terminal: int) -> JournalHead | None:
        """Return what it says of one terminal's journal."""
        return next((one for one in self.journals if one.terminal == terminal), None)


@dataclass(frozen=True, slots=True)
class HeldDigest:
    """A digest that was verified, and what the next one names it by."""

    digest: Digest
    hash: bytes


def sign_digest(key: SigningKey, digest: Digest) -> Signed:
    """Sign a digest with a service key."""
    return key.sign(ContentType.DIGEST, pack(digest))


def accept_digest(data: bytes, trust: Trust, *, held: HeldDigest | None) -> HeldDigest:
    """Verify a digest that does not contradict the one held; raises DocumentError.

    DocumentMalformed is evidence: the service has signed two histories.
    """
    signed = trust.verify(data, ContentType.DIGEST, Role.SERVICE)
    new = unpack(Digest, cbor.decode(signed.payload))
    trust.check_dates(signed, new.made_at)
    if held is not None:
        _compare(new, signed.digest, held)
    return HeldDigest(new, signed.digest)


def _compare(new: Digest, name: bytes, held: HeldDigest) -> None:
    old = held.digest
    if new.order < old.order:
        raise DocumentRolledBack(f"a digest of {new.order} after that of {old.order}")
    if new.order == old.order and name != held.hash:
        raise DocumentMalformed(f"two digests of {new.day}")
    if new.epoch != old.epoch:
        return  # a service that was restored says so with a new epoch, and may know less
    if new.acts_seq < old.acts_seq:
        raise DocumentMalformed(f"the log was longer: {old.acts_seq} acts, now {new.acts_seq}")
    if new.acts_seq == old.acts_seq and new.acts_head != old.acts_head:
        raise DocumentMalformed(f"another act {new.acts_seq} than before")
    for before in old.journals:
        after = new.head_of(before.terminal)
        if after is None or after.up_to_seq < before.up_to_seq:
            raise DocumentMalformed(f"the journal of {before.terminal} was longer")
        if after.up_to_seq == before.up_to_seq and after.head != before.head:
            raise DocumentMalformed(f"another entry {before.terminal}/{before.up_to_seq}")
