"""The console's pages on members' money: due, taken, counted, handed in, seen at the bank."""

from __future__ import annotations

import csv
import io
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from server_stub.models import (
    BankLine,
    BankLineOutcome,
    CashCount,
    ConsoleRole,
    Contribution,
    MoneyDeposit,
    Person,
    QuittancePrint,
    StatementProfile,
)
from server_stub.rules.payment_reference import payment_reference
from server_stub.rules.scheme import LateDues, RuleName
from server_stub.services import (
    applications,
    bank_statements,
    dues_read,
    payments,
    people,
    rules_in_force,
    waves,
)
from server_stub.services.books import balances
from tests.bank_world import BANK, PROFILE
from tests.console_visitors import enter, served, visitor
from tests.service_world import MERCHANT, ServiceWorld

pytestmark = pytest.mark.django_db
NAMES = ("Marthe Lecœur", "Jean Roy", "Ana Silva")
OCTOBER = date(2026, 10, 1)
ANNE = 1


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse with three members who owe 25 € since October; today is 1 October 2026."""
    with served(ServiceWorld.make()) as made:
        for name in NAMES:
            applications.apply(made.caisse, name, monthly_cents=25_00)
        waves.admit(made.caisse, places=3, by=ANNE)
        applications.promise_all(made.caisse, OCTOBER, most=3, by=ANNE)
        yield made


@pytest.fixture
def office(world: ServiceWorld) -> Client:
    """The treasurer's browser."""
    return visitor(world, ConsoleRole.TREASURER)


def later(world: ServiceWorld, days: int) -> Client:
    """The treasurer's browser some days later: nobody stays logged in over night."""
    world.clock.pass_time(timedelta(days=days))
    return visitor(world, ConsoleRole.TREASURER)


def who(name: str) -> Person:
    """One of the members."""
    return Person.objects.select_related("account").get(name=name)


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


def take(client: Client, name: str, amount: str = "25", **more: object) -> str:
    """What the page says after a payment in cash on 1 October."""
    told = {"amount_cents": amount, "means": 2, "day": "2026-10-01", **more}
    return sent(client, "payment_take", told, person=who(name).pk)


def uploaded(client: Client, name: str, content: bytes, **told: object) -> str:
    """What a page says of a file."""
    file = SimpleUploadedFile("releve.csv", content, content_type="text/csv")
    return client.post(reverse(name), {"file": file, **told}).content.decode()


def statement(*rows: str) -> bytes:
    """A file of the caisse's bank."""
    heading = ("Compte : FR76 3000 1007 9412 3456 7890 185", "Date;Libellé;Montant;Solde")
    return "\n".join((*heading, *rows)).encode()


def keep(client: Client, content: bytes) -> str:
    """What the page says after a file's lines were kept."""
    told = {"profile": BANK, "content": b64encode(content).decode()}
    return sent(client, "bank_import", told)


def reference(name: str) -> str:
    """What a member writes on transfers."""
    return payment_reference(bytes(who(name).account.number))


@pytest.fixture
def bank(world: ServiceWorld) -> ServiceWorld:
    """The same caisse, with its bank's profile."""
    assert bank_statements.save_profile(world.caisse, BANK, PROFILE, by=ANNE) is None
    return world


# Payments by hand


def test_market_day_is_ten_payments_without_a_question(world: ServiceWorld, office: Client) -> None:
    """Promise: cash is taken one after the other, and each has the next number of the carnet."""
    stale = visitor(world, ConsoleRole.COORDINATOR)
    enter(stale, User.objects.latest("id"), at=0.0)
    page = shown(stale, "payment_new", "?q=lecoeur")
    assert NAMES[0] in page
    assert 'value="25,00"' in shown(stale, "payment_take", person=who(NAMES[0]).pk)
    for number, name in enumerate(NAMES, start=1):
        assert f"Q2026-{number:05}" in take(stale, name)
    assert Contribution.objects.count() == 3
    page = shown(office, "contributions")
    assert page.count("payée</span>") == 3


def test_what_is_no_payment_is_said_and_not_taken(world: ServiceWorld, office: Client) -> None:
    """Promise: an amount, a day or a number that can't be is refused with its reason."""
    person = who(NAMES[0]).pk
    for told, words in (
        ({"amount_cents": "0"}, "Écrivez un montant"),
        ({"amount_cents": "vingt"}, "Écrivez un montant"),
        ({"day": "2026-10-02"}, "pas encore passée"),
        ({"number": 7}, "Q2026-00001"),
        ({"means": 0, "reference": "Mme Roy"}, "jamais un nom"),
    ):
        form = {"amount_cents": "25", "means": 2, "day": "2026-10-01", **told}
        answer = office.post(reverse("payment_take", kwargs={"person": person}), form)
        assert answer.status_code == 422
        assert words in answer.content.decode(), words
    assert not Contribution.objects.exists()


