"""What these books themselves told of payouts, in an epoch: what a restore can't have forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.acts import ActKind
from server_stub.models import ActReversal, PayoutEvidence, SettlementLine, SettlementStep
from server_stub.rules.told import Left, told
from server_stub.services import acts
from server_stub.services.caisse import Caisse


def was_told_here(
    caisse: Caisse, *, merchant: int, settlement: str, total_cents: int, epoch: int
) -> bool:
    """Say whether a terminal was told this by these books, as they stood at some act of an epoch.

    Evidence that was taken back since was told like any other.
    """
    acts_of = acts.acts_of_epoch(caisse, epoch)
    if acts_of is None:
        return False
    first_act, end_act = acts_of
    left = (*_by_runs(caisse, merchant), *_by_evidence(caisse, merchant))
    return (settlement, total_cents) in told(left, first_act=first_act, end_act=end_act)


def _by_runs(caisse: Caisse, merchant: int) -> Iterator[Left]:
    lines = SettlementLine.objects.using(caisse.using).filter(merchant=merchant)
    pays = dict(lines.values_list("settlement", "amount_cents"))
    steps = SettlementStep.objects.using(caisse.using).filter(settlement__lines__merchant=merchant)
    for name, act, kind in steps.values_list("settlement", "act", "kind"):
        is_gone = kind == ActKind.SETTLEMENT_REVOKED
        yield Left(
            act=act,
            settlement=name,
            is_evidence=False,
            amount_cents=0 if is_gone else pays[name],
        )


def _by_evidence(caisse: Caisse, merchant: int) -> Iterator[Left]:
    entered = PayoutEvidence.objects.using(caisse.using).filter(merchant=merchant)
    names = dict(entered.values_list("act", "settlement"))
    for act, name, cents in entered.values_list("act", "settlement", "amount_cents"):
        yield Left(act=act, settlement=name, is_evidence=True, amount_cents=cents)
    gone = ActReversal.objects.using(caisse.using).filter(reversed__in=names)
    for act, taken in gone.values_list("act", "reversed"):
        yield Left(act=act, settlement=names[taken], is_evidence=True, amount_cents=0)
