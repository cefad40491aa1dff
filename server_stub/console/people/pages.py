"""The addresses of the pages on members."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import DO, OFFICE, READ, Group, Page
from server_stub.console.people.admission import wave
from server_stub.console.people.importing import member_import_page, member_template
from server_stub.console.people.leaving import lapse, member_card_back, member_leave
from server_stub.console.people.member import (
    member_data,
    member_edit,
    member_erase,
    member_helper,
    member_page,
    member_touch,
)
from server_stub.console.people.members import member_list_page, member_new
from server_stub.console.people.promises import (
    first_promises,
    member_change,
    member_promise,
    member_renew,
)
from server_stub.console.people.renewing import campaign

PAGES = [
    Page(
        path="members/",
        name="members",
        view=member_list_page,
        who=OFFICE,
        methods=READ,
        menu=(Group.PEOPLE, _("Membres")),
    ),
    Page(path="members/new/", name="member_new", view=member_new, who=OFFICE),
    Page(path="members/import/", name="member_import", view=member_import_page, who=OFFICE),
    Page(
        path="members/import/template/",
        name="member_template",
        view=member_template,
        who=OFFICE,
        methods=READ,
    ),
    Page(path="members/lapse/", name="lapse", view=lapse, who=OFFICE, methods=DO),
    Page(path="members/<int:person>/", name="member", view=member_page, who=OFFICE, methods=READ),
    Page(path="members/<int:person>/edit/", name="member_edit", view=member_edit, who=OFFICE),
    Page(path="members/<int:person>/helper/", name="member_helper", view=member_helper, who=OFFICE),
    Page(
        path="members/<int:person>/touch/",
        name="member_touch",
        view=member_touch,
        who=OFFICE,
        methods=DO,
    ),
    Page(
        path="members/<int:person>/data/",
        name="member_data",
        view=member_data,
        who=OFFICE,
        methods=READ,
    ),
    Page(
        path="members/<int:person>/erase/",
        name="member_erase",
        view=member_erase,
        who=OFFICE,
        needs_fresh_login=True,
    ),
    Page(
        path="members/<int:person>/promise/", name="member_promise", view=member_promise, who=OFFICE
    ),
    Page(path="members/<int:person>/change/", name="member_change", view=member_change, who=OFFICE),
    Page(path="members/<int:person>/renew/", name="member_renew", view=member_renew, who=OFFICE),
    Page(
        path="members/<int:person>/leave/",
        name="member_leave",
        view=member_leave,
        who=OFFICE,
        needs_fresh_login=True,
    ),
    Page(
        path="members/<int:person>/card-back/",
        name="member_card_back",
        view=member_card_back,
        who=OFFICE,
        methods=DO,
    ),
    Page(
        path="admission/",
        name="wave",
        view=wave,
        who=OFFICE,
        menu=(Group.PEOPLE, _("Liste d’attente")),
    ),
    Page(path="first-promises/", name="first_promises", view=first_promises, who=OFFICE),
    Page(
        path="renewals/",
        name="renewals",
        view=campaign,
        who=OFFICE,
        menu=(Group.PEOPLE, _("Renouvellement")),
    ),
]
