"""Second factors: asked for where it matters, working, kept encrypted, and lost without harm."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client, override_settings
from pytest_django import DjangoCaptureOnCommitCallbacks

from server_stub.console.access import factors
from server_stub.models import AccessEvent, AccessEventKind, ConsoleRole
from tests.access_world import PASSWORD, Person, codes_now, entered, give_password, let_in
from tests.console_visitors import served, visitor
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served over HTTP."""
    with served(ServiceWorld.make()) as made:
        yield made


def linked(client: Client) -> tuple[str, list[str]]:
    """Link an application of codes: its secret, and the recovery codes that are shown once."""
    shown = client.get("/access/app/").content.decode()
    found = re.search(r"<code>([A-Z2-7]{32})</code>", shown)
    assert found is not None
    secret = found[1]
    assert client.post("/access/app/", {"code": codes_now(secret)[0]}).status_code == 302
    page = html.unescape(client.get("/access/codes/").content.decode())
    return secret, re.findall(r"<code>(\d{8})</code>", page)


def at_second_step(person: Person) -> Client:
    """A browser in which a password was given, and a second factor is asked for."""
    client = Client()
    answer = give_password(client, person.name)
    assert answer.headers["Location"].startswith("/login/factor")
    assert client.get("/").status_code == 302
    return client


@pytest.mark.parametrize("role", list(ConsoleRole))
def test_second_factor_is_asked_where_money_people_or_rights_are(
    world: ServiceWorld, role: ConsoleRole
) -> None:
    """Promise 7: a password alone opens no member, no payment and no access."""
    if role is ConsoleRole.MERCHANT:
        return
    client = entered(let_in(world, "camille", role))
    needed = role in {ConsoleRole.COORDINATOR, ConsoleRole.TREASURER, ConsoleRole.ADMINISTRATOR}
    answer = client.get("/access/")
    if needed:
        assert answer.headers["Location"] == "/access/second-factor/?next=%2Faccess%2F"
        for path in ("/", "/access/password/", "/access/codes/new/", "/access/app/remove/"):
            assert client.post(path).headers["Location"].startswith("/access/second-factor/"), path
        assert "ne suffit pas" in client.get("/access/second-factor/").content.decode()
    else:
        assert answer.status_code == 200


def test_application_of_codes_opens_and_each_code_once(world: ServiceWorld) -> None:
    """Promise 7: a code seen over a shoulder is worth nothing a second time."""
    person = let_in(world, "camille", ConsoleRole.TREASURER)
    secret, _ = linked(entered(person))
    wrong = at_second_step(person)
    assert "pas le bon code" in wrong.post("/login/factor", {"code": "000000"}).content.decode()
    code = codes_now(secret)[1]
    assert wrong.post("/login/factor", {"code": code}).status_code == 302
    assert wrong.get("/access/").status_code == 200
    again = at_second_step(person)
    assert again.post("/login/factor", {"code": code}).status_code == 200
    assert again.get("/access/").status_code == 302


def test_codes_cannot_be_guessed(world: ServiceWorld) -> None:
    """Promise 7: six digits are enough because five wrong ones close the step for a while."""
    person = let_in(world, "camille", ConsoleRole.TREASURER)
    secret, _ = linked(entered(person))
    for _ in range(5):
        at_second_step(person).post("/login/factor", {"code": "000000"})
    late = at_second_step(person)
    assert (
        "Trop d’essais"
        in late.post("/login/factor", {"code": codes_now(secret)[1]}).content.decode()
    )
    assert late.get("/access/").status_code == 302


def test_recovery_code_stands_in_once(world: ServiceWorld) -> None:
    """A lost telephone locks nobody out, and a paper that was read serves nobody twice."""
    person = let_in(world, "camille", ConsoleRole.TREASURER)
    client = entered(person)
    _, codes = linked(client)
    assert len(codes) == 10
    assert codes[0] not in client.get("/access/codes/").content.decode()
    first, second = at_second_step(person), at_second_step(person)
    assert first.post("/login/factor", {"code": codes[0]}).status_code == 302
    assert first.get("/access/").status_code == 200
    assert second.post("/login/factor", {"code": codes[0]}).status_code == 200


def test_secrets_are_encrypted_in_the_database(world: ServiceWorld) -> None:
    """Promise 7: who has a copy of the database has nobody's codes."""
    person = let_in(world, "camille", ConsoleRole.TREASURER)
    secret, codes = linked(entered(person))
    kept = str([row.data for row in Authenticator.objects.all()])
    assert secret not in kept
    assert not [code for code in codes if code in kept]


def test_factors_under_another_key_are_wrong_codes_and_no_breakdown(world: ServiceWorld) -> None:
    """A service restored without its key asks for new second factors, and does not fall over."""
    person = let_in(world, "camille", ConsoleRole.TREASURER)
    secret, _ = linked(entered(person))
    with override_settings(SECRET_KEY="another server's"):
        factors._cipher.cache_clear()
        client = at_second_step(person)
        assert client.post("/login/factor", {"code": codes_now(secret)[1]}).status_code == 200
    factors._cipher.cache_clear()


def test_lost_telephone_is_another_administrators_matter(world: ServiceWorld) -> None:
    """Promise 4: four eyes take a second factor away; sessions end, and it stays written."""
    person = let_in(world, "camille", ConsoleRole.TREASURER)
    inside = entered(person)
    linked(inside)
    office = visitor(world, ConsoleRole.ADMINISTRATOR)
    office.post(f"/access/people/{person.user.pk}/", {"act": "reset"})
    assert not Authenticator.objects.exists()
    assert inside.get("/access/").status_code == 302
    again = entered(person)
    assert (
        "tous les seconds facteurs retirés"
        not in again.get("/access/second-factor/").content.decode()
    )
    assert again.get("/access/").headers["Location"].startswith("/access/second-factor/")
    event = AccessEvent.objects.get(kind=AccessEventKind.FACTORS_RESET)
    by = User.objects.get(username__startswith="visitor").pk
    assert (event.user_id, event.by) == (person.user.pk, by)


def test_own_changes_are_on_record(
    world: ServiceWorld, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    """Promise 4: whoever finds a factor they never added sees when it came."""
    person = let_in(world, "camille", ConsoleRole.AUDITOR)
    client = entered(person)
    with django_capture_on_commit_callbacks(execute=True):
        linked(client)
    client.post("/access/app/remove/")
    kinds = [it.kind for it in AccessEvent.objects.all()]
    assert kinds[0] == AccessEventKind.PASSWORD_CHOSEN
    assert kinds.count(AccessEventKind.FACTOR_ADDED) == 2
    assert kinds[-1] == AccessEventKind.FACTOR_REMOVED
    assert "second facteur ajouté" in client.get("/access/").content.decode()


def test_giving_up_the_second_step_forgets_the_password(world: ServiceWorld) -> None:
    """Promise 7: a door that somebody turned away from is closed again."""
    person = let_in(world, "camille", ConsoleRole.TREASURER)
    secret, _ = linked(entered(person))
    client = at_second_step(person)
    client.post("/login/give-up")
    assert client.post("/login/factor", {"code": codes_now(secret)[1]}).status_code == 302
    assert client.get("/access/").status_code == 302
    assert PASSWORD not in str(dict(client.session.items()))
