"""Every page of the console, in the order of its menu."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server_stub.console.access.pages import PAGES as ACCESS
from server_stub.console.books.pages import PAGES as BOOKS
from server_stub.console.cards.pages import PAGES as CARDS
from server_stub.console.contributions.pages import PAGES as CONTRIBUTIONS
from server_stub.console.declared import Group, Page
from server_stub.console.disputes.pages import PAGES as DISPUTES
from server_stub.console.findings.pages import PAGES as FINDINGS
from server_stub.console.fund.pages import PAGES as FUND
from server_stub.console.letters.pages import PAGES as LETTERS
from server_stub.console.log.pages import PAGES as LOG
from server_stub.console.merchants.pages import PAGES as MERCHANTS
from server_stub.console.mine.pages import PAGES as MINE
from server_stub.console.payouts.pages import PAGES as PAYOUTS
from server_stub.console.people.pages import PAGES as PEOPLE
from server_stub.console.rules_votes.pages import PAGES as RULES
from server_stub.console.search.pages import PAGES as SEARCH
from server_stub.console.terminals.pages import PAGES as TERMINALS
from server_stub.console.today.pages import PAGES as TODAY
from server_stub.services.roles import Holdings

PAGES: list[Page] = [
    *TODAY,
    *PEOPLE,
    *CARDS,
    *MERCHANTS,
    *TERMINALS,
    *CONTRIBUTIONS,
    *LETTERS,
    *SEARCH,
    *FUND,
    *MINE,
    *ACCESS,
    *FINDINGS,
    *DISPUTES,
    *PAYOUTS,
    *BOOKS,
    *RULES,
    *LOG,
]

GROUPS: dict[Group, Promise] = {
    Group.DAY: _("Au jour le jour"),
    Group.MINE: _("Mon activité"),
    Group.PEOPLE: _("Membres"),
    Group.TRADE: _("Producteurs et terminaux"),
    Group.MONEY: _("Argent"),
    Group.CAISSE: _("La caisse"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the menu."""

    words: Promise
    address: str
    is_here: bool


def menu(holdings: Holdings, here: str) -> Iterator[tuple[Promise, list[Entry]]]:
    """Yield the groups of the menu with the pages that somebody may see; `here` is an address."""
    shown = [(page, page.menu) for page in PAGES if page.menu and page.who & holdings.roles]
    for group, title in GROUPS.items():
        entries = [
            Entry(
                words=where[1], address=reverse(page.name), is_here=_is_at(reverse(page.name), here)
            )
            for page, where in shown
            if where[0] is group
        ]
        if entries:
            yield title, entries


def _is_at(address: str, here: str) -> bool:
    return here == address or (address != "/" and here.startswith(address))
