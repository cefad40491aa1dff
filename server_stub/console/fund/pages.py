"""The addresses of the fund's pages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import SCHEME, Group, Page
from server_stub.console.fund.views import fund

PAGES = [
    Page(
        path="fund/",
        name="fund",
        view=fund,
        who=SCHEME,
        methods=frozenset({"GET"}),
        menu=(Group.CAISSE, _("Fonds")),
    ),
]
