"""The addresses of the log of decisions."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import BOOKS, OFFICE, READ, Group, Page
from server_stub.console.log.views import act, log, undo

PAGES = [
    Page(
        path="log/",
        name="log",
        view=log,
        who=BOOKS,
        methods=READ,
        menu=(Group.CAISSE, _("Journal des décisions")),
    ),
    Page(path="log/<int:act>/", name="act", view=act, who=BOOKS, methods=READ),
    Page(
        path="log/<int:act>/undo/",
        name="act_undo",
        view=undo,
        who=OFFICE,
        needs_fresh_login=True,
    ),
]
