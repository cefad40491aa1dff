"""By what members pay, and the till box: bodies of acts 30 and 31 of the service's log.

No name stands in them, and no account (docs/protocol.md, "Acts").
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum, unique
from typing import Final, TypeAlias

from cardkit.schema import (
    S64,
    U31,
    U63,
    Choice,
    Day,
    Int,
    ListOf,
    Nested,
    Text,
    document,
    maybe,
    wire,
)

PIECES_MAX: Final = 15
"""Eight coins and seven notes are euros."""
CHEQUES_MAX: Final = 1_000
"""Of one slip: nine bytes each at most, within the bound of an act."""


@unique
class Means(IntEnum):
    """By what a contribution came in; cash and cheques bear the number of a quittance."""

    TRANSFER = 0
    STANDING_ORDER = 1
    CASH = 2
    CHEQUE = 3


@document
class Piece:
    """So many coins or notes of one value."""

    value_cents: int = wire(1, U31)
    count: int = wire(2, U31)


@document
class CashCounted:
    """The act's author counted the till box; what the books said otherwise is a difference."""

    day: date = wire(1, Day)
    booked_cents: int = wire(2, S64)
    """What the books said that the box holds."""
    pieces: tuple[Piece, ...] = wire(3, ListOf(Nested(Piece), PIECES_MAX))
    """By value, the greatest first, each once."""


@document
class MoneyDeposited:
    """Cash or cheques left the till box for the bank, or for the trésorier."""

    means: Means = wire(1, Choice(Means))
    """Cash or cheque."""
    amount_cents: int = wire(2, Int(1, 2**63 - 1))
    day: date = wire(3, Day)
    reference: str = wire(4, Text(35))
    """Number of the slip; never a name."""
    cheques: tuple[int, ...] = maybe(5, ListOf(U63, CHEQUES_MAX), default=())
    """The acts by which these cheques came in, in order."""


TillBox: TypeAlias = CashCounted | MoneyDeposited

TILL_BOX: Final[dict[int, type[TillBox]]] = {30: CashCounted, 31: MoneyDeposited}
"""By the number of their kind (`cardkit.acts.ActKind`)."""
