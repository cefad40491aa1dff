"""By what contributions come in, and the gapless numbers of a régie's quittances.

Cash and cheques are receipted from a *carnet à souche*: numbered from 1 in each year, each number
once, none left out, none ever changed (instruction codificatrice 06-031-A-B-M, régies de recettes).
A mistake is taken back by an entry of its own, which names the quittance.
"""

from __future__ import annotations

import re
from typing import Final

from cardkit.errors import must
from cardkit.till_box import Means
from server_stub.rules.ledger import Book, Lines, move

WITH_QUITTANCE: Final = frozenset({Means.CASH, Means.CHEQUE})
REFERENCE_CHARACTERS: Final = 35
_QUITTANCE: Final = re.compile(r"Q([0-9]{4})-([0-9]{5,9})")
_CODE: Final = re.compile(r"(?=.*[0-9])[A-Z0-9][A-Z0-9./-]*")
_TAKEN_BACK: Final = "A-"


def quittance(year: int, number: int) -> str:
    """Return the reference of a quittance, such as `Q2026-00012`."""
    must(number > 0, "quittances are numbered from 1")
    return f"Q{year:04}-{number:05}"


def read_quittance(reference: str) -> tuple[int, int] | None:
    """Return year and number of a quittance; None for what is the reference of something else."""
    match = _QUITTANCE.fullmatch(reference)
    if match is None:
        return None
    year, number = int(match[1]), int(match[2])
    return (year, number) if number and quittance(year, number) == reference else None


def taken_back(reference: str) -> str:
    """Return the reference of the entry that takes another one back."""
    return f"{_TAKEN_BACK}{reference}"[:REFERENCE_CHARACTERS]


def is_code(reference: str) -> bool:
    """Say whether a typed reference is a number or code, with a digit in it, and so no name."""
    return len(reference) <= REFERENCE_CHARACTERS - len(_TAKEN_BACK) and bool(
        _CODE.fullmatch(reference)
    )


def stands_in(means: Means | None) -> Book:
    """Return the book of money that came in by these means and was not handed in yet."""
    if means is Means.CASH:
        return Book.CASH_BOX
    return Book.CHEQUES if means is Means.CHEQUE else Book.BANKED


def received(amount_cents: int, *, into: Book) -> Lines:
    """Return the lines of a contribution; below zero, of one that is taken back."""
    if amount_cents < 0:
        return move(-amount_cents, out_of=into, into=Book.CONTRIBUTED)
    return move(amount_cents, out_of=Book.CONTRIBUTED, into=into)
