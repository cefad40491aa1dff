"""The addresses of the fund's pages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import READ, SCHEME, Group, Page
from server_stub.console.fund.views import fund

PAGES = [
    Page(
        path="fund/",
        name="fund",
        view=fund,
        who=SCHEME,
        methods=READ,
        menu=(Group.CAISSE, _("Fonds")),
    ),
]
