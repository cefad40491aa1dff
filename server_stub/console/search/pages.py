"""The address of the search."""

from __future__ import annotations

from server_stub.console.declared import BOOKS, READ, Page
from server_stub.console.search.views import results

PAGES = [
    Page(path="search/", name="search", view=results, who=BOOKS, methods=READ),
]
