"""Books, rules and the log in the console: sums that hold, files, votes, and who reads what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from auditor.audit import audit
from auditor.export import read_export
from cardkit.clock import business_date
from server_stub.exports.plain_ledger import plain_ledger
from server_stub.exports.trial_balance import trial_balance_csv
from server_stub.models import Balance, ConsoleRole, Posting, Rule
from server_stub.rules.ledger import Book
from server_stub.services import acts_read, books_read, settlement
from server_stub.services.books import balances
from tests.console_visitors import served, visitor
from tests.service_world import MERCHANT, ServiceWorld
from tests.test_server_console_findings import HOSTILE, page, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that sold on two days."""
    world = ServiceWorld.make()
    card, stall = world.card(), world.stall()
    stall.sync()
    stall.sell(card, 12_50)
    stall.sync()
    world.clock.pass_time(timedelta(days=1))
    stall.sell(card, 7_00)
    stall.sync()
    with served(world):
        yield world


@pytest.fixture
def anne(world: ServiceWorld) -> Client:
    """The coordinator's browser."""
    return visitor(world, ConsoleRole.COORDINATOR)


@pytest.fixture
def auditor(world: ServiceWorld) -> Client:
    """The browser of somebody who checks."""
    return visitor(world, ConsoleRole.AUDITOR)


def test_books_come_to_nothing_and_say_so(world: ServiceWorld, auditor: Client) -> None:
    """Promise 8: every cent that a card spent is somewhere, and one line shows it."""
    shown = page(auditor, "/books/")
    for words in ("Rien ne se perd", "19,50", "Ferme 7", "Dû aux producteurs"):
        assert words in shown, words
    seen = books_read.books_on(world.caisse, world.now.date())
    assert all(it.holds for it in seen.conserved)
    assert sum(len(it.parts) for it in seen.conserved) == len(Book), "no book is left out"
    assert "clafoutis-server rebuild" in shown


def test_a_cent_that_is_nowhere_is_told(world: ServiceWorld, auditor: Client) -> None:
    """Promise 8: books that do not come to nothing are not shown as if they did."""
    assert "les livres se trompent" not in page(auditor, "/books/")
    Balance.objects.filter(account=Book.PAYABLE.value).update(amount_cents=19_51)
    assert "les livres se trompent" in page(auditor, "/books/")


def test_balances_of_a_day_are_those_of_that_evening(world: ServiceWorld, anne: Client) -> None:
    """Promise 6: yesterday's books read today as they read yesterday."""
    yesterday = world.now.date() - timedelta(days=1)
    shown = page(anne, f"/books/?on={yesterday}")
    assert "12,50" in shown
    assert "19,50" not in shown
    long_ago = books_read.books_on(world.caisse, date(2025, 1, 1))
    assert long_ago.accounts == ()
    for day in ("0001-01-01", "9999-12-31"):
        page(anne, f"/books/?on={day}")
        page(anne, f"/books/postings/?from_day={day}&until_day={day}")
    today = books_read.books_on(world.caisse, world.now.date())
    held = {(row.book, row.merchant): row.amount_cents for row in today.accounts}
    now = balances(world.caisse).items()
    assert held == {(book.value, who): cents for (book, who), cents in now}


def test_day_is_found_among_many_postings(world: ServiceWorld) -> None:
    """A day is found by halving, wherever numbers are missing."""
    day = world.now.date()
    first = Posting.objects.latest("id").pk
    for number in range(1, 400):
        Posting.objects.create(
            id=first + 7 * number,
            at=world.now + timedelta(hours=number),
            subject="credit",
        )
    for days in range(-2, 20):
        wanted = day + timedelta(days=days)
        since = [row.pk for row in Posting.objects.order_by("id") if _day(row) >= wanted]
        after_all = Posting.objects.latest("id").pk + 1
        found = books_read.first_since(world.caisse, wanted)
        assert found == (since[0] if since else after_all), wanted


def _day(row: Posting) -> date:
    return business_date(row.at)


