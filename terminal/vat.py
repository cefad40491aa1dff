"""Sums by VAT rate of a stretch of the journal, and what of a sale's sums a refund gives back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from cardkit.bodies import VatTotal
from cardkit.errors import must

CLOSURE_RATES_MAX: Final = 64
"""What a closure has room for (`cardkit.bodies.Closure.vat_totals`)."""
_ANY_COVERAGE_BP: Final = 0


def summed(sold: Iterable[VatTotal], given_back: Iterable[VatTotal] = ()) -> tuple[VatTotal, ...]:
    """Return sales less refunds by rate and coverage.

    Where that is more than a closure has room for, coverages are put together under 0: the tax
    does not depend on who pays.
    """
    sums = _sums(sold, given_back)
    if len(sums) > CLOSURE_RATES_MAX:
        sums = _sums(
            VatTotal(vat_bp=vat_bp, coverage_bp=_ANY_COVERAGE_BP, gross_cents=g, covered_cents=c)
            for (vat_bp, _), (g, c) in sums.items()
        )
    must(len(sums) <= CLOSURE_RATES_MAX, "a country has few VAT rates")
    return tuple(
        VatTotal(vat_bp=vat_bp, coverage_bp=coverage_bp, gross_cents=gross, covered_cents=covered)
        for (vat_bp, coverage_bp), (gross, covered) in sorted(sums.items())
    )


def given_back(
    totals: tuple[VatTotal, ...], *, paid_cents: int, before_cents: int, amount_cents: int
) -> tuple[VatTotal, ...]:
    """Return what of a sale's sums goes back with a refund, in proportion to what the card paid.

    `before_cents` were given back before: what all refunds of a sale say sums to what its last
    cent gives back, and a sale that was given back whole to what was sold.
    """
    must(0 < amount_cents <= paid_cents - before_cents, "a refund within its sale")
    after_cents = before_cents + amount_cents

    def share(cents: int) -> int:
        return cents * after_cents // paid_cents - cents * before_cents // paid_cents

    return tuple(
        VatTotal(
            vat_bp=it.vat_bp,
            coverage_bp=it.coverage_bp,
            gross_cents=share(it.gross_cents),
            covered_cents=share(it.covered_cents),
        )
        for it in totals
    )


def _sums(
    sold: Iterable[VatTotal], given_back: Iterable[VatTotal] = ()
) -> dict[tuple[int, int], tuple[int, int]]:
    """Return gross and covered cents by VAT rate and coverage."""
    gross: defaultdict[tuple[int, int], int] = defaultdict(int)
    covered: defaultdict[tuple[int, int], int] = defaultdict(int)
    for sign, totals in ((1, sold), (-1, given_back)):
        for it in totals:
            gross[it.vat_bp, it.coverage_bp] += sign * it.gross_cents
            covered[it.vat_bp, it.coverage_bp] += sign * it.covered_cents
    return {rate: (gross[rate], covered[rate]) for rate in gross}
