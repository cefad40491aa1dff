"""What is typed at the keypad: every key counts, none surprises, and each can be taken back."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from terminal.basket import LINES_MAX, BasketLine, LineKind, line, total_cents
from terminal.cart import QUANTITY_MAX, Cart, Typed
from terminal.settings import AmountEntry

MOST_CENTS = 99_999_99
KEYS = st.sampled_from("0123456789,z")
"""`z` is the key 00."""
STYLES = st.sampled_from(AmountEntry)


def pressed(typed: Typed, key: str) -> Typed:
    """What one key makes of it."""
    if key == ",":
        return typed.point()
    return typed.double_zero() if key == "z" else typed.digit(int(key))


def typed(style: AmountEntry, keys: str) -> Typed:
    """What keys come to, one after the other."""
    result = Typed(style)
    for key in keys:
        result = pressed(result, key)
    return result


def cart_of(style: AmountEntry, keys: str) -> Cart:
    """What keys of a whole keypad come to; `x` is the quantity, `+` a line, `-` takes back."""
    cart = Cart.empty(style)
    for key in keys:
        if key == "+":
            cart = cart.plus("Montant")
        elif key == "x":
            cart = cart.times()
        elif key == "-":
            cart = cart.minus()
        else:
            cart = cart.type(pressed(cart.typed, key))
    return cart


@given(st.integers(0, MOST_CENTS))
def test_what_is_typed_is_what_it_comes_to(cents: int) -> None:
    """Promise: an amount written as people write it is that amount, in both ways of typing."""
    assert typed(AmountEntry.COMMA, f"{cents // 100},{cents % 100:02d}").cents == cents
    assert typed(AmountEntry.CENTS_FIRST, str(cents)).cents == cents


@pytest.mark.parametrize(
    ("keys", "cents"),
    [("12", 12_00), ("12,", 12_00), ("12,5", 12_50), (",5", 50), ("0012", 12_00), ("5z", 500_00),
     ("1,z", 1_00), ("1,,5", 1_50), ("1,239", 1_23), ("999999", 99_999_00)],
)  # fmt: skip
def test_with_a_comma(keys: str, cents: int) -> None:
    """Promise: twelve is twelve euros, with or without a comma; one digit too many is nothing."""
    assert typed(AmountEntry.COMMA, keys).cents == cents


@pytest.mark.parametrize(
    ("keys", "cents"),
    [("5", 5), ("1250", 12_50), ("125,", 125_00), ("5z", 5_00), ("00050", 50),
     ("99999999", MOST_CENTS)],
)  # fmt: skip
def test_cents_first(keys: str, cents: int) -> None:
    """Promise: as on a bank terminal, the last two digits are cents, and the comma is the 00."""
    assert typed(AmountEntry.CENTS_FIRST, keys).cents == cents


@given(STYLES, st.text(KEYS, max_size=12), st.sampled_from("0123456789,"))
def test_a_slip_is_taken_back_by_one_key(style: AmountEntry, keys: str, slip: str) -> None:
    """Promise: whatever stood there, a wrong key and the key that erases leave the same amount."""
    assume(slip != "," or style is AmountEntry.COMMA)  # where cents come first it types two digits
    before = typed(style, keys)
    after = pressed(before, slip)
    if after != before:
        assert after.erase().cents == before.cents


@given(STYLES, st.text(KEYS, max_size=30))
def test_an_amount_has_bounds(style: AmountEntry, keys: str) -> None:
    """Promise: a sleeve on the keypad types no more than a screen shows, and nothing below zero."""
    assert 0 <= typed(style, keys).cents <= MOST_CENTS


@given(STYLES, st.text(st.sampled_from("0123456789,z+x-"), max_size=60))
def test_a_cart_can_always_be_emptied(style: AmountEntry, keys: str) -> None:
    """Promise: the key that takes back leads from anything to nothing, and the total is the sum."""
    cart = cart_of(style, keys)
    total = total_cents(cart.lines) + cart.quantity * cart.typed.cents
    assert cart.total_cents == total
    for _ in range(len(keys) * 2 + 1):
        cart = cart.minus()
    assert cart.is_empty
    assert cart == cart.cleared()


@given(st.integers(1, QUANTITY_MAX), st.integers(1, MOST_CENTS))
def test_a_line_is_what_stood_there(quantity: int, cents: int) -> None:
    """Promise: making a line of an amount changes no total: 3 × 2,50 stays 7,50."""
    cart = cart_of(AmountEntry.CENTS_FIRST, f"{quantity}x{cents}")
    assert cart.total_cents == quantity * cents
    added = cart.plus("Montant")
    assert (added.total_cents, added.typed.is_empty, added.quantity) == (quantity * cents, True, 1)
    assert [(it.quantity, it.unit_price_cents) for it in added.lines] == [(quantity, cents)]


@pytest.mark.parametrize("keys", ["0x", "x", "1,5x", "1000x"])
def test_no_quantity(keys: str) -> None:
    """Promise: a quantity that is none is not taken for one; what was typed still stands there."""
    cart = cart_of(AmountEntry.COMMA, keys)
    assert cart == cart_of(AmountEntry.COMMA, keys[:-1])


def test_a_full_basket_takes_no_line() -> None:
    """Promise: no line gets lost where there is no room: what was typed is still there."""
    full: tuple[BasketLine, ...] = (line(LineKind.AMOUNT, "Montant", 1_00),) * LINES_MAX
    cart = Cart(typed=typed(AmountEntry.COMMA, "5"), lines=full)
    assert cart.plus("Montant") is cart
    assert cart.total_cents == LINES_MAX * 1_00 + 5_00
