"""What a client owes, and which part of it the card is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.errors import Bug
from terminal.basket import BasketLine, LineKind, covered_cents, line, total_cents
from terminal.bill import Bill, bill_of
from terminal.cart import Cart, Typed
from terminal.settings import AmountEntry, Mode
from tests.baskets import BASKETS, item

HASH = bytes(range(32))


def cart(cents: int = 0, *lines: BasketLine, quantity: int = 1) -> Cart:
    """A cart with an amount typed behind lines."""
    typed = Typed(AmountEntry.CENTS_FIRST, digits=str(cents) if cents else "")
    return Cart(typed=typed, lines=lines, quantity=quantity)


def test_a_payment_terminal_keeps_no_lines() -> None:
    """Promise: whose tickets come from another till has one amount in the books, and no lines."""
    bill = bill_of(cart(4_20, item(2_50), item(2_50), quantity=2), Mode.PAYMENT, label="Montant")
    assert bill is not None
    assert bill == Bill(total_cents=13_40, card_cents=13_40)
    basket = bill.basket(None)
    assert (basket.total_cents, basket.remainder_cents, basket.vat_totals) == (None, None, ())


def test_a_till_makes_a_line_of_what_is_typed() -> None:
    """Promise: an amount typed behind items is charged with them, as a line with its quantity."""
    bill = bill_of(cart(4_20, item(2_50), quantity=3), Mode.TILL, label="Montant")
    assert bill is not None
    assert (bill.total_cents, bill.card_cents) == (15_10, 15_10)
    assert bill.lines == (item(2_50), line(LineKind.AMOUNT, "Montant", 4_20, quantity=3))


@pytest.mark.parametrize("mode", Mode)
def test_nothing_is_no_bill(mode: Mode) -> None:
    """Promise: nothing, or more bottles back than bought, never becomes a sale."""
    back = line(LineKind.DEPOSIT_RETURNED, "Retour", 3_00, vat_bp=0, coverage_bp=0)
    assert bill_of(cart(), mode, label="Montant") is None
    assert bill_of(cart(0, item(3_00), back), mode, label="Montant") is None
    assert bill_of(cart(1_00, back), mode, label="Montant") is None


@given(BASKETS, st.data())
def test_card_and_remainder_are_the_whole(lines: list[BasketLine], data: st.DataObject) -> None:
    """Promise: what the card pays and what is paid otherwise are the total, in the books too."""
    whole = bill_of(cart(0, *lines), Mode.TILL, label="Montant")
    if whole is None:
        return
    assert whole.total_cents == total_cents(whole.lines)
    assert whole.card_cents == covered_cents(whole.lines)
    bill = whole
    if whole.card_cents:
        bill = whole.with_card(data.draw(st.integers(1, whole.card_cents)))
    basket = bill.basket(HASH)
    assert bill.card_cents + bill.remainder_cents == bill.total_cents == basket.total_cents
    assert (basket.remainder_cents or 0) == bill.remainder_cents
    assert sum(it.covered_cents for it in basket.vat_totals) == bill.card_cents
    assert sum(it.gross_cents for it in basket.vat_totals) == bill.total_cents
    assert basket.lines_hash == HASH


def test_a_part_of_an_amount_says_the_rest() -> None:
    """Promise: a payment terminal journals what was paid another way, too."""
    bill = Bill(total_cents=12_50, card_cents=12_50).with_card(8_20)
    basket = bill.basket(None)
    assert (basket.total_cents, basket.remainder_cents) == (12_50, 4_30)


@pytest.mark.parametrize("cents", [0, -1, 12_51])
def test_a_card_is_never_asked_for_more(cents: int) -> None:
    """Promise: no slip of ours makes a card pay more than its share, or nothing."""
    with pytest.raises(Bug):
        Bill(total_cents=12_50, card_cents=12_50).with_card(cents)
