"""The service's own acts: what it decided, issued and was told, as one signed, chained log.

Journals say what terminals did; this log says what the caisse did. Together they are all that
the books are computed from, so that anyone can compute them again (docs/protocol.md, "Acts").
"""

from __future__ import annotations

from datetime import date, datetime
from enum import IntEnum, unique
from typing import Final, TypeAlias

from cardkit import cbor
from cardkit.allowance import DOCUMENT_BYTES_MAX as ALLOWANCE_BYTES_MAX
from cardkit.bodies import HASH, MAC8, UID
from cardkit.conventions import CONVENTIONS, ConventionAct
from cardkit.directory import CardStatus
from cardkit.errors import DocumentMalformed, must
from cardkit.frozen import dataclass
from cardkit.membership import ACCOUNT, MEMBERSHIP, Membership
from cardkit.payouts import PAID_CENTS, PAYOUTS, SETTLEMENT, PayoutAct
from cardkit.resolutions import RESOLUTIONS, Resolved
from cardkit.schema import (
    S64,
    U8,
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
    exactly,
    maybe,
    pack,
    unpack,
    wire,
)
from cardkit.signing import ContentType, PublicKey, Signed, SigningKey, verify
from cardkit.till_box import TILL_BOX, Means, TillBox

SCHEMA_VERSION: Final = 1
PROOF_KEYS_MAX: Final = 500
"""Of one act."""
_BODY: Final = 31
MINUTES_CHARACTERS_MAX: Final = 120
LINES_MAX: Final = 1_000
"""Merchants of one run: 24 bytes each at most, within the bound of an act."""


@unique
class ActKind(IntEnum):
    """What the caisse did."""

    EPOCH_RAISED = 1
    DOCUMENT_HELD = 2
    CARD_ISSUED = 3
    CARD_STATUS_SET = 4
    ALLOWANCE_ISSUED = 5
    TERMINAL_LOST = 6
    CONTRIBUTION_RECEIVED = 7
    RECOVERY_CONFIRMED = 8
    RECOVERY_REVERSED = 9
    SPEND_RETURNED = 10
    CLAIM_ACCEPTED = 11
    RULE_SET = 12
    CREDIT_MOVED = 13
    CARD_REKEYED = 14
    SETTLEMENT_APPROVED = 15
    SETTLEMENT_SENT = 16
    SETTLEMENT_CONFIRMED = 17
    SETTLEMENT_REVOKED = 18
    PAYOUT_EVIDENCED = 19
    PROOF_KEYS_PUBLISHED = 20
    RESTORE_FINISHED = 21
    DIGEST_SIGNED = 22
    COMMITMENT_MADE = 23
    COMMITMENT_CHANGED = 24
    WAVE_ADMITTED = 25
    CREDIT_LAPSED = 26
    MEMBER_LEFT = 27
    CASH_COUNTED = 30
    MONEY_DEPOSITED = 31
    CONVENTION_SIGNED = 35
    CONVENTION_ENDED = 36
    TERMINAL_REVOKED = 37
    DISPUTE_OPENED = 38
    DISPUTE_ANSWERED = 39
    DISPUTE_DECIDED = 40
    PAPER_ACCEPTED = 41
    CREDIT_WITHHELD = 42
    FINDING_HANDLED = 43
    ACT_REVERSED = 44
    PAYOUT_RETURNED = 45


@unique
class ReturnReason(IntEnum):
    """Why spent money went back to a member."""

    INTENT_NEVER_GREEN = 0
    CLAIM_REFUSED = 1
    UNCLAIMED = 2
    """Every terminal that could tell of it has told all that it had, and this was not in it."""
    VOID_CONTRADICTED = 3
    """The terminal's last word was that it did not happen."""


@document
class EpochRaised:
    """The service was restored: nothing it signs may be taken for something older."""

    epoch: int = wire(1, U32)
    reason: str = wire(2, Text(256))


@document
class DocumentHeld:
    """A certificate, permit or directory header is in force."""

    content: bytes = wire(1, Blob(1, 16_384))


@document
class CardIssued:
    """A card is a member's; its birth transaction was verified."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    account: bytes = wire(3, ACCOUNT)
    profile: str = wire(4, Text(32))
    tmc: int = wire(5, U32)
    tmv: bytes = wire(6, MAC8)
    enc_tmri: bytes = wire(7, exactly(16))
    spent_cents: int = wire(8, U31)
    key_version: int = maybe(9, U8, default=1)
    """Of the service's masters, which its keys were made from."""


