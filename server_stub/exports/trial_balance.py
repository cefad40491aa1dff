"""The trial balance (balance générale): what came to and left each account, and what is left.

Accounts have the names of the plain ledger, so that the two can be laid side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Q, Sum

from cardkit.clock import business_date
from cardkit.money import format_cents
from server_stub.exports.plain_ledger import account_of
from server_stub.exports.sheet import sheet
from server_stub.models import PostingLine
from server_stub.services.books_read import first_since
from server_stub.services.caisse import Caisse

_HEAD: Final = ("Compte", "Débit (€)", "Crédit (€)", "Solde débiteur (€)", "Solde créditeur (€)")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """One account, in cents; debit is what came to it."""

    account: str
    debit_cents: int
    credit_cents: int

    @property
    def balance_cents(self) -> int:
        """What is left: above zero a debit, below zero a credit."""
        return self.debit_cents - self.credit_cents


def trial_balance(caisse: Caisse, *, day: date | None = None) -> tuple[AccountRow, ...]:
    """Return every account that anything was posted to by the end of a day, by name."""
    came, left = Q(amount_cents__gt=0), Q(amount_cents__lt=0)
    lines = PostingLine.objects.using(caisse.using)
    if day is not None:
        lines = lines.filter(posting__lt=first_since(caisse, day + timedelta(days=1)))
    rows = (
        lines.values_list("account", "merchant")
        .annotate(
            came_cents=Sum("amount_cents", filter=came, default=0),
            left_cents=Sum("amount_cents", filter=left, default=0),
        )
        .order_by()
    )
    accounts = (
        AccountRow(
            account=account_of(book, merchant), debit_cents=came_cents, credit_cents=-left_cents
        )
        for book, merchant, came_cents, left_cents in rows
    )
    return tuple(sorted(accounts, key=lambda row: row.account))


def trial_balance_csv(caisse: Caisse, *, day: date | None = None) -> bytes:
    """Return it as CSV, with the sums that must be equal at the end."""
    rows = trial_balance(caisse, day=day)
    return sheet(
        [
            ["Balance générale", caisse.name, (day or business_date(caisse.now())).isoformat()],
            [],
            _HEAD,
            *(_cells(row) for row in rows),
            [
                "Total",
                format_cents(sum(row.debit_cents for row in rows)),
                format_cents(sum(row.credit_cents for row in rows)),
                format_cents(sum(max(row.balance_cents, 0) for row in rows)),
                format_cents(sum(max(-row.balance_cents, 0) for row in rows)),
            ],
        ]
    )


def _cells(row: AccountRow) -> list[str]:
    return [
        row.account,
        format_cents(row.debit_cents),
        format_cents(row.credit_cents),
        format_cents(max(row.balance_cents, 0)),
        format_cents(max(-row.balance_cents, 0)),
    ]
