"""What becomes of a claim, in a table: the terminal's word, the card's proof, the goods."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cardkit.bodies import ResolutionChoice
from server_stub.rules.facts import APPROVED, ClaimFacts, Outcome, RefundFacts, State
from server_stub.rules.intents import close_proven, close_unproven
from server_stub.rules.refunds import (
    MORE_THAN_SALE,
    OTHER_MERCHANT,
    SALE_NOT_PAYABLE,
    SALE_NOT_PROVEN,
    SaleStanding,
    close_refunds,
)

CLAIM = ClaimFacts(
    entry=bytes(32),
    terminal=3,
    seq=2,
    merchant=7,
    at=datetime(2026, 10, 1, tzinfo=UTC),
    tmc=2,
    tmv0=bytes(8),
    spent0_cents=0,
    amount_cents=5_00,
    token=bytes(8),
    enc_tmri=bytes(16),
    expected_tmv=bytes(8),
    token_right=True,
    verdict=APPROVED,
)
PARKED, OTHERWISE = ResolutionChoice.PARKED, ResolutionChoice.PAID_OTHERWISE
LEFT, HANDED_OVER = ResolutionChoice.CLIENT_LEFT, ResolutionChoice.GOODS_HANDED_OVER
OPEN, SALE, VOID, DOUBT = Outcome.OPEN, Outcome.SALE, Outcome.VOID, Outcome.INDETERMINATE


@pytest.mark.parametrize(
    ("outcome", "complete", "choice", "lost", "state"),
    [
        (SALE, True, None, False, State.PAYABLE),
        (SALE, False, OTHERWISE, False, State.PAYABLE),
        (VOID, True, None, False, State.WAITING),
        (OPEN, False, None, False, State.WAITING),
        (OPEN, False, HANDED_OVER, False, State.WAITING),
        (DOUBT, False, None, False, State.WAITING),
        (DOUBT, True, None, False, State.RETURNED),
        (DOUBT, True, PARKED, False, State.RETURNED),
        (DOUBT, True, OTHERWISE, False, State.RETURNED),
        (DOUBT, True, HANDED_OVER, False, State.PAYABLE),
        (OPEN, False, None, True, State.PROVISIONAL),
        (OPEN, False, PARKED, True, State.PROVISIONAL),
        (OPEN, False, LEFT, True, State.RETURNED),
        (OPEN, False, OTHERWISE, True, State.RETURNED),
        (OPEN, False, HANDED_OVER, True, State.PAYABLE),
        (DOUBT, True, None, True, State.RETURNED),
    ],
)
def test_where_a_proven_debit_belongs(
    outcome: Outcome,
    complete: bool,
    choice: ResolutionChoice | None,
    lost: bool,
    state: State,
) -> None:
    """Promise 8: each proven cent has its place; nothing is returned while it may be green."""
    claim = replace(CLAIM, outcome=outcome, outcome_complete=complete, choice=choice)
    closing = close_proven(claim, terminal_lost=lost, confirmed=False, refunds_granted=True)
    assert closing.state is state
    assert (closing.return_reason is not None) == (state is State.RETURNED)


@pytest.mark.parametrize(
    ("choice", "state"),
    [(None, State.PROVISIONAL), (PARKED, State.PROVISIONAL), (OTHERWISE, State.RETURNED)],
)
def test_who_was_put_back_knows_no_more(choice: ResolutionChoice | None, state: State) -> None:
    """Promise 8: an open sale does not wait for ever for a terminal that has forgotten it.

    Its disk was put back, and it has signed another entry under the sale's number since.
    """
    claim = replace(CLAIM, outcome=OPEN, choice=choice, number_taken_twice=True)
    closing = close_proven(claim, terminal_lost=False, confirmed=False, refunds_granted=True)
    assert closing.state is state


def test_what_the_documents_forbid_is_held() -> None:
    """Promise 2: a proven sale beyond the terminal's documents waits, goods or not."""
    claim = replace(CLAIM, outcome=SALE, verdict="not_enough")
    closing = close_proven(claim, terminal_lost=False, confirmed=False, refunds_granted=True)
    assert (closing.state, closing.reason) == (State.HELD, "not_enough")
    accepted = close_proven(
        replace(claim, accepted=True), terminal_lost=False, confirmed=False, refunds_granted=False
    )
    assert accepted.state is State.PAYABLE
    leaning = replace(CLAIM, outcome=SALE)
    closing = close_proven(leaning, terminal_lost=False, confirmed=False, refunds_granted=False)
    assert closing.state is State.HELD


@pytest.mark.parametrize(
    ("outcome", "tmv", "other_proven", "state", "reason"),
    [
        (SALE, bytes(8), False, State.HELD, "not_genuine"),
        (SALE, None, True, State.HELD, "not_genuine"),
        (SALE, None, False, State.WAITING, "proof_not_seen"),
        (VOID, None, False, State.NOTHING, "void"),
        (OPEN, None, True, State.NOTHING, "void"),
        (OPEN, None, False, State.WAITING, "open_at_terminal"),
        (DOUBT, None, True, State.NOTHING, "void"),
        (DOUBT, None, False, State.WAITING, "proof_not_seen"),
    ],
)
def test_what_an_unproven_claim_is(
    outcome: Outcome, tmv: bytes | None, other_proven: bool, state: State, reason: str
) -> None:
    """Promise 2: nothing unproven is ever payable, and held is never called forged."""
    claim = replace(CLAIM, outcome=outcome, outcome_tmv=tmv)
    closing = close_unproven(claim, other_proven=other_proven)
    assert (closing.state, closing.reason) == (state, reason)


@pytest.mark.parametrize(
    ("state", "merchant", "amount_cents", "reason"),
    [
        (State.PAYABLE, 7, 5_00, ""),
        (State.PAYABLE, 7, 5_01, MORE_THAN_SALE),
        (State.PAYABLE, 8, 1_00, OTHER_MERCHANT),
        (State.HELD, 7, 1_00, SALE_NOT_PAYABLE),
        (State.RETURNED, 7, 1_00, SALE_NOT_PAYABLE),
        (None, 7, 1_00, SALE_NOT_PROVEN),
    ],
)
def test_which_refunds_count(
    state: State | None, merchant: int, amount_cents: int, reason: str
) -> None:
    """Promise 4: only a payable sale is refunded, by its own merchant, no more than it was."""
    refund = RefundFacts(
        terminal=3,
        seq=9,
        selling_terminal=3,
        intent_seq=2,
        amount_cents=amount_cents,
        merchant=merchant,
        entry=b"\x01" * 32,
    )
    standing = state and SaleStanding(tmc=2, amount_cents=5_00, merchant=7, state=state)
    sales = {(3, 2): standing} if standing else {}
    twin = replace(refund, entry=b"\x02" * 32)
    first, second = close_refunds([refund, twin], sales)
    assert first.reason == reason
    assert first.granted == (reason == "")
    assert not second.granted, "the same number counts once"
