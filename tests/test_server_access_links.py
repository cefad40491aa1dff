"""Invitations to the console: once, for two days, and never for one's own sake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from server_stub.models import AccessEvent, AccessLink, ConsoleRole
from server_stub.services import invitations, today
from server_stub.services.roles import holdings
from tests.access_world import PASSWORD, entered, give_password, invited_to, let_in
from tests.console_visitors import served, visitor
from tests.server_process import server, with_keys
from tests.service_world import MERCHANT, ServiceWorld

pytestmark = pytest.mark.django_db
NEW = "huit abricots dans un seau"


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served over HTTP."""
    with served(ServiceWorld.make()) as made:
        yield made


def choose(token: str, password: str = NEW, again: str | None = None) -> int:
    """Choose a password behind a link; the status."""
    typed = {"password": password, "again": again or password}
    return Client().post(f"/invitation/{token}", typed).status_code


def token_on(page: str) -> str:
    """The secret in the link that a page shows."""
    found = re.search(r"/invitation/([\w-]+)", page)
    assert found is not None
    return found[1]


def test_link_lets_its_person_choose_a_password_once(world: ServiceWorld) -> None:
    """Promise 7: a link that was used, or seen by a program on its way, opens nothing more."""
    invited = invited_to(world, "jeanne", ConsoleRole.COMMITTEE)
    for _ in range(2):
        shown = Client().get(f"/invitation/{invited.token}")
        assert (shown.status_code, shown.headers["Referrer-Policy"]) == (200, "same-origin")
    assert choose(invited.token) == 302
    assert choose(invited.token, "neuf poires dans une brouette") == 410
    assert give_password(Client(), "jeanne", NEW).status_code == 302


def test_link_opens_nothing_after_two_days(world: ServiceWorld) -> None:
    """Promise 7: a message found a week later is worth nothing."""
    invited = invited_to(world, "jeanne", ConsoleRole.COMMITTEE)
    world.clock.pass_time(timedelta(hours=48))
    assert Client().get(f"/invitation/{invited.token}").status_code == 410
    assert choose(invited.token) == 410


def test_link_that_was_revoked_or_replaced_opens_nothing(world: ServiceWorld) -> None:
    """Promise 7: what went to the wrong address is taken back."""
    first = invited_to(world, "jeanne", ConsoleRole.COMMITTEE)
    second = invitations.renew(world.caisse, first.user, by=0)
    assert isinstance(second, invitations.Invited)
    assert choose(first.token) == 410
    assert invitations.revoke(world.caisse, first.user, by=0)
    assert choose(second.token) == 410
    assert not invitations.revoke(world.caisse, first.user, by=0)


def test_database_keeps_no_link(world: ServiceWorld) -> None:
    """Promise 7: who reads a copy of the database gets in by none of its links."""
    token = invited_to(world, "jeanne", ConsoleRole.COMMITTEE).token
    link = AccessLink.objects.get()
    assert token not in str(vars(link))
    assert len(link.token_hash) == 64


def test_weak_or_mistyped_passwords_leave_the_link_open(world: ServiceWorld) -> None:
    """A mistake costs nobody a second invitation."""
    token = invited_to(world, "jeanne", ConsoleRole.COMMITTEE).token
    assert choose(token, "court") == 422
    assert choose(token, NEW, "autre chose ailleurs") == 422
    assert choose(token) == 302


def test_administrator_invites_a_producer_to_one_merchant(world: ServiceWorld) -> None:
    """Promise 7: who is invited as a producer sees that merchant, and nobody else's sales."""
    office = visitor(world, ConsoleRole.ADMINISTRATOR)
    typed = {
        "full_name": "Marthe Lebrun",
        "username": "marthe",
        "roles": ["merchant"],
        "merchant": str(MERCHANT),
    }
    shown = office.post("/access/people/invite/", typed).content.decode()
    assert choose(token_on(shown)) == 302
    user = User.objects.get(username="marthe")
    held = holdings(world.caisse, user.pk)
    assert held.roles == {ConsoleRole.MERCHANT}
    assert held.merchants == {MERCHANT}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"roles": []}, "Cochez au moins un rôle"),
        ({"roles": ["merchant"]}, "demande un producteur"),
        ({"username": "Camille"}, "entre déjà sous ce nom"),
        ({"username": "deux mots"}, "wrong"),
        ({"until_day": "2026-01-01"}, "La fin doit venir après"),
    ],
)
def test_invitation_that_cannot_be_makes_nobody(
    world: ServiceWorld, wrong: dict[str, object], words: str
) -> None:
    """Whoever typed something impossible reads what, and finds all that was typed."""
    let_in(world, "camille", ConsoleRole.COMMITTEE)
    office = visitor(world, ConsoleRole.ADMINISTRATOR)
    people = User.objects.count()
    typed = {"full_name": "Jeanne Martin", "username": "jeanne", "roles": ["auditor"]} | wrong
    answer = office.post("/access/people/invite/", typed)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "Jeanne Martin" in answer.content.decode()
    assert User.objects.count() == people


def test_role_counts_between_its_days(world: ServiceWorld) -> None:
    """A deputy for a holiday is one for the holiday."""
    office = visitor(world, ConsoleRole.ADMINISTRATOR)
    deputy = let_in(world, "camille", ConsoleRole.COMMITTEE)
    typed = {
        "act": "grant",
        "roles": ["auditor"],
        "from_day": "2026-10-05",
        "until_day": "2026-10-12",
    }
    office.post(f"/access/people/{deputy.user.pk}/", typed)
    seen = []
    for _ in range(3):
        seen.append(ConsoleRole.AUDITOR in holdings(world.caisse, deputy.user.pk).roles)
        world.clock.pass_time(timedelta(days=6))
    assert seen == [False, True, False]


