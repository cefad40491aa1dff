"""The fund's projection, beside a slow simulation that counts every member of every month."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.membership import CommitmentChangeKind
from server_stub.rules.allowances import months_from
from server_stub.rules.commitments import Change, Commitment
from server_stub.rules.fund import (
    BAND,
    CAUTIOUS,
    JOINERS_MAX,
    FundState,
    Outlook,
    Payer,
    Scenario,
    Terms,
    admissible,
    payers_of,
    project,
    under,
    with_joiners,
    without_greatest,
)

FIRST = date(2026, 3, 1)
MONTHS = tuple(months_from(FIRST, count=10))
TERMS = Terms(credit_cents=((date(2025, 12, 1), 100_00),))
FLERS = FundState(
    cash_cents=21_500_00,
    owed_cents=1_200_00,
    outstanding_cents=2_300_00,
    late_cents=140_00,
    payers=(
        Payer(count=30, monthly_cents=20_00, from_month=date(2025, 12, 1)),
        Payer(count=25, monthly_cents=100_00, from_month=date(2025, 12, 1)),
        Payer(count=15, monthly_cents=150_00, from_month=date(2026, 1, 1)),
    ),
)

payers = st.builds(
    Payer,
    count=st.integers(0, 40),
    monthly_cents=st.integers(4, 50).map(lambda it: 5_00 * it),
    from_month=st.sampled_from(MONTHS),
    until_month=st.none() | st.sampled_from(MONTHS),
    persons=st.integers(1, 4),
)
states = st.builds(
    FundState,
    cash_cents=st.integers(-5_000_00, 40_000_00),
    owed_cents=st.integers(0, 5_000_00),
    outstanding_cents=st.integers(0, 9_000_00),
    late_cents=st.integers(0, 1_000_00),
    payers=st.lists(payers, max_size=5).map(tuple),
)
outlooks = st.builds(
    Outlook,
    paid_bp=st.integers(0, 10_000),
    late_paid_bp=st.integers(0, 10_000),
    lapsed_bp=st.integers(0, 10_000),
)
terms = st.builds(
    Terms,
    credit_cents=st.lists(
        st.integers(50, 150).map(lambda it: 100 * it), min_size=1, max_size=3
    ).map(lambda cents: tuple(zip(months_from(date(2026, 1, 1), count=9), cents, strict=False))),
    extra_person_cents=st.integers(0, 50_00),
)


def slowly(state: FundState, voted: Terms, outlook: Outlook) -> list[int]:
    """Every member of every month, one by one, and nothing else: the worth after each month."""
    worth_cents = state.cash_cents - state.owed_cents - state.outstanding_cents
    worth_cents += state.late_cents * outlook.late_paid_bp // 10_000
    worths = []
    for month in MONTHS:
        due_cents = credit_cents = 0
        for payer in state.payers:
            for _ in range(payer.count):
                if payer.from_month > month:
                    continue
                if payer.until_month is not None and month >= payer.until_month:
                    continue
                due_cents += payer.monthly_cents
                credit = 0
                for from_month, cents in voted.credit_cents:
                    if from_month <= month:
                        credit = cents
                for _person in range(payer.persons - 1):
                    credit += voted.extra_person_cents
                credit_cents += credit
        worth_cents += due_cents * outlook.paid_bp // 10_000
        worth_cents -= credit_cents - credit_cents * outlook.lapsed_bp // 10_000
        worths.append(worth_cents)
    return worths


@settings(max_examples=150, deadline=None)
@given(states, terms, outlooks)
def test_a_projection_is_what_counting_members_comes_to(
    state: FundState, voted: Terms, outlook: Outlook
) -> None:
    """Promise: the committee's curve is the sum of what every member pays and is given."""
    lines = project(state, voted, outlook, MONTHS)
    assert [line.worth_cents for line in lines] == slowly(state, voted, outlook)


