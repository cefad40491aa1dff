"""The console's door: who may enter, who is slowed down, and how long anybody stays."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.test import Client

from server_stub.console.access.marks import BEGAN, IDLE, SEEN, WHOLE
from server_stub.models import ConsoleRole
from server_stub.services import console_people, second_factor
from server_stub.services.seed import console_user
from tests.access_world import PASSWORD, entered, give_password, let_in
from tests.console_visitors import served, visitor
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served over HTTP."""
    with served(ServiceWorld.make()) as made:
        yield made


def test_session_gets_a_new_number_at_the_door(world: ServiceWorld) -> None:
    """Promise 7: who planted a session in somebody's browser is not in with them (fixation)."""
    committee = let_in(world, "camille", ConsoleRole.COMMITTEE)
    client = Client()
    client.get("/login/passkey", headers={"Accept": "application/json"})
    planted = client.cookies["session"].value
    assert give_password(client, committee.name).status_code == 302
    assert client.cookies["session"].value != planted
    assert Client(headers={"Cookie": f"session={planted}"}).get("/").status_code == 302


def test_unknown_name_and_wrong_password_are_one_answer(world: ServiceWorld) -> None:
    """Promise 7: nobody learns at the door who has an access, nor whose was closed."""
    open_, closed = (let_in(world, name, ConsoleRole.AUDITOR) for name in ("camille", "dominique"))
    console_people.close(world.caisse, closed.user.pk, by=0)
    told = {
        re.sub(rf'name="csrf\w+" value="\w+"|{name}', "", answer.content.decode())
        for name in (open_.name, "inconnue", closed.name)
        for answer in (give_password(Client(), name, "faux"),)
    }
    assert len(told) == 1
    assert "pas le bon" in told.pop()
    client = Client()
    assert give_password(client, closed.name).status_code == 302
    assert "Le nom ou le mot de passe" in client.get("/login").content.decode()
    assert client.get("/").status_code == 302


def test_passwords_are_argon2_and_older_ones_become_it(world: ServiceWorld) -> None:
    """Promise 7: a stolen database gives passwords at the price of today, not of years ago."""
    committee = let_in(world, "camille", ConsoleRole.COMMITTEE)
    assert committee.user.password.startswith("argon2$")
    User.objects.filter(id=committee.user.pk).update(
        password=make_password(PASSWORD, hasher="scrypt")
    )
    entered(committee)
    assert User.objects.get(id=committee.user.pk).password.startswith("argon2$")


@pytest.mark.parametrize(
    "elsewhere", ["https://voleur.example/", "//voleur.example", "http://localhost/"]
)
def test_nobody_is_led_to_another_site(world: ServiceWorld, elsewhere: str) -> None:
    """Promise 7: a link to our door that goes on to another site ends here."""
    committee = let_in(world, "camille", ConsoleRole.COMMITTEE)
    asked = {"login": committee.name, "password": PASSWORD, "next": elsewhere}
    assert Client().post("/login", asked).headers["Location"] == "/"


def test_session_ends_after_half_an_hour_of_nothing(world: ServiceWorld) -> None:
    """Promise 7: a computer left open in the office is nobody's way to members and money."""
    office = visitor(world, ConsoleRole.COORDINATOR)
    assert office.get("/").status_code == 200
    session = office.session
    session[SEEN] = time.time() - IDLE.total_seconds() - 1
    session.save()
    answer = office.post("/note/", {"text": "Marché annulé"})
    assert answer.headers["Location"] == "/login?next=%2Fnote%2F"
    assert "n’a pas été enregistré" in office.get("/login").content.decode()
    assert office.get("/").status_code == 302


def test_session_of_somebody_who_sees_no_person_lasts_without_use(world: ServiceWorld) -> None:
    """A producer who looks at the sales twice in a morning enters once."""
    committee = visitor(world, ConsoleRole.COMMITTEE)
    committee.get("/access/")
    session = committee.session
    session[SEEN] = time.time() - IDLE.total_seconds() - 1
    session.save()
    assert committee.get("/access/").status_code == 200


