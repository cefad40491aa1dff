"""The addresses of disputes and of paper slips."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import BOOKS, DO, OFFICE, READ, Group, Page
from server_stub.console.disputes.slips import (
    confirm_slip,
    drop_slip,
    enter_slip,
    hand_out,
    slip,
    slips,
)
from server_stub.console.disputes.views import answer, decide, dispute, disputes, open_one

PAGES = [
    Page(
        path="disputes/",
        name="disputes",
        view=disputes,
        who=BOOKS,
        methods=READ,
        menu=(Group.TRADE, _("Litiges")),
    ),
    Page(path="disputes/new/", name="dispute_open", view=open_one, who=OFFICE),
    Page(path="disputes/<str:dispute>/", name="dispute", view=dispute, who=BOOKS, methods=READ),
    Page(
        path="disputes/<str:dispute>/answer/",
        name="dispute_answer",
        view=answer,
        who=OFFICE,
        methods=DO,
    ),
    Page(
        path="disputes/<str:dispute>/decide/<str:kind>/",
        name="dispute_decide",
        view=decide,
        who=OFFICE,
        needs_fresh_login=True,
    ),
    Page(
        path="slips/",
        name="slips",
        view=slips,
        who=BOOKS,
        methods=READ,
        menu=(Group.TRADE, _("Bons papier")),
    ),
    Page(path="slips/carnets/new/", name="carnet_hand_out", view=hand_out, who=OFFICE),
    Page(path="slips/new/", name="slip_enter", view=enter_slip, who=OFFICE),
    Page(path="slips/<int:carnet>/<int:slip>/", name="slip", view=slip, who=BOOKS, methods=READ),
    Page(
        path="slips/<int:carnet>/<int:slip>/drop/",
        name="slip_drop",
        view=drop_slip,
        who=OFFICE,
        methods=DO,
    ),
    Page(
        path="slips/<int:carnet>/<int:slip>/confirm/",
        name="slip_confirm",
        view=confirm_slip,
        who=OFFICE,
        needs_fresh_login=True,
    ),
]
