"""Runs that pay merchants: four eyes, whole balances, and nothing that changes afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from stat import S_IMODE

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models import Model
from pytest_django import DjangoDbBlocker

from cardkit.acts import SettlementApproved, SettlementLine, SettlementSent
from cardkit.errors import BackupFailed, Bug
from server_stub.models import (
    Posting,
    Settlement,
    SettlementDraft,
    SettlementStep,
)
from server_stub.models import SettlementLine as LineRow
from server_stub.rules.ledger import Book, Line
from server_stub.rules.settle import Refusal, RunState, run_lines, still_right
from server_stub.services import acts, settlement
from server_stub.services.backup import back_up
from server_stub.services.books import balances, post
from server_stub.services.rebuild import differences
from tests.payout_world import ANNE, BOOKS, BRUNO, PayoutWorld, copied
from tests.service_books import in_book
from tests.service_world import MERCHANT


@pytest.fixture
def paying(kept: sqlite3.Connection, django_db_blocker: DjangoDbBlocker) -> Iterator[PayoutWorld]:
    """A caisse that owes 19.50 to one merchant and 3.20 to another."""
    with django_db_blocker.unblock():
        paying = PayoutWorld.make(kept)
        paying.trade(12_50, 3_20, 7_00)
        yield paying


def books_of(paying: PayoutWorld) -> tuple[int, int, int]:
    """What is owed to the first merchant, in payment, and paid."""
    books = (Book.PAYABLE, Book.IN_PAYMENT, Book.PAID)
    payable, in_payment, paid = (in_book(paying.world, book) for book in books)
    return payable, in_payment, paid


def test_a_run_takes_each_balance_through_the_books(paying: PayoutWorld) -> None:
    """Promise 1: what is owed is in payment once approved, and paid once the bank shows it."""
    name = paying.draw_up()
    assert books_of(paying) == (19_50, 0, 0)
    paying.approve(name)
    assert books_of(paying) == (0, 19_50, 0)
    paying.send(name)
    assert books_of(paying) == (0, 19_50, 0)
    paying.confirm(name)
    assert books_of(paying) == (0, 0, 19_50)
    paying.trade(1_00)
    paying.pay_all()
    totals = LineRow.objects.using(BOOKS).filter(merchant=MERCHANT).order_by("settlement__act")
    assert [line.total_cents for line in totals] == [19_50, 20_50]
    assert differences(paying.world.caisse) == []


def test_a_revoked_run_is_owed_again_and_never_once_confirmed(paying: PayoutWorld) -> None:
    """Promise 1: what the bank did not execute is owed; what it did is not taken back."""
    caisse = paying.world.caisse
    name = paying.draw_up()
    paying.approve(name)
    settlement.revoke(caisse, name, by=ANNE)
    assert books_of(paying) == (19_50, 0, 0)
    assert settlement.confirm(caisse, name, by=ANNE) is Refusal.NOT_IN_THAT_STATE
    paying.pay_all()
    second = settlement.runs(caisse, newest=1)[0]
    assert second.name != name
    assert second.state is RunState.CONFIRMED
    assert settlement.revoke(caisse, second.name, by=ANNE) is Refusal.NOT_IN_THAT_STATE
    assert books_of(paying) == (0, 0, 19_50)
    assert differences(caisse) == []


def test_no_person_pays_alone_and_nobody_pays_twice(paying: PayoutWorld) -> None:
    """Promise 4: approval takes a second person, and a run is approved and sent once."""
    caisse, name = paying.world.caisse, paying.draw_up()
    assert settlement.draw_up(caisse, by=BRUNO) is Refusal.ANOTHER_DRAFT
    assert settlement.approve(caisse, name, by=ANNE) is Refusal.SAME_PERSON
    assert settlement.mark_sent(caisse, name, by=ANNE, backup=copied) is Refusal.NO_SUCH_RUN
    paying.approve(name)
    assert settlement.approve(caisse, name, by=BRUNO) is Refusal.NO_SUCH_RUN
    paying.send(name)
    again = settlement.mark_sent(caisse, name, by=ANNE, backup=copied)
    assert again is Refusal.NOT_IN_THAT_STATE


def test_a_draft_that_is_no_longer_owed_is_not_approved(paying: PayoutWorld) -> None:
    """Promise 2: a refund after the draft, or a touched draft, is never paid out."""
    caisse, name = paying.world.caisse, paying.draw_up()
    stall = paying.stalls[0]
    stall.refund(paying.card, stall.sell(paying.card, 1_00), 1_00)
    paying.sync()
    assert isinstance(settlement.approve(caisse, name, by=BRUNO), Settlement)  # nothing less owed
    settlement.revoke(caisse, name, by=ANNE)
    name = paying.draw_up()
    row = SettlementDraft.objects.using(BOOKS).get()
    row.lines = [[MERCHANT, 99_00, 99_00]]
    row.save(using=BOOKS)
    assert settlement.approve(caisse, name, by=BRUNO) is Refusal.DRAFT_CHANGED
    settlement.drop(caisse)
    name = paying.draw_up()
    sale = next(entry.seq for entry in stall.entries if entry.envelope.kind == 20)
    stall.refund(paying.card, sale, 2_00)
    paying.sync()
    assert settlement.approve(caisse, name, by=BRUNO) is Refusal.NO_LONGER_OWED


def test_a_refund_after_payment_is_made_up_for_by_later_sales(paying: PayoutWorld) -> None:
    """Promise 1: a merchant who owes is paid nothing until the balance is above zero again."""
    caisse, stall = paying.world.caisse, paying.stalls[0]
    paying.pay_all()
    sale = next(entry.seq for entry in stall.entries if entry.envelope.kind == 20)
    stall.refund(paying.card, sale, 12_50)
    paying.sync()
    assert books_of(paying)[0] == -12_50
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.NOTHING_OWED
    stall.sell(paying.card, 15_00)
    paying.sync()
    paying.pay_all()
    assert books_of(paying) == (0, 0, 22_00)


def test_money_leaves_only_after_a_backup(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise 1: a run that no backup contains is not sent; one that was made contains it."""
    caisse, name = paying.world.caisse, paying.draw_up()
    paying.approve(name)
    there = tmp_path / "books.sqlite3"
    there.write_bytes(b"")
    with pytest.raises(BackupFailed):
        settlement.mark_sent(caisse, name, by=ANNE, backup=lambda: back_up(caisse, there))
    assert settlement.state_of(caisse, name) is RunState.APPROVED
    made = tmp_path / "new" / "books.sqlite3"
    settlement.mark_sent(caisse, name, by=ANNE, backup=lambda: back_up(caisse, made))
    assert settlement.state_of(caisse, name) is RunState.SENT
    assert S_IMODE(made.stat().st_mode) == 0o600
    assert list(made.parent.iterdir()) == [made]
    with sqlite3.connect(made) as copy:
        assert copy.execute("SELECT name FROM clafoutis_settlement").fetchall() == [(name,)]


