"""What members promise: months, changes, grace, and how contributions fill what is due."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cardkit.membership import CommitmentChangeKind
from server_stub.rules.allowances import months_from
from server_stub.rules.commitments import Change, Commitment, Due, due_of, dues
from server_stub.rules.dues import Payment, paid

MARCH, APRIL, MAY, JUNE, JULY = months_from(date(2026, 3, 1), count=5)
SPRING = Commitment(number=b"1" * 16, monthly_cents=30_00, first_month=MARCH, months=3, persons=2)


def changed(*changes: Change) -> Commitment:
    """The spring's commitment with changes."""
    return Commitment(
        number=SPRING.number, monthly_cents=30_00, first_month=MARCH, months=3, changes=changes
    )


def due_cents(commitment: Commitment, month: date) -> int | None:
    """What a month asks."""
    due = due_of([commitment], month, grace_months=0)
    return None if due is None else due.due_cents


def test_three_months_are_three_months() -> None:
    """Promise: a commitment asks for its months and for no other."""
    asked = dues([SPRING], date(2026, 1, 1), count=8, grace_months=0)
    assert [(it.month, it.due_cents, it.persons) for it in asked] == [
        (MARCH, 30_00, 2),
        (APRIL, 30_00, 2),
        (MAY, 30_00, 2),
    ]


def test_a_wave_that_ends_is_not_at_zero_the_next_morning() -> None:
    """Promise: while a renewal is on its way, the voted months of grace are given and asked for."""
    assert due_of([SPRING], JUNE, grace_months=0) is None
    grace = due_of([SPRING], JUNE, grace_months=1)
    assert grace is not None
    assert (grace.due_cents, grace.is_grace) == (30_00, True)
    assert due_of([SPRING], JULY, grace_months=1) is None
    assert due_of([], JUNE, grace_months=1) is None


def test_hardship_lowers_what_is_due_and_not_the_credit() -> None:
    """Promise: who pays less for a while still has a month: the credit is the same for all."""
    eased = changed(Change(kind=CommitmentChangeKind.AMOUNT, from_month=APRIL, monthly_cents=5_00))
    assert [due_cents(eased, it) for it in (MARCH, APRIL, MAY)] == [30_00, 5_00, 5_00]


def test_a_month_off_is_one_month() -> None:
    """Promise: a month off costs nothing, gives nothing, and is over after it."""
    off = changed(Change(kind=CommitmentChangeKind.MONTH_OFF, from_month=APRIL))
    assert [due_cents(off, it) for it in (MARCH, APRIL, MAY)] == [30_00, None, 30_00]


def test_what_is_ended_gives_no_grace() -> None:
    """Promise: whoever left is not given a month that nobody promised."""
    ended = changed(Change(kind=CommitmentChangeKind.ENDED, from_month=MAY))
    assert [due_cents(ended, it) for it in (MARCH, APRIL, MAY)] == [30_00, 30_00, None]
    assert due_of([ended], JUNE, grace_months=2) is None
    assert ended.ended_on == MAY


def test_a_renewal_counts_from_its_first_month() -> None:
    """Promise: the newer promise decides the months that it speaks of."""
    summer = Commitment(number=b"2" * 16, monthly_cents=45_00, first_month=JUNE, months=1)
    asked = list(dues([SPRING, summer], MARCH, count=5, grace_months=1))
    assert [it.due_cents for it in asked] == [30_00, 30_00, 30_00, 45_00, 45_00]
    assert asked[-1].is_grace


def test_the_oldest_month_is_filled_first() -> None:
    """Promise: late and partial contributions are counted as people count them."""
    asked = list(dues([SPRING], MARCH, count=3, grace_months=0))
    payments = [
        Payment(amount_cents=40_00, value_date=date(2026, 3, 5)),
        Payment(amount_cents=5_00, value_date=date(2026, 4, 2)),
        Payment(amount_cents=90_00, value_date=date(2026, 6, 1)),
    ]
    state = paid(asked, payments, day=date(2026, 4, 20), days_given=9)
    assert [(it.paid_cents, it.is_late) for it in state.months] == [
        (30_00, False),
        (15_00, True),
        (0, False),
    ]
    assert state.late_cents == 15_00
    assert paid(asked, payments, day=date(2026, 6, 1), days_given=9).surplus_cents == 45_00


@given(
    st.lists(st.integers(1, 100_00), max_size=6),
    st.lists(st.integers(-80_00, 150_00), max_size=6),
    st.integers(0, 200),
)
def test_no_cent_of_a_contribution_is_lost_or_made(
    asked: list[int], came: list[int], days: int
) -> None:
    """Promise: what came in is what months are paid with and what is over, to the cent."""
    due = [
        Due(month=month, due_cents=cents, persons=1)
        for month, cents in zip(months_from(MARCH, count=6), asked, strict=False)
    ]
    payments = [Payment(amount_cents=cents, value_date=MARCH) for cents in came]
    state = paid(due, payments, day=MARCH + timedelta(days=days), days_given=9)
    assert sum(it.paid_cents for it in state.months) + state.surplus_cents == sum(came)
    assert all(0 <= it.paid_cents <= it.due_cents for it in state.months)
    unpaid = [it for it in state.months if it.missing_cents]
    assert all(it.paid_cents == 0 for it in unpaid[1:])
