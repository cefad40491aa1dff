"""Labels for shelves: what the card pays, and how much of it, from a convention's own list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from server_stub.exports.stationery import Stationery, printed_on
from server_stub.rules.conventions import WHOLE_BP, Category, Terms
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted_or_proposed

TEMPLATE: Final = "etiquettes.typ"
_NARROW: Final = "\u202f"


def labels(
    caisse: Caisse, stationery: Stationery, *, terms: Terms, copies: int = 1, outlined: bool = True
) -> bytes:
    """Return a label for each product, or category where none is named; raises PaperFailed.

    `outlined`: with lines to cut along, for plain paper.
    """
    usual = usual_bp(caisse)
    found = [it for category in terms.categories for it in _labels(category, usual)] * copies
    data = {"labels": found, "outlined": outlined}
    return printed_on(caisse, TEMPLATE, data, stationery)


def usual_bp(caisse: Caisse) -> int:
    """Return the rate of categories without one of their own, in basis points."""
    return voted_or_proposed(caisse, RuleName.COVERAGE_PERCENT) * WHOLE_BP // 100


def rate(category: Category, usual: int) -> str:
    """Return `70 %`: how much of a category's price the card pays."""
    basis_points = usual if category.coverage_bp is None else category.coverage_bp
    whole, rest = divmod(basis_points, WHOLE_BP // 100)
    return f"{whole},{rest:02d}{_NARROW}%" if rest else f"{whole}{_NARROW}%"


def _labels(category: Category, usual: int) -> Iterator[dict[str, str]]:
    for product in category.products or (category.name,):
        yield {
            "product": product,
            "rate": rate(category, usual),
            "category": category.name if category.products else "",
        }
