"""The addresses of the pages on members' money."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.contributions.bank import (
    bank_import,
    bank_line,
    bank_line_back,
    bank_lines,
    bank_settled,
)
from server_stub.console.contributions.dues import contributions, late
from server_stub.console.contributions.payments import (
    payment_cancel,
    payment_list_page,
    payment_new,
    payment_take,
    quittance,
)
from server_stub.console.contributions.profiles import bank_profile_new, bank_profiles
from server_stub.console.contributions.till import cash_box_page, cash_count_page, cash_deposit
from server_stub.console.declared import DO, OFFICE, READ, Group, Page

PAGES = [
    Page(
        path="contributions/",
        name="contributions",
        view=contributions,
        who=OFFICE,
        methods=READ,
        menu=(Group.MONEY, _("Cotisations")),
    ),
    Page(path="contributions/late/", name="late", view=late, who=OFFICE, methods=READ),
    Page(
        path="take/",
        name="payment_new",
        view=payment_new,
        who=OFFICE,
        methods=READ,
        menu=(Group.MONEY, _("Encaisser")),
    ),
    Page(path="take/<int:person>/", name="payment_take", view=payment_take, who=OFFICE),
    Page(path="payments/", name="payments", view=payment_list_page, who=OFFICE, methods=READ),
    Page(
        path="payments/cancel/",
        name="payment_cancel",
        view=payment_cancel,
        who=OFFICE,
        needs_fresh_login=True,
    ),
    Page(path="payments/quittance/", name="quittance", view=quittance, who=OFFICE, methods=DO),
    Page(
        path="cash-box/",
        name="cash_box",
        view=cash_box_page,
        who=OFFICE,
        methods=READ,
        menu=(Group.MONEY, _("Caisse")),
    ),
    Page(path="cash-box/count/", name="cash_count", view=cash_count_page, who=OFFICE),
    Page(path="cash-box/deposit/", name="cash_deposit", view=cash_deposit, who=OFFICE),
    Page(
        path="bank/",
        name="bank_lines",
        view=bank_lines,
        who=OFFICE,
        menu=(Group.MONEY, _("Relevés de banque")),
    ),
    Page(path="bank/settled/", name="bank_settled", view=bank_settled, who=OFFICE, methods=READ),
    Page(path="bank/import/", name="bank_import", view=bank_import, who=OFFICE),
    Page(path="bank/profiles/", name="bank_profiles", view=bank_profiles, who=OFFICE, methods=READ),
    Page(path="bank/profiles/new/", name="bank_profile_new", view=bank_profile_new, who=OFFICE),
    Page(path="bank/lines/<int:line>/", name="bank_line", view=bank_line, who=OFFICE),
    Page(
        path="bank/lines/<int:line>/back/",
        name="bank_line_back",
        view=bank_line_back,
        who=OFFICE,
        methods=DO,
        needs_fresh_login=True,
    ),
]
