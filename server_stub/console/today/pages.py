"""The home page's addresses."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import EVERYBODY, OFFICE, READ, Group, Page
from server_stub.console.today.views import home, note

PAGES = [
    Page(
        path="",
        name="console",
        view=home,
        who=EVERYBODY,
        methods=READ,
        menu=(Group.DAY, _("Aujourd’hui")),
    ),
    Page(path="note/", name="handover", view=note, who=OFFICE),
]
