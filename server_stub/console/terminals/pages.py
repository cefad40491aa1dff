"""The addresses of the pages on terminals."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server_stub.console.declared import BOOKS, COORDINATOR, OFFICE, READ, Group, Page, View
from server_stub.console.terminals.carried import terminal_pin, terminal_stick
from server_stub.console.terminals.gone import terminal_lost, terminal_revoke, terminal_stolen
from server_stub.console.terminals.lending import terminal_lend, terminal_merchants
from server_stub.console.terminals.views import terminal_list, terminal_page, terminal_pairing


def _deed(name: str, path: str, view: View, *, fresh: bool = True) -> Page:
    """An act of the coordination on one terminal."""
    return Page(
        path=f"terminals/<int:terminal>/{path}/",
        name=name,
        view=view,
        who=frozenset({COORDINATOR}),
        needs_fresh_login=fresh,
    )


PAGES = [
    Page(
        path="terminals/",
        name="terminals",
        view=terminal_list,
        who=BOOKS,
        methods=READ,
        menu=(Group.TRADE, _("Terminaux")),
    ),
    Page(
        path="terminals/pairing/",
        name="terminal_pairing",
        view=terminal_pairing,
        who=OFFICE,
        methods=READ,
    ),
    Page(
        path="terminals/<int:terminal>/",
        name="terminal",
        view=terminal_page,
        who=BOOKS,
        methods=READ,
    ),
    _deed("terminal_merchants", "merchants", terminal_merchants),
    _deed("terminal_lend", "lend", terminal_lend),
    _deed("terminal_revoke", "revoke", terminal_revoke),
    _deed("terminal_stolen", "stolen", terminal_stolen),
    _deed("terminal_lost", "lost", terminal_lost),
    _deed("terminal_pin", "pin", terminal_pin),
    # Whoever sends a file is not asked to choose it twice: it is signed by the terminal itself.
    _deed("terminal_stick", "stick", terminal_stick, fresh=False),
]