def test_nobody_does_it_for_themselves(world: ServiceWorld) -> None:
    """Promise 4: an administrator gives themselves no right, link or second chance."""
    office = visitor(world, ConsoleRole.ADMINISTRATOR)
    own = User.objects.get(username__startswith="visitor").pk
    for typed in (
        {"act": "grant", "roles": ["treasurer"]},
        {"act": "renew"},
        {"act": "reset"},
        {"act": "close"},
    ):
        office.post(f"/access/people/{own}/", typed)
    assert holdings(world.caisse, own).roles == {ConsoleRole.ADMINISTRATOR}
    assert not AccessLink.objects.exists()
    assert not AccessEvent.objects.exists()


def test_closed_access_ends_at_once_and_reopens_without_roles(world: ServiceWorld) -> None:
    """Promise 7: who leaves is out in that moment, with their link and whatever is open."""
    office = visitor(world, ConsoleRole.ADMINISTRATOR)
    leaver = let_in(world, "camille", ConsoleRole.COMMITTEE)
    inside = entered(leaver)
    address = f"/access/people/{leaver.user.pk}/"
    token = token_on(office.post(address, {"act": "renew"}).content.decode())
    office.post(address, {"act": "close"})
    assert inside.get("/access/").status_code == 302
    assert choose(token) == 410
    office.post(address, {"act": "reopen"})
    assert entered(leaver).get("/access/").status_code == 403
    assert [it.kind for it in AccessEvent.objects.all()] == [
        "password_chosen",
        "closed",
        "reopened",
    ]


def test_last_administrator_is_not_closed(world: ServiceWorld) -> None:
    """Somebody is always left who can let people in."""
    office = visitor(world, ConsoleRole.ADMINISTRATOR)
    other = let_in(world, "camille", ConsoleRole.ADMINISTRATOR)
    own = User.objects.get(username__startswith="visitor").pk
    office.post(f"/access/people/{other.user.pk}/", {"act": "close"})
    assert holdings(world.caisse, other.user.pk).roles == set()
    grant = User.objects.get(id=own).role_grants.get()
    answer = office.post(f"/access/people/{own}/", {"act": "end_role", "grant": grant.pk})
    assert answer.status_code == 302
    assert "dernier administrateur" in office.get("/access/people/").content.decode()


def test_only_administrators_see_who_may_enter(world: ServiceWorld) -> None:
    """Promise 7: names of the console's people are for whoever lets them in."""
    for role in set(ConsoleRole) - {ConsoleRole.ADMINISTRATOR, ConsoleRole.MERCHANT}:
        client = visitor(world, role)
        for path in ("/access/people/", "/access/people/invite/", "/access/people/1/"):
            assert client.get(path).status_code == 403, (role, path)


def test_what_was_done_to_an_access_is_never_edited(world: ServiceWorld) -> None:
    """Promise 4: who took whose second factor away stays written."""
    let_in(world, "camille", ConsoleRole.COMMITTEE)
    with connection.cursor() as cursor, pytest.raises(Exception, match="append-only"):
        cursor.execute("UPDATE clafoutis_accessevent SET by = 0")


def test_first_administrator_comes_from_the_server(tmp_path: Path) -> None:
    """Whoever keeps the server lets the first person in, and back in without their telephone."""
    data = with_keys(tmp_path)
    assert server(data, "migrate").returncode == 0
    first = server(data, "administrator", "invite", "--name", "jeanne")
    assert first.returncode == 0
    assert first.stdout.startswith("http://localhost:8765/invitation/")
    assert "48 heures" in first.stderr
    twice = server(data, "administrator", "invite", "--name", "jeanne")
    assert twice.returncode != 0
    assert "recover" in twice.stderr
    back = server(
        data, "administrator", "recover", "--name", "jeanne", "--address", "https://c.fr/"
    )
    assert back.stdout.startswith("https://c.fr/invitation/")
    assert back.stdout != first.stdout
    assert PASSWORD not in back.stdout


def test_a_caisse_goes_on_without_the_one_who_held_it(world: ServiceWorld) -> None:
    """Promise: whoever keeps the server lets somebody in, who closes the door behind the absent.

    What the one who is gone left is there: the note, the log, what waits.
    """
    both = (ConsoleRole.ADMINISTRATOR, ConsoleRole.COORDINATOR)
    gone = let_in(world, "camille", *both)
    inside = entered(gone)
    today.leave_note(world.caisse, "Le relevé arrive mardi.", by=gone.user.pk)

    office = visitor(world, ConsoleRole.ADMINISTRATOR)  # as `administrator invite` lets in
    office.post(f"/access/people/{gone.user.pk}/", {"act": "close"})
    assert inside.get("/access/").status_code == 302
    assert holdings(world.caisse, gone.user.pk).roles == set()
    typed = {"full_name": "Inès Martin", "username": "ines", "roles": ["coordinator"]}
    shown = office.post("/access/people/invite/", typed).content.decode()
    assert choose(token_on(shown)) == 302
    ines = User.objects.get(username="ines")
    assert holdings(world.caisse, ines.pk).roles == {ConsoleRole.COORDINATOR}
    page = visitor(world, ConsoleRole.COORDINATOR).get("/").content.decode()
    assert "Le relevé arrive mardi." in page
