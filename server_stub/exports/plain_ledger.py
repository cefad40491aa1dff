"""The books as plain text that hledger and ledger read (hledger manual, "Journal format").

Every posting is a transaction, a contribution's on the day from which it counts; no card and no
account of a member is named. Whoever reads it needs no program of ours to add it up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from django.db.models import Prefetch

from cardkit.clock import business_date
from cardkit.money import format_cents
from server_stub.models import Contribution, Posting, PostingLine, Rule
from server_stub.rules.ledger import Book
from server_stub.services.caisse import Caisse

CURRENCY: Final = "EUR"
BANK: Final = "assets:bank"
CONTRIBUTIONS: Final = "income:contributions"
_OF_MEMBERS: Final[dict[str, str]] = {
    Book.CONTRIBUTED: CONTRIBUTIONS,
    Book.BANKED: BANK,
    Book.CASH_BOX: "assets:cash",
    Book.CHEQUES: "assets:cheques",
    Book.CASH_DIFFERENCE: "expenses:cash difference",
}
_AT_ONCE: Final = 1_000


def plain_ledger(caisse: Caisse) -> Iterator[str]:
    """Yield the lines of the journal, in the order of the books, the rules in force above."""
    yield f"; {caisse.name}, {business_date(caisse.now())}"
    yield from _rules(caisse)
    yield f"commodity 1000.00 {CURRENCY}"
    yield ""
    lines = Prefetch("lines", PostingLine.objects.using(caisse.using).order_by("id"))
    postings = Posting.objects.using(caisse.using).order_by("id").prefetch_related(lines)
    received = {
        f"contribution/{it.act_id}": it
        for it in Contribution.objects.using(caisse.using).iterator(chunk_size=_AT_ONCE)
    }
    for posting in postings.iterator(chunk_size=_AT_ONCE):
        accounts = [
            (account_of(it.account, it.merchant), it.amount_cents) for it in posting.lines.all()
        ]
        came = received.get(posting.subject)
        day = came.value_date if came else business_date(posting.at)
        subject = f"contribution {came.reference}" if came else posting.subject
        yield from _transaction(day, posting.pk, subject, accounts)


def account_of(book: str, merchant: int) -> str:
    """Return the name of an account: a book, and the merchant where it has one."""
    if book in _OF_MEMBERS:
        return _OF_MEMBERS[book]
    return f"books:{book}:{merchant}" if merchant else f"books:{book}"


def _rules(caisse: Caisse) -> Iterator[str]:
    """Say which rules are in force: each export says by which votes it came about."""
    today = business_date(caisse.now())
    in_force: dict[str, Rule] = {}
    rows = Rule.objects.using(caisse.using).filter(from_day__lte=today)
    for row in rows.order_by("from_day"):
        in_force[row.name] = row
    for name, row in sorted(in_force.items()):
        yield f"; {name} = {row.value}, from {row.from_day}"


def _transaction(
    day: date, number: int, subject: str, accounts: list[tuple[str, int]]
) -> Iterator[str]:
    yield f"{day} ({number}) {_plain(subject)}"
    for account, cents in accounts:
        yield f"    {account}  {format_cents(cents, decimal_mark='.')} {CURRENCY}"
    yield ""


def _plain(text: str) -> str:
    """Return a description without what would begin a comment or another line."""
    return " ".join(text.replace(";", ",").replace("|", "/").split())
