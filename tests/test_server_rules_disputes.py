"""The states of a dispute, walked through in every order, and where its money is in each."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cardkit.errors import Bug
from cardkit.resolutions import DisputeAnswer, DisputeKind, DisputeOutcome
from server_stub.rules.disputes import (
    BY_ANSWER,
    BY_OUTCOME,
    OPEN,
    RETURNED,
    TRANSITIONS,
    Event,
    Overdue,
    Stage,
    decided_by_day,
    dispute_lines,
    first_stage,
    left_to_dispute_cents,
    outcome,
    stage_of,
    step,
)
from server_stub.rules.facts import DisputeFacts, State
from server_stub.rules.ledger import Book, balanced, net
from server_stub.rules.refunds import SaleStanding
from server_stub.rules.scheme import DisputeBearer, Unanswered

MERCHANT = 7
TODAY = date(2026, 10, 20)
RULE = Overdue(unanswered=Unanswered.RETURNED, borne_by=DisputeBearer.MERCHANT)


def test_every_stage_and_event_is_decided_upon() -> None:
    """Promise: what can happen to a dispute is one table, and every pair of it is known here."""
    expected: dict[tuple[Stage, Event], Stage] = {}
    asked = {Stage.ASKED, Stage.AGREED, Stage.CONTESTED, Stage.REOPENED}
    for stage in asked | {Stage.HELD}:
        expected[stage, Event.CHARGE] = Stage.CHARGED
        expected[stage, Event.BEAR] = Stage.BORNE
        expected[stage, Event.REJECT] = Stage.REJECTED
    for stage in asked:
        expected[stage, Event.AGREES] = Stage.AGREED
        expected[stage, Event.CONTESTS] = Stage.CONTESTED
    for stage in (Stage.ASKED, Stage.AGREED, Stage.CONTESTED, Stage.HELD):
        expected[stage, Event.TAKE_BACK] = Stage.WITHDRAWN
    expected[Stage.REJECTED, Event.TAKE_BACK] = Stage.REOPENED
    expected[Stage.CHARGED, Event.TAKE_BACK] = Stage.BORNE
    for stage, event in product(Stage, Event):
        assert step(stage, event) == expected.get((stage, event))


def test_every_stage_is_reached_and_the_end_is_the_end() -> None:
    """Promise: no stage is only on paper; what is borne or withdrawn is never decided again."""
    reached = {first_stage(kind) for kind in DisputeKind}
    for _ in Stage:
        reached |= {into for (stage, _), into in TRANSITIONS.items() if stage in reached}
    assert reached == set(Stage)
    ends = {stage for stage in Stage if not any(of is stage for of, _ in TRANSITIONS)}
    assert ends == {Stage.BORNE, Stage.WITHDRAWN}
    assert OPEN.isdisjoint(RETURNED)


def test_answers_and_outcomes_are_all_events() -> None:
    """Promise: nothing that an act can say of a dispute is left without a step."""
    assert set(BY_ANSWER) == set(DisputeAnswer)
    assert set(BY_OUTCOME) == set(DisputeOutcome)
    assert outcome(to_member=False, borne_by=DisputeBearer.FUND) is DisputeOutcome.REJECTED
    assert outcome(to_member=True, borne_by=DisputeBearer.FUND) is DisputeOutcome.BORNE
    assert outcome(to_member=True, borne_by=DisputeBearer.MERCHANT) is DisputeOutcome.CHARGED


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("days", [-1, 0, 1])
def test_only_silence_is_decided_by_a_day(stage: Stage, days: int) -> None:
    """Promise: a day decides for nobody who has answered, and never before it is over."""
    decided = decided_by_day(stage, TODAY - timedelta(days=days), TODAY, RULE)
    is_due = stage is Stage.ASKED and days == 1
    assert decided is (DisputeOutcome.CHARGED if is_due else None)
    assert decided_by_day(stage, None, TODAY, RULE) is None


def test_what_could_not_happen_is_our_own_mistake() -> None:
    """Promise: an act that no table allows is never followed in silence."""
    with pytest.raises(Bug, match="is not to"):
        stage_of(DisputeKind.DOUBTED, [Event.AGREES])


class Walk(RuleBasedStateMachine):
    """Promise 8: whatever happens to a dispute, its cents are in one place, and balance."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage.ASKED
        self.events: list[Event] = []
        self.returned_cents = 0
        self.refunded_cents = 0

    @rule(event=st.sampled_from(Event))
    def happen(self, event: Event) -> None:
        """Try anything; only what the table allows has an effect."""
        following = step(self.stage, event)
        if following is None:
            return
        self.events.append(event)
        if following in RETURNED and self.stage in OPEN:
            self.returned_cents = 8_00
        self.stage = following

    @precondition(lambda self: self.refunded_cents < 10_00)
    @rule(cents=st.integers(1, 5_00))
    def refund(self, cents: int) -> None:
        """Let the stall refund beside it."""
        self.refunded_cents = min(10_00, self.refunded_cents + cents)

    @invariant()
    def money_is_in_one_place(self) -> None:
        """Held, charged or borne: never more than the sale left, and never made of nothing."""
        assert stage_of(DisputeKind.NOT_BOUGHT, self.events) is self.stage
        for state in State:
            cents = posted(self.stage, state, self.returned_cents, self.refunded_cents)
            taken = -cents.get((Book.PAYABLE, MERCHANT), 0)
            assert 0 <= taken <= 10_00 - self.refunded_cents
            returned = cents.get((Book.RETURNED, 0), 0)
            assert returned == (self.returned_cents if self.stage in RETURNED else 0)
            if self.stage in {Stage.REJECTED, Stage.WITHDRAWN}:
                assert cents == {}