def test_postings_of_a_period_lead_to_what_caused_them(
    world: ServiceWorld, anne: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Promise 6: each posting shows its lines and the signed act or entry behind it."""
    draft = settlement.draw_up(world.caisse, by=1)
    settlement.approve(world.caisse, getattr(draft, "name", ""), by=2)
    with django_assert_max_num_queries(30):
        shown = page(anne, "/books/postings/")
    newest = re.findall(r"/books/postings/(\d+)/", shown)[0]
    one = page(anne, f"/books/postings/{newest}/")
    assert "/payouts/R1-0001/" in one
    assert "19,50" in one
    today = world.now.date()
    first_day = page(anne, f"/books/postings/?until_day={today - timedelta(days=1)}")
    assert f"/books/postings/{newest}/" not in first_day
    account = page(anne, f"/books/postings/?book=payable&merchant={MERCHANT}")
    assert f"/books/postings/{newest}/" in account
    assert "Aucune écriture" in page(anne, "/books/postings/?book=payable&merchant=99")
    assert anne.get("/books/postings/99999/").status_code == 404
    allowance = Posting.objects.filter(subject="credit").latest("id")
    assert "/log/" in page(anne, f"/books/postings/{allowance.pk}/")


def test_postings_follow_one_another(world: ServiceWorld, anne: Client) -> None:
    """A long list is read in pieces, each posting once, whichever account is asked for."""
    card, stall = world.card(), world.stall(5)
    for _ in range(60):
        stall.sell(card, 1_00)
    stall.sync()
    for query in ("", "book=payable&"):
        first = page(anne, f"/books/postings/?{query}")
        after = first.partition("after=")[2].partition('"')[0]
        second = page(anne, f"/books/postings/?{query}after={after}")
        numbers = [re.findall(r'/books/postings/(\d+)/"', it) for it in (first, second)]
        assert len(numbers[0]) == 50
        assert numbers[1]
        assert not set(numbers[0]) & set(numbers[1])


def test_files_are_those_of_the_commands(
    world: ServiceWorld, auditor: Client, tmp_path: Path
) -> None:
    """Promise 6: what is downloaded is what anybody can check, under a name that says the day."""
    day = world.now.date().isoformat()
    ledger = auditor.get("/books/ledger.txt")
    assert ledger.headers["Content-Disposition"] == f'attachment; filename="livres-{day}.ledger"'
    assert ledger.headers["Content-Type"] == "text/plain; charset=utf-8"
    told = b"".join(ledger.streaming_content).decode()  # type: ignore[attr-defined]
    assert told.splitlines() == list(plain_ledger(world.caisse))
    table = auditor.get("/books/?format=csv")
    assert table.headers["Content-Disposition"] == f'attachment; filename="balance-{day}.csv"'
    assert table.content == trial_balance_csv(world.caisse)
    export = auditor.get("/books/audit.sqlite3")
    assert export.headers["Content-Disposition"] == f'attachment; filename="audit-{day}.sqlite3"'
    assert export.headers["Content-Type"] == "application/vnd.sqlite3"
    path = tmp_path / "audit.sqlite3"
    path.write_bytes(b"".join(export.streaming_content))  # type: ignore[attr-defined]
    report = audit(read_export(path))
    assert (report.sales, report.payable_cents) == (2, 19_50)


def test_yesterdays_trial_balance_is_handed_out(world: ServiceWorld, anne: Client) -> None:
    """Promise 6: the balance of a day stays the balance of that day."""
    yesterday = world.now.date() - timedelta(days=1)
    table = anne.get(f"/books/?on={yesterday}&format=csv").content.decode("utf-8-sig")
    assert yesterday.isoformat() in table
    assert "12,50" in table
    assert "19,50" not in table


def test_committee_reads_rules_and_sums_alone(world: ServiceWorld, anne: Client) -> None:
    """Promise 7: the committee sees what it decides on, and no merchant's account or act."""
    committee = visitor(world, ConsoleRole.COMMITTEE)
    shown = page(committee, "/books/")
    assert "19,50" in shown
    for trace in ("Ferme 7", "Balance générale", "/books/postings/", "audit.sqlite3"):
        assert trace not in shown, trace
    assert "Ferme 7" not in page(committee, "/books/?format=csv")
    for address in ("/books/postings/", "/books/ledger.txt", "/books/audit.sqlite3", "/log/"):
        assert committee.get(address).status_code == 403, address
    assert "Plafond par vente" in page(committee, "/rules/")
    assert committee.get("/rules/sale_max_cents/").status_code == 200
    assert committee.get("/rules/sale_max_cents/vote/").status_code == 403


VOTE = {
    "value": "45,00",
    "from_day": "2026-10-20",
    "voted_on": "2026-10-02",
    "minutes": "Plafond relevé",
}


def test_vote_is_looked_at_then_put_on_record(world: ServiceWorld, anne: Client) -> None:
    """Promise: a rule changes from a day on, by its minutes, and says before what it will be."""
    address = "/rules/sale_max_cents/vote/"
    shown = anne.get(address, VOTE).content.decode()
    assert "Ce qui va se passer" in shown
    assert "45,00" in shown
    assert not Rule.objects.filter(name="sale_max_cents", value=45_00).exists()
    done = post(anne, address, **VOTE)
    assert "Le vote est au registre" in done
    for words in ("À venir", "Plafond relevé", "visitor0", "45,00"):
        assert words in done, words
    assert "45,00" in page(anne, "/rules/")
    row = Rule.objects.get(name="sale_max_cents", value=45_00)
    assert row.from_day == date(2026, 10, 20)
    assert "Règle votée" in page(anne, "/log/?kind=12")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"value": "beaucoup"}, "Ce n’est pas une valeur"),
        ({"from_day": "2020-01-01"}, "période close"),
        ({"voted_on": "2030-01-01"}, "dans l’avenir"),
        ({"minutes": ""}, "obligatoire"),
    ],
)
def test_vote_that_cannot_be_is_refused_in_words(
    world: ServiceWorld, anne: Client, changed: dict[str, str], words: str
) -> None:
    """Promise: nothing that was counted is changed by a vote, and the refusal says from when."""
    before = Rule.objects.count()
    assert words in post(anne, "/rules/sale_max_cents/vote/", **{**VOTE, **changed})
    assert Rule.objects.count() == before


