"""Postings: what is in the books, and how a correction gets there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from django.db.models import Sum

from cardkit.errors import must
from server_stub.models import Card, Posting, PostingLine
from server_stub.rules.ledger import Account, Book, Line, Lines, balanced, correction
from server_stub.services.caisse import Caisse

CREDIT: Final = "credit"
"""What allowances come to; posted by their acts, as `MOVED` is."""
MOVED: Final = "moved"
"""What was taken out of a card's credit for the card that replaces it."""


def post(
    caisse: Caisse, *, card: Card | None, subject: str, lines: Lines, cause: bytes | None = None
) -> None:
    """Enter lines that sum to zero; no lines are no posting."""
    if not lines:
        return
    must(balanced(lines), "a posting sums to zero")
    posting = Posting.objects.using(caisse.using).create(
        at=caisse.now(), card=card, subject=subject, cause=cause
    )
    PostingLine.objects.using(caisse.using).bulk_create(_line(posting, line) for line in lines)


def correct(
    caisse: Caisse,
    cards: Iterable[tuple[Card, Mapping[str, Lines], Mapping[str, Mapping[Account, int]]]],
) -> None:
    """Post what leads from the books as they are to what cards' facts come to.

    Of each card: what is wanted and what is posted, by subject.
    """
    postings: list[tuple[Posting, Lines]] = []
    for card, wanted, held in cards:
        for subject in sorted(wanted.keys() | held.keys()):
            lines = correction(held.get(subject, {}), wanted.get(subject, ()))
            if lines:
                postings.append((Posting(at=caisse.now(), card=card, subject=subject), lines))
    Posting.objects.using(caisse.using).bulk_create(posting for posting, _ in postings)
    PostingLine.objects.using(caisse.using).bulk_create(
        _line(posting, line) for posting, lines in postings for line in lines
    )


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


def posted(caisse: Caisse, cards: Iterable[Card]) -> dict[int, dict[str, dict[Account, int]]]:
    """Return what each subject of each card comes to, but for what acts post."""
    rows = (
        PostingLine.objects.using(caisse.using)
        .filter(posting__card__in=cards)
        .exclude(posting__subject__in=(CREDIT, MOVED))
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
    """Return every account's balance."""
    rows = (
        PostingLine.objects.using(caisse.using)
        .values_list("account", "merchant")
        .annotate(Sum("amount_cents"))
        .order_by()
    )
    return {(Book(book), merchant): cents for book, merchant, cents in rows if cents}


def _line(posting: Posting, line: Line) -> PostingLine:
    return PostingLine(
        posting=posting,
        account=line.book.value,
        merchant=line.merchant,
        amount_cents=line.amount_cents,
    )
