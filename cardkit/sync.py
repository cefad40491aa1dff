"""The exchange between a terminal and the service: one request, one signed answer.

The request is authenticated by an HTTP message signature (RFC 9421) of the terminal's transport
key over the components below, with the body bound by Content-Digest (RFC 9530). `created` is
informational: stalls have no clock, and a replay is harmless because entries are stored by
their hash. The same bodies travel on a stick.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from cardkit import cbor
from cardkit.bodies import HASH
from cardkit.certificates import Role, Trust
from cardkit.clock import ClockTrust
from cardkit.directory import DirectoryDelta
from cardkit.errors import DocumentForeign
from cardkit.frozen import dataclass
from cardkit.permit import MERCHANTS_MAX
from cardkit.schema import (
    S64,
    U31,
    U32,
    U63,
    Blob,
    Choice,
    Day,
    ListOf,
    Nested,
    Seconds,
    Text,
    document,
    maybe,
    pack,
    unpack,
    wire,
)
from cardkit.settled import Settled
from cardkit.signing import ContentType, Signed, SigningKey

PATH: Final = "/v1/sync"
CONTENT_TYPE: Final = "application/cbor"
SIGNED_COMPONENTS: Final = ("@method", "@path", "content-digest", "content-type")
ENTRIES_MAX: Final = 500
"""Entries of one request: about 200 kB, a few seconds on a poor line."""
ENTRY_BYTES_MAX: Final = 4096
DOCUMENT_BYTES_MAX: Final = 24 * 1024
"""A permit of as many merchants as there may be."""
DOCUMENTS_MAX: Final = 500
DIGEST_BYTES_MAX: Final = 64 * 1024


def terminal_key_id(terminal: int) -> str:
    """Return the `keyid` parameter of a terminal's HTTP signatures."""
    return f"terminal-{terminal}"


@document
class Health:
    """How the terminal is; nothing here is money."""

    software_version: str = wire(1, Text(32))
    sqlite_version: str = wire(2, Text(16))
    clock: ClockTrust = wire(3, Choice(ClockTrust))
    fsync_p95_ms: int | None = maybe(4, U31, default=None)
    disk_free_mb: int | None = maybe(5, U31, default=None)
    temperature_c: int | None = maybe(6, S64, default=None)
    undervoltage: int | None = maybe(7, U31, default=None)
    """The bits of a Raspberry Pi's `vcgencmd get_throttled`."""


@document
class SyncRequest:
    """Entries after the last acknowledged one, and the highest signed versions in hand."""

    terminal: int = wire(1, U32)
    entries: tuple[bytes, ...] = wire(2, ListOf(Blob(1, ENTRY_BYTES_MAX), ENTRIES_MAX))
    epoch: int = wire(3, U32)
    directory_epoch: int = wire(4, U32)
    directory_version: int = wire(5, U32)
    """(0, 0) asks for the whole directory."""
    permit_epoch: int = wire(6, U32)
    permit_version: int = wire(7, U32)
    acknowledged_seq: int = wire(8, U32)
    head_seq: int = wire(9, U32)
    """The last entry that exists, sent or not."""
    health: Health | None = maybe(10, Nested(Health), default=None)
    documents: tuple[bytes, ...] = maybe(
        11, ListOf(Blob(1, DOCUMENT_BYTES_MAX), DOCUMENTS_MAX), default=()
    )
    """Signed documents in hand, for a service that was restored and has forgotten them."""


@document
class Payout:
    """A transfer to a merchant."""

    reference: str = wire(1, Text(35))
    amount_cents: int = wire(2, U63)
    value_date: date = wire(3, Day)


@document
class MerchantAccount:
    """What the caisse owes a merchant, as the service sees it."""

    merchant: int = wire(1, U32)
    payable_cents: int = wire(2, S64)
    """Owed and not yet paid."""
    waiting_cents: int = wire(3, U63)
    """Sales that a card has not proven yet."""
    held_cents: int = wire(4, U63)
    held_reasons: tuple[str, ...] = maybe(5, ListOf(Text(64), 16), default=())
    last_payout: Payout | None = maybe(6, Nested(Payout), default=None)


@document
class SyncAnswer:
    """The service's one signed answer."""

    terminal: int = wire(1, U32)
    up_to_seq: int = wire(2, U32)
    """The service holds the chain without a gap up to here; 0 for nothing."""
    head: bytes = wire(3, HASH)
    epoch: int = wire(4, U32)
    answered_at: datetime = wire(5, Seconds)
    directory: bytes | None = maybe(6, Blob(1, DOCUMENT_BYTES_MAX), default=None)
    delta: DirectoryDelta | None = maybe(7, Nested(DirectoryDelta), default=None)
    permit: bytes | None = maybe(8, Blob(1, DOCUMENT_BYTES_MAX), default=None)
    certificates: tuple[bytes, ...] = maybe(9, ListOf(Blob(1, 1024), 16), default=())
    accounts: tuple[MerchantAccount, ...] = maybe(
        10, ListOf(Nested(MerchantAccount), MERCHANTS_MAX), default=()
    )
    settled: tuple[Settled, ...] = maybe(11, ListOf(Nested(Settled), MERCHANTS_MAX), default=())
    acts_seq: int | None = maybe(12, U63, default=None)
    acts_head: bytes | None = maybe(13, HASH, default=None)
    sealed_card_masters: bytes | None = maybe(14, Blob(1, 1024), default=None)
    """A new version of the master of key 1, sealed by the workshop to the certified sealing key."""
    digest: bytes | None = maybe(15, Blob(1, DIGEST_BYTES_MAX), default=None)
    """The day's signed digest (`cardkit.digest`); `acts_seq` and `acts_head` are those in it."""


@dataclass(frozen=True, slots=True)
class HeldAnswer:
    """An answer that was verified, with the digest that entries name it by."""

    answer: SyncAnswer
    digest: bytes


def sign_answer(key: SigningKey, answer: SyncAnswer) -> Signed:
    """Sign an answer with a service key."""
    return key.sign(ContentType.ANSWER, pack(answer))


def accept_answer(data: bytes, trust: Trust, *, terminal: int) -> HeldAnswer:
    """Verify an answer to this terminal; raises DocumentError."""
    signed = trust.verify(data, ContentType.ANSWER, Role.SERVICE)
    answer = unpack(SyncAnswer, cbor.decode(signed.payload))
    trust.check_dates(signed, answer.answered_at)
    if answer.terminal != terminal:
        raise DocumentForeign(f"an answer to terminal {answer.terminal}")
    return HeldAnswer(answer, signed.digest)


def encode_request(request: SyncRequest) -> bytes:
    """Return the body of a request."""
    return cbor.encode(pack(request))


def decode_request(body: bytes) -> SyncRequest:
    """Read the body of a request; raises DocumentMalformed."""
    return unpack(SyncRequest, cbor.decode(body))
