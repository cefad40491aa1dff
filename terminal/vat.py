"""Sums by VAT rate of a stretch of the journal, and what of a sale's sums a refund gives back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from cardkit.bodies import Refund, RefundReason, VatTotal
from cardkit.errors import must

CLOSURE_RATES_MAX: Final = 64
"""What a closure has room for (`cardkit.bodies.Closure.vat_totals`)."""
STAYS_SOLD: Final = frozenset({RefundReason.PAID_OTHERWISE})
"""Reasons for which a card gets money back, and the client keeps the goods."""
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
    sold: tuple[VatTotal, ...], before: Iterable[VatTotal], amount_cents: int
) -> tuple[VatTotal, ...]:
    """Return what of a sale's sums goes back with a refund, after what went back before.

    In proportion to what the card has paid and not got back, and exact to the cent: a sale that
    is given back in parts is given back whole at every rate. Empty for a sale without sums.
    """
    left = _sums(sold, before)
    rates = sorted(left)
    covered = shares([left[rate][1] for rate in rates], amount_cents)
    paid_cents = sum(left[rate][1] for rate in rates)
    gross = [left[rate][0] for rate in rates]
    gross_back_cents = sum(gross) * amount_cents // paid_cents if paid_cents > 0 else 0
    return tuple(
        VatTotal(vat_bp=rate[0], coverage_bp=rate[1], gross_cents=gross, covered_cents=covered)
        for rate, gross, covered in zip(
            rates, shares(gross, gross_back_cents), covered, strict=True
        )
    )


def of_refund(
    sold: tuple[VatTotal, ...], earlier: Iterable[Refund], amount_cents: int, reason: RefundReason
) -> tuple[VatTotal, ...]:
    """Return the sums of a refund of a sale, after its earlier ones."""
    before: list[VatTotal] = []
    for refund in earlier:
        stays = refund.reason in STAYS_SOLD  # and is no longer there to be given back
        before += given_back(sold, before, refund.amount_cents) if stays else refund.vat_totals
    given = given_back(sold, before, amount_cents)
    return paid_otherwise(given) if reason in STAYS_SOLD else given


def paid_otherwise(given: Iterable[VatTotal]) -> tuple[VatTotal, ...]:
    """Return a refund's sums where the goods are paid for another way: they stay sold.

    The card gets back what it paid of each rate, and the tax on the sale stays due.
    """
    return tuple(replace(it, gross_cents=0) for it in given)


def shares(parts: list[int], cents: int) -> list[int]:
    """Divide an amount over parts in proportion; the cents left over go to the largest rests.

    So no share exceeds its part, as long as the amount does not exceed the sum of parts.
    """
    whole = sum(parts)
    if whole <= 0:
        return [0 for _ in parts]
    shared = [part * cents // whole for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda at: -(parts[at] * cents % whole))
    for at in by_rest[: cents - sum(shared)]:
        shared[at] += 1
    return shared


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
