"""Baskets to the cent: lines, what clafoutis may pay of them, and how it is spread over VAT."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.bodies import VatTotal
from terminal.basket import (
    LINES_MAX,
    VAT_TOTALS_MAX,
    WHOLE_BP,
    BasketLine,
    LineKind,
    SaltedLines,
    Unit,
    covered_cents,
    has_room,
    line,
    total_cents,
    vat_totals,
)
from tests.baskets import BASKETS, item


@pytest.mark.parametrize(
    ("price_cents", "grams", "cents"),
    [(24_90, 345, 8_59), (24_90, 1_000, 24_90), (10_00, 1, 1), (5_00, 1, 1), (4_99, 1, 0),
     (3, 500, 2)],
)  # fmt: skip
def test_a_weight_is_rounded_as_scales_do(price_cents: int, grams: int, cents: int) -> None:
    """Promise: a price by weight is rounded to the nearest cent, half a cent upwards."""
    weighed = line(LineKind.PRODUCT, "Tomme", price_cents, quantity=grams, unit=Unit.GRAM)
    assert weighed.amount_cents == cents


@pytest.mark.parametrize("kind", LineKind)
def test_what_is_taken_off_is_below_zero(kind: LineKind) -> None:
    """Promise: a bottle that comes back and a discount lower the total, all else raises it."""
    below = kind in {LineKind.DEPOSIT_RETURNED, LineKind.DISCOUNT}
    assert line(kind, "Ligne", 30, quantity=4).amount_cents == (-1_20 if below else 1_20)


@given(BASKETS)
def test_clafoutis_never_pays_more_than_it_may(lines: list[BasketLine]) -> None:
    """Promise: a card pays at most the basket, and of each rate at most the part it may."""
    covered = covered_cents(lines)
    assert 0 <= covered <= max(0, total_cents(lines))
    for it in vat_totals(lines, covered):
        assert 0 <= it.covered_cents <= max(0, it.gross_cents * it.coverage_bp // WHOLE_BP)


@given(BASKETS, st.data())
def test_sums_are_exact_whatever_the_card_pays(
    lines: list[BasketLine], data: st.DataObject
) -> None:
    """Promise: sums add up to the basket and to what was paid; no rate gets more than its own."""
    covered = covered_cents(lines)
    paid = max(0, covered - data.draw(st.integers(0, 3) | st.integers(0, covered)))
    totals = vat_totals(lines, paid)
    assert sum(it.gross_cents for it in totals) == total_cents(lines)
    assert sum(it.covered_cents for it in totals) == paid
    rates = [(it.vat_bp, it.coverage_bp) for it in totals]
    assert rates == sorted({(it.vat_bp, it.coverage_bp) for it in lines})
    for it in totals:
        assert 0 <= it.covered_cents <= max(0, it.gross_cents * it.coverage_bp // WHOLE_BP)


def test_cents_left_over_go_where_there_is_room() -> None:
    """Promise: of 9,99 for 10,00 at three rates, no rate gets more than its own."""
    lines = [item(5_00, vat_bp=550), item(3_00, vat_bp=1_000), item(2_00, vat_bp=2_000)]
    assert [it.covered_cents for it in vat_totals(lines, 9_99)] == [4_99, 3_00, 2_00]


def test_a_discount_lowers_the_tax_of_its_own_rate() -> None:
    """Promise: a discount at a rate is taken off the sum of that rate, in the books as well."""
    lines = [
        item(10_00), item(4_00, vat_bp=2_000, coverage_bp=0),
        line(LineKind.DISCOUNT, "Remise", 1_00),
    ]  # fmt: skip
    assert vat_totals(lines, covered_cents(lines)) == (
        VatTotal(vat_bp=550, coverage_bp=WHOLE_BP, gross_cents=9_00, covered_cents=9_00),
        VatTotal(vat_bp=2_000, coverage_bp=0, gross_cents=4_00, covered_cents=0),
    )


def test_a_returned_crate_can_cost_the_card_less() -> None:
    """Promise: when bottles come back, the card pays no more than what is left to pay."""
    crate = line(LineKind.DEPOSIT_RETURNED, "Retour", 3_00, vat_bp=0, coverage_bp=0)
    assert covered_cents([item(5_00), crate]) == 2_00
    assert covered_cents([item(2_00), crate]) == 0


def test_a_basket_has_room_for_what_an_intent_has() -> None:
    """Promise: no basket is ever made that a signed sale could not describe."""
    rates = [item(1_00, vat_bp=rate) for rate in range(VAT_TOTALS_MAX)]
    assert not has_room(rates, item(1_00, vat_bp=VAT_TOTALS_MAX))
    assert has_room(rates, item(1_00, vat_bp=0))
    assert not has_room([item(1_00)] * LINES_MAX, item(1_00))


@given(BASKETS, st.binary(min_size=16, max_size=16))
def test_lines_come_back_as_they_were(lines: list[BasketLine], salt: bytes) -> None:
    """Promise: what was hashed can be read again, line by line."""
    kept = SaltedLines(salt=salt, lines=tuple(lines))
    assert SaltedLines.decode(kept.encoded) == kept