def test_quittance_is_printed_and_then_a_duplicate(world: ServiceWorld, office: Client) -> None:
    """Promise: whoever pays cash has a paper with a number, and a second print says so."""
    take(office, NAMES[0])
    row = Contribution.objects.get()
    answer = office.post(reverse("quittance"), {"payment": row.pk})
    assert answer.content.startswith(b"%PDF")
    assert 'quittance-Q2026-00001.pdf"' in answer.headers["Content-Disposition"]
    assert QuittancePrint.objects.count() == 1
    again = payments.print_quittance(world.caisse, row, by=ANNE)
    assert isinstance(again, payments.Quittance)
    assert again.is_duplicate
    assert office.post(reverse("quittance"), {"payment": "9" * 30}).status_code == 404


def test_payment_is_taken_back_by_somebody_who_just_proved_who_they_are(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: an error is undone by an entry of its own, and not by an open browser alone."""
    take(office, NAMES[0])
    row = Contribution.objects.get()
    assert "Ce qui va se passer" in shown(office, "payment_cancel", f"?payment={row.pk}")
    enter(office, User.objects.latest("id"), at=0.0)
    office.post(reverse("payment_cancel"), {"payment": row.pk})
    assert Contribution.objects.count() == 1
    client = visitor(world, ConsoleRole.COORDINATOR)
    assert "Annulé par l’écriture" in sent(client, "payment_cancel", {"payment": row.pk})
    assert "déjà annulé" in sent(client, "payment_cancel", {"payment": row.pk})
    assert sum(Contribution.objects.values_list("amount_cents", flat=True)) == 0


# What is due and what is late


def test_dues_of_a_month_say_who_paid_what(world: ServiceWorld, office: Client) -> None:
    """Promise: paid, paid in part and late are told apart, with their sums."""
    take(office, NAMES[0])
    take(office, NAMES[1], "10")
    page = shown(office, "contributions")
    for words in ("75,00\u00a0€", "35,00\u00a0€", "en partie</span>", "attendue</span>"):
        assert words in page, words
    office = later(world, 20)
    page = shown(office, "contributions", "?show=late")
    assert NAMES[0] not in page
    assert NAMES[1] in page
    assert "11 jours" in page
    answer = office.get(reverse("contributions") + "?month=2026-10-01&format=csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert {row[0]: row[5] for row in rows[1:]} == {
        NAMES[0]: "0,00",
        NAMES[1]: "15,00",
        NAMES[2]: "25,00",
    }


def test_lateness_has_ages_and_says_what_it_leads_to(world: ServiceWorld, office: Client) -> None:
    """Promise: what lateness does is the committee's vote, and the page says which."""
    Person.objects.filter(name=NAMES[2]).update(name="=Ana()")
    rules_in_force.set_rule(world.caisse, RuleName.LATE_DUES, LateDues.NO_CREDIT, from_day=OCTOBER)
    office = later(world, 50)
    page = shown(office, "late")
    assert "relance, puis pas de nouveau crédit" in page
    assert page.count("allocation suspendue") == 3
    answer = office.get(reverse("late") + "?format=csv").content.decode("utf-8-sig")
    assert "'=Ana()" in answer
    assert "'=Ana()" in office.get(reverse("late") + "?format=reminders").content.decode()


def test_account_of_somebody_forgotten_is_still_shown(world: ServiceWorld, office: Client) -> None:
    """Promise 7: what a nameless account owes is shown by its number."""
    people.erase(world.caisse, who(NAMES[0]), by=ANNE)
    office = later(world, 30)
    for name in ("contributions", "late", "payments"):
        assert NAMES[0] not in shown(office, name)
    assert "compte " in shown(office, "late")


# The till box


def test_box_is_counted_and_handed_in(world: ServiceWorld, office: Client) -> None:
    """Promise: what is missing at the count is an entry, and what is handed in leaves the box."""
    take(office, NAMES[0], "525")
    page = take(office, NAMES[1], "30", means=3)
    assert "au-delà des" in page
    page = sent(office, "cash_count", {"50000": 1, "1000": 2, "200": 1})
    assert "déficit de 3,00" in page
    assert CashCount.objects.get().counted_cents == 522_00
    told = {"what": "cash", "amount_cents": "1000", "reference": "BORD-7", "day": "2026-10-01"}
    answer = office.post(reverse("cash_deposit"), told)
    assert "comptez-la d’abord" in answer.content.decode()
    sent(office, "cash_deposit", {**told, "amount_cents": "500"})
    sent(office, "cash_deposit", {**told, "what": "cheques", "reference": "REM-3"})
    assert sorted(MoneyDeposit.objects.values_list("amount_cents", flat=True)) == [30_00, 500_00]
    page = shown(office, "cash_box")
    for words in ("22,00\u00a0€", "BORD-7", "REM-3", "0 chèque"):
        assert words in page, words


# The bank


def test_bank_is_described_over_its_own_file(world: ServiceWorld, office: Client) -> None:
    """Promise: nothing of a bank's file is guessed in silence: a person sees it and says it."""
    content = statement("01/10/2026;VIR;25,00;25,00")
    page = uploaded(office, "bank_profile_new", content)
    assert "Date | Libellé | Montant | Solde" in page
    told = {
        "content": b64encode(content).decode(),
        "name": "Crédit du Bocage",
        "account": "FR7630001007941234567890185",
        "encoding": "utf-8",
        "delimiter": ";",
        "heading": 2,
        "skip_last": 0,
        "day_format": "jj/mm/aaaa",
        "decimal_mark": ",",
        "day": "Date",
        "label": "Libellé",
        "amount": "Montant",
        "balance": "Solde",
    }
    wrong = office.post(reverse("bank_profile_new"), {**told, "decimal_mark": "."})
    assert "pas un montant" in wrong.content.decode()
    other = office.post(reverse("bank_profile_new"), {**told, "account": "FR00 1"})
    assert "pas celui du compte" in other.content.decode()
    assert not StatementProfile.objects.exists()
    assert "Profil enregistré" in sent(office, "bank_profile_new", told)
    assert "Crédit du Bocage" in shown(office, "bank_profiles")
    assert uploaded(office, "bank_profile_new", b"\x00\x01").count("encodage") == 1


def test_bank_that_speaks_iso_20022_needs_no_description(office: Client) -> None:
    """Promise: a camt.053 says itself whose it is and what it holds; read twice it is kept once."""
    content = (Path(__file__).parent / "vectors" / "camt053_v02.xml").read_bytes()
    content = content.replace(b"2026-11-0", b"2026-10-0")
    broken = content.replace(b"</Document>", b"")
    assert "camt.053" in uploaded(office, "bank_profile_new", broken)
    assert not StatementProfile.objects.exists()
    uploaded(office, "bank_profile_new", content)
    name = StatementProfile.objects.get().name
    assert name == "camt.053 …0185"
    assert name in shown(office, "bank_profiles")
    told = {"profile": name, "content": b64encode(content).decode()}
    assert "MARTHE LECOEUR" in uploaded(office, "bank_import", content, profile=name)
    sent(office, "bank_import", told)
    assert "rien à garder" in uploaded(office, "bank_import", content, profile=name)
    assert sorted(BankLine.objects.values_list("amount_cents", flat=True)) == [
        -60_20,
        -40_00,
        -2_50,
        30_00,
    ]


def test_statement_is_looked_at_then_kept_and_accepted(bank: ServiceWorld, office: Client) -> None:
    """Promise: looking writes nothing, keeping books nothing, and twice is once."""
    content = statement(
        f"01/10/2026;VIR {reference(NAMES[0])};25,00;25,00",
        "01/10/2026;VIR MME X;25,00;50,00",
        "01/10/2026;FRAIS;-3,00;47,00",
    )
    page = uploaded(office, "bank_import", content, profile=BANK)
    assert "Garder 3 lignes" in page
    assert f"cotisation de {NAMES[0]}" in page
    assert not BankLine.objects.exists()
    assert "3 lignes gardées" in keep(office, content)
    assert "déjà là" in keep(office, content)
    assert not Contribution.objects.exists()
    assert "Accepter 1 ligne sûre" in shown(office, "bank_lines")
    assert "1 ligne sûre comptabilisée" in sent(office, "bank_lines", {})
    assert Contribution.objects.get().account_id == who(NAMES[0]).account_id
    assert "Accepter 1" not in shown(office, "bank_lines")


def test_line_is_given_to_somebody_set_aside_or_opened_again(
    bank: ServiceWorld, office: Client
) -> None:
    """Promise: what a line is, a person says; said wrongly, it is reversed by a new entry."""
    keep(office, statement("01/10/2026;VIR MME X;25,00;25,00", "01/10/2026;FRAIS;-3,00;22,00"))
    came, fee = BankLine.objects.order_by("position")
    assert "dites de qui elle est" in sent(office, "bank_lines", {"line": came.pk})
    page = shown(office, "bank_line", "?q=roy", line=came.pk)
    assert "C’est sa cotisation" in page
    page = sent(office, "bank_line", {"person": who(NAMES[1]).pk}, line=came.pk)
    assert f"cotisation de {NAMES[1]}" in page
    assert "déjà rangée" in sent(office, "bank_line", {"aside": 1}, line=came.pk)
    sent(office, "bank_line", {"aside": 1}, line=fee.pk)
    page = shown(office, "bank_settled")
    for words in (f"cotisation de {NAMES[1]}", "mise de côté"):
        assert words in page, words
    assert "de nouveau à ranger" in sent(office, "bank_line_back", {"undo": 1}, line=came.pk)
    assert sum(Contribution.objects.values_list("amount_cents", flat=True)) == 0
    assert BankLineOutcome.objects.count() == 3
    assert "n’est plus dans la liste" in sent(office, "bank_line", {"person": "x"}, line=came.pk)


def test_cheque_that_was_not_covered_is_taken_back_by_its_line(
    bank: ServiceWorld, office: Client
) -> None:
    """Promise: money that the bank takes back is not counted as paid."""
    take(office, NAMES[0], means=3)
    told = {"what": "cheques", "reference": "REM-1", "day": "2026-10-01"}
    sent(office, "cash_deposit", told)
    keep(office, statement("01/10/2026;CHEQUE IMPAYE;-25,00;0,00"))
    line = BankLine.objects.get().pk
    page = sent(office, "bank_line_back", {"reference": "Q2026-99999"}, line=line)
    assert "Aucun encaissement" in page
    page = sent(office, "bank_line_back", {"reference": "Q2026-00001"}, line=line)
    assert "annulé par cette ligne" in page
    assert not any(cents for book, cents in balances(bank.caisse).items() if "cheque" in str(book))


def test_files_that_are_no_statement_are_refused(bank: ServiceWorld, office: Client) -> None:
    """Promise: a doubtful file is refused whole, with the line and the reason."""
    for content, words in (
        (b"x" * 2_000_001, "trop grand"),
        (statement("31/02/2026;VIR;25,00;25,00"), "Ligne 3"),
        (statement("01/10/2026;VIR;1,00;").replace(b";Montant", b""), "manque"),
    ):
        assert words in uploaded(office, "bank_import", content, profile=BANK), words
    answer = office.post(reverse("bank_import"), {"content": "%%%", "profile": BANK}, follow=True)
    assert "Rien n’a été enregistré" in answer.content.decode()
    assert not BankLine.objects.exists()


# Bounds, files and rights


def test_pages_cost_the_same_however_much_came(
    bank: ServiceWorld, office: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """A page shows fifty rows in at most thirty queries, and the next goes on behind them."""
    for name in NAMES * 2:
        take(office, name, "5")
    first, after = dues_read.payments_page(bank.caisse, most=4)
    second, end = dues_read.payments_page(bank.caisse, after=after, most=4)
    told = [row.line.contribution.reference for row in (*first, *second)]
    assert (told, end) == ([f"Q2026-{number:05}" for number in range(6, 0, -1)], None)
    keep(office, statement(*(f"01/10/2026;VIR {number};1,00;" for number in range(60))))
    with django_assert_max_num_queries(30):
        page = shown(office, "bank_lines")
    key = re.findall(r"after=(\d+)", page)[0]
    assert page.count('<th scope="row">') == 50
    assert shown(office, "bank_lines", f"?after={key}").count('<th scope="row">') == 10
    with django_assert_max_num_queries(30):
        shown(office, "payments")
    for name in ("contributions", "late", "cash_box", "bank_settled", "payment_new"):
        with django_assert_max_num_queries(30):
            shown(office, name)
    line = BankLine.objects.earliest("id").pk
    with django_assert_max_num_queries(30):
        shown(office, "bank_line", "?q=roy", line=line)
    with django_assert_max_num_queries(30):
        shown(office, "payment_take", person=who(NAMES[0]).pk)


def test_nobody_but_the_office_sees_payments(bank: ServiceWorld) -> None:
    """Promise 7: what members pay is the office's, on every page and in every file."""
    roles = (ConsoleRole.COMMITTEE, ConsoleRole.AUDITOR, ConsoleRole.MERCHANT)
    client = visitor(bank, *roles, merchant=MERCHANT)
    names = ("contributions", "late", "payments", "cash_box", "bank_lines", "bank_profiles")
    for name in (*names, "payment_new", "bank_import", "payment_cancel", "cash_count"):
        assert client.get(reverse(name) + "?format=csv").status_code == 403, name
    person = {"person": who(NAMES[0]).pk}
    told = {"amount_cents": "25", "means": 2, "day": "2026-10-01"}
    assert client.post(reverse("payment_take", kwargs=person), told).status_code == 403
    assert not Contribution.objects.exists()
