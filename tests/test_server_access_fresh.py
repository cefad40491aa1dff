"""Money and rights are moved by whoever has shown lately who they are; nothing typed is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client, override_settings

from server_stub.console.declared import ADMINISTRATOR, OFFICE, Page, addresses
from server_stub.console.visit import Visit
from server_stub.models import ConsoleRole
from server_stub.services import second_factor
from server_stub.urls import routes
from tests.access_world import PASSWORD, Person, entered, let_in
from tests.console_visitors import enter
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db
DONE: list[dict[str, str]] = []


def pay(visit: Visit) -> HttpResponse:
    """A page that moves money, and remembers what it was told."""
    if visit.is_post:
        DONE.append({name: str(visit.request.POST[name]) for name in visit.request.POST})
    return HttpResponse(f"{len(DONE)} {visit.request.GET.get('run', '')}")


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served over HTTP, with one more page, which moves money."""
    made = ServiceWorld.make()
    page = Page(
        path="pay/", name="pay", view=pay, who=OFFICE | {ADMINISTRATOR}, needs_fresh_login=True
    )
    patterns = [one for some in routes(lambda: made.caisse).values() for one in some]
    patterns += addresses([page], lambda: made.caisse)
    DONE.clear()
    with override_settings(ROOT_URLCONF=tuple(patterns)):
        yield made


def tried(world: ServiceWorld) -> Person:
    """Somebody who moves money, and may do so without a second factor for a while."""
    person = let_in(world, "camille", ConsoleRole.TREASURER)
    second_factor.exempt(world.caisse, person.user.pk, lasting=timedelta(days=1))
    return person


def stale(person: Person) -> Client:
    """A browser in which the password was given eleven minutes ago."""
    client = entered(person)
    enter(client, person.user, at=time.time() - 11 * 60)
    return client


def test_money_moves_only_after_a_fresh_proof_and_as_it_was_typed(world: ServiceWorld) -> None:
    """Promise 4: a session that somebody else sits at moves no money; its owner loses nothing."""
    person = tried(world)
    client = stale(person)
    assert client.get("/pay/").status_code == 200
    asked = client.post("/pay/?run=7", {"amount": "12,50", "why": "à l’essai"})
    assert asked.headers["Location"].startswith("/confirm/?next=")
    assert DONE == []
    wrong = client.post(asked.headers["Location"], {"password": "faux"})
    assert "pas le bon mot de passe" in wrong.content.decode()
    confirmed = client.post(asked.headers["Location"], {"password": PASSWORD})
    answer = client.get(confirmed.headers["Location"])
    assert answer.content == b"1 7"
    assert DONE == [{"amount": "12,50", "why": "à l’essai"}]


def test_what_was_confirmed_is_done_once(world: ServiceWorld) -> None:
    """Promise 1, never twice: going back and forth in a browser repeats no payment."""
    client = stale(tried(world))
    asked = client.post("/pay/", {"amount": "1"})
    confirmed = client.post(asked.headers["Location"], {"password": PASSWORD})
    client.get(confirmed.headers["Location"])
    again = client.get(confirmed.headers["Location"])
    assert again.headers["Location"] == "/"
    assert len(DONE) == 1


def test_abandoned_request_is_not_done_by_another_confirmation(world: ServiceWorld) -> None:
    """Promise 2: confirming one thing does not do another that was left behind."""
    client = stale(tried(world))
    client.post("/pay/", {"amount": "99"})
    asked = client.post("/pay/", {"amount": "1"})
    confirmed = client.post(asked.headers["Location"], {"password": PASSWORD})
    client.get(confirmed.headers["Location"])
    assert DONE == [{"amount": "1"}]


def test_address_that_goes_on_does_nothing_without_a_proof(world: ServiceWorld) -> None:
    """Promise 4: knowing where to go on is not having shown who one is."""
    client = stale(tried(world))
    asked = client.post("/pay/", {"amount": "1"})
    onwards = asked.headers["Location"].partition("next=")[2].replace("%2F", "/")
    assert client.get(onwards).headers["Location"].startswith("/confirm/")
    assert DONE == []


def test_file_is_chosen_again_and_nothing_is_done_without_it(world: ServiceWorld) -> None:
    """A file cannot wait in a session: whoever sent one reads so, and finds the form."""
    client = stale(tried(world))
    file = SimpleUploadedFile("releve.xml", b"<xml/>")
    asked = client.post("/pay/", {"file": file})
    assert asked.headers["Location"] == "/confirm/?next=%2Fpay%2F"
    confirmed = client.post(asked.headers["Location"], {"password": PASSWORD})
    assert confirmed.headers["Location"] == "/pay/"
    assert DONE == []
    assert "choisissez à nouveau le fichier" in client.get("/access/").content.decode()


def test_guessing_at_the_confirmation_is_slowed_down(world: ServiceWorld) -> None:
    """Promise 4: who sits at somebody's session does not try passwords at leisure."""
    client = stale(tried(world))
    for _ in range(5):
        client.post("/confirm/", {"password": "faux"})
    late = client.post("/confirm/", {"password": PASSWORD})
    assert "Trop d’essais" in late.content.decode()


def test_proof_of_one_person_counts_for_nobody_else(world: ServiceWorld) -> None:
    """Promise 4: whose session it was before does not confirm for who has it now."""
    person = tried(world)
    client = entered(person)
    other = let_in(world, "dominique", ConsoleRole.AUDITOR)
    enter(client, other.user, at=time.time())
    assert client.post("/pay/").headers["Location"].startswith("/confirm/")
