"""What a merchant sells: the buttons of the till, as small documents that a person edits."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Any, Final

from cardkit.frozen import dataclass
from terminal.basket import FOOD_VAT_BP, WHOLE_BP, BasketLine, LineKind, Unit, line

PRODUCTS_MAX: Final = 200
LABEL_MAX: Final = 24
"""What a button of a small screen has room for."""
PRICE_CENTS_MAX: Final = 999_999
VAT_RATES_BP: Final = (550, 1_000, 2_000, 210, 0)
"""The rates of metropolitan France (CGI art. 278 to 281), the frequent one first."""


def shares_bp(agreed_bp: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shares that an article may have: those of the convention, and none at all.

    Empty where the permit names no rate: any share may be typed.
    """
    return (*(it for it in agreed_bp if it), 0) if agreed_bp else ()


@unique
class Pricing(StrEnum):
    """How the price of a product comes about."""

    FIXED = "fixed"
    FREE = "free"
    """Typed at each sale."""
    WEIGHED = "weighed"
    """A price a kilogram, times what was weighed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One button."""

    label: str
    pricing: Pricing = Pricing.FIXED
    price_cents: int = 0
    """Of a piece or a kilogram; 0 where it is typed."""
    vat_bp: int = FOOD_VAT_BP
    coverage_bp: int = WHOLE_BP
    kind: LineKind = LineKind.PRODUCT

    def line(self, *, quantity: int = 1, price_cents: int | None = None) -> BasketLine:
        """Return a basket line of so many pieces or grams, at a typed price where it is free."""
        return line(
            self.kind,
            self.label,
            self.price_cents if price_cents is None else price_cents,
            quantity=quantity,
            unit=Unit.GRAM if self.pricing is Pricing.WEIGHED else Unit.PIECE,
            vat_bp=self.vat_bp,
            coverage_bp=self.coverage_bp,
        )

    def as_document(self) -> dict[str, Any]:
        """Return it as TinyDB keeps it."""
        return {
            "label": self.label,
            "pricing": self.pricing.value,
            "price_cents": self.price_cents,
            "vat_bp": self.vat_bp,
            "coverage_bp": self.coverage_bp,
            "kind": int(self.kind),
        }

    @classmethod
    def of_document(cls, held: Mapping[str, Any]) -> Product:
        """Read it back; raises KeyError, TypeError or ValueError for what is none."""
        return cls(
            label=str(held["label"])[:LABEL_MAX],
            pricing=Pricing(held["pricing"]),
            price_cents=int(held["price_cents"]),
            vat_bp=int(held["vat_bp"]),
            coverage_bp=int(held["coverage_bp"]),
            kind=LineKind(held["kind"]),
        )
