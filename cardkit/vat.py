"""What of a basket the tax depends on, and a basket that no card pays."""

from __future__ import annotations

from typing import Final

from cardkit.schema import S64, U63, Int, ListOf, Nested, document, exactly, wire

BASIS_POINTS: Final = Int(0, 10_000)
RATES_MAX: Final = 16
"""Of one basket."""


@document
class VatTotal:
    """The share of a sale at one VAT rate and one coverage."""

    vat_bp: int = wire(1, BASIS_POINTS)
    """Hundredths of a per cent: 550 is 5.5 %."""
    coverage_bp: int = wire(2, BASIS_POINTS)
    gross_cents: int = wire(3, S64)
    covered_cents: int = wire(4, S64)


@document
class PaidOtherwise:
    """A basket of a till that was paid without a card; nothing of it is owed to anybody."""

    total_cents: int = wire(1, U63)
    vat_totals: tuple[VatTotal, ...] = wire(2, ListOf(Nested(VatTotal), RATES_MAX))
    lines_hash: bytes = wire(3, exactly(32))
    """Salted hash of the basket's lines, which stay with the merchant."""
