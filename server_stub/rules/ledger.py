"""Double entry in whole cents: lines that sum to zero, and corrections that are new lines.

Money of a card comes out of SPENT and is in exactly one other book at a time:

    -SPENT = PAYABLE + HELD + WAITING + PROVISIONAL + RETURNED + LOSS        for each card

LOSS is negative where the caisse pays what a member was already given back. Credit that was
issued goes from ISSUED to CREDIT; what a card may still spend is CREDIT + SPENT. A slip of the
paper carnet is paid out of PAPER, and no card has spent it; what is later held back of a card's
months for it goes from ISSUED to WITHHELD instead of to CREDIT, so that the fund bears
-(PAPER + WITHHELD), and what was issued is on the card or was spent on paper:

    -ISSUED = CREDIT + WITHHELD        -PAPER = what slips added to PAYABLE

A payout is no card's: it leads from a merchant's PAYABLE by IN_PAYMENT to PAID, and a refund
after it leaves PAYABLE negative until later sales make up for it.

What members pay in stands in books of its own, which runs do not touch:

    -CONTRIBUTED = BANKED + CASH_BOX + CHEQUES + CASH_DIFFERENCE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum, unique
from typing import Final

from cardkit.errors import must
from cardkit.frozen import dataclass


@unique
class Book(StrEnum):
    """An account's kind: those of `OF_MERCHANTS` are a merchant's, the others a card's."""

    ISSUED = "issued"
    CREDIT = "credit"
    LAPSED = "lapsed"
    """Was credit of a member who left, and is nobody's to spend any more."""
    SPENT = "spent"
    PAYABLE = "payable"
    HELD = "held"
    WAITING = "waiting"
    PROVISIONAL = "provisional"
    RETURNED = "returned"
    LOSS = "loss"
    PAPER = "paper"
    """What was paid for slips that no card spent, below zero."""
    WITHHELD = "withheld"
    """Credit that was not signed because slips had spent it."""
    IN_PAYMENT = "in_payment"
    """In a run that was approved and that no statement of the bank shows yet."""
    PAID = "paid"
    CONTRIBUTED = "contributed"
    """What members paid in, below zero; it is in exactly one of the next three."""
    BANKED = "banked"
    """Of contributions: on the caisse's account, or with the trésorier."""
    CASH_BOX = "cash_box"
    CHEQUES = "cheques"
    """Not handed in yet."""
    CASH_DIFFERENCE = "cash_difference"
    """What counting the box found missing; below zero: what it found too much."""


OF_MERCHANTS: Final = frozenset(
    {Book.PAYABLE, Book.HELD, Book.PROVISIONAL, Book.IN_PAYMENT, Book.PAID}
)


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """Cents that come to (positive) or leave (negative) a book; merchant 0 is nobody's."""

    book: Book
    merchant: int
    amount_cents: int


Lines = tuple[Line, ...]
Account = tuple[Book, int]


def move(amount_cents: int, *, out_of: Book, into: Book, merchant: int = 0) -> Lines:
    """Return the two lines of one movement; the merchant is that of books that have one."""
    must(amount_cents >= 0, "a movement has a direction")
    if amount_cents == 0:
        return ()
    return (
        Line(out_of, _owner(out_of, merchant), -amount_cents),
        Line(into, _owner(into, merchant), amount_cents),
    )


def net(lines: Iterable[Line]) -> dict[Account, int]:
    """Return what remains in each account, without the empty ones."""
    sums: Counter[Account] = Counter()
    for line in lines:
        sums[line.book, line.merchant] += line.amount_cents
    return {account: cents for account, cents in sums.items() if cents}


def correction(posted: Mapping[Account, int], wanted: Iterable[Line]) -> Lines:
    """Return the lines that lead from what is posted to what is wanted; none when it is."""
    target = net(wanted)
    lines = tuple(
        Line(book, merchant, target.get((book, merchant), 0) - posted.get((book, merchant), 0))
        for book, merchant in sorted(target.keys() | posted.keys())
        if target.get((book, merchant), 0) != posted.get((book, merchant), 0)
    )
    must(balanced(lines), "a posting sums to zero")
    return lines


def balanced(lines: Iterable[Line]) -> bool:
    """Say whether lines sum to zero."""
    return sum(line.amount_cents for line in lines) == 0


def spent_cents(lines: Iterable[Line]) -> int:
    """Return what these lines say that a card has spent."""
    return -sum(line.amount_cents for line in lines if line.book is Book.SPENT)


def _owner(book: Book, merchant: int) -> int:
    return merchant if book in OF_MERCHANTS else 0
