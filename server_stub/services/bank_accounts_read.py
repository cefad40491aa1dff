"""The bank accounts that were put down for merchants, as two people compare them with a paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from server_stub.models import BankDetails, BankDetailsConfirmed
from server_stub.services.acts_read import user_names
from server_stub.services.caisse import Caisse

ACCOUNTS_SHOWN: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A bank account that somebody put down for a merchant."""

    number: int
    holder: str
    end: str
    """The last four digits of the IBAN."""
    iban: str
    """All of it; empty for whoever only reads."""
    entered_by: int
    entered_by_name: str
    entered_at: datetime
    confirmed_by_name: str
    confirmed_at: datetime | None
    usable_from: datetime | None
    """None: nobody has confirmed it."""
    is_paid_to: bool
    """Whether money goes there today."""


def bank_accounts(caisse: Caisse, merchant: int, *, whole: bool) -> tuple[Account, ...]:
    """Return the last accounts that were put down, the newest first; three queries."""
    rows: Any = BankDetails.objects.using(caisse.using).filter(merchant=merchant)
    shown = list(rows.select_related("confirmation").order_by("-id")[:ACCOUNTS_SHOWN])
    said = [getattr(row, "confirmation", None) for row in shown]
    names = user_names(
        caisse, [*(it.entered_by for it in shown), *(it.confirmed_by for it in said if it)]
    )
    counts = BankDetailsConfirmed.objects.using(caisse.using).filter(
        details__merchant=merchant, usable_from__lte=caisse.now()
    )
    paid_to = counts.order_by("usable_from", "id").values_list("details", flat=True).last()
    return tuple(
        Account(
            number=row.pk,
            holder=row.holder if whole else "",
            end=row.iban[-4:],
            iban=row.iban if whole else "",
            entered_by=row.entered_by,
            entered_by_name=names.get(row.entered_by, ""),
            entered_at=row.entered_at,
            confirmed_by_name="" if yes is None else names.get(yes.confirmed_by, ""),
            confirmed_at=None if yes is None else yes.confirmed_at,
            usable_from=None if yes is None else yes.usable_from,
            is_paid_to=row.pk == paid_to,
        )
        for row, yes in zip(shown, said, strict=True)
    )


def find_account(caisse: Caisse, merchant: int, number: int) -> BankDetails | None:
    """Return an account that was put down for this merchant."""
    rows = BankDetails.objects.using(caisse.using).filter(merchant=merchant, pk=number)
    return rows.first()
