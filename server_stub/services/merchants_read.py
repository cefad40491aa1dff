"""Merchants as the office reads them, in as many queries for a hundred as for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Count, Q, Sum

from cardkit.clock import business_date
from server_stub.models import (
    Claim,
    Deputy,
    Merchant,
    MerchantDetails,
)
from server_stub.rules.conventions import Span, standing
from server_stub.rules.facts import State
from server_stub.rules.scheme import RuleName
from server_stub.rules.settle import Owed
from server_stub.services import conventions
from server_stub.services.bank_accounts_read import Account, bank_accounts
from server_stub.services.bank_details import is_news
from server_stub.services.caisse import Caisse
from server_stub.services.conventions import Signed
from server_stub.services.fleet import TerminalState, fleet
from server_stub.services.owed import owed_to, owed_to_merchants
from server_stub.services.rules_in_force import voted

DEPUTIES_SHOWN: Final = 12
_SOON_DAYS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantRow:
    """One line of the list."""

    merchant: Merchant
    account: Owed
    days: Span | None
    """The days around today that conventions cover, else the nearest; None: nothing is signed."""
    is_covered: bool
    """Whether today is one of them."""
    ends_soon: bool
    last_seen_at: datetime | None
    """When a terminal that sells for it was last heard."""

    @property
    def last_day(self) -> date | None:
        """The last day that is covered without a break; None: nothing is signed."""
        return None if self.days is None else self.days.until_day - timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is held of a merchant's sales for one reason."""

    reason: str
    sales: int
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantSeen:
    """Everything that the page of a merchant says."""

    merchant: Merchant
    account: Owed
    details: MerchantDetails | None
    conventions: tuple[Signed, ...]
    """The newest first."""
    days: Span | None
    today: date
    deputies: tuple[Deputy, ...]
    """The newest first, those whose time is over included; empty for who sees no names."""
    accounts: tuple[Account, ...]
    """The newest first."""
    cooling_days: int
    """How long a change of account waits."""
    has_account_news: bool
    """Whether the merchant is to be told of a change of account."""
    terminals: tuple[TerminalState, ...]
    held: tuple[Held, ...]

    @property
    def is_covered(self) -> bool:
        """Whether it may sell today."""
        return self.days is not None and self.days.covers(self.today)


def merchant_rows(caisse: Caisse) -> tuple[MerchantRow, ...]:
    """Return every merchant, by name."""
    today = business_date(caisse.now())
    spans = conventions.spans(caisse)
    heard = _heard(fleet(caisse))
    accounts = {one.account.merchant: one.account for one in owed_to_merchants(caisse)}
    return tuple(
        _row(it, accounts[it.pk], standing(spans.get(it.pk, ()), today), heard, today)
        for it in Merchant.objects.using(caisse.using).order_by("name", "id")
    )


def find_merchant(caisse: Caisse, number: int) -> Merchant | None:
    """Return a merchant by number."""
    return Merchant.objects.using(caisse.using).filter(pk=number).first()


def merchant_seen(caisse: Caisse, number: int, *, sees_people: bool) -> MerchantSeen | None:
    """Return what the page of a merchant says; None: there is none of that number.

    Deputies and whole IBANs only for who sees people.
    """
    merchant = find_merchant(caisse, number)
    if merchant is None:
        return None
    today = business_date(caisse.now())
    signed = conventions.of(caisse, number)
    deputies = Deputy.objects.using(caisse.using).filter(merchant=number)
    details = MerchantDetails.objects.using(caisse.using).filter(pk=number)
    accounts = bank_accounts(caisse, number, whole=sees_people)
    return MerchantSeen(
        merchant=merchant,
        account=owed_to(caisse, merchant),
        details=details.first() if sees_people else None,
        conventions=tuple(reversed(signed)),
        days=standing((it.days for it in signed), today),
        today=today,
        deputies=tuple(deputies.order_by("-from_day", "-id")[:DEPUTIES_SHOWN])
        if sees_people
        else (),
        accounts=accounts,
        has_account_news=_has_news(caisse, accounts),
        cooling_days=voted(caisse, RuleName.IBAN_COOLING_DAYS) or 0,
        terminals=tuple(it for it in fleet(caisse) if number in _sells_for(it)),
        held=_held(caisse, number),
    )


def acting_for(caisse: Caisse, merchants: Iterable[int]) -> tuple[Deputy, ...]:
    """Return who may act today for any of these merchants."""
    today = business_date(caisse.now())
    rows = Deputy.objects.using(caisse.using).filter(merchant__in=tuple(merchants))
    begun = rows.filter(from_day__lte=today)
    return tuple(begun.filter(Q(until_day__isnull=True) | Q(until_day__gt=today)))


def _has_news(caisse: Caisse, accounts: Sequence[Account]) -> bool:
    """Say so by the accounts that are shown, as `bank_details.recent_change` does."""
    if not any(it.confirmed_at for it in accounts[1:]):
        return False
    return is_news(caisse, accounts[0].entered_at, accounts[0].usable_from)


def _row(
    merchant: Merchant,
    account: Owed,
    days: Span | None,
    heard: Mapping[int, datetime],
    today: date,
) -> MerchantRow:
    is_covered = days is not None and days.covers(today)
    return MerchantRow(
        merchant=merchant,
        account=account,
        days=days,
        is_covered=is_covered,
        ends_soon=is_covered and days is not None and (days.until_day - today).days <= _SOON_DAYS,
        last_seen_at=heard.get(merchant.pk),
    )


def _sells_for(state: TerminalState) -> frozenset[int]:
    if state.permit is None:
        return frozenset()
    return frozenset(grant.merchant for grant in state.permit.merchants)


def _heard(states: Iterable[TerminalState]) -> dict[int, datetime]:
    heard: dict[int, datetime] = {}
    for state in states:
        at = state.terminal.last_seen_at
        for number in _sells_for(state):
            if at is not None and at >= heard.get(number, at):
                heard[number] = at
    return heard


def _held(caisse: Caisse, merchant: int) -> tuple[Held, ...]:
    claims = Claim.objects.using(caisse.using).filter(merchant=merchant, state=State.HELD.value)
    sums = claims.order_by("reason").values_list("reason")
    counted = sums.annotate(Count("id"), Sum("amount_cents"))
    return tuple(
        Held(reason=reason, sales=sales, amount_cents=cents) for reason, sales, cents in counted
    )
