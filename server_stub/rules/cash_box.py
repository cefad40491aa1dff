"""Counting a till box: coins and notes by value, held against what the books say (arrêté)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cardkit.errors import must
from cardkit.till_box import Piece
from server_stub.rules.ledger import Book, Lines, move

NOTES_CENTS: Final = (500_00, 200_00, 100_00, 50_00, 20_00, 10_00, 5_00)
COINS_CENTS: Final = (2_00, 1_00, 50, 20, 10, 5, 2, 1)
VALUES_CENTS: Final = (*NOTES_CENTS, *COINS_CENTS)
"""Legal tender in euros (regulation (EC) 974/98, art. 10 and 11; decisions of the ECB)."""
_COUNT_MAX: Final = 100_000
_COUNTED: Final = re.compile(r"(?P<value>[0-9]{1,3}(?:[.,][0-9]{1,2})?)[x×*](?P<count>[0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class NotCounted:
    """What was typed is no count: the words that are wrong."""

    word: str


def read_pieces(text: str) -> tuple[Piece, ...] | NotCounted:
    """Read a count such as `20x3 5x1 0,50x4`; an empty text is an empty box."""
    pieces: dict[int, int] = {}
    for word in text.split():
        match = _COUNTED.fullmatch(word)
        if match is None:
            return NotCounted(word)
        euros, _, decimals = match["value"].replace(",", ".").partition(".")
        value_cents = int(euros) * 100 + int(decimals.ljust(2, "0"))
        count = int(match["count"])
        if value_cents not in VALUES_CENTS or value_cents in pieces or count > _COUNT_MAX:
            return NotCounted(word)
        pieces[value_cents] = count
    return tuple(
        Piece(value_cents=value, count=pieces[value]) for value in VALUES_CENTS if pieces.get(value)
    )


def sum_cents(pieces: Iterable[Piece]) -> int:
    """Return what coins and notes are worth."""
    return sum(piece.value_cents * piece.count for piece in pieces)


def difference(counted_cents: int, booked_cents: int) -> Lines:
    """Return the lines that lead from what the books say to what was counted."""
    too_much_cents = counted_cents - booked_cents
    if too_much_cents < 0:
        return move(-too_much_cents, out_of=Book.CASH_BOX, into=Book.CASH_DIFFERENCE)
    return move(too_much_cents, out_of=Book.CASH_DIFFERENCE, into=Book.CASH_BOX)


def handed_in(amount_cents: int, *, out_of: Book) -> Lines:
    """Return the lines of a deposit of cash or cheques."""
    must(out_of in {Book.CASH_BOX, Book.CHEQUES}, "what is handed in was in the till box")
    return move(amount_cents, out_of=out_of, into=Book.BANKED)
