"""The addresses of what does not match."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import BOOKS, OFFICE, Group, Page
from server_stub.console.findings.views import act_on, finding, findings, note

PAGES = [
    Page(
        path="findings/",
        name="findings",
        view=findings,
        who=BOOKS,
        methods=frozenset({"GET"}),
        menu=(Group.DAY, _("À regarder")),
    ),
    Page(
        path="findings/<int:finding>/",
        name="finding",
        view=finding,
        who=BOOKS,
        methods=frozenset({"GET"}),
    ),
    Page(
        path="findings/<int:finding>/note/",
        name="finding_note",
        view=note,
        who=OFFICE,
        methods=frozenset({"POST"}),
    ),
    Page(
        path="findings/<int:finding>/do/<str:kind>/",
        name="finding_do",
        view=act_on,
        who=OFFICE,
        needs_fresh_login=True,
    ),
]
