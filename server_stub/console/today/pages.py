"""The home page's address."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import EVERYBODY, Group, Page
from server_stub.console.today.views import home

PAGES = [
    Page(
        path="",
        name="console",
        view=home,
        who=EVERYBODY,
        methods=frozenset({"GET"}),
        menu=(Group.DAY, _("Aujourd’hui")),
    ),
]
