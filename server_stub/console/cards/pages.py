"""The addresses of the pages on cards."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.cards.deeds import card_block, card_free, card_replace
from server_stub.console.cards.views import card_list, card_page, to_issue
from server_stub.console.declared import BOOKS, OFFICE, READ, Group, Page

PAGES = [
    Page(
        path="cards/",
        name="cards",
        view=card_list,
        who=BOOKS,
        methods=READ,
        menu=(Group.PEOPLE, _("Cartes")),
    ),
    Page(path="cards/to-issue/", name="cards_to_issue", view=to_issue, who=BOOKS, methods=READ),
    Page(path="cards/<str:card>/", name="card", view=card_page, who=BOOKS, methods=READ),
    Page(path="cards/<str:card>/block/", name="card_block", view=card_block, who=OFFICE),
    Page(
        path="cards/<str:card>/free/",
        name="card_free",
        view=card_free,
        who=OFFICE,
        needs_fresh_login=True,
    ),
    Page(
        path="cards/<str:card>/replace/",
        name="card_replace",
        view=card_replace,
        who=OFFICE,
        needs_fresh_login=True,
    ),
]
