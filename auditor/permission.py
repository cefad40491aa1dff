"""Whether a terminal was allowed to make a sale: decide() again, on the documents that it held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.claims import Claim, Place
from auditor.evidence import Evidence
from cardkit.allowance import Allowance, RefundRef
from cardkit.decide import Approved, CardState, Till, decide


@dataclass(frozen=True, slots=True)
class Permission:
    """What decide() says of one sale, and the refunds without which it would say no."""

    is_given: bool
    leans_on: tuple[tuple[Place, int], ...] = ()
    allowance: Allowance | None = None


def permission(claim: Claim, found: Evidence, allowances: Mapping[bytes, Allowance]) -> Permission:
    """Ask again; a document that is not shown, or that is another terminal's, permits nothing."""
    intent, terminal = claim.intent, claim.place[0]
    permit = found.permits.get(intent.permit)
    allowance = allowances.get(intent.allowance)
    if permit is None or permit.terminal != terminal or allowance is None:
        return Permission(is_given=False)
    counted = tuple(
        ((terminal, one.seq), one.amount_cents)
        for one in intent.refunds_counted
        if RefundRef(terminal, one.seq) not in allowance.refunds
    )
    counted_cents = sum(cents for _, cents in counted)
    if not _approved(claim, found, allowance, counted_cents):
        return Permission(is_given=False)
    leans = not _approved(claim, found, allowance, 0)
    return Permission(is_given=True, leans_on=counted if leans else (), allowance=allowance)


def _approved(claim: Claim, found: Evidence, allowance: Allowance, refunded_cents: int) -> bool:
    intent, envelope = claim.intent, claim.entry.envelope
    permit, header = found.permits[intent.permit], found.headers.get(intent.directory)
    if header is None:
        return False
    card = CardState(
        uid=intent.uid, tmc=intent.tmc0, tmv=intent.tmv0, spent_cents=intent.spent0_cents
    )
    till = Till(
        now=envelope.at,
        permit=permit,
        merchant=envelope.merchant,
        directory=header,
        row=found.rows.get(header.order, {}).get(intent.uid),
        allowance=allowance,
        refunded_cents=refunded_cents,
        card_day_cents=intent.card_day_cents,
        unsent_cents=intent.unsent_cents,
    )
    return isinstance(decide(intent.amount_cents, card, till), Approved)
