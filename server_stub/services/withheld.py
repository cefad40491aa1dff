"""Credit of months to come that is not signed, because paper slips have spent it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from cardkit.clock import PARIS
from cardkit.resolutions import CreditWithheld, PaperBearer
from server_stub.models import Card, PaperClaim
from server_stub.rules.allowances import MonthCredit, month_of
from server_stub.rules.ledger import Book
from server_stub.rules.paper import Withheld, withhold
from server_stub.rules.scheme import RuleName
from server_stub.services import acts
from server_stub.services.books import WITHHELD, net_of
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted_or_proposed


@dataclass(frozen=True, slots=True)
class Share:
    """What a card is given of its months, and what slips take of them."""

    months: tuple[MonthCredit, ...]
    raise_cents: int
    """Given back, because more was held back than slips spent."""
    taken: tuple[Withheld, ...]


def share(
    caisse: Caisse, card: Card, months: Sequence[MonthCredit], *, signed_until: datetime | None
) -> Share:
    """Say what months still give once slips are made good; signed months stay what they are."""
    cents = due_cents(caisse, card.account_id)
    if cents <= 0:
        back = (Withheld(from_at=caisse.now(), amount_cents=cents),) if cents else ()
        return Share(tuple(months), -cents, back)
    open_months = [it for it in months if signed_until is None or it.from_at > signed_until]
    signed = [it for it in months if it not in open_months]
    given, taken = withhold(
        open_months,
        due_cents=cents,
        month_max_cents=voted_or_proposed(caisse, RuleName.PAPER_MONTH_MAX_CENTS),
    )
    return Share((*signed, *given), 0, taken)


def keep(caisse: Caisse, card: Card, taken: Sequence[Withheld]) -> None:
    """Put on record what months were signed with less, or what was given back."""
    for part in taken:
        body = CreditWithheld(
            uid=card.uid,
            generation=card.generation,
            amount_cents=part.amount_cents,
            month=month_of(part.from_at, PARIS),
        )
        acts.record(caisse, body)


def accounts(caisse: Caisse) -> set[int]:
    """Return the accounts whose credit paper slips have touched: what they are owed may rise."""
    claims = PaperClaim.objects.using(caisse.using).filter(bearer=PaperBearer.CREDIT)
    return set(claims.filter(card__isnull=False).values_list("card__account_id", flat=True))


def due_cents(caisse: Caisse, account_id: int) -> int:
    """Return what slips have spent of an account's credit and no month was signed with less for.

    Below zero where more was held back, as when a slip turned out to be a double.
    """
    claims = PaperClaim.objects.using(caisse.using).filter(
        card__account_id=account_id, bearer=PaperBearer.CREDIT
    )
    if not claims.exists():
        return 0
    paid = claims.filter(paid__isnull=False)
    spent_cents = paid.aggregate(sum=Sum("amount_cents"))["sum"] or 0
    cards = Card.objects.using(caisse.using).filter(account_id=account_id)
    held_cents = sum(net_of(caisse, card, WITHHELD).get((Book.WITHHELD, 0), 0) for card in cards)
    return spent_cents - held_cents
