"""The addresses of payouts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import BOOKS, DO, OFFICE, READ, Group, Page
from server_stub.console.payouts.deeds import approve, confirm, draw_up, drop, revoke, send
from server_stub.console.payouts.files import run_file
from server_stub.console.payouts.restoring import evidence, finish, restore
from server_stub.console.payouts.views import line, payout, payouts

PAGES = [
    Page(
        path="payouts/",
        name="payouts",
        view=payouts,
        who=BOOKS,
        methods=READ,
        menu=(Group.MONEY, _("Payer les producteurs")),
    ),
    Page(path="payouts/draw-up/", name="payout_draw_up", view=draw_up, who=OFFICE),
    Page(path="payouts/<str:run>/", name="payout", view=payout, who=BOOKS, methods=READ),
    Page(
        path="payouts/<str:run>/merchants/<int:merchant>/",
        name="payout_line",
        view=line,
        who=BOOKS,
        methods=READ,
    ),
    Page(
        path="payouts/<str:run>/approve",
        name="payout_approve",
        view=approve,
        who=OFFICE,
        needs_fresh_login=True,
    ),
    Page(path="payouts/<str:run>/drop/", name="payout_drop", view=drop, who=OFFICE, methods=DO),
    Page(
        path="payouts/<str:run>/send/",
        name="payout_send",
        view=send,
        who=OFFICE,
        needs_fresh_login=True,
    ),
    Page(
        path="payouts/<str:run>/confirm/",
        name="payout_confirm",
        view=confirm,
        who=OFFICE,
        needs_fresh_login=True,
    ),
    Page(
        path="payouts/<str:run>/revoke/",
        name="payout_revoke",
        view=revoke,
        who=OFFICE,
        needs_fresh_login=True,
    ),
    Page(
        path="payouts/<str:run>/files/<str:kind>/",
        name="payout_file",
        view=run_file,
        who=OFFICE,
        methods=DO,
    ),
    Page(path="restore/", name="restore", view=restore, who=BOOKS, methods=READ),
    Page(
        path="restore/evidence/",
        name="restore_evidence",
        view=evidence,
        who=OFFICE,
        needs_fresh_login=True,
    ),
    Page(
        path="restore/finish/",
        name="restore_finish",
        view=finish,
        who=OFFICE,
        needs_fresh_login=True,
    ),
]
