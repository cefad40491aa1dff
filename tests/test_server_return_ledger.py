"""A transfer that came back, in the books as hledger, which nobody here wrote, adds them up."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from server_stub.console.words import REASONS
from server_stub.exports.pain001 import PainVersion, payment_file
from server_stub.exports.papers import Letterhead, paper_of, papers_of
from server_stub.exports.payout import Debtor, Payout
from server_stub.exports.plain_ledger import account_of
from server_stub.exports.runs import Exported, export
from server_stub.models import ActRow, Finding
from server_stub.rules.ledger import Book
from server_stub.rules.settle import end_to_end_id
from server_stub.services import bank_statements, resolve, settlement
from server_stub.services.books import balances
from server_stub.services.deciding import Done, NeedsSecond
from tests.bank_world import BANK, PROFILE, confirmed, keep, row
from tests.hledger_books import NEEDS_HLEDGER, by_hledger, by_us
from tests.month_world import Month
from tests.payout_world import ANNE, BOOKS, BRUNO, IBANS, put_back
from tests.service_world import MERCHANT

HEAD = Letterhead(debtor_name="CCAS de Flers", reasons=REASONS, own=None)
DEBTOR = Debtor(name="Caisse de l'alimentation de Flers", iban=PROFILE.account)
FORM = PainVersion.V09
GoesBack = Callable[[Month, str, int], None]


@pytest.fixture
def lived(kept: sqlite3.Connection, django_db_blocker: DjangoDbBlocker) -> Iterator[Month]:
    """A month up to its last evening, of which nothing was paid yet."""
    with django_db_blocker.unblock():
        put_back(kept)
        month = Month.begin(BOOKS)
        month.live()
        yield month


def by_the_bank(month: Month, name: str, back_cents: int) -> None:
    """A file leaves for the bank; its statement shows the run, and one transfer coming back."""
    caisse, world = month.world.caisse, month.world

    def make(payout: Payout) -> bytes:
        return payment_file(payout, DEBTOR, execution_date=date(2026, 11, 3), version=FORM)

    assert isinstance(export(caisse, name, FORM.value, make, by=ANNE), Exported)
    bank_statements.save_profile(caisse, BANK, PROFILE, by=ANNE)
    day, euros = f"{world.now:%d/%m/%Y}", f"{back_cents // 100},{back_cents % 100:02}"
    cents = sum(month.sold_cents.values())
    reference = end_to_end_id(name, MERCHANT)
    for line in keep(
        world,
        row(day, f"VIR GROUPE {name}", f"-{cents // 100},{cents % 100:02}"),
        row(day, f"REJET VIR {reference} COMPTE CLOS", euros),
    ):
        confirmed(world, line)
    point = Finding.objects.using(BOOKS).get(kind="payout_returned", closed_at=None)
    assert resolve.pay(caisse, point, by=ANNE) == NeedsSecond(ANNE)
    assert isinstance(resolve.pay(caisse, point, by=BRUNO), Done)


def by_the_accountant(month: Month, name: str, back_cents: int) -> None:
    """Papers leave for the trésorier, who pays the others and rejects one mandate."""
    caisse = month.world.caisse
    for form, merchant in papers_of(caisse, name):
        done = paper_of(caisse, name, form, HEAD, by=ANNE, merchant=merchant)
        assert isinstance(done, Exported), done
    assert isinstance(settlement.confirm(caisse, name, by=ANNE), ActRow)
    back = settlement.give_back(caisse, name, MERCHANT, back_cents, entered_by=ANNE, by=BRUNO)
    assert isinstance(back, ActRow), back


def agreed(month: Month, folder: Path) -> dict[str, Decimal]:
    """Let hledger check the books, and hold its balances to both of ours."""
    caisse = month.world.caisse
    theirs = by_hledger(caisse, folder)
    assert theirs == by_us(caisse)
    ours = {account_of(*key): Decimal(cents) / 100 for key, cents in balances(caisse).items()}
    assert {name: sum_ for name, sum_ in theirs.items() if sum_} == {
        name: sum_ for name, sum_ in ours.items() if sum_
    }
    return theirs


def of_merchants(theirs: dict[str, Decimal], book: Book) -> dict[int, int]:
    """What stands in a book, by merchant, in cents."""
    found = {it: theirs.get(account_of(book, it), Decimal(0)) for it in IBANS}
    return {merchant: int(euros * 100) for merchant, euros in found.items()}


@NEEDS_HLEDGER
@pytest.mark.parametrize("goes_back", [by_the_bank, by_the_accountant])
def test_hledger_comes_to_the_same_from_a_return_to_the_next_payment(
    lived: Month, goes_back: GoesBack, tmp_path: Path
) -> None:
    """Promises 1 and 6: owed again, in payment, paid: in a program that knows nothing of us."""
    first = dict(lived.sold_cents)
    back = {MERCHANT: first[MERCHANT], MERCHANT + 1: 0}
    goes_back(lived, lived.settle(tmp_path), back[MERCHANT])
    theirs = agreed(lived, tmp_path)
    assert of_merchants(theirs, Book.PAYABLE) == back
    assert of_merchants(theirs, Book.PAID) == {it: first[it] - back[it] for it in IBANS}

    lived.market_day(online=(0, 1, 2))
    (folder := tmp_path / "again").mkdir()
    name = lived.settle(folder)
    sold = dict(lived.sold_cents)
    theirs = agreed(lived, tmp_path)
    assert of_merchants(theirs, Book.PAYABLE) == dict.fromkeys(IBANS, 0)
    assert of_merchants(theirs, Book.IN_PAYMENT) == {
        it: sold[it] - first[it] + back[it] for it in IBANS
    }
    assert isinstance(settlement.confirm(lived.world.caisse, name, by=ANNE), ActRow)
    assert of_merchants(agreed(lived, tmp_path), Book.PAID) == sold
    lived.check(tmp_path)