@settings(max_examples=60, deadline=None)
@given(states, terms, outlooks, st.integers(0, 20_000_00))
def test_one_more_than_can_be_admitted_is_one_too_many(
    state: FundState, voted: Terms, outlook: Outlook, reserve_cents: int
) -> None:
    """Promise: the number that the committee is told holds, and the next one does not."""

    def holds(count: int) -> bool:
        joined = with_joiners(state, count, monthly_cents=20_00, from_month=FIRST)
        return min(slowly(joined, voted, outlook)) >= reserve_cents

    number = admissible(
        state, voted, outlook, MONTHS, monthly_cents=20_00, reserve_cents=reserve_cents
    )
    if not holds(0):
        assert number == 0
    elif number < JOINERS_MAX:
        assert holds(number)
        assert not holds(number + 1)


def test_the_figures_of_flers() -> None:
    """Promise: seventy members and 20,000 € of public money, to the end of the experiment.

    By hand: 30 × 20 + 25 × 100 + 15 × 150 = 5,350 € come in a month at most, 7,000 € are given;
    the fund starts at 21,500 − 1,200 − 2,300 = 18,000 € and 70 € of what is late.
    """
    cautious, expected, hopeful = (project(FLERS, TERMS, outlook, MONTHS) for outlook in BAND)
    assert cautious[0].received_cents == 5_082_50
    assert cautious[0].given_cents == 7_000_00
    assert cautious[0].worth_cents == 18_070_00 - 1_917_50
    assert cautious[-1].worth_cents < expected[-1].worth_cents < hopeful[-1].worth_cents
    assert cautious[-1].worth_cents == 18_070_00 - 10 * 1_917_50
    assert admissible(FLERS, TERMS, CAUTIOUS, MONTHS, monthly_cents=20_00) == 0
    richer = replace(FLERS, cash_cents=FLERS.cash_cents + 5_000_00)
    # 3,895 € are over at the end; each further member at 20 € costs (100 − 19) × 10 = 810 €.
    assert admissible(richer, TERMS, CAUTIOUS, MONTHS, monthly_cents=20_00) == 4


def test_those_who_pay_most_leave_first() -> None:
    """Promise: "what if five over-contributors leave" takes those whom the fund misses most."""
    poorer = without_greatest(FLERS, 20, from_month=FIRST)
    line, before = (project(it, TERMS, CAUTIOUS, MONTHS)[0] for it in (poorer, FLERS))
    assert line.members == before.members - 20
    assert before.received_cents - line.received_cents == (15 * 150_00 + 5 * 100_00) * 95 // 100


def test_a_credit_of_ninety_euros_counts_from_its_month_on() -> None:
    """Promise: a rule that is voted for later changes nothing before."""
    voted = Terms(credit_cents=((date(2025, 12, 1), 100_00), (date(2026, 6, 1), 90_00)))
    lines = project(FLERS, voted, CAUTIOUS, MONTHS)
    assert [line.given_cents for line in lines] == [70 * 100_00] * 3 + [70 * 90_00] * 7


LOWERED, OFF, ENDED = (
    CommitmentChangeKind.AMOUNT,
    CommitmentChangeKind.MONTH_OFF,
    CommitmentChangeKind.ENDED,
)
AROUND = tuple(months_from(date(2025, 10, 1), count=14))
changes = st.builds(
    Change,
    kind=st.sampled_from([LOWERED, OFF, ENDED]),
    from_month=st.sampled_from(AROUND),
    monthly_cents=st.integers(1, 4).map(lambda it: 5_00 * it),
)
promises = st.builds(
    Commitment,
    number=st.binary(min_size=16, max_size=16),
    monthly_cents=st.integers(4, 40).map(lambda it: 5_00 * it),
    first_month=st.sampled_from(AROUND),
    months=st.integers(1, 6),
    changes=st.lists(changes, max_size=2).map(tuple),
)