def test_hostile_minutes_are_shown_and_not_run(world: ServiceWorld, anne: Client) -> None:
    """Promise 7: text of people is text, on pages and in tables."""
    told = {**VOTE, "minutes": HOSTILE, "from_day": "2026-10-02"}
    assert HOSTILE not in anne.get("/rules/sale_max_cents/vote/", told).content.decode()
    assert HOSTILE not in post(anne, "/rules/sale_max_cents/vote/", **told)
    post(anne, "/rules/sale_max_cents/vote/", **{**told, "minutes": "=cmd()"})
    table = anne.get("/rules/?format=csv").content.decode("utf-8-sig")
    assert ";=cmd" not in table
    assert HOSTILE not in page(anne, "/log/")
    assert anne.get("/rules/nothing/").status_code == 404


def test_log_is_read_by_kind_and_author(world: ServiceWorld, anne: Client, auditor: Client) -> None:
    """Promise 6: each act has its author's console name, its day and what it says; no person."""
    post(anne, "/rules/sale_max_cents/vote/", **VOTE)
    post(anne, "/note/", text="rien")
    shown = page(auditor, "/log/")
    assert "Règle votée" in shown
    by_anne = page(auditor, f"/log/?by={_user('visitor0')}")
    assert len(set(re.findall(r'/log/(\d+)/"', by_anne))) == 1
    (number,) = set(re.findall(r'/log/(\d+)/"', by_anne))
    act = page(auditor, f"/log/{number}/")
    for words in ("visitor0", "Plafond relevé", "4500", "20 octobre 2026"):
        assert words in act, words
    assert "/undo/" not in act
    service = page(auditor, "/log/?by=0&kind=3")
    assert "Carte remise" in service
    assert "Aucun acte ne correspond" in page(auditor, "/log/?kind=30")
    assert auditor.get("/log/99999/").status_code == 404
    assert auditor.post(f"/log/{number}/undo/").status_code == 403
    refused = post(anne, f"/log/{number}/undo/")
    assert "ne peut pas être annulé" in refused
    table = auditor.get("/log/?format=csv&kind=12")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "Plafond relevé" in table.content.decode("utf-8-sig")


def test_log_follows_itself_whoever_is_looked_for(world: ServiceWorld) -> None:
    """A page of one author leads on though it found little, and no act is shown twice."""
    caisse = world.caisse
    every = [act.seq for act in acts_read.log_page(caisse, most=10_000).acts]
    read: list[int] = []
    after = None
    while True:
        found = acts_read.log_page(caisse, after=after, most=7)
        read += [act.seq for act in found.acts]
        after = found.after
        if after is None:
            break
    assert read == every
    assert sorted(every, reverse=True) == every
    nobody = acts_read.log_page(caisse, author=999)
    assert nobody == acts_read.LogPage(acts=(), after=None)


def _user(name: str) -> int:
    return User.objects.get(username=name).pk
