"""Who may act for a merchant, and from when until when; erasable, as every name is."""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum, unique

from django.db.models import Q

from cardkit.clock import business_date
from cardkit.errors import must
from server_stub.models import Deputy, Merchant
from server_stub.rules.scheme import STARTING_VALUES, RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted


@unique
class NotDeputed(Enum):
    """Why nobody is put down as a deputy, or a deputation does not end."""

    NO_NAME = "the name is missing"
    NO_MERCHANT = "no such merchant"
    NO_LENGTH = "it ends before it begins"
    NO_DEPUTY = "no such deputation"


def appoint(
    caisse: Caisse,
    merchant: int,
    name: str,
    *,
    by: int,
    telephone: str = "",
    from_day: date | None = None,
    until_day: date | None = None,
) -> Deputy | NotDeputed:
    """Put down who may act for a merchant, from today by default and until further notice."""
    must(by > 0, "a person appoints a deputy")
    begins = from_day or business_date(caisse.now())
    if not name.strip():
        return NotDeputed.NO_NAME
    if until_day is not None and until_day <= begins:
        return NotDeputed.NO_LENGTH
    with caisse.alone():
        if not Merchant.objects.using(caisse.using).filter(id=merchant).exists():
            return NotDeputed.NO_MERCHANT
        return Deputy.objects.using(caisse.using).create(
            merchant=merchant,
            name=name.strip(),
            telephone=telephone.strip(),
            from_day=begins,
            until_day=until_day,
            entered_by=by,
        )


def dismiss(caisse: Caisse, number: int, *, until_day: date | None = None) -> NotDeputed | None:
    """Let a deputation end, today by default: from `until_day` on they act for nobody."""
    with caisse.alone():
        deputy = Deputy.objects.using(caisse.using).filter(id=number).first()
        if deputy is None:
            return NotDeputed.NO_DEPUTY
        deputy.until_day = max(until_day or business_date(caisse.now()), deputy.from_day)
        deputy.save(using=caisse.using, update_fields=["until_day"])
        return None


def acting(caisse: Caisse, merchant: int, day: date) -> list[Deputy]:
    """Return who may act for a merchant on a day."""
    deputies = Deputy.objects.using(caisse.using).filter(merchant=merchant, from_day__lte=day)
    return list(deputies.filter(Q(until_day__isnull=True) | Q(until_day__gt=day)))


def erase(caisse: Caisse, number: int) -> bool:
    """Forget a deputy; says whether there was one."""
    gone, _ = Deputy.objects.using(caisse.using).filter(id=number).delete()
    return gone > 0


def erase_due(caisse: Caisse) -> int:
    """Forget who has been no deputy for as long as the rule keeps names; returns how many."""
    days = voted(caisse, RuleName.RETENTION_DAYS) or STARTING_VALUES[RuleName.RETENTION_DAYS]
    kept = timedelta(days=days)
    last_day = business_date(caisse.now()) - kept
    gone, _ = Deputy.objects.using(caisse.using).filter(until_day__lt=last_day).delete()
    return gone
