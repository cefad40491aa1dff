"""The lines of a basket: what each costs, what of it clafoutis may pay, and at which VAT rate.

A basket exists only in till mode; a terminal that takes amounts has none. Lines stay on the
terminal, because what a member ate is nobody's business: a signed sale holds sums by VAT and
coverage, and a salted hash of the lines (docs/protocol.md, "Entries").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import IntEnum, unique
from typing import Final

from cardkit import cbor
from cardkit.bodies import BASIS_POINTS, VatTotal
from cardkit.errors import must
from cardkit.schema import (
    S64,
    U31,
    Choice,
    Int,
    ListOf,
    Nested,
    Text,
    document,
    exactly,
    pack,
    unpack,
    wire,
)
from terminal.vat import shares

LINES_MAX: Final = 64
VAT_TOTALS_MAX: Final = 16
"""What an intent has room for (`cardkit.bodies.Intent.vat_totals`)."""
SALT_BYTES: Final = 16
GRAMS: Final = 1_000
"""A price by weight is a price a kilogram."""
WHOLE_BP: Final = 10_000
FOOD_VAT_BP: Final = 550
"""Food products (CGI art. 278-0 bis, A)."""


@unique
class LineKind(IntEnum):
    """What a line is there for; the numbers are kept on disk."""

    AMOUNT = 0
    """An amount that was typed."""
    PRODUCT = 1
    DEPOSIT = 2
    """A bottle or a crate that comes back; clafoutis does not pay it."""
    DEPOSIT_RETURNED = 3
    DISCOUNT = 4


@unique
class Unit(IntEnum):
    """What a quantity counts; the numbers are kept on disk."""

    PIECE = 0
    GRAM = 1


@document
class BasketLine:
    """One line of a basket; its amount is below zero for what is taken off."""

    kind: LineKind = wire(1, Choice(LineKind))
    label: str = wire(2, Text(64))
    amount_cents: int = wire(3, S64)
    quantity: int = wire(4, Int(1, 2**31 - 1))
    """Pieces or grams."""
    unit: Unit = wire(5, Choice(Unit))
    unit_price_cents: int = wire(6, U31)
    """Of a piece, or of a kilogram."""
    vat_bp: int = wire(7, BASIS_POINTS)
    coverage_bp: int = wire(8, BASIS_POINTS)
    """How much of it clafoutis may pay."""


@document
class SaltedLines:
    """What an intent's `lines_hash` is the SHA-256 of, in canonical CBOR."""

    salt: bytes = wire(1, exactly(SALT_BYTES))
    lines: tuple[BasketLine, ...] = wire(2, ListOf(Nested(BasketLine), LINES_MAX))

    @property
    def encoded(self) -> bytes:
        """The bytes that are hashed and kept."""
        return cbor.encode(pack(self))

    @classmethod
    def decode(cls, content: bytes) -> SaltedLines:
        """Read them back; raises DocumentMalformed."""
        return unpack(cls, cbor.decode(content))


def line(
    kind: LineKind,
    label: str,
    unit_price_cents: int,
    *,
    quantity: int = 1,
    unit: Unit = Unit.PIECE,
    vat_bp: int = FOOD_VAT_BP,
    coverage_bp: int = WHOLE_BP,
) -> BasketLine:
    """Return a line with its amount: half a cent is rounded up, as scales do."""
    of = GRAMS if unit is Unit.GRAM else 1
    amount_cents = (2 * unit_price_cents * quantity + of) // (2 * of)
    takes_off = kind in {LineKind.DEPOSIT_RETURNED, LineKind.DISCOUNT}
    return BasketLine(
        kind=kind,
        label=label,
        amount_cents=-amount_cents if takes_off else amount_cents,
        quantity=quantity,
        unit=unit,
        unit_price_cents=unit_price_cents,
        vat_bp=vat_bp,
        coverage_bp=coverage_bp,
    )


def total_cents(lines: Iterable[BasketLine]) -> int:
    """Return what a basket costs; below zero when more comes back than is bought."""
    return sum(it.amount_cents for it in lines)


def covered_cents(lines: Sequence[BasketLine]) -> int:
    """Return what clafoutis may pay of a basket: never more than it costs, never below zero."""
    covered = sum(_covered_by_rate(lines).values())
    return max(0, min(covered, total_cents(lines)))


def vat_totals(lines: Sequence[BasketLine], paid_cents: int) -> tuple[VatTotal, ...]:
    """Return the sums by VAT rate and coverage of a basket of which a card pays so much.

    What the card pays is spread in proportion over what it may pay: the sum is exact, and no rate
    gets more than its own.
    """
    gross_cents: defaultdict[tuple[int, int], int] = defaultdict(int)
    for it in lines:
        gross_cents[it.vat_bp, it.coverage_bp] += it.amount_cents
    covered_by_rate = _covered_by_rate(lines)
    paid_by_rate = _spread(paid_cents, covered_by_rate)
    must(len(gross_cents) <= VAT_TOTALS_MAX, "a basket of few rates")
    return tuple(
        VatTotal(
            vat_bp=vat_bp,
            coverage_bp=coverage_bp,
            gross_cents=cents,
            covered_cents=paid_by_rate.get((vat_bp, coverage_bp), 0),
        )
        for (vat_bp, coverage_bp), cents in sorted(gross_cents.items())
    )


def has_room(lines: Sequence[BasketLine], one_more: BasketLine) -> bool:
    """Say whether a line still goes into a basket, and into the intent that will name its sums."""
    rates = {(it.vat_bp, it.coverage_bp) for it in (*lines, one_more)}
    return len(lines) < LINES_MAX and len(rates) <= VAT_TOTALS_MAX


def _covered_by_rate(lines: Iterable[BasketLine]) -> dict[tuple[int, int], int]:
    """Return what clafoutis may pay at each rate, rounded down to a cent a rate."""
    gross_cents: defaultdict[tuple[int, int], int] = defaultdict(int)
    for it in lines:
        gross_cents[it.vat_bp, it.coverage_bp] += it.amount_cents
    return {rate: cents * rate[1] // WHOLE_BP for rate, cents in gross_cents.items()}


def _spread(cents: int, covered: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """Divide what a card pays over the rates that it may pay of; those below zero get nothing."""
    rates = sorted(rate for rate, most_cents in covered.items() if most_cents > 0)
    return dict(zip(rates, shares([covered[rate] for rate in rates], cents), strict=True))
