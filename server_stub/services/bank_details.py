"""Merchants' bank accounts: four eyes and a cooling-off, because this is where money is stolen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, unique

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from cardkit.errors import must
from server_stub.models import BankDetails, BankDetailsConfirmed, Merchant
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted


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
