"""The console's pages on terminals: health, loans, a theft, a stick, and who is at the door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from cardkit.pairing import Ticket
from cardkit.pin import reset_code
from cardkit.stick import sign_request
from cardkit.sync import accept_answer, encode_request
from provisioning.client import RequestsTransport, ServiceClient
from provisioning.terminals import Conversation, Enrolled, TerminalWorkshop
from server_stub.models import ConsoleRole, Merchant, PermitIssued, StoredEntry, Terminal
from server_stub.services import deputies, recover, theft
from server_stub.services.documents import permit_of
from terminal.config import DataDirectory
from terminal.pair import Pairing
from terminal.software import Software
from tests.console_browser import live
from tests.console_visitors import served, visitor
from tests.service_books import payable_cents
from tests.service_world import MERCHANT, ServiceWorld, Stall, ceremony

pytestmark = pytest.mark.django_db
OTHER = 8
NUMBER = 3


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse of two merchants that is served over HTTP."""
    with served(ServiceWorld.make()) as made:
        made.merchant(OTHER)
        yield made


@pytest.fixture
def office(world: ServiceWorld) -> Client:
    """The coordinator's browser."""
    return visitor(world, ConsoleRole.COORDINATOR)


def shown(client: Client, name: str, query: str = "", **arguments: object) -> str:
    """What a page says."""
    answer = client.get(reverse(name, kwargs=arguments or None) + query)
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def said(client: Client, name: str, told: dict[str, object] | None = None) -> str:
    """What is said after something was sent to a page of terminal 3."""
    address = reverse(name, args=[NUMBER])
    return str(client.post(address, told or {}, follow=True).content.decode())


def merchants_of(terminal: int = NUMBER) -> tuple[list[int], bool]:
    """Whom the newest permit lets a terminal sell for, and whether it is a loan."""
    newest = PermitIssued.objects.filter(terminal=terminal).last()
    assert newest is not None
    permit = permit_of(newest.content)
    return sorted(grant.merchant for grant in permit.merchants), permit.loan


