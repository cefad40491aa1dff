"""What each kind of journal entry says; the numbers are for ever (docs/protocol.md, "Entries").

Kinds and fields are complete from version 1, also those whose screens come later. No field may
change its number, its type or its meaning; a new one takes a new number.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import IntEnum, unique
from typing import Final, TypeAlias

from cardkit.allowance import DOCUMENT_BYTES_MAX as ALLOWANCE_BYTES_MAX
from cardkit.allowance import UID_BYTES
from cardkit.clock import ClockTrust
from cardkit.decide import Reason
from cardkit.permit import MERCHANTS_MAX
from cardkit.schema import (
    S64,
    U8,
    U31,
    U32,
    U63,
    Blob,
    Choice,
    Day,
    Flag,
    Int,
    ListOf,
    Nested,
    Seconds,
    Text,
    document,
    exactly,
    maybe,
    wire,
)
from cardkit.settled import Settled
from cardkit.vat import BASIS_POINTS as BASIS_POINTS  # noqa: PLC0414 - part of what bodies say
from cardkit.vat import PaidOtherwise as PaidOtherwise  # noqa: PLC0414 - part of what bodies say
from cardkit.vat import VatTotal as VatTotal  # noqa: PLC0414 - part of what bodies say

UID: Final = exactly(UID_BYTES)
HASH: Final = exactly(32)
MAC8: Final = exactly(8)
REFUNDS_COUNTED_MAX: Final = 64
RECORDS_MAX: Final = 8


@unique
class EntryKind(IntEnum):
    """What happened."""

    ENROLLED = 1
    STARTED = 2
    STOPPED = 3
    CLOCK_SET = 4
    PERMIT_ACCEPTED = 5
    DIRECTORY_ACCEPTED = 6
    ALLOWANCE_SEEN = 7
    ACKNOWLEDGED = 8
    SETTING_CHANGED = 9
    INTEGRITY_FAILED = 10
    DOCUMENT_REFUSED = 11
    MEDIUM_EXCHANGED = 12
    INTENT = 20
    SALE = 21
    VOID = 22
    INDETERMINATE = 23
    REFUND = 24
    DECLINED = 25
    RESOLUTION = 26
    EVIDENCE = 27
    ALLOWANCE_WRITTEN = 28
    PAID_OTHERWISE = 29
    CLOSURE = 40
    READING = 41
    RECEIPT_PRINTED = 42
    SESSION_OPENED = 43
    SESSION_CLOSED = 44


@unique
class SaleProof(IntEnum):
    """How the terminal came to know that the debit was executed."""

    COMMIT_ANSWERED = 0
    READ_BACK = 1
    """At a later tap: TMC0 + 1, and the card's own record with the right token."""
    RECORD_ONLY = 2
    """At a later tap, after other sales: the record with the right token; its TMV is elsewhere."""


@unique
class VoidReason(IntEnum):
    """Why an intent is known not to have been executed."""

    COUNTER_UNCHANGED = 0
    RECORD_ABSENT = 1


@unique
class DoubtReason(IntEnum):
    """Why an intent stays open for the service."""

    RECORDS_UNREADABLE = 0
    RECORDS_OVERWRITTEN = 1
    DAY_CLOSED = 2
    FACTS_CONTRADICT = 3


@unique
class ResolutionChoice(IntEnum):
    """What a person answered about an amber sale."""

    PARKED = 0
    PAID_OTHERWISE = 1
    CLIENT_LEFT = 2
    GOODS_HANDED_OVER = 3


@unique
class RefundReason(IntEnum):
    """Why money went back to a card."""

    GOODS_RETURNED = 0
    WRONG_AMOUNT = 1
    PAID_OTHERWISE = 2
    """An amber sale was paid another way and turned out executed."""
    OTHER = 3


@unique
class ClosurePeriod(IntEnum):
    """What a closure closes."""

    DAY = 0
    MONTH = 1
    YEAR = 2


