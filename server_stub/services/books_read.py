"""The books in pages: balances on a day, what must come to nothing, postings and their cause.

Postings are entered in the order of their time, so a day is found among them by halving, and a
balance of the past is today's less what came since: no page reads the whole history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Max, Min, Sum

from cardkit.clock import PARIS, business_date
from server_stub.models import (
    ActRow,
    Merchant,
    Posting,
    PostingLine,
    StoredEntry,
)
from server_stub.rules.allowances import midnight
from server_stub.rules.ledger import Account, Book
from server_stub.services.acts_read import ActSeen, seen
from server_stub.services.books import balances
from server_stub.services.caisse import Caisse

PAGE_ROWS: Final = 50
_PROBES: Final = 64
_PROBE_ROUNDS_MAX: Final = 8
_EARLIEST: Final = date(2000, 1, 1)
"""Nobody's books begin before; the first years of the calendar have no time in UTC."""

_PURSES: Final = (
    Book.SPENT,
    Book.PAYABLE,
    Book.HELD,
    Book.WAITING,
    Book.PROVISIONAL,
    Book.RETURNED,
    Book.LOSS,
    Book.IN_PAYMENT,
    Book.PAID,
    Book.PAPER,
)
_CREDIT: Final = (Book.ISSUED, Book.CREDIT, Book.WITHHELD, Book.LAPSED)
_MEMBERS: Final = (
    Book.CONTRIBUTED,
    Book.BANKED,
    Book.CASH_BOX,
    Book.CHEQUES,
    Book.CASH_DIFFERENCE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRow:
    """One account on a day, in cents; above zero a debit."""

    book: str
    merchant: int
    """0: nobody's in particular."""
    name: str
    amount_cents: int

    @property
    def debit_cents(self) -> int:
        """What came to it and is left."""
        return max(self.amount_cents, 0)

    @property
    def credit_cents(self) -> int:
        """What left it."""
        return max(-self.amount_cents, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conserved:
    """Books that come to nothing together, by their names, and what they come to."""

    name: str
    """`purses`, `credit` or `members`."""
    parts: tuple[tuple[str, int], ...]

    @property
    def sum_cents(self) -> int:
        """What they come to; anything but 0 is an error of the books."""
        return sum(cents for _, cents in self.parts)

    @property
    def holds(self) -> bool:
        """Say whether nothing was lost and nothing invented."""
        return self.sum_cents == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksSeen:
    """Every balance at the end of a day."""

    day: date
    books: tuple[BookRow, ...]
    """A row for each book, all merchants together."""
    accounts: tuple[BookRow, ...]
    """A row for each account."""
    conserved: tuple[Conserved, ...]

    @property
    def debit_cents(self) -> int:
        """What all debits come to."""
        return sum(row.debit_cents for row in self.accounts)

    @property
    def credit_cents(self) -> int:
        """What all credits come to: the same."""
        return sum(row.credit_cents for row in self.accounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Which postings are looked for."""

    from_day: date | None = None
    until_day: date | None = None
    book: str = ""
    merchant: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingsPage:
    """Postings, newest first, each with its lines, and where the next page begins."""

    postings: tuple[Posting, ...]
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingSeen:
    """One posting, and the signed thing that made it necessary, where there is one."""

    posting: Posting
    lines: tuple[BookRow, ...]
    act: ActSeen | None
    entry: StoredEntry | None


def books_on(caisse: Caisse, day: date) -> BooksSeen:
    """Return every balance at the end of a day; of today as it stands."""
    held = dict(balances(caisse))
    if day < business_date(caisse.now()):
        for account, cents in _since(caisse, day + timedelta(days=1)).items():
            held[account] = held.get(account, 0) - cents
    names = dict(Merchant.objects.using(caisse.using).values_list("id", "name"))
    sums: dict[Book, int] = defaultdict(int)
    for (book, _merchant), cents in held.items():
        sums[book] += cents
    order = {book: place for place, book in enumerate(Book)}
    return BooksSeen(
        day=day,
        books=tuple(
            BookRow(book=book.value, merchant=0, name="", amount_cents=sums[book])
            for book in Book
            if sums.get(book)
        ),
        accounts=tuple(
            BookRow(
                book=book.value,
                merchant=merchant,
                name=names.get(merchant, ""),
                amount_cents=cents,
            )
            for (book, merchant), cents in sorted(
                held.items(), key=lambda it: (order[it[0][0]], it[0][1])
            )
            if cents
        ),
        conserved=tuple(
            Conserved(name=name, parts=tuple((book.value, sums.get(book, 0)) for book in books))
            for name, books in (("purses", _PURSES), ("credit", _CREDIT), ("members", _MEMBERS))
        ),
    )


def postings(
    caisse: Caisse, wanted: Range, *, after: int | None = None, most: int = PAGE_ROWS
) -> PostingsPage:
    """Return the postings of a period, newest first; of one book or account, where one is named."""
    rows = Posting.objects.using(caisse.using).select_related("card")
    low = None if wanted.from_day is None else first_since(caisse, wanted.from_day)
    high = None
    if wanted.until_day is not None and wanted.until_day < business_date(caisse.now()):
        high = first_since(caisse, wanted.until_day + timedelta(days=1))
    below = min((bound for bound in (high, after) if bound is not None), default=None)
    if wanted.book:
        numbers = _of_account(caisse, wanted, low, below, most + 1)
        rows = rows.filter(id__in=numbers)
    if low is not None:
        rows = rows.filter(id__gte=low)
    if below is not None:
        rows = rows.filter(id__lt=below)
    found = list(rows.prefetch_related("lines").order_by("-id")[: most + 1])
    is_more = len(found) > most
    return PostingsPage(postings=tuple(found[:most]), after=found[most - 1].pk if is_more else None)


def posting_of(caisse: Caisse, number: int) -> PostingSeen | None:
    """Return one posting; None where there is none of that number."""
    rows = Posting.objects.using(caisse.using).select_related("card").prefetch_related("lines")
    found = rows.filter(pk=number).first()
    if found is None:
        return None
    lines = list(found.lines.all())
    known = Merchant.objects.using(caisse.using).filter(id__in={line.merchant for line in lines})
    names = dict(known.values_list("id", "name"))
    cause = None if found.cause is None else bytes(found.cause)
    acts = ActRow.objects.using(caisse.using).filter(digest=cause) if cause else ()
    entries = StoredEntry.objects.using(caisse.using).filter(digest=cause) if cause else ()
    return PostingSeen(
        posting=found,
        lines=tuple(
            BookRow(
                book=line.account,
                merchant=line.merchant,
                name=names.get(line.merchant, ""),
                amount_cents=line.amount_cents,
            )
            for line in lines
        ),
        act=next(iter(seen(caisse, list(acts))), None),
        entry=next(iter(entries), None),
    )


def first_since(caisse: Caisse, day: date) -> int:
    """Return the number of the first posting of a day or after it; of none, the next number."""
    rows = Posting.objects.using(caisse.using).order_by("id")
    ends = rows.aggregate(low=Min("id"), high=Max("id"))
    if ends["low"] is None:
        return 1
    low, high = ends["low"], ends["high"] + 1  # the answer is between these two, both included
    moment = midnight(max(day, _EARLIEST), PARIS)
    for _ in range(_PROBE_ROUNDS_MAX):
        if high - low <= _PROBES:
            break
        low, high = _narrowed(caisse, low, high, moment)
    found = rows.filter(id__gte=low, id__lt=high, at__gte=moment)
    number = found.values_list("id", flat=True).first()
    return high if number is None else number


def _narrowed(caisse: Caisse, low: int, high: int, moment: datetime) -> tuple[int, int]:
    """Look at postings evenly apart; numbers that were never given are passed over."""
    step = max(1, (high - low) // _PROBES)
    rows = Posting.objects.using(caisse.using).filter(id__in=list(range(low, high, step)))
    for number, at in rows.order_by("id").values_list("id", "at"):
        if at >= moment:
            return low, number
        low = number
    return low, high


def _since(caisse: Caisse, day: date) -> Mapping[Account, int]:
    """Return what came to each account since the beginning of a day."""
    lines = PostingLine.objects.using(caisse.using).filter(posting__gte=first_since(caisse, day))
    rows = lines.order_by().values_list("account", "merchant").annotate(Sum("amount_cents"))
    return {(Book(book), merchant): cents for book, merchant, cents in rows}


def _of_account(
    caisse: Caisse, wanted: Range, low: int | None, below: int | None, most: int
) -> list[int]:
    """Return the newest postings of a book, or of one merchant's account in it."""
    lines = PostingLine.objects.using(caisse.using).filter(account=wanted.book)
    if wanted.merchant is not None:
        lines = lines.filter(merchant=wanted.merchant)
    if low is not None:
        lines = lines.filter(posting__gte=low)
    if below is not None:
        lines = lines.filter(posting__lt=below)
    numbers = lines.order_by("-id").values_list("posting", flat=True)
    return list(dict.fromkeys(numbers[: 2 * most]))[:most]
