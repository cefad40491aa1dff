"""Members' money, held against the log: no number left out, nothing taken back twice, a right box.

Whose an account is, nobody learns here. What came in, by which means, and where it lies follows
from the acts alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from auditor.evidence import Evidence
from auditor.findings import Class
from cardkit.acts import Act, ContributionReceived
from cardkit.clock import business_date
from cardkit.till_box import CashCounted, Means, MoneyDeposited

BOOKS: Final = frozenset({"contributed", "banked", "cash_box", "cheques", "cash_difference"})
_PLACES: Final = {Means.CASH: "cash_box", Means.CHEQUE: "cheques"}
_QUITTANCE: Final = re.compile(r"Q[0-9]{4}-[0-9]{5,}")
_VALUES_CENTS: Final = frozenset(
    euros * 100 for euros in (500, 200, 100, 50, 20, 10, 5, 2, 1)
) | frozenset({50, 20, 10, 5, 2, 1})


@dataclass(slots=True)
class _Seen:
    books: Counter[str] = field(default_factory=Counter)
    came: dict[int, ContributionReceived] = field(default_factory=dict)
    """By number of the act."""
    cancelled: set[int] = field(default_factory=set)
    handed_in: set[int] = field(default_factory=set)
    """Cheques."""
    numbers: Counter[int] = field(default_factory=Counter)
    """The last quittance of each year."""


def check_contributions(found: Evidence) -> Counter[str]:
    """Note every act that breaks a rule, and return what the books of members' money should say."""
    seen = _Seen()
    for act in found.acts:
        for words, cents in _broken(act, seen):
            found.find(Class.CONTRIBUTION, f"act {act.envelope.seq}", words, cents)
    return seen.books


def _broken(act: Act, seen: _Seen) -> Iterator[tuple[str, int]]:
    match act.body:
        case ContributionReceived() as came:
            yield from _came(act, came, seen)
        case CashCounted() as count:
            yield from _counted(act, count, seen)
        case MoneyDeposited() as deposit:
            yield from _deposited(act, deposit, seen)


def _came(act: Act, came: ContributionReceived, seen: _Seen) -> Iterator[tuple[str, int]]:
    cents = abs(came.amount_cents)
    if not cents:
        yield "a contribution of nothing", 0
    if came.cancels is not None:
        yield from _cancels(came, came.cancels, seen)
    elif came.means in _PLACES:
        yield from _numbered(act, came, seen)
    elif _QUITTANCE.fullmatch(came.reference):
        yield "bears the number of a quittance, and came by the bank", cents
    place = _PLACES.get(came.means, "banked") if came.means is not None else "banked"
    if came.cancels in seen.handed_in:
        place = "banked"
    seen.books[place] += came.amount_cents
    seen.books["contributed"] -= came.amount_cents
    seen.came[act.envelope.seq] = came


def _cancels(came: ContributionReceived, seq: int, seen: _Seen) -> Iterator[tuple[str, int]]:
    cents, before = abs(came.amount_cents), seen.came.get(seq)
    if before is None:
        yield f"takes back act {seq}, which is no contribution", cents
        return
    if (before.account, before.amount_cents) != (came.account, -came.amount_cents):
        yield f"takes back another amount, or of another account, than act {seq}", cents
    if seq in seen.cancelled:
        yield f"takes back act {seq} a second time", cents
    seen.cancelled.add(seq)


def _numbered(act: Act, came: ContributionReceived, seen: _Seen) -> Iterator[tuple[str, int]]:
    year = business_date(act.envelope.at).year
    seen.numbers[year] += 1
    wanted = f"Q{year:04}-{seen.numbers[year]:05}"
    if came.reference != wanted:
        yield f"quittance {came.reference} where {wanted} follows", abs(came.amount_cents)
    if came.amount_cents < 0:
        yield "a quittance for money that was given back", -came.amount_cents


def _counted(act: Act, count: CashCounted, seen: _Seen) -> Iterator[tuple[str, int]]:
    values = [piece.value_cents for piece in count.pieces]
    if values != sorted(set(values), reverse=True) or not _VALUES_CENTS.issuperset(values):
        yield "counts what is no coin or note, or one twice", 0
    off_cents = abs(count.booked_cents - seen.books["cash_box"])
    if off_cents:
        yield "counts against another sum than the books had", off_cents
    if act.envelope.by == 0:
        yield "nobody counted", 0
    counted_cents = sum(piece.value_cents * piece.count for piece in count.pieces)
    seen.books["cash_box"] += counted_cents - count.booked_cents
    seen.books["cash_difference"] -= counted_cents - count.booked_cents


def _deposited(act: Act, deposit: MoneyDeposited, seen: _Seen) -> Iterator[tuple[str, int]]:
    place = _PLACES.get(deposit.means)
    if place is None:
        yield "hands in what was at the bank already", deposit.amount_cents
        return
    if act.envelope.by == 0:
        yield "nobody handed it in", deposit.amount_cents
    cheques_cents = 0
    for seq in deposit.cheques:
        cheque = seen.came.get(seq)
        is_held = cheque is not None and cheque.means is Means.CHEQUE and cheque.amount_cents > 0
        if not is_held or seq in seen.handed_in or seq in seen.cancelled:
            yield f"hands in act {seq}, which is no cheque in the box", 0
        cheques_cents += cheque.amount_cents if cheque else 0
        seen.handed_in.add(seq)
    wanted_cents = deposit.amount_cents if place == "cash_box" else cheques_cents
    if deposit.amount_cents != wanted_cents or (place == "cash_box" and deposit.cheques):
        yield "hands in another sum than its cheques", abs(deposit.amount_cents - wanted_cents)
    if deposit.amount_cents > seen.books[place]:
        yield "hands in more than there was", deposit.amount_cents - seen.books[place]
    seen.books[place] -= deposit.amount_cents
    seen.books["banked"] += deposit.amount_cents
