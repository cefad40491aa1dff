"""All pages of the console, one by one: who may call each, what it costs, and how it is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from server_stub.console.declared import Page
from server_stub.console.pages import PAGES
from server_stub.models import ConsoleRole, Merchant
from simulator.life.making import Made
from tests.console_life import HOSTILE, arguments, life
from tests.console_visitors import visitor

__all__ = ["life"]

pytestmark = pytest.mark.django_db  # within the transaction of the life

MATRIX = Path(__file__).parent / "vectors" / "console_pages.txt"
QUERIES_MAX = 30
READ = [page for page in PAGES if "GET" in page.methods]
HTML = "text/html"


def line_of(page: Page) -> str:
    """A page as one line of the matrix."""
    roles = " ".join(role.value for role in ConsoleRole if role in page.who)
    fresh = " fresh" if page.needs_fresh_login else ""
    return f"{'/'.join(sorted(page.methods)):9} /{page.path:48} {roles}{fresh}".rstrip()


def test_matrix_of_roles_and_pages_is_the_one_that_was_agreed() -> None:
    """Promise 7: nobody is let in anywhere by a change that nobody looked at.

    Wanted changes: write `line_of` of each page, in the order of the addresses, to the file.
    """
    assert [*sorted(map(line_of, PAGES), key=lambda it: it[10:])] == MATRIX.read_text(
        "utf-8"
    ).splitlines()


@pytest.fixture(scope="module")
def visitors(life: Made) -> dict[ConsoleRole, Client]:
    """A browser in each role; the merchant is the first one's."""
    first = Merchant.objects.order_by("id")[0].pk
    return {
        role: visitor(life, role, merchant=first if role is ConsoleRole.MERCHANT else None)
        for role in ConsoleRole
    }


@pytest.mark.parametrize("role", ConsoleRole)
def test_nobody_gets_in_without_the_role(
    visitors: dict[ConsoleRole, Client], role: ConsoleRole
) -> None:
    """Promise 7: every page answers 403 to whoever has none of its roles, asked or told."""
    client = visitors[role]
    for page in PAGES:
        if role in page.who:
            continue
        address = reverse(page.name, kwargs=arguments(page) or None)
        asked, told = client.get(address), client.post(address)
        assert (asked.status_code, told.status_code) == (403, 403), page.name


def test_strangers_are_led_to_the_door(life: Made) -> None:
    """Promise 7: no page says anything to somebody whom the service does not know."""
    for page in PAGES:
        answer = Client().get(reverse(page.name, kwargs=arguments(page) or None))
        assert answer.status_code == 302, page.name
        assert "/login" in answer.headers["Location"], page.name


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_page_is_well_made(visitors: dict[ConsoleRole, Client], page: Page) -> None:
    """Every page: few queries, no script, no name run as code, one title, labels on its fields."""
    address = reverse(page.name, kwargs=arguments(page) or None)
    for role in (it for it in ConsoleRole if it in page.who):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answer = visitors[role].get(address)
        assert answer.status_code in {200, 302, 404}, (role, answer.status_code)
        b"".join(answer)  # a file that is sent is closed once it was read
        assert len(asked) <= QUERIES_MAX, "\n".join(it["sql"][:150] for it in asked)
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith(HTML):
            look_at(answer.content.decode())


def look_at(shown: str) -> None:
    """Hold one page to what all pages promise."""
    assert HOSTILE not in shown
    scripts = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", shown)
    assert not scripts, "a script that stands in the page"
    assert not re.search(r"<style|\sstyle=|\son\w+=", shown), "something inline"
    seen = Seen()
    seen.feed(shown)
    assert seen.count("h1") == 1, "one heading says what a page is"
    assert seen.title not in {"", "Clafoutis"}, "a tab that says what it shows"
    assert not list(seen.unlabelled()), list(seen.unlabelled())


class Seen(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note the title's text."""
        if self.tags and self.tags[-1][0] == "title" and not self.title:
            self.title = data.strip()

    def count(self, tag: str) -> int:
        """How many elements of a kind there are."""
        return sum(it == tag for it, _ in self.tags)

    def unlabelled(self) -> Iterator[str]:
        """Fields that a screen reader can't name."""
        labelled = {given.get("for") for tag, given in self.tags if tag == "label"}
        for tag, given in self.tags:
            if tag not in {"input", "select", "textarea"}:
                continue
            unseen = "hidden" in given or given.get("type") in {"hidden", "submit"}
            if unseen or given.get("type") in {"radio", "checkbox"}:
                continue
            named = given.get("aria-label") or given.get("aria-labelledby")
            if not named and given.get("id") not in labelled:
                yield f"{tag} {given.get('name')}"
