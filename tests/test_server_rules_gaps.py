"""Where a record's mark fits into a gap: only where the card can have spent just that."""

from __future__ import annotations

import pytest

from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.token import SaleRecord
from server_stub.rules.facts import CardFacts, Known, Teller
from server_stub.rules.gaps import Gap, marks
from server_stub.rules.journal import runs
from server_stub.rules.proof import CardKey

FIRST, LAST = 5, 7
GAP = Gap(
    first_tmc=FIRST,
    last_tmc=LAST,
    before_cents=10_00,
    sum_cents=9_00,
    tmv0=bytes(8),
    next_enc_tmri=None,
)


@pytest.mark.parametrize(
    ("tmc", "spent0_cents", "amount_cents", "fits"),
    [
        (FIRST, 10_00, 4_00, True),
        (FIRST, 10_01, 4_00, False),
        (FIRST, 10_00, 9_01, False),
        (6, 12_00, 3_00, True),
        (6, 9_99, 3_00, False),
        (6, 12_00, 7_01, False),
        (LAST, 15_00, 4_00, True),
        (LAST, 15_00, 3_99, False),
        (LAST, 9_00, 10_00, False),
        (FIRST - 1, 10_00, 4_00, False),
        (LAST + 1, 10_00, 4_00, False),
    ],
)
def test_a_mark_fits_only_between_what_is_proven(
    tmc: int, spent0_cents: int, amount_cents: int, fits: bool
) -> None:
    """Promise 2: a token that is right says nothing of a debit that the card did not make so.

    Red when a record counts that begins before the gap, ends after it, or leaves no room.
    """
    record = SaleRecord(
        terminal=3,
        seq=9,
        amount_cents=amount_cents,
        spent0_cents=spent0_cents,
        tmv0=bytes(8),
        token=bytes(8),
    )
    facts = CardFacts(
        key=CardKey(uid=bytes(7), profile=CLAF_PURSE_1, tmac_key=bytes(16)),
        birth=Known(tmc=1, tmv=bytes(8), spent_cents=0),
        claims=(),
        records={tmc: (record,)},
        tellers={3: Teller(terminal=3, up_to_seq=20, token_key=bytes(32))},
    )
    assert bool(marks(facts, GAP)) == fits


@pytest.mark.parametrize(
    ("seqs", "rows"),
    [((), []), ((4,), [(4, 4)]), ((7, 5, 6, 9), [(5, 7), (9, 9)]), ((1, 3), [(1, 1), (3, 3)])],
)
def test_numbers_in_a_row_are_one_row(seqs: tuple[int, ...], rows: list[tuple[int, int]]) -> None:
    """A restored journal is one point to look at, however many entries it wrote twice."""
    assert list(runs(seqs)) == rows
