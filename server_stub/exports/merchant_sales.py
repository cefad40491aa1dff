"""A merchant's own sales as CSV: when, where, how much, and whether it is owed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cardkit.clock import PARIS
from cardkit.money import format_cents
from server_stub.exports.sheet import sheet
from server_stub.services.merchant_sales import Sale


def sales_csv(sales: Iterable[Sale], words: Callable[[Sale], tuple[str, str]]) -> bytes:
    """Return rows of day, time, terminal, amount, state and reason; `words` says the last two."""
    return sheet(
        [
            ["Jour", "Heure", "Terminal", "Montant (€)", "État", "Motif"],
            *(
                [*_when(sale), str(sale.terminal), format_cents(sale.amount_cents), *words(sale)]
                for sale in sales
            ),
        ]
    )


def _when(sale: Sale) -> tuple[str, str]:
    if sale.at is None:
        return "", ""
    here = sale.at.astimezone(PARIS)
    return f"{here:%d/%m/%Y}", f"{here:%H:%M}"
