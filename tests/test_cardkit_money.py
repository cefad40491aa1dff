"""What a person types is an amount, or a clear refusal; never a float."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.errors import AmountInvalid
from cardkit.money import format_cents, parse_amount


@pytest.mark.parametrize(
    ("text", "amount_cents"),
    [
        ("12,50", 1250),
        ("12.50", 1250),
        ("12,5", 1250),
        ("12", 1200),
        ("12,", 1200),
        (" 12,50 € ", 1250),
        ("0,01", 1),
        ("1234567,89", 123456789),
    ],
)
def test_an_amount_is_read(text: str, amount_cents: int) -> None:
    """Comma and point are both the decimal mark."""
    assert parse_amount(text) == amount_cents


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0", "zero"),
        ("0,00", "zero"),
        ("-1", "negative"),
        ("-0,50", "negative"),
        ("12,345", "more than two decimals"),
        ("12,500", "more than two decimals"),
        ("", "not a number"),
        ("abc", "not a number"),
        ("1 234", "not a number"),
        ("1,2,3", "not a number"),
        ("١٢", "not a number"),
        ("12345678", "not a number"),
        ("1e3", "not a number"),
        (",50", "not a number"),
    ],
)
def test_what_is_no_amount_is_refused_and_says_why(text: str, reason: str) -> None:
    """Nothing is guessed: a wrong amount is never sold."""
    with pytest.raises(AmountInvalid) as caught:
        parse_amount(text)
    assert caught.value.reason == reason


@given(st.integers(min_value=1, max_value=999_999_999))
def test_what_is_shown_is_read_back(amount_cents: int) -> None:
    """V13: no cent is lost between the screen and the card."""
    assert parse_amount(format_cents(amount_cents)) == amount_cents
    assert parse_amount(format_cents(amount_cents, decimal_mark=".")) == amount_cents


def test_negative_sums_are_shown_with_their_sign() -> None:
    """A correction of five cents is not five euros."""
    assert format_cents(-5) == "-0,05"