@document
class CardStatusSet:
    """A card was blocked or freed."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    status: CardStatus = wire(3, Choice(CardStatus))


@document
class AllowanceIssued:
    """A new version of what a card may spend."""

    content: bytes = wire(1, Blob(1, ALLOWANCE_BYTES_MAX))
    account: bytes = wire(2, ACCOUNT)


@document
class TerminalLost:
    """A terminal will send nothing any more; what it had not sent is to be recovered.

    Of a stolen one a loss window is told: whatever it signed beyond `last_seq`, and turns up, moves
    no more than that by itself.
    """

    terminal: int = wire(1, U32)
    last_seq: int = wire(2, U32)
    window_cents: int | None = maybe(3, U63, default=None)
    """None: it was not stolen, and all of it counts."""
    head: bytes | None = maybe(4, HASH, default=None)
    """Digest of the entry `last_seq`, as it was held here."""


@document
class ContributionReceived:
    """A member's contribution."""

    account: bytes = wire(1, ACCOUNT)
    amount_cents: int = wire(2, S64)
    """Negative when a contribution was taken back."""
    value_date: date = wire(3, Day)
    reference: str = wire(4, Text(35))
    """Number of the quittance or of the bank's line; never a name."""
    means: Means | None = maybe(5, Choice(Means), default=None)
    """Absent: by the bank, and nobody said how."""
    cancels: int | None = maybe(6, U63, default=None)
    """Number of the act that this one takes back, whole."""


@document
class RecoveryConfirmed:
    """A person confirmed a sale that only the cards could prove."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    tmc: int = wire(3, U32)
    terminal: int = wire(4, U32)
    seq: int = wire(5, U32)
    amount_cents: int = wire(6, U31)
    merchant: int = wire(7, U32)
    tmv: bytes = wire(8, MAC8)
    entered_by: int | None = maybe(9, U63, default=None)
    """The first of two people, where it took two."""


@document
class RecoveryReversed:
    """The lost journal turned up and says otherwise."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    tmc: int = wire(3, U32)
    entry: bytes = wire(4, HASH)


@document
class SpendReturned:
    """What a card spent and nobody may claim is the member's again."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    tmc: int = wire(3, U32)
    amount_cents: int = wire(4, U31)
    reason: ReturnReason = wire(5, Choice(ReturnReason))
    first_tmc: int | None = maybe(6, U32, default=None)
    """Of a gap whose last transaction is `tmc`; absent where it is one transaction."""
    entered_by: int | None = maybe(7, U63, default=None)
    """The first of two people; absent where one person, or the service, may do it alone."""


@document
class ClaimAccepted:
    """Two people decided to pay what no card proved; booked apart."""

    entry: bytes = wire(1, HASH)
    amount_cents: int = wire(2, U31)
    merchant: int = wire(3, U32)
    first_person: int = wire(4, U63)
    second_person: int = wire(5, U63)


@document
class RuleSet:
    """A voted rule is in force from a day on."""

    name: str = wire(1, Text(64))
    value: int = wire(2, U63)
    from_day: date = wire(3, Day)
    voted_on: date | None = maybe(4, Day, default=None)
    minutes: str = maybe(5, Text(MINUTES_CHARACTERS_MAX), default="")
    """The title under which the vote stands in the minutes of that day; never a person's name."""


@document
class CreditMoved:
    """What a replaced card had left was given to another card of its account."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    to_uid: bytes = wire(3, UID)
    to_generation: int = wire(4, U31)
    amount_cents: int = wire(5, U31)


@document
class CardRekeyed:
    """The workshop brought key 1 of a card to a newer master; nothing else of it changed."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    terminal_key_version: int = wire(3, U8)
    """Of the key-1 master; the card's other keys stay with the version it was issued with."""


@document
class SettlementLine:
    """What one run pays to one merchant."""

    merchant: int = wire(1, U32)
    amount_cents: int = wire(2, PAID_CENTS)
    total_cents: int = wire(3, PAID_CENTS)
    """All that was ever settled to the merchant, this run included, less what came back."""


@document
class SettlementApproved:
    """The act's author approved what another person drew up; nothing of it changes any more."""

    settlement: str = wire(1, SETTLEMENT)
    lines: tuple[SettlementLine, ...] = wire(2, ListOf(Nested(SettlementLine), LINES_MAX))
    drawn_up_by: int = wire(3, U63)


@document
class SettlementSent:
    """A run left for the bank; a backup that contains it was made before."""

    settlement: str = wire(1, SETTLEMENT)


@document
class SettlementConfirmed:
    """The bank's statement shows the whole run."""

    settlement: str = wire(1, SETTLEMENT)


@document
class SettlementRevoked:
    """A run that the bank did not execute: its merchants are owed again."""

    settlement: str = wire(1, SETTLEMENT)


@document
class RestoreFinished:
    """Two people found every payout of the bank's statement in the books: money moves again."""

    epoch: int = wire(1, U32)
    entered_by: int = wire(2, U63)


@document
class ProofKey:
    """SesTMMACKey of one transaction: it verifies this transaction's proof and nothing else."""

    tmc: int = wire(1, U32)
    key: bytes = wire(2, exactly(16))


@document
class ProofKeysPublished:
    """Anybody can check these transactions of a card now (AN12343; LIGHT-DS 10.3.2).

    Only of transactions that terminals bear witness to: whoever has a transaction's key could
    make a twin of its proof, and a service that was put back might be fed that instead.
    """

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    keys: tuple[ProofKey, ...] = wire(3, ListOf(Nested(ProofKey), PROOF_KEYS_MAX))


