"""The bank accounts that were put down for merchants, as two people compare them with a paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from server_stub.models import BankDetails
from server_stub.services.acts_read import user_names
from server_stub.services.caisse import Caisse

ACCOUNTS_SHOWN: Final = 6
_KNOWN_MAX: Final = 100
"""More than a merchant ever has: the account that is paid to is among them."""


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
    """Return the last accounts that were put down, the newest first."""
    rows: Any = BankDetails.objects.using(caisse.using).filter(merchant=merchant)
    known = list(rows.select_related("confirmation").order_by("-id")[:_KNOWN_MAX])
    paid_to = _paid_to(known, caisse.now())
    shown = known[:ACCOUNTS_SHOWN]
    said = [getattr(row, "confirmation", None) for row in shown]
    names = user_names(
        caisse, [*(it.entered_by for it in shown), *(it.confirmed_by for it in said if it)]
    )
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


def _paid_to(known: Sequence[Any], now: datetime) -> int | None:
    """Say which account money goes to, as `bank_details.usable` does; None: to none yet."""
    said = [it.confirmation for it in known if hasattr(it, "confirmation")]
    counting = [it for it in said if it.usable_from <= now]
    newest = max(counting, key=lambda it: (it.usable_from, it.pk), default=None)
    return None if newest is None else int(newest.details_id)


def find_account(caisse: Caisse, merchant: int, number: int) -> BankDetails | None:
    """Return an account that was put down for this merchant."""
    rows = BankDetails.objects.using(caisse.using).filter(merchant=merchant, pk=number)
    return rows.first()
