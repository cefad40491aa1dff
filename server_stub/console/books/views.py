"""Balances on a day, postings of a period, one posting, and files of all of it."""

from __future__ import annotations

from typing import Final

from django import forms
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy

from server_stub.console.books.words import (
    BOOKS,
    CONSERVED,
    book_in_words,
    subject_in_words,
)
from server_stub.console.declared import AUDITOR, COORDINATOR, TREASURER
from server_stub.console.downloads import download
from server_stub.console.fields import as_number, number_in
from server_stub.console.forms import DayField
from server_stub.console.log.words import in_words
from server_stub.console.visit import Visit
from server_stub.console.words import LOCKS
from server_stub.exports.plain_ledger import plain_ledger
from server_stub.exports.sent_file import audit_file, text_file
from server_stub.exports.trial_balance import trial_balance_csv
from server_stub.models import Posting
from server_stub.services.behind import lock
from server_stub.services.books_read import (
    BookRow,
    Range,
    books_on,
    posting_of,
)
from server_stub.services.books_read import postings as postings_of

_BINARY: Final = "application/vnd.sqlite3"


class OnDay(forms.Form):
    """The day at whose end balances are shown."""

    on = DayField(label=gettext_lazy("À la fin du"), required=False)


class Period(forms.Form):
    """Which postings are shown; empty: all of them."""

    from_day = DayField(label=gettext_lazy("Du"), required=False)
    until_day = DayField(label=gettext_lazy("Au"), required=False)
    book = forms.ChoiceField(
        label=gettext_lazy("Compte"),
        required=False,
        choices=[("", gettext_lazy("Tous")), *BOOKS.items()],
    )
    merchant = forms.IntegerField(
        label=gettext_lazy("Producteur n°"), required=False, min_value=0, max_value=2**32
    )


def books(visit: Visit) -> HttpResponse:
    """Show balances; the committee sees each book as one sum."""
    form = OnDay(visit.request.GET or None)
    asked = form.cleaned_data.get("on") if form.is_bound and form.is_valid() else None
    day = min(asked or visit.today, visit.today)
    if visit.request.GET.get("format") == "csv" and _sees_accounts(visit):
        content = trial_balance_csv(visit.caisse, day=day)
        return download(content, f"balance-{day.isoformat()}.csv")
    seen = books_on(visit.caisse, day)
    locked = lock(visit.caisse)
    return visit.page(
        "books/books.html",
        {
            "form": form if form.is_bound else OnDay(initial={"on": day}),
            "day": day,
            "is_today": day == visit.today,
            "books": [(book_in_words(row.book), row) for row in seen.books],
            "accounts": [(book_in_words(row.book, row.name), row) for row in seen.accounts],
            "seen": seen,
            "conserved": [
                (CONSERVED[it.name], [(BOOKS[book], cents) for book, cents in it.parts], it)
                for it in seen.conserved
            ],
            "sees_accounts": _sees_accounts(visit),
            "lock": None if locked is None else LOCKS[locked.value],
        },
    )


def postings(visit: Visit) -> HttpResponse:
    """Show the postings of a period, newest first."""
    form = Period(visit.request.GET or None)
    asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
    wanted = Range(
        from_day=asked.get("from_day"),
        until_day=asked.get("until_day"),
        book=asked.get("book") or "",
        merchant=asked.get("merchant"),
    )
    after = number_in(visit, "after")
    page = postings_of(visit.caisse, wanted, after=after)
    query = visit.request.GET.copy()
    query.pop("after", None)
    return visit.page(
        "books/postings.html",
        {
            "form": form,
            "postings": [_row(it) for it in page.postings],
            "after": page.after,
            "is_first_page": after is None,
            "is_filtered": wanted != Range(),
            "query": query.urlencode(),
        },
    )


def posting(visit: Visit, posting: int) -> HttpResponse:
    """Show one posting, its lines, and what made it necessary."""
    found = posting_of(visit.caisse, posting)
    if found is None:
        raise Http404
    sees_texts = visit.has(COORDINATOR, TREASURER)
    return visit.page(
        "books/posting.html",
        {
            "found": found,
            "subject": subject_in_words(found.posting.subject),
            "lines": [(_line(row), row) for row in found.lines],
            "act": None if found.act is None else in_words(found.act, sees_texts=sees_texts),
            "run": _run_of(found.posting),
            "contribution": _act_of(found.posting),
        },
    )


def ledger(visit: Visit) -> HttpResponseBase:
    """Hand out every posting as plain text that hledger reads."""
    name = f"livres-{visit.today.isoformat()}.ledger"
    return FileResponse(
        text_file(plain_ledger(visit.caisse)),
        as_attachment=True,
        filename=name,
        content_type="text/plain; charset=utf-8",
    )


def audit(visit: Visit) -> HttpResponseBase:
    """Hand out all that was signed and all that the books claim, for anybody to check."""
    name = f"audit-{visit.today.isoformat()}.sqlite3"
    return FileResponse(
        audit_file(visit.caisse), as_attachment=True, filename=name, content_type=_BINARY
    )


def _sees_accounts(visit: Visit) -> bool:
    return visit.has(COORDINATOR, TREASURER, AUDITOR)


def _row(posting: Posting) -> dict[str, object]:
    return {
        "posting": posting,
        "subject": subject_in_words(posting.subject),
        "lines": [(BOOKS.get(it.account, it.account), it) for it in posting.lines.all()],
    }


def _line(row: BookRow) -> str:
    return book_in_words(row.book, row.name)


def _run_of(posting: Posting) -> str | None:
    what, _slash, name = posting.subject.partition("/")
    return name if what == "settlement" and name else None


def _act_of(posting: Posting) -> int | None:
    what, _slash, number = posting.subject.partition("/")
    return as_number(number) if what == "contribution" else None
