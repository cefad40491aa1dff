"""The console's pages on members, from an application to the exit, as the office clicks them."""

from __future__ import annotations

import csv
import io
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from cardkit.membership import AdmissionOrder
from server_stub.models import (
    Admission,
    Application,
    Card,
    CardStatus,
    Commitment,
    CommitmentChange,
    ConsoleRole,
    Departure,
    Person,
)
from server_stub.rules.scheme import RuleName
from server_stub.services import applications, commitments, issue, rules_in_force, waves
from tests.console_visitors import served, visitor
from tests.service_world import MERCHANT, ServiceWorld

pytestmark = pytest.mark.django_db
NAME = "Marthe Lecœur"
OCTOBER = date(2026, 10, 1)
ANNE = 1


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse on 1 October 2026 that is served over HTTP."""
    with served(ServiceWorld.make()) as made:
        yield made


@pytest.fixture
def office(world: ServiceWorld) -> Client:
    """The coordinator's browser."""
    return visitor(world, ConsoleRole.COORDINATOR)


def later(world: ServiceWorld, days: int) -> Client:
    """The coordinator's browser some days later: nobody stays logged in over night."""
    world.clock.pass_time(timedelta(days=days))
    return visitor(world, ConsoleRole.COORDINATOR)


def shown(client: Client, name: str, query: str = "", **arguments: object) -> str:
    """What a page says."""
    answer = client.get(reverse(name, kwargs=arguments or None) + query)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def sent(client: Client, name: str, told: Mapping[str, object], **arguments: object) -> str:
    """What the page says that a form led to."""
    answer = client.post(reverse(name, kwargs=arguments or None), told, follow=True)
    assert answer.status_code == 200, answer.status_code
    assert answer.redirect_chain, answer.content.decode()
    return answer.content.decode()


def refused(client: Client, name: str, told: Mapping[str, object], **arguments: object) -> str:
    """What a page says that takes nothing of what was sent."""
    answer = client.post(reverse(name, kwargs=arguments or None), told)
    assert answer.status_code == 422, answer.status_code
    return answer.content.decode()


def applicant(world: ServiceWorld, name: str = NAME, cents: int | None = 25_00) -> Person:
    """Somebody who waits."""
    return applications.apply(world.caisse, name, monthly_cents=cents)


def member(world: ServiceWorld, name: str = NAME, *, months: int = 3) -> Person:
    """Somebody with a promise since this month."""
    person = applicant(world, name)
    waves.admit(world.caisse, places=1, by=ANNE)
    done = commitments.commit(
        world.caisse, person.account, 25_00, first_month=OCTOBER, months=months, by=ANNE
    )
    assert isinstance(done, commitments.Promised)
    return person


