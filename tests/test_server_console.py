"""The console: behind a login, in two languages, with words for every state and nothing inline."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from server_stub.console.table import owed_table
from server_stub.console.words import ADVICE, FINDINGS, REASONS, facts_in_words
from server_stub.models import Finding
from server_stub.rules import intents, refunds, verdict, window
from server_stub.rules.facts import APPROVED
from server_stub.rules.findings import FindingKind
from server_stub.services import guesses
from server_stub.services.owed import owed_to_merchants
from server_stub.services.seed import console_user, seed
from server_stub.urls import routes
from tests.service_world import ServiceWorld, forged

pytestmark = pytest.mark.django_db

ALIKE = {
    *("Administration", "Audit", "Carnet", "Code", "Coordination", "Menu", "Note", "PDF", "Point"),
    *("Terminal", "Total", "places", "point", "terminal %(number)s"),
}
"""Words that are the same in both languages."""
CONSOLE = Path(__file__).parent.parent / "server_stub"


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served over HTTP."""
    made = ServiceWorld.make()
    patterns = tuple(one for some in routes(lambda: made.caisse).values() for one in some)
    with override_settings(ROOT_URLCONF=patterns):
        yield made


@pytest.fixture
def person(world: ServiceWorld) -> Client:
    """A browser of somebody who has logged in."""
    password = console_user(world.caisse, "coordination")
    client = Client()
    answer = client.post("/login", {"login": "coordination", "password": password})
    assert answer.status_code == 302
    return client


def page(client: Client, *, language: str | None = None) -> str:
    """What the one page says."""
    if language is not None:
        client.post("/language", {"language": language})
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_is_owed_is_behind_a_login(world: ServiceWorld) -> None:
    """Promise 7: nobody sees the books without a name and a password."""
    answer = Client().get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/")


def test_session_is_strict_and_logout_ends_it(world: ServiceWorld, person: Client) -> None:
    """Promise 7: no other site and no script gets at a session, and it ends when told."""
    assert person.cookies["session"]["httponly"]
    assert person.cookies["session"]["samesite"] == "Strict"
    assert (settings.DATA_DIR / "secret.key").stat().st_mode & 0o777 == 0o600
    person.post("/logout")
    assert person.get("/").status_code == 302


def test_guessing_is_slowed_down(world: ServiceWorld) -> None:
    """Promise 7: after five wrong passwords even the right one has to wait."""
    password = console_user(world.caisse, "coordination")
    client = Client()
    for _ in range(5):
        wrong = client.post("/login", {"login": "coordination", "password": "x"})
        assert wrong.status_code == 200
    right = client.post("/login", {"login": "coordination", "password": password})
    assert right.status_code == 429
    assert "Trop d’essais" in right.content.decode()
    other = client.post("/login", {"login": "somebody", "password": "x"})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "name", [" coordination", "coordination\u3000", "ｃoordination", "COORDINATION"]
)
def test_look_alike_names_buy_no_more_guesses(world: ServiceWorld, name: str) -> None:
    """Promise 7: what the form takes for the same name is counted as the same name."""
    console_user(world.caisse, "coordination")
    client = Client()
    for _ in range(5):
        client.post("/login", {"login": "coordination", "password": "x"})
    assert client.post("/login", {"login": name, "password": "x"}).status_code == 429


def test_address_that_a_client_claims_buys_no_more_guesses(world: ServiceWorld) -> None:
    """Promise 7: X-Forwarded-For is anybody's word."""
    client = Client()
    for number in range(6):
        answer = client.post(
            "/login",
            {"login": "coordination", "password": "x"},
            headers={"X-Forwarded-For": f"192.0.2.{number}"},
        )
    assert answer.status_code == 429


def test_other_names_do_not_make_a_wrong_password_forgotten(world: ServiceWorld) -> None:
    """Promise 7: a thousand strangers at the door don't hide one who guesses."""
    client = Client()
    for _ in range(5):
        client.post("/login", {"login": "coordination", "password": "x"})
    for number in range(1000):
        guesses.count(f"{number:064x}")
    again = client.post("/login", {"login": "coordination", "password": "x"})
    assert again.status_code == 429


def test_errors_are_told_in_french_and_leak_nothing(world: ServiceWorld, person: Client) -> None:
    """Promise 7: wherever one gets lost, a French page says so, and whether anything changed."""
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    stale = strict.post("/login", {"login": "x", "password": "x"})
    lost = person.get("/nowhere/at/all")
    for answer, status in ((stale, 403), (lost, 404)):
        shown = answer.content.decode()
        assert answer.status_code == status
        assert "Rien n’a été changé" in shown
        assert "nowhere" not in shown
    for name in ("400.html", "403.html", "404.html", "500.html"):
        assert "Clafoutis" in render_to_string(name)


def test_pages_are_not_kept_by_the_browser(world: ServiceWorld, person: Client) -> None:
    """Promise 7: after logging out, the back button shows nothing on a shared computer."""
    assert person.get("/").headers["Cache-Control"] == "no-store"
    assert person.put("/").status_code == 405


def test_french_unless_the_browser_asks_for_english(world: ServiceWorld) -> None:
    """A browser that says nothing, or asks for something else, gets French."""
    for asked, language in ((None, "fr"), ("*", "fr"), ("de", "fr"), ("en-GB,en", "en")):
        headers = {} if asked is None else {"Accept-Language": asked}
        shown = Client().get("/login", headers=headers).content.decode()
        assert f'<html lang="{language}">' in shown, asked


