"""Merchants' bank accounts: four eyes and a cooling-off, because this is where money is stolen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from cardkit.errors import must
from server_stub.models import BankDetails, BankDetailsConfirmed, Merchant
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted

_NEWS: Final = timedelta(days=62)
"""Two months: who looks at the sales once a month still reads that the account was changed."""


@unique
class BankRefusal(Enum):
    """Why an account is not taken."""

    NO_IBAN = "not an IBAN: a digit is wrong or missing"
    NO_HOLDER = "the holder's name is missing"
    SAME_PERSON = "the person who entered it can't confirm it"
    CONFIRMED_ALREADY = "it was confirmed already"


@dataclass(frozen=True, slots=True)
class Usable:
    """An account that may be paid to."""

    iban: str
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """Another account was put down for a merchant who had one: the merchant should hear of it."""

    account: BankDetails
    before: BankDetails
    """The account that was confirmed until then."""
    usable_from: datetime | None
    """None: nobody has confirmed the new one."""


def enter(
    caisse: Caisse, merchant: Merchant, *, iban: str, holder: str, by: int
) -> BankDetails | BankRefusal:
    """Put an account down for a merchant; nothing is paid to it before `confirm`."""
    must(by > 0, "a person enters an account")
    try:
        checked = IBAN(iban)
    except SchwiftyException:
        return BankRefusal.NO_IBAN
    if not holder.strip():
        return BankRefusal.NO_HOLDER
    return BankDetails.objects.using(caisse.using).create(
        merchant=merchant,
        iban=checked.compact,
        holder=holder.strip(),
        entered_by=by,
        entered_at=caisse.now(),
    )


def confirm(caisse: Caisse, details: BankDetails, *, by: int) -> BankDetailsConfirmed | BankRefusal:
    """Confirm an account as a second person; a change of account counts after the voted days."""
    must(by > 0, "a person confirms an account")
    if details.entered_by == by:
        return BankRefusal.SAME_PERSON
    with caisse.alone():
        confirmed = BankDetailsConfirmed.objects.using(caisse.using)
        if confirmed.filter(details=details).exists():
            return BankRefusal.CONFIRMED_ALREADY
        is_change = confirmed.filter(details__merchant=details.merchant_id).exists()
        days = (voted(caisse, RuleName.IBAN_COOLING_DAYS) or 0) if is_change else 0
        return confirmed.create(
            details=details,
            confirmed_by=by,
            confirmed_at=caisse.now(),
            usable_from=caisse.now() + timedelta(days=days),
        )


def usable(caisse: Caisse, merchant: int, at: datetime) -> Usable | None:
    """Return the account that a merchant is paid to at a time; None: none may be yet."""
    rows = BankDetailsConfirmed.objects.using(caisse.using).filter(
        details__merchant=merchant, usable_from__lte=at
    )
    newest = rows.select_related("details").order_by("usable_from", "id").last()
    if newest is None:
        return None
    return Usable(iban=newest.details.iban, holder=newest.details.holder)


def last_change(caisse: Caisse, merchant: int) -> AccountChange | None:
    """Return the last change of a merchant's account; None: it has its first one, or none."""
    rows = BankDetails.objects.using(caisse.using).filter(merchant=merchant)
    known = list(rows.select_related("confirmation").order_by("id"))
    if not known:
        return None
    newest = known.pop()
    confirmed = [it.confirmation for it in known if hasattr(it, "confirmation")]
    before = max(confirmed, key=lambda it: (it.usable_from, it.pk), default=None)
    if before is None:
        return None
    own = newest.confirmation if hasattr(newest, "confirmation") else None
    return AccountChange(
        account=newest, before=before.details, usable_from=own.usable_from if own else None
    )


def recent_change(caisse: Caisse, merchant: int) -> AccountChange | None:
    """Return a change that a merchant may not have heard of: for some weeks after it counts."""
    change = last_change(caisse, merchant)
    if change is None:
        return None
    return change if is_news(caisse, change.account.entered_at, change.usable_from) else None


def is_news(caisse: Caisse, entered_at: datetime, usable_from: datetime | None) -> bool:
    """Say whether an account came or began to count so lately that its merchant is told of it."""
    return caisse.now() - (usable_from or entered_at) <= _NEWS
