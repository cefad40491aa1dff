"""Which refunds count: of a proven and payable sale, by its own merchant, no more than the sale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cardkit.frozen import dataclass
from server_stub.rules.facts import RefundFacts, State
from server_stub.rules.window import BEYOND_LOSS_WINDOW

SALE_NOT_PROVEN = "sale_not_proven"
SALE_NOT_PAYABLE = "sale_not_payable"
OTHER_MERCHANT = "other_merchant"
MORE_THAN_SALE = "more_than_sale"
ALREADY_RETURNED = "already_returned"
"""Granted, but the member has the money of this sale by an act: the merchant makes that good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleStanding:
    """A proven sale as a refund sees it."""

    tmc: int
    amount_cents: int
    merchant: int
    state: State
    returned: bool = False
    """Whether an act has given its money back already."""
    disputed_cents: int = 0
    """What a dispute gave back of it."""


@dataclass(frozen=True, slots=True)
class RefundClosing:
    """What became of a refund; `reason` says what keeps it, or that nothing is left to give."""

    refund: RefundFacts
    sale: SaleStanding | None
    reason: str = ""

    @property
    def granted(self) -> bool:
        """Whether the member has the money again."""
        return self.reason in {"", ALREADY_RETURNED}


def close_refunds(
    refunds: Iterable[RefundFacts], sales: Mapping[tuple[int, int], SaleStanding]
) -> tuple[RefundClosing, ...]:
    """Close all refunds of a card; `sales` by (terminal, seq of intent).

    Those that an allowance contains come first, because nothing takes them back; then the oldest
    number. A number that was signed twice counts once, with the larger amount that the sale bears.
    """
    closings: list[RefundClosing] = []
    granted_cents: dict[tuple[int, int], int] = {}
    counted: set[tuple[int, int]] = set()
    for refund in sorted(refunds, key=_precedence):
        place = refund.selling_terminal, refund.intent_seq
        sale = sales.get(place)
        reason = _objection(refund, sale, granted_cents.get(place, 0))
        if (refund.terminal, refund.seq) in counted:
            reason = MORE_THAN_SALE
        closing = RefundClosing(refund, sale, reason)
        closings.append(closing)
        if closing.granted:
            counted.add((refund.terminal, refund.seq))
            granted_cents[place] = granted_cents.get(place, 0) + refund.amount_cents
    return tuple(closings)


def _precedence(refund: RefundFacts) -> tuple[bool, int, int, int, bytes]:
    waits = refund.contained_from is None
    return waits, refund.terminal, refund.seq, -refund.amount_cents, refund.entry


def _objection(refund: RefundFacts, sale: SaleStanding | None, already_cents: int) -> str:
    if sale is None:
        return SALE_NOT_PROVEN
    if sale.state is not State.PAYABLE:
        return SALE_NOT_PAYABLE
    if sale.merchant != refund.merchant:
        return OTHER_MERCHANT
    if refund.beyond_window and refund.contained_from is None:
        return BEYOND_LOSS_WINDOW
    # What an allowance contains was given before: only what comes after finds a part taken.
    taken_cents = 0 if refund.contained_from is not None else sale.disputed_cents
    if already_cents + refund.amount_cents > sale.amount_cents - taken_cents:
        return MORE_THAN_SALE
    return ALREADY_RETURNED if sale.returned else ""
