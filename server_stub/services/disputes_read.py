"""Disputes and paper slips in pages: those that wait first, and what may be disputed of a card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F

from cardkit.resolutions import DisputeAnswer, DisputeKind, DisputeReason
from server_stub.models import (
    ActRow,
    Card,
    CardTransaction,
    Dispute,
    Merchant,
    Proposal,
)
from server_stub.rules.disputes import OPEN, Stage
from server_stub.rules.facts import DisputeFacts, State
from server_stub.services import disputes
from server_stub.services.acts_read import ActSeen, seen
from server_stub.services.caisse import Caisse
from server_stub.services.deciding import NotDone, single_max_cents
from server_stub.services.resolved import facts_of_dispute
from server_stub.services.today import undecided

PAGE_ROWS: Final = 50
REASONS: Final = {
    "shown": DisputeReason.SHOWN,
    "agreed": DisputeReason.AGREED,
    "withdrawn": DisputeReason.WITHDRAWN,
}
ANSWERS: Final = {"agrees": DisputeAnswer.AGREES, "contests": DisputeAnswer.CONTESTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeListed:
    """One line of the list."""

    key: int
    """Where the next page begins."""
    number: str
    """In hex digits."""
    card: Card
    opened_at: datetime
    facts: DisputeFacts
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputesPage:
    """Disputes, newest first, and where the next page begins."""

    disputes: tuple[DisputeListed, ...]
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeSeen:
    """Everything about one dispute."""

    number: str
    dispute: Dispute
    facts: DisputeFacts
    kind: str
    """`not_bought`, `wrong_amount` or `doubted`."""
    is_open: bool
    may_answer: bool
    takes_two: bool
    sale: CardTransaction | None
    merchant: str
    acts: tuple[ActSeen, ...]
    proposal: Proposal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleListed:
    """A proven sale of a card that may be disputed."""

    tmc: int
    at: datetime | None
    merchant: str
    amount_cents: int
    state: str
    is_payable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesPage:
    """A card's sales, newest first, and where the next page begins."""

    sales: tuple[SaleListed, ...]
    after: int | None
    is_known: bool
    """Whether the number is that of a card."""


def open_disputes(caisse: Caisse) -> tuple[DisputeListed, ...]:
    """Return disputes that wait for an answer or a decision, by the day of the answer."""
    rows = undecided().using(caisse.using).select_related("card", "act").prefetch_related("steps")
    first = rows.order_by(F("answer_by").asc(nulls_first=True), "act")[: 2 * PAGE_ROWS]
    return tuple(_listed(row) for row in first)


def ended_disputes(
    caisse: Caisse, *, after: int | None = None, most: int = PAGE_ROWS
) -> DisputesPage:
    """Return disputes that are over, the last that was opened first."""
    waiting = undecided().using(caisse.using).order_by().values("pk")
    rows = Dispute.objects.using(caisse.using).select_related("card", "act")
    rows = rows.exclude(pk__in=waiting)
    if after is not None:
        rows = rows.filter(act__lt=after)
    found = list(rows.prefetch_related("steps").order_by("-act")[: most + 1])
    return DisputesPage(
        disputes=tuple(_listed(row) for row in found[:most]),
        after=found[most - 1].act_id if len(found) > most else None,
    )


def dispute_seen(caisse: Caisse, number: str) -> DisputeSeen | None:
    """Return one dispute by its whole number in hex digits; None where there is none."""
    try:
        digits = bytes.fromhex(number)
    except ValueError:
        return None
    rows = Dispute.objects.using(caisse.using).select_related("card", "act")
    row = rows.prefetch_related("steps").filter(number=digits).first()
    if row is None:
        return None
    facts = facts_of_dispute(row)
    stage = Stage(facts.stage)
    sales = CardTransaction.objects.using(caisse.using).select_related("claim")
    sale = sales.filter(card=row.card_id, tmc=row.tmc).first()
    numbers = [row.act_id, *(step.act_id for step in row.steps.all())]
    told = ActRow.objects.using(caisse.using).filter(seq__in=numbers).order_by("-seq")
    proposals = Proposal.objects.using(caisse.using).filter(subject=f"dispute {number}")
    return DisputeSeen(
        number=bytes(row.number).hex(),
        dispute=row,
        facts=facts,
        kind=DisputeKind(row.kind).name.lower(),
        is_open=stage in OPEN,
        may_answer=stage in OPEN - {Stage.HELD},
        takes_two=row.amount_cents > single_max_cents(caisse),
        sale=sale,
        merchant="" if sale is None else _names(caisse, {sale.merchant}).get(sale.merchant, ""),
        acts=seen(caisse, list(told)),
        proposal=proposals.first(),
    )


def sales_page(
    caisse: Caisse, uid: str, *, after: int | None = None, most: int = PAGE_ROWS
) -> SalesPage:
    """Return the proven sales of a card by its UID, newest first."""
    card = newest_card(caisse, uid)
    if card is None:
        return SalesPage(sales=(), after=None, is_known=False)
    rows = CardTransaction.objects.using(caisse.using).filter(card=card)
    if after is not None:
        rows = rows.filter(tmc__lt=after)
    found = list(rows.select_related("claim").order_by("-tmc")[: most + 1])
    names = _names(caisse, {row.merchant for row in found})
    return SalesPage(
        sales=tuple(
            SaleListed(
                tmc=row.tmc,
                at=None if row.claim is None else row.claim.at,
                merchant=names.get(row.merchant, ""),
                amount_cents=row.amount_cents,
                state=row.state,
                is_payable=row.state == State.PAYABLE.value,
            )
            for row in found[:most]
        ),
        after=found[most - 1].tmc if len(found) > most else None,
        is_known=True,
    )


def newest_card(caisse: Caisse, uid: str) -> Card | None:
    """Return the newest life of a card whose UID is written so."""
    try:
        digits = bytes.fromhex("".join(uid.split()).replace(":", ""))
    except ValueError:
        return None
    return Card.objects.using(caisse.using).filter(uid=digits).order_by("-generation").first()


def open_for_member(
    caisse: Caisse, uid: str, tmc: int, *, amount_cents: int | None, by: int
) -> Dispute | NotDone | None:
    """Dispute a sale for a member: all of it, or what it was too much; None: no such sale."""
    card = newest_card(caisse, uid)
    sales = CardTransaction.objects.using(caisse.using).select_related("card")
    sale = sales.filter(card=card, tmc=tmc).first()
    if card is None or sale is None:
        return None
    kind = DisputeKind.NOT_BOUGHT if amount_cents is None else DisputeKind.WRONG_AMOUNT
    return disputes.open_dispute(caisse, sale, kind, amount_cents=amount_cents, by=by)


def _listed(row: Dispute) -> DisputeListed:
    facts = facts_of_dispute(row)
    return DisputeListed(
        key=row.act_id,
        number=bytes(row.number).hex(),
        card=row.card,
        opened_at=row.act.at,
        facts=facts,
        is_open=Stage(facts.stage) in OPEN,
    )


def _names(caisse: Caisse, numbers: set[int]) -> dict[int, str]:
    rows = Merchant.objects.using(caisse.using).filter(id__in=numbers)
    return dict(rows.values_list("id", "name"))