@document
class RefundCounted:
    """A refund of this terminal that the decision counted beside the allowance."""

    seq: int = wire(1, U32)
    amount_cents: int = wire(2, U31)


@document
class Enrolled:
    """The first entry of every chain."""

    certificate: bytes = wire(1, HASH)
    permit: bytes = wire(2, HASH)
    software: bytes = wire(3, HASH)
    board_serial: bytes | None = maybe(4, HASH, default=None)
    """Hash of the board's serial number: a copied SD card shows on another board."""
    previous_terminal: int | None = maybe(5, U32, default=None)
    """The identity this device had before it was restored."""
    previous_head: bytes | None = maybe(6, HASH, default=None)
    previous_perpetual_cents: int | None = maybe(7, S64, default=None)


@document
class Started:
    """The program opened the journal."""

    software: bytes = wire(1, HASH)
    """Hash of the installed program, the fiscal perimeter included."""
    version: str = wire(2, Text(32))
    sqlite_version: str = wire(3, Text(16))
    board_serial: bytes | None = maybe(4, HASH, default=None)
    open_intents: int = maybe(5, U31, default=0)


@document
class Stopped:
    """The program closed the journal in good order."""


@document
class ClockSet:
    """A person answered what day it is."""

    before: datetime = wire(1, Seconds)
    after: datetime = wire(2, Seconds)
    trust: ClockTrust = wire(3, Choice(ClockTrust))


@document
class DocumentAccepted:
    """A permit (kind 5) or a directory (kind 6) is in use from here on."""

    epoch: int = wire(1, U32)
    version: int = wire(2, U32)
    digest: bytes = wire(3, HASH)


@document
class AllowanceSeen:
    """An allowance that came from a card and not from the directory, in full, when first used."""

    content: bytes = wire(1, Blob(1, ALLOWANCE_BYTES_MAX))


@document
class Acknowledged:
    """The service has stored this chain up to here."""

    up_to_seq: int = wire(1, U32)
    head: bytes = wire(2, HASH)
    epoch: int = wire(3, U32)
    answered_at: datetime = wire(4, Seconds)
    answer: bytes = wire(5, HASH)
    settled: tuple[Settled, ...] = maybe(6, ListOf(Nested(Settled), MERCHANTS_MAX), default=())
    """What a restored service learns back of the payouts that it had sent."""
    acts_seq: int | None = maybe(7, U63, default=None)
    acts_head: bytes | None = maybe(8, HASH, default=None)
    """Where the service's own log stood: it can't be rewritten unseen."""


@document
class SettingChanged:
    """A setting that matters to the books changed."""

    name: str = wire(1, Text(64))
    before: str = wire(2, Text(256))
    after: str = wire(3, Text(256))


@document
class IntegrityFailed:
    """A check of the terminal's own data failed."""

    what: str = wire(1, Text(64))
    first_seq: int | None = maybe(2, U32, default=None)


@document
class DocumentRefused:
    """A document that arrived was not accepted."""

    content_type: str = wire(1, Text(64))
    digest: bytes = wire(2, HASH)
    """SHA-256 of the bytes that arrived."""
    reason: str = wire(3, Text(128))


@document
class MediumExchanged:
    """Entries or documents travelled on a stick."""

    medium: str = wire(1, Text(64))
    written_up_to_seq: int | None = maybe(2, U32, default=None)
    read_digest: bytes | None = maybe(3, HASH, default=None)
    written_digest: bytes | None = maybe(4, HASH, default=None)
    """Of a fiscal archive: SHA-256 of its manifest, which names every file of it."""


