"""Merchants as they are: their conventions, who acts for them, what was sold outside."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.clock import business_date
from server_stub.models import Deputy, Merchant
from server_stub.rules.conventions import Span, standing
from server_stub.services import conventions, deputies
from server_stub.services.caisse import Caisse
from server_stub.services.conventions import Outside, Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantState:
    """One merchant."""

    merchant: Merchant
    conventions: tuple[Signed, ...]
    days: Span | None
    """What a permit of today grants."""
    deputies: tuple[Deputy, ...]
    """Who may act for it today."""
    outside: Outside


def merchants(caisse: Caisse) -> tuple[MerchantState, ...]:
    """Return every merchant, by number."""
    rows = Merchant.objects.using(caisse.using).order_by("id")
    return tuple(state_of(caisse, merchant) for merchant in rows)


def state_of(caisse: Caisse, merchant: Merchant) -> MerchantState:
    """Return one merchant as it is today."""
    today = business_date(caisse.now())
    signed = conventions.of(caisse, merchant.id)
    return MerchantState(
        merchant=merchant,
        conventions=signed,
        days=standing((one.days for one in signed), today),
        deputies=tuple(deputies.acting(caisse, merchant.id, today)),
        outside=conventions.sold_outside(caisse, merchant.id),
    )
