"""The addresses of the rules."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import OFFICE, READ, SCHEME, Group, Page
from server_stub.console.rules_votes.views import rule, rules, vote

PAGES = [
    Page(
        path="rules/",
        name="rules",
        view=rules,
        who=SCHEME,
        methods=READ,
        menu=(Group.CAISSE, _("Règles")),
    ),
    Page(path="rules/<str:rule>/", name="rule", view=rule, who=SCHEME, methods=READ),
    Page(
        path="rules/<str:rule>/vote/",
        name="rule_vote",
        view=vote,
        who=OFFICE,
        needs_fresh_login=True,
    ),
]