def rows_of(content: bytes) -> list[list[str]]:
    """A file as a spreadsheet reads it."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def upload(client: Client, content: bytes) -> str:
    """What the page says that shows a file row by row."""
    file = SimpleUploadedFile("membres.csv", content, content_type="text/csv")
    answer = client.post(reverse("member_import"), {"file": file})
    return answer.content.decode()


def do_import(
    client: Client, content: bytes, count: int, *, encoding: str = "utf-8-sig", **more: object
) -> str:
    """What the page says after the button of a file whose columns were guessed."""
    heading = content.decode(encoding).splitlines()[0].split(";")
    places = {"Nom": "last_name", "Prénom": "first_name", "Adresse": "address"}
    places |= {"Courriel": "email", "Montant": "amount", "Date": "applied_on"}
    columns = {places[it]: str(at) for at, it in enumerate(heading) if it in places}
    told = {"content": b64encode(content).decode(), "import": count, **columns, **more}
    answer = client.post(reverse("member_import"), told, follow=True)
    return answer.content.decode()


# From an application to the exit


def test_somebody_applies_is_admitted_and_promises(world: ServiceWorld, office: Client) -> None:
    """Promise: the way into the caisse is walked with a handful of clicks, in the voted order."""
    told = {"name": NAME, "applied_on": "2026-09-30", "monthly_cents": "25,00 €", "persons": 2}
    page = sent(office, "member_new", {**told, "helper": "Mme Roy"})
    for words in (NAME, "liste d’attente", "Mme Roy", "25,00\u00a0€"):
        assert words in page, words
    page = shown(office, "wave", "?places=1")
    assert "Admettre 1 personne" in page
    mark = page.split('name="fingerprint" value="')[1].split('"')[0]
    page = sent(office, "wave", {"places": 1, "fingerprint": mark})
    assert "1 personne admise" in page
    assert "Engager 1 personne" in page
    page = sent(office, "first_promises", {"first_month": "2026-11-01"})
    assert "Engagements enregistrés : 1" in page
    made = Commitment.objects.get()
    assert (made.monthly_cents, made.persons, made.first_month) == (25_00, 2, date(2026, 11, 1))
    assert Admission.objects.count() == 1
    assert not Application.objects.exists(), "what was applied for is no longer needed"


def test_list_that_changed_is_not_admitted(world: ServiceWorld, office: Client) -> None:
    """Promise: whoever presses the button admits the list that they saw, and no other."""
    applicant(world)
    page = shown(office, "wave", "?places=1")
    mark = page.split('name="fingerprint" value="')[1].split('"')[0]
    applicant(world, "Jean Roy")
    page = sent(office, "wave", {"places": 1, "fingerprint": mark})
    assert "a changé" in page
    assert not Admission.objects.exists()
    assert "a changé" in sent(office, "wave", {"places": 1, "fingerprint": "no hex"})


def test_draw_needs_its_seed_and_is_published_without_names(
    world: ServiceWorld, office: Client
) -> None:
    """Promise 7: anybody may repeat a draw, by accounts alone."""
    for name in (NAME, "Jean Roy", "Ana Silva"):
        applicant(world, name)
    rules_in_force.set_rule(
        world.caisse, RuleName.ADMISSION_ORDER, AdmissionOrder.DRAW, from_day=OCTOBER
    )
    assert "graine publiée" in shown(office, "wave", "?places=2")
    page = shown(office, "wave", "?places=2&seed=4+8+15")
    assert page.count('<span class="tag">admis</span>') == 2
    answer = office.get(reverse("wave") + "?places=2&seed=4+8+15&format=csv")
    rows = rows_of(answer.content)
    assert [row[2] for row in rows[1:]] == ["oui", "oui", "non"]
    assert "Lecœur" not in answer.content.decode()


def test_hardship_pause_and_household(world: ServiceWorld, office: Client) -> None:
    """Promise: until its end only the caisse changes a promise, and says why it does not."""
    person = member(world)
    change = {"kind": "lower", "month": "2026-11-01", "monthly_cents": "0"}
    assert "L’engagement est changé" in sent(office, "member_change", change, person=person.pk)
    raised = {"kind": "lower", "month": "2026-12-01", "monthly_cents": "40"}
    assert "ne peut que baisser" in refused(office, "member_change", raised, person=person.pk)
    missing = {"kind": "persons", "month": "2026-12-01"}
    assert "combien de personnes" in refused(office, "member_change", missing, person=person.pk)
    pause = {"kind": "month_off", "month": "2026-12-01"}
    sent(office, "member_change", pause, person=person.pk)
    assert CommitmentChange.objects.count() == 2
    page = shown(office, "member", person=person.pk)
    assert "mois de pause" in page
    change = {"kind": "lower", "month": "2026-10-01", "monthly_cents": "20"}
    sent(office, "member_change", change, person=person.pk)
    assert 'data-label="Cotisation">20,00' in shown(office, "members")


def test_campaign_renews_those_who_keep_their_amount(world: ServiceWorld, office: Client) -> None:
    """Promise: nobody whose amount was lowered is renewed without being asked."""
    member(world, months=1)
    lowered = member(world, "Jean Roy", months=1)
    change = {"kind": "lower", "month": "2026-10-01", "monthly_cents": "10"}
    sent(office, "member_change", change, person=lowered.pk)
    page = shown(office, "renewals")
    assert "Renouveler 1 engagement" in page
    assert "montant baissé" in page
    page = sent(office, "renewals", {})
    assert "1 engagement renouvelé" in page
    assert Commitment.objects.count() == 3
    assert "demandez à la personne" in shown(office, "member_renew", person=lowered.pk)
    renewed = {"monthly_cents": "20", "persons": 1}
    assert "20,00" in sent(office, "member_renew", renewed, person=lowered.pk)
    assert "<strong>2</strong> ont répondu" in shown(office, "renewals")


def test_leaving_is_told_before_it_is_done(world: ServiceWorld, office: Client) -> None:
    """Promise 8: whoever leaves is shown what becomes of card and credit, and then it is so."""
    person = member(world)
    card = world.row(world.card(account=bytes(person.account.number)))
    page = shown(office, "member_leave", "?card=back", person=person.pk)
    for words in ("Carte bloquée", card.uid.hex().upper(), "revient à la caisse"):
        assert words in page, words
    assert not Departure.objects.exists()
    assert "quitte la caisse" in sent(office, "member_leave", {"card": "back"}, person=person.pk)
    assert Card.objects.get().status == CardStatus.BLOCKED
    page = shown(office, "members", "?show=left")
    assert NAME in page
    assert "déjà quitté" in sent(office, "member_leave", {"card": "back"}, person=person.pk)


def test_card_that_was_kept_comes_back(world: ServiceWorld, office: Client) -> None:
    """Promise 8: a leaver's card that is handed in later buys nothing any more."""
    person = member(world)
    world.card(account=bytes(person.account.number))
    sent(office, "member_leave", {"card": "kept"}, person=person.pk)
    assert Card.objects.get().status == CardStatus.ACTIVE
    assert "1 carte bloquée" in sent(office, "member_card_back", {}, person=person.pk)
    assert Card.objects.get().status == CardStatus.BLOCKED
    assert "Revenu à la caisse" in sent(office, "lapse", {})
    assert "Rien à reprendre" in sent(office, "lapse", {})


