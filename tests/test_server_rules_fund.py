"""The fund's projection, beside a slow simulation that counts every member of every month."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from server_stub.rules.allowances import months_from
from server_stub.rules.fund import (
    BAND,
    CAUTIOUS,
    JOINERS_MAX,
    FundState,
    Outlook,
    Payer,
    Terms,
    admissible,
    project,
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
