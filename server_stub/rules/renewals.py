"""Whose promise ends soon, who has a month of grace, and who receives nothing any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique

from server_stub.rules.allowances import months_from
from server_stub.rules.commitments import Commitment, due_of, last_of, nothing_from


@unique
class Stage(StrEnum):
    """How far the end of a promise is."""

    TO_RENEW = "to_renew"
    """It ends within the weeks that are voted."""
    IN_GRACE = "in_grace"
    """It is over; credit is given, and owed for, as if it went on."""
    NOTHING = "nothing"
    """No credit and no dues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What there is to renew of one account."""

    stage: Stage
    after_last_month: date
    """The first month that is not promised."""
    nothing_from: date
    """The first month without credit, if nothing is promised until then."""
    monthly_cents: int
    persons: int
    """Both as of the last promised month."""
    was_lowered: bool
    """Another amount was promised at first: what to promise next is asked, and not assumed."""


def renewal_of(
    commitments: Sequence[Commitment], day: date, *, weeks_ahead: int, grace_months: int
) -> Renewal | None:
    """Return where an account's renewal stands; None: nothing is to be done, or it was ended."""
    last = last_of(commitments)
    if last is None or last.ended_on is not None:
        return None
    after, end = last.after_last_month, nothing_from(last, grace_months)
    if day < after:
        if (after - day).days > 7 * weeks_ahead:
            return None
        stage = Stage.TO_RENEW
    else:
        stage = Stage.IN_GRACE if day < end else Stage.NOTHING
    cents, persons = _as_of_the_end(commitments, last)
    return Renewal(
        stage=stage,
        after_last_month=after,
        nothing_from=end,
        monthly_cents=cents,
        persons=persons,
        was_lowered=cents != last.monthly_cents,
    )


def first_month_of(renewal: Renewal, day: date) -> date:
    """Return the month that a renewal begins with: the one after the last, or the coming one."""
    if renewal.stage is not Stage.NOTHING:
        return renewal.after_last_month
    *_, coming = months_from(day.replace(day=1), count=2)
    return coming


def _as_of_the_end(commitments: Sequence[Commitment], last: Commitment) -> tuple[int, int]:
    """Return amount and persons as a month after the end would have them."""
    due = due_of(commitments, last.after_last_month, grace_months=1)
    return (last.monthly_cents, last.persons) if due is None else (due.due_cents, due.persons)
