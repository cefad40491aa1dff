"""The addresses of what does not match."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import BOOKS, DO, OFFICE, READ, Group, Page
from server_stub.console.findings.views import act_on, finding, findings, note

PAGES = [
    Page(
        path="findings/",
        name="findings",
        view=findings,
        who=BOOKS,
        methods=READ,
        menu=(Group.DAY, _("À regarder")),
    ),
    Page(
        path="findings/<int:finding>/",
        name="finding",
        view=finding,
        who=BOOKS,
        methods=READ,
    ),
    Page(
        path="findings/<int:finding>/note/",
        name="finding_note",
        view=note,
        who=OFFICE,
        methods=DO,
    ),
    Page(
        path="findings/<int:finding>/do/<str:kind>/",
        name="finding_do",
        view=act_on,
        who=OFFICE,
        needs_fresh_login=True,
    ),
]
