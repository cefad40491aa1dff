"""The addresses of the books."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.books.views import audit, books, ledger, posting, postings
from server_stub.console.declared import BOOKS, READ, SCHEME, Group, Page

PAGES = [
    Page(
        path="books/",
        name="books",
        view=books,
        who=SCHEME,
        methods=READ,
        menu=(Group.MONEY, _("Livres")),
    ),
    Page(path="books/postings/", name="postings", view=postings, who=BOOKS, methods=READ),
    Page(
        path="books/postings/<int:posting>/",
        name="posting",
        view=posting,
        who=BOOKS,
        methods=READ,
    ),
    Page(path="books/ledger.txt", name="ledger", view=ledger, who=BOOKS, methods=READ),
    Page(path="books/audit.sqlite3", name="audit_export", view=audit, who=BOOKS, methods=READ),
]