@document
class Intent:
    """On disk before the card is asked to commit; its seq is the sale's number."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    profile: str = wire(3, Text(32))
    """The card profile, which decides the form of the TMI."""
    key_version: int = wire(4, U8)
    tmc0: int = wire(5, U32)
    tmv0: bytes = wire(6, MAC8)
    spent0_cents: int = wire(7, U31)
    amount_cents: int = wire(8, Int(1, 2**31 - 1))
    token: bytes = wire(9, MAC8)
    enc_tmri: bytes = wire(10, exactly(16))
    permit: bytes = wire(11, HASH)
    directory: bytes = wire(12, HASH)
    allowance: bytes = wire(13, HASH)
    card_day_cents: int = wire(14, U63)
    unsent_cents: int = wire(15, U63)
    refunds_counted: tuple[RefundCounted, ...] = maybe(
        16, ListOf(Nested(RefundCounted), REFUNDS_COUNTED_MAX), default=()
    )
    total_cents: int | None = maybe(17, U63, default=None)
    """The whole basket, when more than the card pays."""
    remainder_cents: int | None = maybe(18, U63, default=None)
    """What the client pays another way."""
    vat_totals: tuple[VatTotal, ...] = maybe(19, ListOf(Nested(VatTotal), 16), default=())
    lines_hash: bytes | None = maybe(20, HASH, default=None)
    """Salted hash of the basket's lines, which stay with the merchant."""


@document
class Sale:
    """The card has executed an intent: green."""

    intent_seq: int = wire(1, U32)
    amount_cents: int = wire(2, Int(1, 2**31 - 1))
    tmc: int = wire(3, U32)
    proof: SaleProof = wire(4, Choice(SaleProof))
    tmv: bytes | None = maybe(5, MAC8, default=None)
    """Absent for RECORD_ONLY: the record of the card's next sale carries it."""


@document
class Void:
    """An intent is known not to have been executed."""

    intent_seq: int = wire(1, U32)
    reason: VoidReason = wire(2, Choice(VoidReason))
    tmc: int = wire(3, U32)
    tmv: bytes = wire(4, MAC8)
    spent_cents: int = wire(5, U31)


@document
class Indeterminate:
    """The terminal will never say more about an intent; the service closes it."""

    intent_seq: int = wire(1, U32)
    reason: DoubtReason = wire(2, Choice(DoubtReason))
    tmc: int | None = maybe(3, U32, default=None)
    tmv: bytes | None = maybe(4, MAC8, default=None)
    spent_cents: int | None = maybe(5, U31, default=None)


@document
class Refund:
    """Part or all of a sale of this terminal goes back to the card's allowance."""

    intent_seq: int = wire(1, U32)
    amount_cents: int = wire(2, Int(1, 2**31 - 1))
    reason: RefundReason = wire(3, Choice(RefundReason))
    uid: bytes = wire(4, UID)
    generation: int = wire(5, U31)
    vat_totals: tuple[VatTotal, ...] = maybe(6, ListOf(Nested(VatTotal), 16), default=())
    selling_terminal: int | None = maybe(7, U32, default=None)
    """When the sale was made by another terminal of the same merchant."""


@document
class DeclinedEntry:
    """A sale that was declined; for want of credit it does not say whose card it was."""

    reason: Reason = wire(1, Choice(Reason))
    directory: bytes | None = maybe(2, HASH, default=None)
    uid: bytes | None = maybe(3, UID, default=None)
    tmc: int | None = maybe(4, U32, default=None)
    tmv: bytes | None = maybe(5, MAC8, default=None)
    spent_cents: int | None = maybe(6, U31, default=None)
    generation: int | None = maybe(7, U31, default=None)


@document
class Resolution:
    """What a person said of an amber sale, before the card settled it."""

    intent_seq: int = wire(1, U32)
    choice: ResolutionChoice = wire(2, Choice(ResolutionChoice))


@document
class Evidence:
    """What a card told without a sale: its state, its records, who wrote last."""

    uid: bytes = wire(1, UID)
    tmc: int = wire(2, U32)
    tmv: bytes = wire(3, MAC8)
    spent_cents: int = wire(4, U31)
    enc_tmri: bytes | None = maybe(5, exactly(16), default=None)
    records: tuple[bytes, ...] = maybe(6, ListOf(exactly(32), RECORDS_MAX), default=())
    """Newest first, as the card holds them."""
    records_read: bool = maybe(7, Flag, default=False)
    generation: int | None = maybe(8, U31, default=None)


