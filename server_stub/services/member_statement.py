"""What a member paid and spent in a period, for the member alone; no stall ever asks for it.

A card's movements are those of its books, so that they come to what is left on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique

from django.db.models import Max, Sum

from cardkit.allowance import accept_allowance
from cardkit.clock import business_date
from cardkit.till_box import Means
from server_stub.models import (
    Account,
    AllowanceIssued,
    Card,
    CardStatus,
    CardTransaction,
    Contribution,
    Merchant,
    PaperClaim,
    Person,
    PostingLine,
)
from server_stub.rules.dues import MonthPaid
from server_stub.rules.ledger import Book
from server_stub.services.blocks import left_cents
from server_stub.services.books import LAPSED, MOVED
from server_stub.services.caisse import Caisse
from server_stub.services.entitled import standing_of
from server_stub.services.issue import held_allowance

_SALE = "transaction/"


@unique
class Moved(Enum):
    """What changed a card's credit."""

    MONTH = "a month's credit"
    GIVEN_BACK = "a refund, a correction, or what another card had left"
    SALE = "a sale"
    UNEXPLAINED = "a debit that no terminal has told of yet"
    TO_NEW_CARD = "what was left went to the card that replaces it"
    LAPSED = "what was left is the caisse's again"
    PAPER = "a slip of the paper carnet: held back of credit to come"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One line of a card; of a sale it says where, and never what was bought."""

    day: date
    what: Moved
    amount_cents: int
    """Below zero where credit went."""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidIn:
    """One contribution; below zero when it was taken back."""

    day: date
    amount_cents: int
    means: Means | None
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPart:
    """What one card did."""

    uid: bytes
    movements: tuple[Movement, ...]
    left_cents: int
    """Today, as far as sales are proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberStatement:
    """A period of one account."""

    first: date
    last: date
    name: str
    """Empty where the person was erased."""
    address: str
    paid_in: tuple[PaidIn, ...]
    dues: tuple[MonthPaid, ...]
    cards: tuple[CardPart, ...]


def member_statement(caisse: Caisse, account: Account, first: date, last: date) -> MemberStatement:
    """Return a member's period, both days included; what lies ahead is not told."""
    last = min(last, business_date(caisse.now()))
    person = Person.objects.using(caisse.using).filter(account=account).first()
    cards = Card.objects.using(caisse.using).filter(account=account)
    return MemberStatement(
        first=first,
        last=last,
        name=person.name if person else "",
        address=person.address if person else "",
        paid_in=tuple(_paid_in(caisse, account, first, last)),
        dues=tuple(
            it
            for it in standing_of(caisse, account.pk).months
            if first.replace(day=1) <= it.month <= last
        ),
        cards=tuple(
            CardPart(
                uid=bytes(card.uid),
                movements=tuple(it for it in _movements(caisse, card) if first <= it.day <= last),
                left_cents=_left_today_cents(caisse, card),
            )
            for card in cards.exclude(status=CardStatus.ISSUING)
        ),
    )


def _left_today_cents(caisse: Caisse, card: Card) -> int:
    """Return what is left without the months that are signed and have not begun."""
    held = held_allowance(caisse, card)
    if held is None:
        return 0
    ahead_cents = held.steps[-1].cumulative_cents - held.cumulative_cents(caisse.now())
    return left_cents(caisse, card) - ahead_cents


def _paid_in(caisse: Caisse, account: Account, first: date, last: date) -> Iterator[PaidIn]:
    rows = Contribution.objects.using(caisse.using).filter(
        account=account, value_date__gte=first, value_date__lte=last
    )
    for row in rows.select_related("paid_by").order_by("value_date", "act"):
        told = getattr(row, "paid_by", None)
        yield PaidIn(
            day=row.value_date,
            amount_cents=row.amount_cents,
            means=Means(told.means) if told else None,
            reference=row.reference,
        )


def _movements(caisse: Caisse, card: Card) -> list[Movement]:
    found = [*_given(caisse, card), *_spent(caisse, card), *_taken(caisse, card)]
    found += _on_paper(caisse, card)
    return sorted(found, key=lambda it: it.day)


def _given(caisse: Caisse, card: Card) -> Iterator[Movement]:
    """Yield each month on its first day, and whatever else a version gave on the day of it."""
    before_cents, known_until = 0, None
    for row in AllowanceIssued.objects.using(caisse.using).filter(card=card, issued_here=True):
        allowance = accept_allowance(bytes(row.content), caisse.ring.trust)
        months_cents, cents = 0, 0
        for step in allowance.steps:
            if known_until is None or step.from_at > known_until:
                part_cents = step.cumulative_cents - cents if cents or known_until is None else 0
                months_cents += part_cents
                if part_cents:
                    yield Movement(
                        day=business_date(step.from_at), what=Moved.MONTH, amount_cents=part_cents
                    )
            cents = step.cumulative_cents
        other_cents = cents - before_cents - months_cents
        if other_cents:
            day = business_date(row.issued_at)
            yield Movement(day=day, what=Moved.GIVEN_BACK, amount_cents=other_cents)
        before_cents, known_until = cents, allowance.steps[-1].from_at


def _spent(caisse: Caisse, card: Card) -> Iterator[Movement]:
    lines = PostingLine.objects.using(caisse.using).filter(
        posting__card=card, account=Book.SPENT.value
    )
    rows = lines.values_list("posting__subject").annotate(Sum("amount_cents"), Max("posting__at"))
    sales = _sales(caisse, card)
    for subject, cents, posted_at in rows.order_by():
        if not cents:
            continue
        day, place = sales.get(subject, (business_date(posted_at), ""))
        what = Moved.SALE if subject.startswith(_SALE) else Moved.UNEXPLAINED
        yield Movement(day=day, what=what, amount_cents=cents, place=place)


def _sales(caisse: Caisse, card: Card) -> dict[str, tuple[date, str]]:
    """Return day and place of a card's sales that a terminal told of, by the subject they post."""
    names = dict(Merchant.objects.using(caisse.using).values_list("id", "name"))
    rows = CardTransaction.objects.using(caisse.using).filter(card=card, claim__isnull=False)
    return {
        f"{_SALE}{tmc}": (business_date(at), names.get(merchant, ""))
        for tmc, merchant, at in rows.values_list("tmc", "merchant", "claim__at")
    }


def _taken(caisse: Caisse, card: Card) -> Iterator[Movement]:
    lines = PostingLine.objects.using(caisse.using).filter(
        posting__card=card, posting__subject__in=(MOVED, LAPSED), account=Book.CREDIT.value
    )
    for subject, cents, at in lines.values_list("posting__subject", "amount_cents", "posting__at"):
        what = Moved.TO_NEW_CARD if subject == MOVED else Moved.LAPSED
        yield Movement(day=business_date(at), what=what, amount_cents=cents)


def _on_paper(caisse: Caisse, card: Card) -> Iterator[Movement]:
    names = dict(Merchant.objects.using(caisse.using).values_list("id", "name"))
    for row in PaperClaim.objects.using(caisse.using).filter(card=card, paid__isnull=False):
        place = f"{names.get(row.merchant, '')}, n° {row.carnet}-{row.slip}"
        yield Movement(day=row.day, what=Moved.PAPER, amount_cents=-row.amount_cents, place=place)
