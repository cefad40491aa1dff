"""Baskets as hypothesis draws them, and one thing to sell."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from terminal.basket import WHOLE_BP, BasketLine, LineKind, Unit, line

RATES: Final = st.sampled_from([0, 210, 550, 1_000, 2_000])
COVERAGES: Final = st.sampled_from([0, 3_333, 5_000, WHOLE_BP])
LINES: Final = st.builds(
    line,
    st.sampled_from(LineKind),
    st.just("Ligne"),
    st.integers(1, 5_000),
    quantity=st.integers(1, 2_000),
    unit=st.sampled_from(Unit),
    vat_bp=RATES,
    coverage_bp=COVERAGES,
)
BASKETS: Final = st.lists(LINES, min_size=1, max_size=12)


def item(cents: int, *, vat_bp: int = 550, coverage_bp: int = WHOLE_BP) -> BasketLine:
    """One piece of something."""
    return line(LineKind.PRODUCT, "Chose", cents, vat_bp=vat_bp, coverage_bp=coverage_bp)
