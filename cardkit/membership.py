"""What members promise, who is one and who leaves: bodies of acts 23 to 27 of the service's log.

Accounts stand in them, never names, and no reason (docs/protocol.md, "Acts").
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from enum import IntEnum, unique
from typing import Final, TypeAlias

from cardkit.bodies import UID
from cardkit.schema import U31, Choice, Day, Int, ListOf, Text, document, exactly, maybe, wire

CANDIDATES_MAX: Final = 1_500
"""Of one wave: 17 bytes each, within the bound of an act."""
SEED_CHARACTERS_MAX: Final = 120
ACCOUNT: Final = exactly(16)
"""A member's account: random, and no name leads from it."""
COMMITMENT: Final = exactly(16)
"""A commitment's own number: random, minted once."""


@unique
class AdmissionOrder(IntEnum):
    """In which order a waiting list is admitted."""

    APPLICATION = 0
    """Who applied first comes first."""
    DRAW = 1
    """By `drawn`, with a seed that is published."""


@unique
class CommitmentChangeKind(IntEnum):
    """What the caisse changes of a commitment before its end."""

    AMOUNT = 0
    """Another amount is due, as in hardship; the credit is what it was."""
    MONTH_OFF = 1
    """One month without dues and without credit."""
    ENDED = 2
    """No dues and no credit from here on."""
    PERSONS = 3
    """The household has more or fewer persons from here on."""


@document
class CommitmentMade:
    """A member promises a monthly contribution for some months."""

    account: bytes = wire(1, ACCOUNT)
    number: bytes = wire(2, COMMITMENT)
    monthly_cents: int = wire(3, U31)
    first_month: date = wire(4, Day)
    """The first day of a month."""
    months: int = wire(5, Int(1, 120))
    persons: int = wire(6, Int(1, 50))
    """Of the household."""


@document
class CommitmentChanged:
    """The caisse changed a commitment from a month on; only the caisse does."""

    number: bytes = wire(1, COMMITMENT)
    kind: CommitmentChangeKind = wire(2, Choice(CommitmentChangeKind))
    from_month: date = wire(3, Day)
    monthly_cents: int | None = maybe(4, U31, default=None)
    """Of another amount."""
    persons: int | None = maybe(5, Int(1, 50), default=None)
    """Of another number of persons."""


@document
class WaveAdmitted:
    """A wave of members: the first `places` of everybody who waited, in the voted order."""

    wave: int = wire(1, Int(1, 2**31 - 1))
    order: AdmissionOrder = wire(2, Choice(AdmissionOrder))
    candidates: tuple[bytes, ...] = wire(3, ListOf(ACCOUNT, CANDIDATES_MAX))
    """The account of each who waited, those who were admitted and those who wait on."""
    places: int = wire(4, Int(1, CANDIDATES_MAX))
    seed: str = maybe(5, Text(SEED_CHARACTERS_MAX), default="")
    """Of a draw; as it was published, to the letter."""


@document
class CreditLapsed:
    """What a blocked card of somebody who left had not spent is the caisse's again."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    amount_cents: int = wire(3, Int(1, 2**31 - 1))


@document
class MemberLeft:
    """An account gets no credit from a month on, whatever it had promised."""

    account: bytes = wire(1, ACCOUNT)
    from_month: date = wire(2, Day)
    """The first day of a month."""


Membership: TypeAlias = (
    CommitmentMade | CommitmentChanged | WaveAdmitted | CreditLapsed | MemberLeft
)

MEMBERSHIP: Final[dict[int, type[Membership]]] = {
    23: CommitmentMade,
    24: CommitmentChanged,
    25: WaveAdmitted,
    26: CreditLapsed,
    27: MemberLeft,
}
"""By the number of their kind (`cardkit.acts.ActKind`)."""


def drawn(seed: str, accounts: Iterable[bytes]) -> list[bytes]:
    """Return accounts in the order of SHA-256(seed as UTF-8 ‖ account): anybody can repeat it."""
    salt = seed.encode("utf-8")
    return sorted(accounts, key=lambda account: hashlib.sha256(salt + account).digest())
