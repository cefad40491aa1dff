"""The addresses of the pages on merchants."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import BOOKS, COORDINATOR, READ, TREASURER, Group, Page
from server_stub.console.merchants.bank import merchant_bank, merchant_bank_confirm
from server_stub.console.merchants.signing import (
    merchant_convention,
    merchant_convention_end,
    merchant_deputy,
)
from server_stub.console.merchants.views import (
    merchant_details,
    merchant_list,
    merchant_new,
    merchant_page,
    merchant_sales,
)

_COORDINATION: Final = frozenset({COORDINATOR})
_TREASURY: Final = frozenset({TREASURER})

PAGES = [
    Page(
        path="merchants/",
        name="merchants",
        view=merchant_list,
        who=BOOKS,
        methods=READ,
        menu=(Group.TRADE, _("Producteurs")),
    ),
    Page(path="merchants/new/", name="merchant_new", view=merchant_new, who=_COORDINATION),
    Page(
        path="merchants/<int:merchant>/",
        name="merchant",
        view=merchant_page,
        who=BOOKS,
        methods=READ,
    ),
    Page(
        path="merchants/<int:merchant>/sales/",
        name="merchant_sales",
        view=merchant_sales,
        who=BOOKS,
        methods=READ,
    ),
    Page(
        path="merchants/<int:merchant>/details/",
        name="merchant_details",
        view=merchant_details,
        who=_COORDINATION,
    ),
    Page(
        path="merchants/<int:merchant>/convention/",
        name="merchant_convention",
        view=merchant_convention,
        who=_COORDINATION,
        needs_fresh_login=True,
    ),
    Page(
        path="merchants/<int:merchant>/convention/end/",
        name="merchant_convention_end",
        view=merchant_convention_end,
        who=_COORDINATION,
        needs_fresh_login=True,
    ),
    Page(
        path="merchants/<int:merchant>/deputies/",
        name="merchant_deputy",
        view=merchant_deputy,
        who=_COORDINATION,
    ),
    Page(
        path="merchants/<int:merchant>/bank/",
        name="merchant_bank",
        view=merchant_bank,
        who=_COORDINATION,
        needs_fresh_login=True,
    ),
    Page(
        path="merchants/<int:merchant>/bank/confirm/",
        name="merchant_bank_confirm",
        view=merchant_bank_confirm,
        who=_TREASURY,
        needs_fresh_login=True,
    ),
]
