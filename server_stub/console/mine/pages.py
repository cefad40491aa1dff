"""The addresses of a merchant's pages."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import MERCHANT, READ, Group, Page
from server_stub.console.mine.views import my_merchants, my_paper, my_payouts, my_sales

_OWN: Final = frozenset({MERCHANT})

PAGES = [
    Page(
        path="mine/",
        name="my_merchants",
        view=my_merchants,
        who=_OWN,
        methods=READ,
        menu=(Group.MINE, _("Mes ventes")),
    ),
    Page(path="mine/<int:merchant>/", name="my_sales", view=my_sales, who=_OWN, methods=READ),
    Page(
        path="mine/<int:merchant>/payouts/",
        name="my_payouts",
        view=my_payouts,
        who=_OWN,
        methods=READ,
    ),
    Page(
        path="mine/<int:merchant>/payouts/<str:run>.pdf",
        name="my_paper",
        view=my_paper,
        who=_OWN,
        methods=READ,
    ),
]
