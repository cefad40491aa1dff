"""A month of a caisse that a CCAS carries: from applications to the trésorier's papers."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from cardkit.money import format_cents
from server_stub.console.words import REASONS
from server_stub.exports.papers import Letterhead, paper_of, papers_of
from server_stub.exports.runs import Exported
from server_stub.models import ActRow, Person
from server_stub.rules.settle import Refusal, RunState
from server_stub.services import settlement
from tests.hledger_books import NEEDS_HLEDGER, by_hledger, by_us
from tests.month_world import FORGED_CENTS, Month
from tests.payout_world import ANNE, BOOKS, IBANS, empty_books
from tests.service_world import MERCHANT

HEAD = Letterhead(debtor_name="CCAS de Flers", reasons=REASONS, own=None)


@pytest.fixture(scope="module")
def lived(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[tuple[Month, str, Path]]:
    """The month, its run, and a folder; lived once."""
    folder = tmp_path_factory.mktemp("month")
    with django_db_blocker.unblock(), empty_books():
        month = Month.begin(BOOKS)
        month.live()
        name = month.settle(folder)
        yield month, name, folder


Lived = tuple[Month, str, Path]


def papers(month: Month, name: str) -> dict[str, bytes]:
    """Everything that the trésorier is handed."""
    made = {}
    for form, merchant in papers_of(month.world.caisse, name):
        done = paper_of(month.world.caisse, name, form, HEAD, by=ANNE, merchant=merchant)
        assert isinstance(done, Exported), done
        made[form.file_name(merchant)] = done.content
    return made


def rows(content: bytes) -> list[list[str]]:
    """A sheet, read as a spreadsheet reads it."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def test_the_tresorier_is_asked_for_what_was_sold(lived: Lived) -> None:
    """Promise 1: the état liquidatif asks, creditor by creditor, for the month's green screens."""
    month, name, _ = lived
    etat = rows(papers(month, name)["etat-liquidatif.csv"])
    asked = {row[4]: row[5] for row in etat if row and row[0].isdigit()}
    assert asked == {
        f"{name}-M{number}": format_cents(month.sold_cents[number]) for number in IBANS
    }
    assert etat[-2][5] == format_cents(sum(month.sold_cents.values()))


def test_each_creditor_reads_days_terminals_and_what_is_kept_back(lived: Lived) -> None:
    """Promise 8: each bordereau comes to its sum, and names what it does not pay and why."""
    month, name, _ = lived
    made = papers(month, name)
    assert len(made) == 6
    assert all(made[it].startswith(b"%PDF") for it in made if it.endswith("pdf"))
    first, second = (rows(made[f"bordereau-{number}.csv"]) for number in IBANS)
    for sheet, number in ((first, MERCHANT), (second, MERCHANT + 1)):
        days = [row for row in sheet if len(row) == 9 and row[0].startswith("2026-")]
        cents = sum(int(row[7].replace(",", "")) for row in days)
        assert cents == month.sold_cents[number]
        terminals = {"3"} if number == MERCHANT else {"4", "5"}
        assert {row[1] for row in days} == terminals
    kept = [row for row in second if len(row) == 6 and row[3] == "retenue"]
    assert [(row[4], row[5]) for row in kept] == [("aucune preuve", format_cents(FORGED_CENTS))]


def test_no_paper_knows_a_member(lived: Lived) -> None:
    """Promise 7: names, addresses, accounts and cards of members stand on no paper."""
    month, name, _ = lived
    text = b"".join(papers(month, name).values()).decode("utf-8", "replace").lower()
    people = Person.objects.using(BOOKS).all()
    secrets = [one.name.lower() for one in people] + [one.email for one in people]
    secrets += [bytes(one.number).hex() for one in month.accounts]
    secrets += [card.uid.hex() for card in month.cards]
    assert len(secrets) > 20
    assert not [secret for secret in secrets if secret in text]


def test_the_books_are_what_everybody_saw(lived: Lived, tmp_path: Path) -> None:
    """Promises 6 and 8: cards, books, a second computation and an auditor come to the same."""
    lived[0].check(tmp_path)


@NEEDS_HLEDGER
def test_hledger_comes_to_the_same(lived: Lived, tmp_path: Path) -> None:
    """Promise 6: every account, in a program that knows nothing of us."""
    caisse = lived[0].world.caisse
    assert by_hledger(caisse, tmp_path) == by_us(caisse)


def test_the_month_is_closed(lived: Lived, tmp_path: Path) -> None:
    """Promise 1: once the trésorier has paid, nothing is owed, and the copy holds the run."""
    month, name, folder = lived
    caisse = month.world.caisse
    if settlement.state_of(caisse, name) is RunState.SENT:
        assert isinstance(settlement.confirm(caisse, name, by=ANNE), ActRow)
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.NOTHING_OWED
    with sqlite3.connect(folder / "books.sqlite3") as copy:
        assert copy.execute("SELECT name FROM clafoutis_settlement").fetchall() == [(name,)]
    month.check(tmp_path)
