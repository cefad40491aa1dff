"""When a promise is renewed, when grace is given, and from when on there is nothing."""

from __future__ import annotations

from datetime import date

import pytest

from cardkit.membership import CommitmentChangeKind
from server_stub.rules.allowances import months_from
from server_stub.rules.commitments import Change, Commitment
from server_stub.rules.renewals import Renewal, Stage, first_month_of, renewal_of

MARCH, APRIL, MAY, JUNE, JULY, AUGUST = months_from(date(2026, 3, 1), count=6)
LOWERED = Change(kind=CommitmentChangeKind.AMOUNT, from_month=MAY, monthly_cents=5_00)


def spring(*changes: Change) -> Commitment:
    """A promise of three months with what was changed of it."""
    return Commitment(
        number=b"1" * 16, monthly_cents=30_00, first_month=MARCH, months=3, changes=changes
    )


def on(day: date, *changes: Change, grace_months: int = 1) -> Renewal | None:
    """Where the spring's renewal stands on a day."""
    return renewal_of([spring(*changes)], day, weeks_ahead=5, grace_months=grace_months)


@pytest.mark.parametrize(
    ("day", "stage"),
    [
        (date(2026, 4, 26), None),
        (date(2026, 4, 27), Stage.TO_RENEW),
        (date(2026, 5, 31), Stage.TO_RENEW),
        (JUNE, Stage.IN_GRACE),
        (date(2026, 6, 30), Stage.IN_GRACE),
        (JULY, Stage.NOTHING),
    ],
)
def test_each_day_has_one_stage(day: date, stage: Stage | None) -> None:
    """Promise: five weeks ahead, then a month of grace, then nothing; and no day between."""
    found = on(day)
    assert (None if found is None else found.stage) is stage
    if found is not None:
        assert (found.after_last_month, found.nothing_from) == (JUNE, JULY)


def test_without_grace_nothing_follows_at_once() -> None:
    """Promise: grace is a vote: where none is voted, the list says so."""
    found = on(JUNE, grace_months=0)
    assert found is not None
    assert (found.stage, found.nothing_from) == (Stage.NOTHING, JUNE)


def test_what_was_ended_is_not_asked_for_again() -> None:
    """Promise: whoever the caisse has let go stands on no list."""
    assert on(JUNE, Change(kind=CommitmentChangeKind.ENDED, from_month=MAY)) is None


def test_a_renewal_continues_what_it_renews() -> None:
    """Promise: no month falls between two promises, and none that is over is promised late."""
    for day, first in ((date(2026, 5, 10), JUNE), (date(2026, 6, 10), JUNE), (JULY, AUGUST)):
        found = on(day)
        assert found is not None
        assert first_month_of(found, day) == first


def test_hardship_is_seen_when_it_is_renewed() -> None:
    """Promise: whoever was given a lower amount is asked, not raised behind their back."""
    found = on(JUNE, LOWERED, Change(kind=CommitmentChangeKind.PERSONS, from_month=MAY, persons=4))
    assert found is not None
    assert (found.monthly_cents, found.persons, found.was_lowered) == (5_00, 4, True)