def test_helpers_and_contact_are_kept_and_forgotten(world: ServiceWorld, office: Client) -> None:
    """Promise 7: who helps stands with the member, and goes when told."""
    person = applicant(world)
    told = {"name": "Mme Roy", "role": "guardian", "telephone": "02 33 11 11 11"}
    assert "tuteur" in sent(office, "member_helper", told, person=person.pk)
    helper = person.helpers.get()
    assert "Mme Roy" not in sent(office, "member_helper", {"gone": helper.pk}, person=person.pk)
    assert "déjà plus là" in sent(office, "member_helper", {"gone": helper.pk}, person=person.pk)
    edit = {"name": "Marthe Roy", "address": "1 rue", "monthly_cents": "", "persons": 1}
    assert "Marthe Roy" in sent(office, "member_edit", edit, person=person.pk)
    assert not Application.objects.exists()
    sent(later(world, 3), "member_touch", {}, person=person.pk)
    person.refresh_from_db()
    assert person.last_contact_on == date(2026, 10, 4)


def test_member_is_told_everything_and_forgotten(world: ServiceWorld, office: Client) -> None:
    """Promise 7: a member has all that is known of them, and is erased with all of it."""
    person = applicant(world)
    told = json.loads(office.get(reverse("member_data", kwargs={"person": person.pk})).content)
    assert told["name"] == NAME
    assert told["applied_for"] == {"monthly_cents": 25_00, "persons": 1}
    assert "Ce qui va se passer" in shown(office, "member_erase", person=person.pk)
    assert Person.objects.exists()
    sent(office, "member_erase", {}, person=person.pk)
    assert not Person.objects.exists()
    assert not Application.objects.exists()
    assert office.get(reverse("member", kwargs={"person": person.pk})).status_code == 404


# Finding somebody


def test_members_are_found_by_any_fragment(world: ServiceWorld, office: Client) -> None:
    """A bit of a name, an account or a card is enough, and so is a payment reference."""
    person = member(world)
    member(world, "Jean Roy")
    world.card(account=bytes(person.account.number))
    page = shown(office, "member", person=person.pk)
    reference = page.split("Référence de virement</dt><dd>")[1].split("<")[0]
    number = person.account.number.hex()[5:13]
    for words in ("lecoeur", "MARTHE lec", "04C1AF", number, reference):
        page = shown(office, "members", "?q=" + words.replace(" ", "+"))
        assert [it for it in (NAME, "Jean Roy") if it in page] == [NAME], words


def test_filters_show_who_is_where(world: ServiceWorld, office: Client) -> None:
    """The list says who waits, who is active, who is late and who has to renew."""
    member(world, months=1)
    applicant(world, "Jean Roy")
    issue.issue_due(world.caisse)
    here = {"waiting": ("Jean Roy",), "active": (NAME,), "renew": (NAME,), "late": (), "left": ()}
    for name, names in here.items():
        page = shown(office, "members", f"?show={name}")
        assert [it for it in (NAME, "Jean Roy") if it in page] == list(names), name
    office = later(world, 20)
    assert NAME in shown(office, "members", "?show=late")
    assert NAME in shown(office, "members", "?show=nonsense&after=99999999999999999999")


