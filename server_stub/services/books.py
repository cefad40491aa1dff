"""Postings: what is in the books, and how a correction gets there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from django.db.models import F, Sum

from cardkit.errors import must
from server_stub.models import Balance, Card, Posting, PostingLine
from server_stub.rules.ledger import Account, Book, Lines, balanced, correction
from server_stub.services import bulk
from server_stub.services.caisse import Caisse

CREDIT: Final = "credit"
"""What allowances come to; posted by their acts, as `MOVED` is."""
MOVED: Final = "moved"
"""What was taken out of a card's credit for the card that replaces it."""
LAPSED: Final = "lapsed"
"""What a leaver's card had left, and the caisse has again; posted by its act."""
WITHHELD: Final = "withheld"
"""What was held back of a card's months for paper slips; posted by its acts, as slips are."""
PAPER: Final = "paper/"
"""What the subject of a slip begins with."""
SETTLEMENT: Final = "settlement/"
"""What the subject of a run, and of a single payout, begins with."""


def post(
    caisse: Caisse, *, card: Card | None, subject: str, lines: Lines, cause: bytes | None = None
) -> None:
    """Enter lines that sum to zero; no lines are no posting."""
    if not lines:
        return
    must(balanced(lines), "a posting sums to zero")
    _enter(caisse, [(Posting(at=caisse.now(), card=card, subject=subject, cause=cause), lines)])


def correct(
    caisse: Caisse,
    cards: Iterable[tuple[Card, Mapping[str, Lines], Mapping[str, Mapping[Account, int]]]],
) -> None:
    """Post what leads from the books as they are to what cards' facts come to.

    Of each card: what is wanted and what is posted, by subject.
    """
    postings: list[tuple[Posting, Lines]] = []
    now = caisse.now()
    for card, wanted, held in cards:
        for subject in sorted(wanted.keys() | held.keys()):
            lines = correction(held.get(subject, {}), wanted.get(subject, ()))
            if lines:
                posting = bulk.made(Posting, at=now, card_id=card.id, subject=subject)
                postings.append((posting, lines))
    _enter(caisse, postings)


def net_of(caisse: Caisse, card: Card, subject: str) -> dict[Account, int]:
    """Return what one subject of a card comes to."""
    rows = (
        PostingLine.objects.using(caisse.using)
        .filter(posting__card=card, posting__subject=subject)
        .values_list("account", "merchant")
        .annotate(Sum("amount_cents"))
        .order_by()
    )
    return {(Book(book), merchant): cents for book, merchant, cents in rows if cents}


def emptied(caisse: Caisse, cards: Iterable[Card]) -> frozenset[int]:
    """Return the cards, by id, of whose credit some was moved to another card or has lapsed."""
    rows = (
        PostingLine.objects.using(caisse.using)
        .filter(posting__card__in=cards, posting__subject__in=(MOVED, LAPSED))
        .filter(account=Book.CREDIT.value)
        .values_list("posting__card_id")
        .annotate(Sum("amount_cents"))
        .order_by()
    )
    return frozenset(card_id for card_id, cents in rows if card_id is not None and cents)


def posted(caisse: Caisse, cards: Sequence[int]) -> dict[int, dict[str, dict[Account, int]]]:
    """Return what each subject of each card comes to, but for what acts post."""
    rows = (
        PostingLine.objects.using(caisse.using)
        .filter(posting__card__in=cards)
        .exclude(posting__subject__in=(CREDIT, MOVED, LAPSED, WITHHELD))
        .exclude(posting__subject__startswith=PAPER)
        .values_list("posting__card_id", "posting__subject", "account", "merchant")
        .annotate(Sum("amount_cents"))
        .order_by()
    )
    nets: dict[int, dict[str, dict[Account, int]]] = defaultdict(lambda: defaultdict(dict))
    for card_id, subject, book, merchant, cents in rows:
        if cents:
            nets[card_id][subject][Book(book), merchant] = cents
    return nets


def balances(caisse: Caisse) -> dict[Account, int]:
    """Return every account's balance, however many lines there are."""
    rows = Balance.objects.using(caisse.using).values_list("account", "merchant", "amount_cents")
    return {(Book(book), merchant): cents for book, merchant, cents in rows if cents}


def _enter(caisse: Caisse, postings: Sequence[tuple[Posting, Lines]]) -> None:
    """Enter postings and their lines, and bring the balances to what they come to."""
    bulk.insert(Posting.objects.using(caisse.using), (posting for posting, _ in postings))
    lines = [
        (posting.pk, line.book.value, line.merchant, line.amount_cents)
        for posting, lines in postings
        for line in lines
    ]
    columns = ("posting_id", "account", "merchant", "amount_cents")
    bulk.insert_values(PostingLine.objects.using(caisse.using), columns, lines)
    moved_cents: dict[tuple[str, int], int] = defaultdict(int)
    for _, account, merchant, amount_cents in lines:
        moved_cents[account, merchant] += amount_cents
    for (account, merchant), cents in moved_cents.items():
        held = Balance.objects.using(caisse.using).filter(account=account, merchant=merchant)
        if not held.update(amount_cents=F("amount_cents") + cents):
            Balance.objects.using(caisse.using).create(
                account=account, merchant=merchant, amount_cents=cents
            )