def test_no_session_lasts_longer_than_a_day_of_work(world: ServiceWorld) -> None:
    """Promise 7: using a session does not keep it alive forever."""
    committee = visitor(world, ConsoleRole.COMMITTEE)
    committee.get("/access/")
    session = committee.session
    session[BEGAN] = time.time() - WHOLE.total_seconds() - 1
    session.save()
    assert committee.get("/access/").headers["Location"].startswith("/login")


def test_other_sessions_end_at_a_word(world: ServiceWorld) -> None:
    """Promise 7: whoever forgot to log out somewhere ends it from here."""
    committee = let_in(world, "camille", ConsoleRole.COMMITTEE)
    here, there = entered(committee), entered(committee)
    assert here.get("/access/").content.decode().count('data-label="Depuis"') == 2
    assert here.post("/access/sessions/end/").status_code == 302
    assert here.get("/access/").status_code == 200
    assert there.get("/access/").status_code == 302


def test_retention_forgets_where_ended_sessions_came_from(world: ServiceWorld) -> None:
    """Promise 7: addresses and browsers of people are kept no longer than their sessions."""
    committee = let_in(world, "camille", ConsoleRole.COMMITTEE)
    here, there = entered(committee), entered(committee)
    there.post("/logout")
    second_factor.forget_ended(world.caisse)
    assert UserSession.objects.count() == 1
    assert here.get("/access/").status_code == 200


def test_new_password_ends_every_other_session(world: ServiceWorld) -> None:
    """Promise 7: whoever knew the old password is out at once."""
    committee = let_in(world, "camille", ConsoleRole.COMMITTEE)
    here, there = entered(committee), entered(committee)
    new = "huit abricots dans un seau"
    typed = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/access/password/", typed).headers["Location"] == "/access/"
    assert there.get("/access/").status_code == 302
    assert "mot de passe changé" in here.get("/access/").content.decode()


def test_short_and_common_passwords_are_refused(world: ServiceWorld) -> None:
    """Promise 7: twelve characters, and none of those that everybody tries."""
    committee = let_in(world, "camille", ConsoleRole.COMMITTEE)
    here = entered(committee)
    for weak in ("onze caract", "motdepasse123456"[:11], "1234567890123"):
        typed = {"oldpassword": PASSWORD, "password1": weak, "password2": weak}
        assert here.post("/access/password/", typed).status_code == 200, weak


def test_cookies_and_headers_give_nothing_away(world: ServiceWorld) -> None:
    """Promise 7: no script, frame or other site gets at a session or a form."""
    client = Client(enforce_csrf_checks=True)
    answer = client.get("/login")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.cookies["csrf"]["httponly"]
    for path in ("/login", "/login/passkey", "/login/give-up"):
        assert client.post(path, {"login": "x", "password": "x"}).status_code == 403, path


def test_only_pages_with_passkeys_may_run_a_script(world: ServiceWorld) -> None:
    """Promise 7: every other page forbids all script, ours too."""
    office = visitor(world, ConsoleRole.ADMINISTRATOR)
    allowed = {"/access/passkeys/add/": True, "/access/": False, "/access/people/": False}
    for path, may in allowed.items():
        policy = office.get(path).headers["Content-Security-Policy"]
        assert ("script-src" in policy) is may, path


def test_passkeys_are_offered_where_a_browser_can_have_them(world: ServiceWorld) -> None:
    """No button that cannot work: a passkey belongs to a name, not to an address in numbers."""
    by_name = Client(headers={"Host": "localhost:8765"}).get("/login").content.decode()
    by_number = Client(headers={"Host": "127.0.0.1:8765"}).get("/login").content.decode()
    assert "clé d’accès" in by_name
    assert "clé d’accès" not in by_number


def test_somebody_to_try_things_with_is_exempt_for_a_month(world: ServiceWorld) -> None:
    """A demo opens without a second factor, and not for ever."""
    console_user(world.caisse, "essai", ConsoleRole.COORDINATOR)
    client = Client()
    client.force_login(User.objects.get(username="essai"))
    assert client.get("/").status_code == 200
    world.clock.pass_time(timedelta(days=31))
    assert client.get("/").headers["Location"].startswith("/access/second-factor/")
