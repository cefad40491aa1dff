"""What members have promised to pay, month by month, and the credit that goes with it.

A commitment fixes an amount for some months; only the caisse changes it before its end, and each
change is an entry of its own. A month that is off costs nothing and gives nothing; hardship
lowers what is due and leaves the credit, which is the same for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from cardkit.errors import must
from cardkit.membership import CommitmentChangeKind
from server_stub.rules.allowances import months_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the caisse changed of a commitment, from the first day of a month."""

    kind: CommitmentChangeKind
    from_month: date
    monthly_cents: int = 0
    persons: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """A promise, with what was changed of it, in the order in which that was signed."""

    number: bytes
    monthly_cents: int
    first_month: date
    months: int
    persons: int = 1
    """Of the household: a rule may give more for each beyond the first."""
    changes: tuple[Change, ...] = ()

    @property
    def after_last_month(self) -> date:
        """The first month that it does not speak of."""
        *_, after = months_from(self.first_month, count=self.months + 1)
        return after

    @property
    def ended_on(self) -> date | None:
        """The first month of which the caisse has taken it back, if it has."""
        ended = [it.from_month for it in self.changes if it.kind is CommitmentChangeKind.ENDED]
        return min(ended, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What one month asks of an account, and whether it gives it credit."""

    month: date
    due_cents: int
    persons: int
    is_grace: bool = False
    """A month after the last promised one, given while a renewal is on its way."""


def due_of(commitments: Sequence[Commitment], month: date, *, grace_months: int) -> Due | None:
    """Return what a month asks of an account; None when it is off, over, or not begun.

    Of two commitments that speak of one month the later one counts.
    """
    must(month.day == 1, "a month is named by its first day")
    for commitment in reversed(commitments):
        if commitment.first_month <= month < commitment.after_last_month:
            return _due(commitment, month, is_grace=False)
    last = last_of(commitments)
    if last is None or not last.after_last_month <= month < nothing_from(last, grace_months):
        return None
    return _due(last, month, is_grace=True)


def dues(
    commitments: Sequence[Commitment], first: date, *, count: int, grace_months: int
) -> Iterator[Due]:
    """Yield what each of `count` months asks, those that ask nothing left out."""
    for month in months_from(first, count=count):
        due = due_of(commitments, month, grace_months=grace_months)
        if due is not None:
            yield due


def last_of(commitments: Iterable[Commitment]) -> Commitment | None:
    """Return the commitment that speaks of the latest month."""
    return max(commitments, key=lambda it: it.after_last_month, default=None)


def nothing_from(commitment: Commitment, grace_months: int) -> date:
    """Return the first month that gives nothing where no other commitment follows."""
    *_, after = months_from(commitment.after_last_month, count=grace_months + 1)
    return after


def _due(commitment: Commitment, month: date, *, is_grace: bool) -> Due | None:
    cents, persons = commitment.monthly_cents, commitment.persons
    for change in commitment.changes:
        if change.kind is CommitmentChangeKind.MONTH_OFF:
            if change.from_month == month:
                return None
        elif change.from_month > month:
            continue
        elif change.kind is CommitmentChangeKind.ENDED:
            return None
        elif change.kind is CommitmentChangeKind.PERSONS:
            persons = change.persons
        else:
            cents = change.monthly_cents
    return Due(month=month, due_cents=cents, persons=persons, is_grace=is_grace)
