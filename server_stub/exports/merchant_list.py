"""Every merchant as CSV: what it is owed, what is held, and until when it may sell."""

from __future__ import annotations

from collections.abc import Iterable

from cardkit.money import format_cents
from server_stub.exports.sheet import sheet
from server_stub.services.merchants_read import MerchantRow


def merchant_list_csv(rows: Iterable[MerchantRow]) -> bytes:
    """Return rows of number, name, due, held, waiting, and the last day that is covered."""
    head = ["N°", "Producteur", "Dû (€)", "Retenu (€)", "En attente (€)", "Convention jusqu’au"]
    return sheet([head, *(_row(row) for row in rows)])


def _row(row: MerchantRow) -> list[str]:
    account = row.account
    return [
        str(row.merchant.pk),
        row.merchant.name,
        format_cents(account.payable_cents),
        format_cents(account.held_cents),
        format_cents(account.waiting_cents + account.provisional_cents),
        f"{row.last_day:%d/%m/%Y}" if row.last_day else "",
    ]
