"""What a merchant is told of its own sales and payouts: no card, no counter, no other's trace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cardkit.acts import ActKind
from server_stub.models import (
    CardTransaction,
    Claim,
    Merchant,
    PayoutReturn,
    SettlementLine,
    SettlementPaper,
    SettlementStep,
)
from server_stub.rules.facts import State
from server_stub.services.caisse import Caisse

SALES_SHOWN: Final = 50
SALES_IN_A_FILE: Final = 20_000
"""A busy grocery's year; a longer past is in the papers of each payout."""
HELD_SHOWN: Final = 100
PAYOUTS_SHOWN: Final = 24
_BORDEREAU: Final = "bordereau.pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One sale, or what is held in its place."""

    key: int
    """Where the next page begins; says nothing of anybody."""
    at: datetime | None
    """By the terminal's clock; None for one that cards alone told."""
    terminal: int
    amount_cents: int
    state: str
    """A `rules.facts.State`."""
    reason: str
    """Why it is held or waits; empty for what is owed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOut:
    """One run's line."""

    run: str
    approved_at: datetime
    amount_cents: int
    step: str
    """`approved`, `sent`, `confirmed`, `returned` or `revoked`."""
    has_paper: bool


def named(caisse: Caisse, numbers: Iterable[int]) -> tuple[Merchant, ...]:
    """Return merchants by name."""
    return tuple(Merchant.objects.using(caisse.using).filter(id__in=tuple(numbers)))


def proven(
    caisse: Caisse, merchant: int, *, before: int | None = None, size: int = SALES_SHOWN
) -> tuple[Sale, ...]:
    """Return a merchant's proven sales, the last that became known first."""
    rows = CardTransaction.objects.using(caisse.using).filter(merchant=merchant)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return tuple(
        Sale(
            key=row.pk,
            at=None if row.claim is None else row.claim.at,
            terminal=row.terminal,
            amount_cents=row.amount_cents,
            state=row.state,
            reason=row.reason,
        )
        for row in rows.select_related("claim").order_by("-id")[:size]
    )


def not_paid(caisse: Caisse, merchant: int) -> tuple[Sale, ...]:
    """Return what is held or waits, the newest first: each with its reason."""
    kept = (State.HELD.value, State.WAITING.value, State.PROVISIONAL.value)
    claims = Claim.objects.using(caisse.using).filter(merchant=merchant, state__in=kept).order_by()
    # In no order that the database could take for a reason to read all that was ever sold.
    newest = sorted(claims, key=lambda it: it.pk, reverse=True)[:HELD_SHOWN]
    return tuple(
        Sale(
            key=row.pk,
            at=row.at,
            terminal=row.terminal_id,
            amount_cents=row.amount_cents,
            state=row.state,
            reason=row.reason,
        )
        for row in newest
    )


def payouts(caisse: Caisse, merchant: int) -> tuple[PaidOut, ...]:
    """Return the last runs that paid a merchant, newest first."""
    lines = SettlementLine.objects.using(caisse.using).filter(merchant=merchant)
    newest = lines.select_related("settlement__act").order_by("-settlement__act")
    rows = list(newest[:PAYOUTS_SHOWN])
    names = [row.settlement_id for row in rows]
    steps = SettlementStep.objects.using(caisse.using).filter(settlement__in=names)
    last = dict(steps.order_by("act").values_list("settlement", "kind"))
    papers = SettlementPaper.objects.using(caisse.using).filter(
        file__settlement__in=names, file__form=f"{_BORDEREAU}/{merchant}"
    )
    returns = PayoutReturn.objects.using(caisse.using).filter(merchant=merchant)
    back = returns.filter(settlement__in=names).values_list("settlement", flat=True)
    last |= dict.fromkeys(back, int(ActKind.PAYOUT_RETURNED))
    with_paper = set(papers.values_list("file__settlement", flat=True))
    return tuple(
        PaidOut(
            run=row.settlement_id,
            approved_at=row.settlement.act.at,
            amount_cents=row.amount_cents,
            step=_STEPS[last[row.settlement_id]] if row.settlement_id in last else "approved",
            has_paper=row.settlement_id in with_paper,
        )
        for row in rows
    )


def bordereau(caisse: Caisse, merchant: int, run: str) -> bytes | None:
    """Return the paper of a run that left for a merchant, to the byte; None where none did."""
    papers = SettlementPaper.objects.using(caisse.using)
    kept = papers.filter(file__settlement=run, file__form=f"{_BORDEREAU}/{merchant}").first()
    return None if kept is None else bytes(kept.content)


_STEPS: Final = {
    int(ActKind.SETTLEMENT_SENT): "sent",
    int(ActKind.SETTLEMENT_CONFIRMED): "confirmed",
    int(ActKind.SETTLEMENT_REVOKED): "revoked",
    int(ActKind.PAYOUT_RETURNED): "returned",
}
