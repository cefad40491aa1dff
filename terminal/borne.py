"""What stands in a card's slots, judged: an allowance that counts, or the reason why it does not.

Whoever holds a terminal's keys can write into a slot whatever they like, and a hand that leaves
too early tears it. Neither may cost the card the other slot, or what the directory says.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, unique
from typing import Final, TypeAlias

from cardkit.allowance import Allowance
from cardkit.directory import CardRow
from cardkit.errors import (
    DocumentAboveCeiling,
    DocumentError,
    DocumentExpired,
    DocumentForeign,
    SignatureInvalid,
)
from cardkit.frozen import dataclass

Accept: TypeAlias = Callable[[bytes], Allowance]
"""Verifies an allowance; raises DocumentError."""


@unique
class Fault(Enum):
    """Why an allowance does not count; the value is the reason in the journal."""

    GARBLED = "unreadable, or cut"
    NOT_SIGNED = "not signed by an issuer of this caisse"
    ANOTHER_CAISSE = "of another caisse, or no allowance"
    KEY_EXPIRED = "made outside the dates of its key"
    ABOVE_CEILING = "above its issuer's ceiling"
    OTHER_CARD = "of another card"
    EARLIER_LIFE = "of an earlier life of the card"
    OLDER = "older than what the card has shown here before"


SIGNED_FAULTS: Final = frozenset(
    {
        Fault.KEY_EXPIRED,
        Fault.ABOVE_CEILING,
        Fault.OTHER_CARD,
        Fault.EARLIER_LIFE,
        Fault.OLDER,
    }
)
"""Faults of what an issuer of this caisse did sign: facts, and there are only so many of them.

These are journalled, once for each document. What anybody can make is not: a card that shows new
garbage at each tap must not fill the disk (docs/protocol.md, kind 11).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedAllowance:
    """An allowance that does not count; `slot` is None for the one in the directory."""

    slot: int | None
    fault: Fault


def judge(content: bytes, accept: Accept, *, uid: bytes, row: CardRow | None) -> Allowance | Fault:
    """Say what a document is worth for a card of which the directory says `row`."""
    try:
        allowance = accept(content)
    except DocumentError as error:
        return _fault(error)
    if allowance.uid != uid:
        return Fault.OTHER_CARD
    if row is not None and allowance.generation < row.generation:
        return Fault.EARLIER_LIFE
    return allowance


def _fault(error: DocumentError) -> Fault:
    match error:
        case DocumentAboveCeiling():
            return Fault.ABOVE_CEILING
        case DocumentExpired():
            return Fault.KEY_EXPIRED
        case DocumentForeign():
            return Fault.ANOTHER_CAISSE
        case SignatureInvalid():
            return Fault.NOT_SIGNED
    return Fault.GARBLED
