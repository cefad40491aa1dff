"""What people decide about what does not match: bodies of acts 38 to 44 of the service's log.

Disputed sales, slips of the paper carnet, findings that were looked after, and acts taken back.
None holds a name or a text (docs/protocol.md, "Acts").
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum, unique
from typing import Final, TypeAlias

from cardkit.bodies import HASH, UID
from cardkit.schema import (
    S64,
    U8,
    U31,
    U32,
    U63,
    Choice,
    Day,
    Flag,
    Int,
    Text,
    document,
    exactly,
    maybe,
    wire,
)

DISPUTE: Final = exactly(16)
"""A dispute's own number: random, minted once."""
_CENTS: Final = Int(1, 2**31 - 1)
"""Of one sale or slip: never nothing."""


@unique
class DisputeKind(IntEnum):
    """Why a sale is not simply paid."""

    NOT_BOUGHT = 0
    """The member says that they did not buy this."""
    WRONG_AMOUNT = 1
    """The member says that it was less."""
    DOUBTED = 2
    """The caisse itself holds it; nobody is asked, and no day decides."""


@unique
class DisputeAnswer(IntEnum):
    """What the producer says when asked."""

    AGREES = 0
    CONTESTS = 1


@unique
class DisputeOutcome(IntEnum):
    """What becomes of a disputed sale."""

    CHARGED = 0
    """Returned to the member out of what the merchant is owed."""
    BORNE = 1
    """Returned to the member, and the fund bears it."""
    REJECTED = 2
    """The sale stands as it was."""


@unique
class DisputeReason(IntEnum):
    """Why it was decided so; never a text."""

    SHOWN = 0
    """By what the two sides showed."""
    AGREED = 1
    UNANSWERED = 2
    """The days were over, and the voted rule decides."""
    WITHDRAWN = 3


@unique
class PaperBearer(IntEnum):
    """Who makes a paper slip good in the end."""

    CREDIT = 0
    """The member, by credit that is not signed yet."""
    FUND = 1


@unique
class Handling(IntEnum):
    """What a person did about a finding that moves no money."""

    ACCEPTED = 0
    """Seen, and nothing is left to do while it stays as it is."""
    NOTED = 1
    WROTE_TO_MERCHANT = 2
    WROTE_TO_MEMBER = 3


@document
class DisputeOpened:
    """A proven sale is disputed; at most one dispute of a sale is open at a time."""

    number: bytes = wire(1, DISPUTE)
    uid: bytes = wire(2, UID)
    generation: int = wire(3, U31)
    tmc: int = wire(4, U32)
    kind: DisputeKind = wire(5, Choice(DisputeKind))
    amount_cents: int = wire(6, _CENTS)
    """What of the sale is disputed."""
    is_held: bool = wire(7, Flag)
    """Whether that is held while nobody has decided."""
    answer_by: date | None = maybe(8, Day, default=None)
    """The producer's last day to answer; absent where nobody is asked."""


@document
class DisputeAnswered:
    """The producer's statement; what they wrote stands elsewhere, and can be erased."""

    number: bytes = wire(1, DISPUTE)
    answer: DisputeAnswer = wire(2, Choice(DisputeAnswer))


@document
class DisputeDecided:
    """A dispute is closed: its amount is returned to the member, or the sale stands."""

    number: bytes = wire(1, DISPUTE)
    outcome: DisputeOutcome = wire(2, Choice(DisputeOutcome))
    amount_cents: int = wire(3, U31)
    """What is returned; 0 of a rejected one."""
    reason: DisputeReason = wire(4, Choice(DisputeReason))
    entered_by: int | None = maybe(5, U63, default=None)
    """The first of two people; absent where one, or the rule, decided."""


@document
class PaperAccepted:
    """Two people decided to pay a numbered slip; booked apart, because no card proves it."""

    merchant: int = wire(1, U32)
    carnet: int = wire(2, U31)
    slip: int = wire(3, U31)
    day: date = wire(4, Day)
    amount_cents: int = wire(5, _CENTS)
    bearer: PaperBearer = wire(6, Choice(PaperBearer))
    doubts: int = wire(7, U8)
    """Bits: 1 a sale is like it, 2 the stall was selling, 4 no initials, 8 the card is unknown."""
    entered_by: int = wire(8, U63)
    """The first person; the act's author is the second."""
    uid: bytes | None = maybe(9, UID, default=None)
    """Absent where the number on the slip is no card's."""
    generation: int | None = maybe(10, U31, default=None)


@document
class CreditWithheld:
    """Credit of months to come that was not signed, because paper slips had spent it."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    amount_cents: int = wire(3, S64)
    """Below zero where it is given back, as when a slip turned out to be a double."""
    month: date = wire(4, Day)
    """The first day of the month that is signed with less."""


@document
class FindingHandled:
    """A person did something about a finding that moves no money."""

    finding: str = wire(1, Text(32))
    key: str = wire(2, Text(128))
    handling: Handling = wire(3, Choice(Handling))
    facts: bytes = wire(4, HASH)
    """SHA-256 of the finding's facts as they were seen (`rules.worklist.facts_hash`)."""


@document
class ActReversed:
    """An earlier act of a person counts no more; what it had moved is moved back."""

    seq: int = wire(1, U63)
    digest: bytes = wire(2, HASH)
    """Of that act, so that it names no other one after a restore."""
    entered_by: int | None = maybe(3, U63, default=None)
    """The first of two people, where the act had taken two."""


Resolved: TypeAlias = (
    DisputeOpened
    | DisputeAnswered
    | DisputeDecided
    | PaperAccepted
    | CreditWithheld
    | FindingHandled
    | ActReversed
)
RESOLUTIONS: Final[dict[int, type[Resolved]]] = {
    38: DisputeOpened,
    39: DisputeAnswered,
    40: DisputeDecided,
    41: PaperAccepted,
    42: CreditWithheld,
    43: FindingHandled,
    44: ActReversed,
}
"""By the number of their kind (`cardkit.acts.ActKind`)."""