def test_the_fleet_says_whom_each_sells_for_and_what_is_the_matter(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: whoever opens the page sees the terminal that needs a call first."""
    assert "Aucun terminal en service" in shown(office, "terminals")
    card, quiet, stall = world.card(), world.stall(4, merchants=(OTHER,)), world.stall()
    for _ in range(3):
        stall.sell(card, 1_00)
    stall.sync()
    stall.sync([entry.signed.encoded for entry in stall.entries[-1:]])
    page = shown(office, "terminals")
    for words in ("Ferme 7", "Ferme 8", "rien à faire"):
        assert words in page, words
    world.clock.pass_time(timedelta(days=20))
    later = visitor(world, ConsoleRole.COORDINATOR)
    assert "silencieux depuis trop longtemps" in shown(later, "terminals")
    assert "silencieux" in shown(later, "terminal", terminal=quiet.terminal)


def test_missing_entries_are_shown_with_what_says_so(world: ServiceWorld, office: Client) -> None:
    """Promise: a gap in a journal is named by its numbers, and by how anybody knows of it."""
    card, stall = world.card(), world.stall()
    for cents in (1_00, 2_00, 3_00):
        stall.sell(card, cents)
    stall.sync([entry.signed.encoded for entry in stall.entries[-2:]])
    for page in (shown(office, "terminals"), shown(office, "terminal", terminal=NUMBER)):
        assert "des écritures suivantes sont là" in page
        assert "1–5" in page
    stall.sync([entry.signed.encoded for entry in stall.entries])
    assert "Rien ne manque" in shown(office, "terminal", terminal=NUMBER)


def test_a_terminal_is_lent_and_given_back(world: ServiceWorld, office: Client) -> None:
    """Promise: a loan says until when, ends by itself, and can be ended before."""
    stall = world.stall()
    page = shown(office, "terminal_lend", terminal=NUMBER)
    assert "À minuit il ne vend plus" in page
    assert "Rendre à ses producteurs" not in page
    done = said(office, "terminal_lend", {"is_tomorrow": "0", "merchants": [str(OTHER)]})
    assert "Prêté." in done
    assert "prêté jusqu’au" in done
    assert merchants_of() == ([OTHER], True)
    assert "Ferme 7" in done  # whom it goes back to
    stall.sync()
    back = said(office, "terminal_lend", {"back": "1"})
    assert "Le prêt est fini" in back
    assert merchants_of() == ([MERCHANT], False)
    assert "n’est pas prêté" in said(office, "terminal_lend", {"back": "1"})


def test_a_loan_for_tomorrow_is_for_whoever_may_sell_then(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: nobody named, everybody with a convention of that day; nobody without."""
    world.stall()
    without = Merchant.objects.create(id=50, name="Sans convention")
    refused = said(office, "terminal_lend", {"is_tomorrow": "1", "merchants": [str(without.pk)]})
    assert "n’a pas de convention ce jour-là" in refused
    assert merchants_of() == ([MERCHANT], False)
    said(office, "terminal_lend", {"is_tomorrow": "1"})
    assert merchants_of() == ([MERCHANT, OTHER], True)


def test_whom_a_terminal_sells_for_is_changed(world: ServiceWorld, office: Client) -> None:
    """Promise: the permit says what was chosen, and nothing is signed for nobody."""
    world.stall()
    assert "Choisissez au moins un" in said(office, "terminal_merchants")
    assert "choix valide" in said(office, "terminal_merchants", {"merchants": ["999"]})
    assert merchants_of() == ([MERCHANT], False)
    chosen = [str(OTHER), str(MERCHANT)]
    assert "C’est signé" in said(office, "terminal_merchants", {"merchants": chosen})
    assert merchants_of() == ([MERCHANT, OTHER], False)


def test_a_theft_is_one_act_after_its_bound_was_shown(world: ServiceWorld, office: Client) -> None:
    """Promise: what is at stake is shown first, and the act is of the bound that was shown."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sync()
    page = shown(office, "terminal_stolen", terminal=NUMBER)
    window = re.search(r'name="window" value="(\d+)"', page)
    assert window is not None
    for words in ("Ferme 7", "12,50\u00a0€", "Au-delà, chaque vente est retenue"):
        assert words in page, words
    assert Terminal.objects.get(pk=NUMBER).status == "active"
    for wrong in ({"window": "1"}, {}, {"window": "x"}):
        assert "Le plafond a changé" in said(office, "terminal_stolen", dict(wrong))
    assert Terminal.objects.get(pk=NUMBER).status == "active"
    done = said(office, "terminal_stolen", {"window": window[1]})
    assert "C’est fait" in done
    for words in ("ce qui reste à faire", "Portez plainte", "volé"):
        assert words in done, words
    gone = Terminal.objects.get(pk=NUMBER)
    assert (gone.status, gone.loss_window_cents) == ("lost", int(window[1]))
    assert payable_cents(world) == 12_50
    again = said(office, "terminal_stolen", {"window": window[1]})
    assert "déjà déclaré volé" in again


def test_a_burnt_terminals_sales_come_back_from_the_cards(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: recovered sales wait for a person, and the page leads to each of them."""
    card, burnt, other = world.card(), world.stall(), world.stall(4, merchants=(OTHER,))
    burnt.sell(card, 5_00)
    other.sell(card, 1_00)
    other.inspect(card)
    other.sync()
    assert "commencez par là" in shown(office, "terminal_lost", terminal=NUMBER)
    done = said(office, "terminal_lost")
    assert "1 vente retrouvée par les cartes est à confirmer" in done
    assert "attend votre confirmation" in done
    assert "kind=recovered&amp;terminal=3" in done
    (sale,) = recover.recovered(world.caisse, Terminal.objects.get(pk=NUMBER))
    assert sale.amount_cents == 5_00
    assert "déjà déclaré perdu" in said(office, "terminal_lost")
    recover.confirm(world.caisse, sale, by=1)
    assert "attend votre confirmation" not in shown(office, "terminal", terminal=NUMBER)


def test_a_terminal_is_withdrawn_and_what_it_tells_counts(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: a withdrawn terminal is given nothing, and its sales are owed all the same."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    assert "puis s’arrête" in shown(office, "terminal_revoke", terminal=NUMBER)
    assert "Le terminal est retiré" in said(office, "terminal_revoke")
    assert "n’est déjà plus en service" in said(office, "terminal_revoke")
    page = shown(office, "terminals")
    assert "Hors service" in page
    stall.sync()
    assert payable_cents(world) == 12_50
    refused = said(office, "terminal_lend", {"is_tomorrow": "0"})
    assert "Appairez-en un" in refused


def files_of(stall: Stall) -> SimpleUploadedFile:
    """What a terminal puts on a stick: its request, signed."""
    body = encode_request(stall.request())
    signed = sign_request(body, key=stall.transport)
    return SimpleUploadedFile("00000001-00000009.cbor", signed)


def test_what_a_stick_brings_is_taken_in_and_answered(world: ServiceWorld, office: Client) -> None:
    """Promise: a stall without a network is paid, and its answer is the terminal's own."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    assert "CLAFOUTIS / flers-3 / requests" in shown(office, "terminal_stick", terminal=NUMBER)
    address = reverse("terminal_stick", args=[NUMBER])
    answer = office.post(address, {"requests": [files_of(stall)]})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="answer.cbor"'
    trust = world.caisse.ring.trust
    taken = accept_answer(answer.content, trust, terminal=NUMBER).answer
    assert taken.up_to_seq == len(stall.entries)
    assert payable_cents(world) == 12_50
    again = office.post(address, {"requests": [files_of(stall)]})
    assert again.status_code == 200
    assert payable_cents(world) == 12_50


def test_what_a_terminal_did_not_sign_is_left_alone(world: ServiceWorld, office: Client) -> None:
    """Promise: rubbish, another's file and nothing at all change nothing, and are told."""
    stall, other = world.stall(), world.stall(4, merchants=(OTHER,))
    stall.sync()
    before = StoredEntry.objects.count()
    address = reverse("terminal_stick", args=[NUMBER])
    sent = {
        "rubbish": SimpleUploadedFile("<b>x</b>.cbor", b"\x00" * 40),
        "another": files_of(other),
    }
    for what, file in sent.items():
        answer = office.post(address, {"requests": [file]})
        assert answer.status_code == 422, what
        page = answer.content.decode()
        assert "rien n’a été changé" in page, what
        assert "pas signé par ce terminal" in page, what
        assert "<b>x" not in page
    assert office.post(address, {}).status_code == 422
    empty = office.post(address, {"requests": [SimpleUploadedFile("a.cbor", b"")]})
    assert empty.status_code == 422
    assert StoredEntry.objects.count() == before


def test_a_forgotten_pin_is_answered_after_saying_whom_to_call(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: who is told the code is called back first; wrong digits get no code."""
    stall = world.stall()
    deputies.appoint(world.caisse, MERCHANT, "Jeanne Morel", by=1, telephone="0612345678")
    page = shown(office, "terminal_pin", terminal=NUMBER)
    assert "0612345678" in page
    address = reverse("terminal_pin", args=[NUMBER])
    for wrong in ("12", "abcdef", ""):
        assert office.post(address, {"digits": wrong}).status_code == 422, wrong
    answer = office.post(address, {"digits": "123 456"})
    code = reset_code(stall.token_key, "123456")
    assert f"{code[:4]} {code[4:]}" in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_terminal_is_paired_while_the_console_shows_its_words(
    world: ServiceWorld, office: Client, tmp_path: Path
) -> None:
    """Promise: the words to compare are the terminal's own, and only the workshop lets it in.

    Workshop and terminal are the ones that are shipped, and the coordinator reads the words off
    the console.
    """
    prepared = shown(office, "terminal_pairing", f"?merchants={MERCHANT}")
    assert "clafoutis-provision terminal enrol --merchant 7" in prepared
    keys, asked = ceremony(), list[Pairing]()
    with live() as port, requests.Session() as session:
        url = f"http://localhost:{port}"

        def show(ticket: Ticket) -> None:
            assert "attendu" in shown(office, "terminal_pairing")
            asked.append(Pairing(DataDirectory(tmp_path / "data"), ticket, session=session))
            assert asked[0].ask() is None

        def read_words(_attempts: int) -> str:
            page = shown(office, "terminal_pairing")
            assert "à comparer" in page
            assert "Un terminal demande" in shown(office, "terminals")
            words = re.findall(r"<code>([a-z ]+)</code>", page)
            assert words == [asked[0].words]
            return str(words[0])

        transport = RequestsTransport()
        workshop = TerminalWorkshop.with_root(
            public=keys.public, keys=keys.workshop, root=keys.root, clock=world.clock
        )
        outcome = workshop.enrol(
            ServiceClient(
                url,
                key=keys.workshop.signing_key("flers"),
                clock=world.clock,
                transport=transport,
            ),
            Conversation(show_ticket=show, ask_words=read_words, wait=lambda _: None),
            merchants=(MERCHANT,),
        )
        transport.close()
        assert isinstance(outcome, Enrolled)
        assert "accepté" in shown(office, "terminal_pairing")
        result = asked[0].ask()
        assert result is not None
        identity = asked[0].finish(result, clock=world.clock, software=Software.installed())
    assert identity.terminal == outcome.terminal
    assert "Ferme 7" in shown(office, "terminal", terminal=outcome.terminal)
    world.clock.pass_time(timedelta(minutes=11))
    assert "accepté" not in shown(office, "terminal_pairing")


def test_preparing_a_pairing_warns_of_a_missing_convention(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: nobody carries a terminal to a stall where it would sell nothing."""
    Merchant.objects.create(id=50, name="Sans convention")
    page = shown(office, "terminal_pairing", "?merchants=50&merchants=7")
    assert "ne vend rien pour" in page
    assert "--merchant 50 --merchant 7" in page
    assert "À faire" not in shown(office, "terminal_pairing", "?merchants=zz")


def test_who_only_reads_the_books_can_do_nothing_to_a_terminal(world: ServiceWorld) -> None:
    """Promise: an auditor and a treasurer see terminals; the coordination acts."""
    world.stall()
    deeds = ("merchants", "lend", "revoke", "stolen", "lost", "stick", "pin")
    for role in (ConsoleRole.AUDITOR, ConsoleRole.TREASURER):
        client = visitor(world, role)
        assert "Déclarer" not in shown(client, "terminal", terminal=NUMBER)
        for deed in deeds:
            address = reverse(f"terminal_{deed}", args=[NUMBER])
            assert client.get(address).status_code == 403, deed
            assert client.post(address).status_code == 403, deed
    assert visitor(world, ConsoleRole.AUDITOR).get("/terminals/pairing/").status_code == 403
    assert Terminal.objects.get(pk=NUMBER).status == "active"


def test_pages_of_terminals_cost_the_same_for_many(
    world: ServiceWorld, office: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Promise: a fleet of a dozen takes as many queries as one terminal."""
    for number in range(3, 12):
        world.stall(number).sync()
    deeds = ("merchants", "lend", "revoke", "stolen", "lost", "stick", "pin")
    pages = [reverse("terminals"), reverse("terminal_pairing"), f"/terminals/{NUMBER}/"]
    pages += [reverse(f"terminal_{deed}", args=[NUMBER]) for deed in deeds]
    for page in pages:
        with django_assert_max_num_queries(30):
            office.get(page)


def test_a_terminal_of_that_number_is_not_there(world: ServiceWorld, office: Client) -> None:
    """Promise: a number that is no terminal's leads nowhere, whatever is sent to it."""
    assert office.get("/terminals/999/").status_code == 404
    for deed in ("merchants", "lend", "revoke", "stolen", "lost", "stick", "pin"):
        address = reverse(f"terminal_{deed}", args=[999])
        assert office.get(address).status_code == 404, deed
        assert office.post(address, {"window": "1"}).status_code == 404, deed


def test_a_stolen_terminals_page_says_what_is_owed_all_the_same(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: the thief is paid nothing, and the page says up to which entry all is owed."""
    stall = world.stall()
    stall.sync()
    row = Terminal.objects.get(pk=NUMBER)
    theft.declare_stolen(
        world.caisse, row, window_cents=theft.exposure(world.caisse, row).window_cents, by=1
    )
    page = shown(office, "terminal", terminal=NUMBER)
    assert "ce qu’il dit est dû" in page
    assert "Prêter</a>" not in page