@pytest.mark.parametrize("model", [Settlement, LineRow, SettlementStep])
def test_nothing_of_an_approved_run_changes(paying: PayoutWorld, model: type[Model]) -> None:
    """Promise 12: the database itself refuses to change or delete a run, its lines, its steps."""
    paying.pay_all()
    table, key = model._meta.db_table, model._meta.pk.column
    update = f"UPDATE {table} SET {key} = {key}"  # noqa: S608 - names of our own models
    for change in (update, f"DELETE FROM {table}"):  # noqa: S608 - see above
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(using=BOOKS),
            connections[BOOKS].cursor() as cursor,
        ):
            cursor.execute(change)


def test_acts_that_no_service_makes_are_refused_by_the_database(paying: PayoutWorld) -> None:
    """Promise 4: one person twice, two endings, and two sendings get past no table."""
    caisse, name = paying.world.caisse, paying.draw_up()
    line = SettlementLine(merchant=MERCHANT, amount_cents=1, total_cents=1)
    alone = SettlementApproved(settlement="R1-0009", lines=(line,), drawn_up_by=ANNE)
    with pytest.raises(IntegrityError, match="four_eyes"):
        acts.record(caisse, alone, by=ANNE)
    with pytest.raises(IntegrityError):
        acts.record(caisse, replace(alone, lines=(line, line)), by=BRUNO)
    paying.approve(name)
    paying.send(name)
    with pytest.raises(IntegrityError):
        acts.record(caisse, SettlementSent(settlement=name), by=BRUNO)
    with pytest.raises(Bug, match="approved"):
        acts.record(caisse, SettlementSent(settlement="R1-0008"), by=BRUNO)
    before = Posting.objects.using(BOOKS).count()
    with pytest.raises(Bug, match="zero"):
        post(caisse, card=None, subject="x", lines=(Line(Book.PAID, MERCHANT, 1),))
    assert Posting.objects.using(BOOKS).count() == before


def test_terminals_are_told_what_left_for_the_bank(paying: PayoutWorld) -> None:
    """Promise 1: each answer tells the last payout and the sum of all, for a restored service."""
    stall, name = paying.stalls[0], paying.draw_up()
    held = stall.acknowledged
    paying.approve(name)
    assert stall.sync().settled == ()
    paying.send(name)
    (settled,) = stall.sync().settled
    assert (settled.merchant, settled.settlement, settled.total_cents) == (MERCHANT, name, 19_50)
    assert settled.up_to_seq == held
    settlement.revoke(paying.world.caisse, name, by=ANNE)
    assert stall.sync().settled == ()


def test_random_months_pay_each_cent_once(paying: PayoutWorld) -> None:
    """Promises 1 and 12: sales, refunds and runs in any order; what left the bank was owed."""
    caisse, chance = paying.world.caisse, Random(20260301)
    refunded_cents = 0
    for _ in range(25):
        stall = chance.choice(paying.stalls)
        amount_cents = chance.randrange(1, 1_50)
        seq = stall.sell(paying.card, amount_cents)
        paying.sold_cents[stall.merchant] += amount_cents
        if chance.random() < 0.3:
            stall.refund(paying.card, seq, amount_cents)
            paying.sold_cents[stall.merchant] -= amount_cents
            refunded_cents += amount_cents
        if chance.random() < 0.5:
            paying.sync()
        if chance.random() < 0.3 and not isinstance(
            draft := settlement.draw_up(caisse, by=ANNE), Refusal
        ):
            assert still_right(settlement.lines_of(draft), balances(caisse))
            paying.approve(draft.name)
            if chance.random() < 0.3:
                settlement.revoke(caisse, draft.name, by=BRUNO)
            else:
                paying.send(draft.name)
    paying.sync()
    if run_lines(balances(caisse)):
        paying.pay_all()
    assert refunded_cents > 0
    for stall in paying.stalls:
        owed_cents = in_book(paying.world, Book.PAYABLE, stall.merchant)
        assert owed_cents <= 0
        assert paying.paid_cents(stall.merchant) + owed_cents == paying.sold_cents[stall.merchant]
    assert differences(caisse) == []
