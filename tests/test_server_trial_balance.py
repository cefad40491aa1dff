"""The trial balance, and hledger, which nobody here wrote, over the same busy books."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from pytest_django import DjangoDbBlocker

from server_stub.exports.trial_balance import trial_balance, trial_balance_csv
from server_stub.rules.ledger import Book
from server_stub.rules.settle import Refusal
from server_stub.services import commitments, settlement
from server_stub.services.books import balances
from tests.hledger_books import NEEDS_HLEDGER, by_hledger, by_us, euros
from tests.payout_world import ANNE, BRUNO, PayoutWorld
from tests.service_books import in_book


@pytest.fixture
def busy(kept: sqlite3.Connection, django_db_blocker: DjangoDbBlocker) -> Iterator[PayoutWorld]:
    """A caisse that has lived: sales, refunds, runs of every ending, contributions."""
    with django_db_blocker.unblock():
        paying = PayoutWorld.make(kept)
        live(paying)
        yield paying


def live(paying: PayoutWorld) -> None:
    """Sell, refund, pay, revoke and collect, in an order drawn from a seed."""
    caisse, chance = paying.world.caisse, Random(7)
    for number in range(12):
        stall = chance.choice(paying.stalls)
        sale = stall.sell(paying.card, chance.randrange(1, 3_00))
        if chance.random() < 0.4:
            stall.refund(paying.card, sale, 1)
        paying.sync()
        account = paying.world.row(paying.card).account
        day = paying.world.now.date()
        commitments.receive(
            caisse, account, 20_00 + number, value_date=day, reference=f"Q-{number}", by=ANNE
        )
        draft = settlement.draw_up(caisse, by=ANNE)
        if isinstance(draft, Refusal) or number % 2:
            settlement.drop(caisse)
            continue
        settlement.approve(caisse, draft.name, by=BRUNO)
        if number % 4:
            settlement.revoke(caisse, draft.name, by=ANNE)
        else:
            paying.send(draft.name)
            if number % 8 == 0:
                paying.confirm(draft.name)


@NEEDS_HLEDGER
def test_hledger_comes_to_the_same_trial_balance(busy: PayoutWorld, tmp_path: Path) -> None:
    """Promise 6: every account, in a program that knows nothing of us, comes to what ours does."""
    ours = by_us(busy.world.caisse)
    assert by_hledger(busy.world.caisse, tmp_path) == ours
    assert len(ours) > 8


def test_debits_are_credits(busy: PayoutWorld) -> None:
    """Promise 8: what came to all accounts left others, and the last line says so."""
    rows = list(
        csv.reader(
            io.StringIO(trial_balance_csv(busy.world.caisse).decode("utf-8-sig")), delimiter=";"
        )
    )
    total = [euros(cell) for cell in rows[-1][1:]]
    assert total[0] == total[1] > 0
    assert total[2] == total[3] > 0
    for column in range(1, 5):
        assert sum(euros(row[column]) for row in rows[3:-1]) == total[column - 1]


def test_the_trial_balance_is_that_of_the_books(busy: PayoutWorld) -> None:
    """Promise 6: what is listed are the balances that payouts are drawn up from."""
    listed = {row.account: row.balance_cents for row in trial_balance(busy.world.caisse)}
    assert {cents for cents in listed.values() if cents} == set(
        balances(busy.world.caisse).values()
    )
    assert listed["books:in_payment:7"] == in_book(busy.world, Book.IN_PAYMENT)