def test_deliveries_that_brought_nothing_are_not_shown(world: ServiceWorld, person: Client) -> None:
    """A terminal that asks every few minutes does not push the last sales off the page."""
    stall = world.stall()
    assert "Rien de nouveau n’est arrivé" in page(person)
    stall.sync()
    for _ in range(25):
        stall.sync()
    shown = page(person)
    assert shown.count('data-label="Dernier envoi"') == 1
    assert "Rien de nouveau" not in shown


def test_forms_need_their_token(world: ServiceWorld) -> None:
    """Promise 7: another site can't log anybody in or out."""
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/login", {"login": "x", "password": "x"}).status_code == 403


def test_home_page_tells_the_day(world: ServiceWorld, person: Client) -> None:
    """Promise 8: what is owed, what came and what waits for somebody are on one page."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sell(card, 7_00)
    *before, intent, sale = stall.entries
    raised = forged(stall, intent, amount_cents=99_00)
    stall.sync([entry.signed.encoded for entry in (*before, raised, sale)])
    shown = page(person)
    for words in ("12,50\u00a0€", "1 vente prouvée", "points à regarder"):
        assert words in shown, words
    english = page(person, language="en")
    for words in ("€12.50", "owed to producers", "1 proven sale", 'lang="en"'):
        assert words in english, words


def test_empty_home_page_says_that_nothing_waits(world: ServiceWorld, person: Client) -> None:
    """An empty list is an answer."""
    shown = page(person)
    for words in ("personne n’attend de réponse", "Rien de nouveau n’est arrivé", "à faire"):
        assert words in shown, words


def test_home_page_costs_the_same_whatever_came(
    world: ServiceWorld, person: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """The first page of the morning asks no more of a long history than of a short one."""
    card, stall = world.card(), world.stall()
    for _ in range(4):
        stall.sell(card, 1_00)
        stall.sync()
    with django_assert_max_num_queries(30):
        person.get("/")


def test_handover_note_is_pinned_and_replaced(world: ServiceWorld, person: Client) -> None:
    """Who comes back finds what whoever was there left, and only the last of it."""
    person.post("/note/", {"text": "Le marché de samedi est annulé."})
    assert "Le marché de samedi est annulé." in page(person)
    person.post("/note/", {"text": "Tout est rangé."})
    shown = page(person)
    assert "Tout est rangé." in shown
    assert "samedi" not in shown
    person.post("/note/", {"text": ""})
    assert "Tout est rangé." not in page(person)


def test_nothing_inline_and_nothing_from_elsewhere(world: ServiceWorld, person: Client) -> None:
    """Promise 7: the policy forbids scripts, and the pages need none."""
    answer = person.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    shown = answer.content.decode()
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", shown)


def test_text_of_others_is_escaped(world: ServiceWorld, person: Client) -> None:
    """Promise 7: a name that is code is shown, not run."""
    person.post("/note/", {"text": "<script>alert(1)</script>"})
    assert "&lt;script&gt;" in page(person)


def test_every_finding_and_reason_has_words() -> None:
    """No person is ever shown a code, nor a finding without what may be done about it."""
    assert set(FINDINGS) == {kind.value for kind in FindingKind}
    assert set(ADVICE) == set(FINDINGS)
    assert all(str(words).endswith(".") for words in ADVICE.values())
    with translation.override("fr"):
        told = facts_in_words({"reason": "not_enough", "content": "00ff"}, "fr")
    assert told == "motif crédit insuffisant"
    assert all(str(words) for words in REASONS.values())
    said = {
        value
        for module in (intents, refunds, window, verdict)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    }
    assert said - {APPROVED} <= set(REASONS)


def test_english_is_complete() -> None:
    """Every French sentence of the service has its English one."""
    text = "\n".join(path.read_text("utf-8") for path in CONSOLE.rglob("*.html"))
    french = set(re.findall(r'{% translate "([^"]+)"', text))
    french |= {words for path in CONSOLE.rglob("*.py") for words in _french_in(path)}
    assert len(french) > 90
    with translation.override("en"):
        same = {words for words in french if translation.gettext(words) == words}
    assert same <= ALIKE


def _french_in(path: Path) -> Iterator[str]:
    """Yield what a module has translated, however many lines a sentence stands on."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="_"), args=[ast.Constant(value=str(words))]):
                yield words


def test_owed_table_adds_up(world: ServiceWorld) -> None:
    """`clafoutis-server owed` shows each merchant and the sum."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sync()
    with translation.override("fr"):
        lines = list(owed_table(owed_to_merchants(world.caisse)))
    assert lines[0].split() == ["Producteur", "Dû", "Retenu", "En", "attente"]
    assert "12,50" in lines[1]
    assert lines[-1].startswith("Total")
    assert "12,50" in lines[-1]


def test_seed_makes_a_caisse_once(world: ServiceWorld) -> None:
    """Trying things out twice changes nothing the second time."""
    first = seed(world.caisse)
    second = seed(world.caisse)
    assert first.password is not None
    assert second.password is None
    assert first.merchants == second.merchants
    assert User.objects.get(username=first.user).check_password(first.password)
    assert Finding.objects.count() == 0