def test_list_is_cut_into_pages_and_costs_the_same(
    world: ServiceWorld, office: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """A hundred members are two pages, in no more queries than one."""
    for number in range(60):
        applicant(world, f"Membre {number:03}")
    waves.admit(world.caisse, places=60, by=ANNE)
    applications.promise_all(world.caisse, OCTOBER, most=60, by=ANNE)
    with django_assert_max_num_queries(30):
        first = shown(office, "members")
    assert first.count('scope="row"') == 50
    key = first.split("after=")[1].split('"')[0]
    second = shown(office, "members", f"?after={key}")
    assert second.count('scope="row"') == 10
    assert "Membre 059" in second
    for name in ("renewals", "first_promises", "wave"):
        with django_assert_max_num_queries(30):
            shown(office, name)
    person = Person.objects.first()
    assert person is not None
    for name in ("member", "member_leave", "member_change", "member_renew", "member_erase"):
        with django_assert_max_num_queries(30):
            office.get(reverse(name, kwargs={"person": person.pk}) + "?card=back")


def test_lists_are_files_without_formulas(world: ServiceWorld, office: Client) -> None:
    """Promise 7: what somebody calls themselves computes nothing in the treasurer's spreadsheet."""
    member(world, "-Jean Roy", months=1)
    applicant(world, "=HYPERLINK(A1)")
    answer = office.get(reverse("members") + "?format=csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    names = [row[0] for row in rows_of(answer.content)[1:]]
    assert set(names) == {"'=HYPERLINK(A1)", "'-Jean Roy"}
    answer = office.get(reverse("renewals") + "?format=csv")
    assert rows_of(answer.content)[1][0].startswith("'")


# A list that is imported

LIST = (
    "Nom;Prénom;Adresse;Courriel;Montant;Date\r\n"
    "Lecœur;Marthe;3 rue du Moulin;marthe@example.org;25,00 €;03/09/2026\r\n"
    "Roy;Jean;;;30;\r\n"
)


def test_list_is_shown_and_then_imported_once(world: ServiceWorld, office: Client) -> None:
    """Promise: nothing is written before the button, and a file twice makes nobody twice."""
    content = LIST.encode("cp1252")
    page = upload(office, content)
    assert "Importer 2 personnes" in page
    assert "Marthe Lecœur" in page
    assert not Person.objects.exists()
    assert "2 personnes importées" in do_import(office, content, 2, encoding="cp1252")
    marthe = Person.objects.get(name="Marthe Lecœur")
    assert (marthe.address, marthe.applied_on) == ("3 rue du Moulin", date(2026, 9, 3))
    assert sorted(Application.objects.values_list("monthly_cents", flat=True)) == [25_00, 30_00]
    for encoding in ("utf-8", "utf-8-sig", "cp1252"):
        again = LIST.encode(encoding)
        page = upload(office, again)
        assert "Importer 2" not in page
        assert page.count("même nom, même adresse") == 2
        do_import(office, again, 2, encoding=encoding)
    assert Person.objects.count() == 2


def test_bad_rows_are_refused_with_their_line_and_the_others_stand(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: each row that is not taken says why and where."""
    lines = (
        "Nom,Adresse,Courriel,Montant,Date,Personnes",
        "Bonne Ligne,,,25,,2",
        ",,,25,,",
        "Un,,pas un courriel,25,,",
        "Deux,,,vingt,,",
        "Trois,,,7,,",
        "Quatre,,,22,,",
        "Cinq,,,25,31/02/2026,",
        "Six,,,25,01/01/2030,",
        "Sept,,,25,,99",
        f"{'x' * 121},,,25,,",
        "bonne ligne,,,25,,",
    )
    page = upload(office, "\n".join(lines).encode())
    assert "Importer 1 personne<" in page
    for words in (
        *("il manque le nom", "« pas un courriel »", "« vingt »", "minimale votée", "pas voté"),
        *(
            "« 31/02/2026 »",
            "pas encore passée",
            "« 99 »",
            "trop long",
            "deux fois dans ce fichier",
        ),
    ):
        assert words in page, words
    assert 'data-label="Ligne">12<' in page
    assert not Person.objects.exists()


def test_whoever_is_here_is_known_by_place_or_by_mail(world: ServiceWorld, office: Client) -> None:
    """Promise: the same name at the same address, or the same mail, is the same person."""
    applications.apply(
        world.caisse, "Lecœur Marthe", monthly_cents=None, address="3, RUE du moulin"
    )
    applications.apply(world.caisse, "Jean Roy", monthly_cents=None, email="jean@example.org")
    content = (
        "Nom;Prénom;Adresse;Courriel\nLecoeur;Marthe;3 rue du Moulin;\n"
        "Roi;Jean;;JEAN@example.org\nRoy;Jean;Caen;\n"
    ).encode()
    page = upload(office, content)
    assert 'name="import"' not in page
    for words in ("même nom, même adresse", "même courriel", "homonyme", "voir la fiche"):
        assert words in page, words
    do_import(office, content, 1, namesakes_too="on")
    assert Person.objects.filter(name="Jean Roy").count() == 2


def test_import_of_another_list_than_was_shown_writes_nothing(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: as many are imported as the button said, or nobody is."""
    applicant(world, "Jean Roy")
    page = do_import(office, LIST.encode(), 2)
    assert "Rien n’a été importé" in page
    assert Person.objects.count() == 1


def test_files_that_are_no_list_are_refused(world: ServiceWorld, office: Client) -> None:
    """Promise: a file of another kind is refused in plain words, and nothing is kept."""
    for content, words in (
        (b"", "vide"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "pas un fichier CSV"),
        (b"PK\x03\x04" + bytes(100), "pas un fichier CSV"),
        (b'Nom\n"Marthe\nRoy;Jean', "guillemet"),
        (b"x" * (512 * 1024 + 1), "512"),
        (b"Nom\n" + b"a\n" * 1_001, "1 000 lignes"),
    ):
        assert words in upload(office, content), words
    assert not Person.objects.exists()


def test_columns_can_be_said_by_hand(world: ServiceWorld, office: Client) -> None:
    """A heading that nobody knows is no dead end."""
    content = b"Qui;Quoi\nMarthe;rien\n"
    assert "dans quelle colonne" in upload(office, content)
    told = {"content": b64encode(content).decode(), "last_name": "0"}
    answer = office.post(reverse("member_import"), told)
    assert "Importer 1 personne<" in answer.content.decode()
    twice = office.post(reverse("member_import"), {**told, "first_name": "0"})
    assert "choisie deux fois" in twice.content.decode()
    broken = office.post(reverse("member_import"), {"content": "%%%"})
    assert broken.status_code == 422


def test_hostile_names_are_shown_and_not_run(world: ServiceWorld, office: Client) -> None:
    """Promise 7: a name that is code or a formula is a name."""
    content = b"Nom\n<script>alert(1)</script>\n'=1+1\n{{ 7|add:7 }}\n"
    for page in (upload(office, content), do_import(office, content, 3)):
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert "{{ 7|add:7 }}" in page
    assert Person.objects.filter(name="=1+1").exists()


def test_template_can_be_imported(world: ServiceWorld, office: Client) -> None:
    """The file that is handed out is one that is taken."""
    answer = office.get(reverse("member_template"))
    assert rows_of(answer.content)[0][0] == "Nom"
    assert len(rows_of(answer.content)) == 2
    assert "Importer 1 personne<" in upload(later(world, 60), answer.content)


# Who may


def test_nobody_but_the_office_sees_members(world: ServiceWorld) -> None:
    """Promise 7: names are the office's, on every page and in every file."""
    person = member(world)
    roles = (ConsoleRole.COMMITTEE, ConsoleRole.AUDITOR, ConsoleRole.MERCHANT)
    client = visitor(world, *roles, merchant=MERCHANT)
    for name in ("members", "wave", "renewals", "member_import", "first_promises", "member_new"):
        assert client.get(reverse(name) + "?format=csv").status_code == 403, name
    for name in ("member", "member_data", "member_edit", "member_leave", "member_erase"):
        answer = client.get(reverse(name, kwargs={"person": person.pk}))
        assert answer.status_code == 403, name
    assert client.post(reverse("member_erase", kwargs={"person": person.pk})).status_code == 403
    assert Person.objects.exists()