def pays_slowly(promised: list[Commitment], month: date, grace_months: int) -> int | None:
    """What one account pays in a month, by the promises read aloud; None: nothing, of any kind."""

    def covered(one: Commitment) -> list[date]:
        return list(months_from(one.first_month, count=one.months))

    for one in promised[::-1]:
        if month not in covered(one):
            continue
        cents = one.monthly_cents
        for change in one.changes:
            if change.kind is OFF and change.from_month == month:
                return None
            if change.kind is ENDED and change.from_month <= month:
                return None
            if change.kind is LOWERED and change.from_month <= month:
                cents = change.monthly_cents
        return cents
    if not promised:
        return None
    last = promised[0]
    for one in promised:
        if covered(one)[-1] > covered(last)[-1]:
            last = one
    *_, first_without = months_from(covered(last)[-1], count=grace_months + 2)
    renews = MONTHS[0] < first_without and all(it.kind is not ENDED for it in last.changes)
    return last.monthly_cents if renews and month > covered(last)[-1] else None


@settings(max_examples=200, deadline=None)
@given(st.lists(promises, max_size=3), st.integers(0, 2), st.none() | st.sampled_from(MONTHS))
def test_who_pays_what_is_read_from_the_promises(
    promised: list[Commitment], grace_months: int, left_from: date | None
) -> None:
    """Promise: a month off is one month, a lowered amount is lowered, and who leaves is gone.

    Red when a month off next month takes a member out of the whole projection.
    """
    found = list(payers_of(promised, MONTHS, grace_months=grace_months, left_from=left_from))
    for month in MONTHS:
        here = [
            it.monthly_cents
            for it in found
            if it.from_month <= month and (it.until_month is None or month < it.until_month)
        ]
        gone = left_from is not None and month >= left_from
        expected = None if gone else pays_slowly(promised, month, grace_months)
        assert here == ([] if expected is None else [expected])


@settings(max_examples=60, deadline=None)
@given(
    states,
    terms,
    outlooks,
    st.builds(
        Scenario,
        joiners=st.integers(0, 9),
        leavers=st.integers(0, 9),
        credit_cents=st.none() | st.just(90_00),
    ),
)
def test_a_scenario_is_another_fund_counted_slowly(
    state: FundState, voted: Terms, outlook: Outlook, scenario: Scenario
) -> None:
    """Promise: "what if" changes what it says, from the first month on, and nothing else."""
    other, other_terms = under(scenario, state, voted, floor_cents=20_00, from_month=FIRST)
    one_by_one = [
        replace(it, count=1)
        for it in sorted(state.payers, key=lambda it: -it.monthly_cents)
        for _ in range(it.count)
    ]
    leaving = scenario.leavers
    for index, payer in enumerate(one_by_one):
        is_here = payer.from_month <= FIRST and payer.until_month != FIRST
        if is_here and leaving:
            one_by_one[index] = replace(payer, until_month=FIRST)
            leaving -= 1
    one_by_one += [Payer(count=1, monthly_cents=20_00, from_month=FIRST)] * scenario.joiners
    by_hand = replace(state, payers=tuple(one_by_one))
    by_hand_terms = voted
    if scenario.credit_cents is not None:
        by_hand_terms = replace(voted, credit_cents=((FIRST, scenario.credit_cents),))
    assert [line.worth_cents for line in project(other, other_terms, outlook, MONTHS)] == slowly(
        by_hand, by_hand_terms, outlook
    )


def test_who_leaves_leaves_with_all_that_was_to_come() -> None:
    """Promise: a member whose amount is lowered for a month is one member, and leaves as one."""
    lowered = Change(kind=LOWERED, from_month=MONTHS[1], monthly_cents=10_00)
    promise = Commitment(
        number=bytes(16), monthly_cents=150_00, first_month=FIRST, months=2, changes=(lowered,)
    )
    rows = tuple(payers_of([promise], MONTHS, grace_months=1, account=7))
    assert [it.monthly_cents for it in rows] == [150_00, 10_00, 150_00]
    left = without_greatest(replace(FLERS, payers=rows), 1, from_month=FIRST)
    assert [line.members for line in project(left, TERMS, CAUTIOUS, MONTHS)] == [0] * 10