@document
class DigestSigned:
    """The day's digest of every journal and of this log, as terminals keep it."""

    content: bytes = wire(1, Blob(1, 65_536))


@document
class TerminalRevoked:
    """A terminal gets nothing to sell with any more; what it tells counts all the same."""

    terminal: int = wire(1, U32)


ActBody: TypeAlias = (
    EpochRaised
    | DocumentHeld
    | CardIssued
    | CardStatusSet
    | AllowanceIssued
    | TerminalLost
    | ContributionReceived
    | RecoveryConfirmed
    | RecoveryReversed
    | SpendReturned
    | ClaimAccepted
    | RuleSet
    | CreditMoved
    | CardRekeyed
    | SettlementApproved
    | SettlementSent
    | SettlementConfirmed
    | SettlementRevoked
    | PayoutAct
    | RestoreFinished
    | ProofKeysPublished
    | DigestSigned
    | TerminalRevoked
    | Membership
    | ConventionAct
    | TillBox
    | Resolved
)

ACT_BODIES: Final[dict[ActKind, type[ActBody]]] = {
    ActKind.EPOCH_RAISED: EpochRaised,
    ActKind.DOCUMENT_HELD: DocumentHeld,
    ActKind.CARD_ISSUED: CardIssued,
    ActKind.CARD_STATUS_SET: CardStatusSet,
    ActKind.ALLOWANCE_ISSUED: AllowanceIssued,
    ActKind.TERMINAL_LOST: TerminalLost,
    ActKind.CONTRIBUTION_RECEIVED: ContributionReceived,
    ActKind.RECOVERY_CONFIRMED: RecoveryConfirmed,
    ActKind.RECOVERY_REVERSED: RecoveryReversed,
    ActKind.SPEND_RETURNED: SpendReturned,
    ActKind.CLAIM_ACCEPTED: ClaimAccepted,
    ActKind.RULE_SET: RuleSet,
    ActKind.CREDIT_MOVED: CreditMoved,
    ActKind.CARD_REKEYED: CardRekeyed,
    ActKind.SETTLEMENT_APPROVED: SettlementApproved,
    ActKind.SETTLEMENT_SENT: SettlementSent,
    ActKind.SETTLEMENT_CONFIRMED: SettlementConfirmed,
    ActKind.SETTLEMENT_REVOKED: SettlementRevoked,
    ActKind.RESTORE_FINISHED: RestoreFinished,
    ActKind.PROOF_KEYS_PUBLISHED: ProofKeysPublished,
    ActKind.DIGEST_SIGNED: DigestSigned,
    ActKind.TERMINAL_REVOKED: TerminalRevoked,
    **{ActKind(kind): body for kind, body in PAYOUTS.items()},
    **{ActKind(kind): body for kind, body in MEMBERSHIP.items()},
    **{ActKind(kind): body for kind, body in CONVENTIONS.items()},
    **{ActKind(kind): body for kind, body in TILL_BOX.items()},
    **{ActKind(kind): body for kind, body in RESOLUTIONS.items()},
}
_KINDS: Final = {body: kind for kind, body in ACT_BODIES.items()}


@document
class ActEnvelope:
    """What every act says."""

    v: int = wire(1, U31)
    kind: int = wire(2, U31)
    seq: int = wire(3, U63)
    prev: bytes = wire(4, HASH)
    """Digest of the previous act; for seq 1, the SHA-256 of the service's public key."""
    at: datetime = wire(5, Seconds)
    by: int = wire(6, U63)
    """The console user who did it; 0 for the service itself."""


@dataclass(frozen=True, slots=True)
class Act:
    """One verified act; `body` is None when its kind or version is not known here."""

    envelope: ActEnvelope
    body: ActBody | None
    signed: Signed


def sign_act(
    key: SigningKey, body: ActBody, *, seq: int, prev: bytes, at: datetime, by: int
) -> Act:
    """Sign an act with a service key."""
    kind = _KINDS.get(type(body))
    must(kind is not None, "a body of a known kind")
    envelope = ActEnvelope(v=SCHEMA_VERSION, kind=int(kind or 0), seq=seq, prev=prev, at=at, by=by)
    payload = pack(envelope)
    payload[_BODY] = pack(body)
    return Act(envelope, body, key.sign(ContentType.ACT, payload))


def open_act(data: bytes, keys: list[PublicKey], *, caisse: str) -> Act:
    """Verify and decode one act; raises DocumentError."""
    signed = verify(data, ContentType.ACT, caisse=caisse, keys=keys)
    payload = cbor.decode(signed.payload)
    envelope = unpack(ActEnvelope, payload)
    raw = payload.get(_BODY) if isinstance(payload, dict) else None
    return Act(envelope, _read_body(envelope, raw), signed)


def _read_body(envelope: ActEnvelope, raw: cbor.Value) -> ActBody | None:
    if envelope.v != SCHEMA_VERSION or envelope.kind not in ACT_BODIES:
        return None
    try:
        return unpack(ACT_BODIES[ActKind(envelope.kind)], raw)
    except DocumentMalformed:
        return None
