"""What the caisse owes to whom, as the books say now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Sum

from cardkit.acts import ActKind
from cardkit.settled import Settled
from cardkit.sync import MerchantAccount
from server_stub.models import (
    ActRow,
    Claim,
    Merchant,
    SettlementStep,
    StoredEntry,
    Terminal,
)
from server_stub.rules.facts import State
from server_stub.rules.settle import Owed, owed
from server_stub.services.behind import proven, sent_cents
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
    return _accounts(caisse, dict(Merchant.objects.using(caisse.using).values_list("id", "name")))


def owed_to(caisse: Caisse, merchant: Merchant) -> Owed:
    """Return one merchant's account."""
    (one,) = _accounts(caisse, {merchant.pk: merchant.name})
    return one.account


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


def settled_to(
    caisse: Caisse, terminal: Terminal, merchants: frozenset[int]
) -> tuple[Settled, ...]:
    """Return what a terminal is to remember of payouts, for a service that was restored."""
    paid = (_last_payout(caisse, merchant) for merchant in sorted(merchants))
    return tuple(
        Settled(
            merchant=merchant,
            up_to_seq=_held_at(caisse, terminal, act),
            settlement=name,
            total_cents=sent_cents(caisse, merchant),
        )
        for merchant, name, act in (one for one in paid if one is not None)
    )


def _accounts(caisse: Caisse, names: Mapping[int, str]) -> tuple[OwedTo, ...]:
    accounts = owed(
        balances(caisse),
        merchants=names,
        unposted_held=_claimed(caisse, State.HELD, proven=False),
        unposted_waiting=_claimed(caisse, State.WAITING),
    )
    return tuple(OwedTo(names[account.merchant], account) for account in accounts)


def _last_payout(caisse: Caisse, merchant: int) -> tuple[int, str, ActRow] | None:
    """Return the newest run that left for a merchant and was not revoked, or newer evidence."""
    steps = SettlementStep.objects.using(caisse.using)
    revoked = steps.filter(kind=ActKind.SETTLEMENT_REVOKED).values("settlement")
    sent = steps.filter(
        kind__in=(ActKind.SETTLEMENT_SENT, ActKind.SETTLEMENT_CONFIRMED),
        settlement__lines__merchant=merchant,
    ).exclude(settlement__in=revoked)
    step = sent.select_related("settlement__act").order_by("act").last()
    evidence = proven(caisse).filter(merchant=merchant).select_related("act").order_by("act").last()
    if evidence is not None and (step is None or evidence.act_id > step.act_id):
        return merchant, evidence.settlement, evidence.act
    return None if step is None else (merchant, step.settlement_id, step.settlement.act)


def _held_at(caisse: Caisse, terminal: Terminal, act: ActRow) -> int:
    """Return the last number of a journal that was here when a run was approved."""
    entries = StoredEntry.objects.using(caisse.using).filter(terminal=terminal)
    held = entries.filter(seq__lte=terminal.cursor_seq, batch__received_at__lte=act.at)
    return held.order_by("-seq").values_list("seq", flat=True).first() or 0


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
