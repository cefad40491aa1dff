"""The addresses of the pages on letters and papers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import DO, MERCHANT, OFFICE, READ, Group, Page
from server_stub.console.letters.papers import merchant_paper, one_paper, paper_head, papers
from server_stub.console.letters.queue import (
    letter_again,
    letter_drop,
    letter_on_paper,
    letter_page,
    letters_page,
    letters_prepare,
    letters_print,
    letters_sent,
)
from server_stub.console.letters.texts import letter_text, letter_texts_page

PAGES = [
    Page(
        path="letters/",
        name="letters",
        view=letters_page,
        who=OFFICE,
        methods=READ,
        menu=(Group.PEOPLE, _("Courriers")),
    ),
    Page(
        path="letters/prepare/",
        name="letters_prepare",
        view=letters_prepare,
        who=OFFICE,
        methods=DO,
    ),
    Page(path="letters/print/", name="letters_print", view=letters_print, who=OFFICE, methods=DO),
    Page(path="letters/sent/", name="letters_sent", view=letters_sent, who=OFFICE, methods=READ),
    Page(
        path="letters/texts/",
        name="letter_texts",
        view=letter_texts_page,
        who=OFFICE,
        methods=READ,
    ),
    Page(path="letters/texts/<str:kind>/", name="letter_text", view=letter_text, who=OFFICE),
    Page(path="letters/<int:letter>/", name="letter", view=letter_page, who=OFFICE, methods=READ),
    Page(
        path="letters/<int:letter>/again/",
        name="letter_again",
        view=letter_again,
        who=OFFICE,
        methods=READ,
    ),
    Page(
        path="letters/<int:letter>/drop/",
        name="letter_drop",
        view=letter_drop,
        who=OFFICE,
        methods=DO,
    ),
    Page(
        path="letters/<int:letter>/paper/",
        name="letter_on_paper",
        view=letter_on_paper,
        who=OFFICE,
        methods=DO,
    ),
    Page(
        path="papers/",
        name="papers",
        view=papers,
        who=OFFICE,
        methods=READ,
        menu=(Group.PEOPLE, _("Imprimés")),
    ),
    Page(
        path="papers/head/", name="paper_head", view=paper_head, who=OFFICE, needs_fresh_login=True
    ),
    Page(path="papers/<str:kind>/", name="paper", view=one_paper, who=OFFICE, methods=READ),
    Page(
        path="merchants/<int:merchant>/papers/<str:kind>/",
        name="merchant_paper",
        view=merchant_paper,
        who=OFFICE | {MERCHANT},
        methods=READ,
    ),
]