TestWalk = Walk.TestCase


def posted(
    stage: Stage, state: State, returned_cents: int, refunded_cents: int
) -> dict[tuple[Book, int], int]:
    """The lines of one dispute of 8 € about a sale of 10 €."""
    sale = SaleStanding(tmc=3, amount_cents=10_00, merchant=MERCHANT, state=state)
    one = DisputeFacts(
        number=bytes(16),
        tmc=3,
        amount_cents=8_00,
        is_held=True,
        stage=stage.value,
        returned_cents=returned_cents if stage in RETURNED else 0,
    )
    ((subject, lines),) = dispute_lines([one], {3: sale}, {3: refunded_cents})
    assert subject == f"dispute/{bytes(16).hex()}"
    assert balanced(lines)
    return net(lines)


@given(
    amounts=st.lists(st.integers(1, 10_00), max_size=4),
    stages=st.lists(st.sampled_from(Stage), min_size=4, max_size=4),
    refunded_cents=st.integers(0, 12_00),
)
def test_disputes_of_one_sale_never_take_more_than_it(
    amounts: list[int], stages: list[Stage], refunded_cents: int
) -> None:
    """Promise 1: no merchant loses more of a sale than they were owed for it."""
    disputes = [
        DisputeFacts(
            number=bytes([index]) * 16,
            tmc=3,
            amount_cents=cents,
            is_held=True,
            stage=stage.value,
            returned_cents=cents if stage in RETURNED else 0,
        )
        for index, (cents, stage) in enumerate(zip(amounts, stages, strict=False))
    ]
    sale = SaleStanding(tmc=3, amount_cents=10_00, merchant=MERCHANT, state=State.PAYABLE)
    lines = [
        line for _, some in dispute_lines(disputes, {3: sale}, {3: refunded_cents}) for line in some
    ]
    assert balanced(lines)
    assert -net(lines).get((Book.PAYABLE, MERCHANT), 0) <= max(0, 10_00 - refunded_cents)
    left_cents = left_to_dispute_cents(10_00, refunded_cents=refunded_cents, disputes=disputes)
    assert 0 <= left_cents <= 10_00
