"""What the caisse owes to whom, as the books say now."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Sum

from cardkit.sync import MerchantAccount
from server_stub.models import Claim, Merchant
from server_stub.rules.facts import State
from server_stub.rules.settle import Owed, owed
from server_stub.services.books import balances
from server_stub.services.caisse import Caisse

HELD_REASONS_MAX = 16


@dataclass(frozen=True, slots=True)
class OwedTo:
    """One merchant's name and account."""

    name: str
    account: Owed


def owed_to_merchants(caisse: Caisse) -> tuple[OwedTo, ...]:
    """Return every merchant's account, by name."""
    names = dict(Merchant.objects.using(caisse.using).values_list("id", "name"))
    accounts = owed(
        balances(caisse),
        merchants=names,
        unposted_held=_claimed(caisse, State.HELD, proven=False),
        unposted_waiting=_claimed(caisse, State.WAITING),
    )
    return tuple(OwedTo(names[account.merchant], account) for account in accounts)


def merchant_accounts(caisse: Caisse, merchants: frozenset[int]) -> tuple[MerchantAccount, ...]:
    """Return the accounts that a terminal shows to its merchants."""
    return tuple(
        MerchantAccount(
            merchant=one.account.merchant,
            payable_cents=one.account.payable_cents,
            waiting_cents=one.account.waiting_cents + one.account.provisional_cents,
            held_cents=one.account.held_cents,
            held_reasons=_held_reasons(caisse, one.account.merchant),
        )
        for one in owed_to_merchants(caisse)
        if one.account.merchant in merchants
    )


def _claimed(caisse: Caisse, state: State, *, proven: bool | None = None) -> dict[int, int]:
    """What terminals claim in one state, by merchant; `proven` is False for what is not posted."""
    claims = Claim.objects.using(caisse.using).filter(state=state.value)
    if proven is not None:
        claims = claims.filter(transactions__isnull=not proven)
    sums = claims.values_list("merchant").annotate(Sum("amount_cents")).order_by()
    return dict(sums)


def _held_reasons(caisse: Caisse, merchant: int) -> tuple[str, ...]:
    held = Claim.objects.using(caisse.using).filter(merchant=merchant, state=State.HELD.value)
    reasons = held.order_by("reason").values_list("reason", flat=True).distinct()
    return tuple(reasons[:HELD_REASONS_MAX])