@document
class AllowanceWritten:
    """A newer allowance was left on a card."""

    uid: bytes = wire(1, UID)
    slot: int = wire(2, Int(0, 1))
    digest: bytes = wire(3, HASH)


@document
class Closure:
    """Totals of a period, and the perpetual total, which never starts anew."""

    period: ClosurePeriod = wire(1, Choice(ClosurePeriod))
    business_date: date = wire(2, Day)
    """The day, or the first day of the month or year."""
    first_seq: int = wire(3, U32)
    last_seq: int = wire(4, U32)
    head: bytes = wire(5, HASH)
    sales: int = wire(6, U63)
    sales_cents: int = wire(7, U63)
    refunds: int = wire(8, U63)
    refunds_cents: int = wire(9, U63)
    perpetual_cents: int = wire(10, S64)
    vat_totals: tuple[VatTotal, ...] = maybe(11, ListOf(Nested(VatTotal), 64), default=())
    late: bool = maybe(12, Flag, default=False)
    """Made up for on a later day, because it was forgotten."""


@document
class Reading:
    """Totals looked at without closing (lecture X)."""

    business_date: date = wire(1, Day)
    sales: int = wire(2, U63)
    sales_cents: int = wire(3, U63)
    refunds_cents: int = wire(4, U63)


@document
class ReceiptPrinted:
    """A receipt left the printer."""

    seq: int = wire(1, U32)
    copy: int = wire(2, U31)
    """0 for the original; from 1 on it is marked DUPLICATA."""


@document
class SessionChanged:
    """A person opened (kind 43) or closed (kind 44) the till for a merchant."""

    merchant: int = wire(1, U32)


Body: TypeAlias = (
    Enrolled
    | Started
    | Stopped
    | ClockSet
    | DocumentAccepted
    | AllowanceSeen
    | Acknowledged
    | SettingChanged
    | IntegrityFailed
    | DocumentRefused
    | MediumExchanged
    | Intent
    | Sale
    | Void
    | Indeterminate
    | Refund
    | DeclinedEntry
    | Resolution
    | Evidence
    | AllowanceWritten
    | PaidOtherwise
    | Closure
    | Reading
    | ReceiptPrinted
    | SessionChanged
)

BODIES: Final[dict[EntryKind, type[Body]]] = {
    EntryKind.ENROLLED: Enrolled,
    EntryKind.STARTED: Started,
    EntryKind.STOPPED: Stopped,
    EntryKind.CLOCK_SET: ClockSet,
    EntryKind.PERMIT_ACCEPTED: DocumentAccepted,
    EntryKind.DIRECTORY_ACCEPTED: DocumentAccepted,
    EntryKind.ALLOWANCE_SEEN: AllowanceSeen,
    EntryKind.ACKNOWLEDGED: Acknowledged,
    EntryKind.SETTING_CHANGED: SettingChanged,
    EntryKind.INTEGRITY_FAILED: IntegrityFailed,
    EntryKind.DOCUMENT_REFUSED: DocumentRefused,
    EntryKind.MEDIUM_EXCHANGED: MediumExchanged,
    EntryKind.INTENT: Intent,
    EntryKind.SALE: Sale,
    EntryKind.VOID: Void,
    EntryKind.INDETERMINATE: Indeterminate,
    EntryKind.REFUND: Refund,
    EntryKind.DECLINED: DeclinedEntry,
    EntryKind.RESOLUTION: Resolution,
    EntryKind.EVIDENCE: Evidence,
    EntryKind.ALLOWANCE_WRITTEN: AllowanceWritten,
    EntryKind.PAID_OTHERWISE: PaidOtherwise,
    EntryKind.CLOSURE: Closure,
    EntryKind.READING: Reading,
    EntryKind.RECEIPT_PRINTED: ReceiptPrinted,
    EntryKind.SESSION_OPENED: SessionChanged,
    EntryKind.SESSION_CLOSED: SessionChanged,
}
