"""The server burned: what a coordinator does with last week's copy, from its file to its end."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from server_stub.console.words import REASONS
from server_stub.exports.papers import Letterhead, paper_of, papers_of
from server_stub.exports.runs import Exported, NotExported
from server_stub.models import (
    ActRow,
    AllowanceIssued,
    Claim,
    SettlementFile,
    SettlementLine,
)
from server_stub.rules.facts import State
from server_stub.rules.ledger import Book
from server_stub.rules.settle import Refusal
from server_stub.services import accept, issue, restore, settlement
from server_stub.services.backup import back_up
from server_stub.services.behind import Lock, lock
from server_stub.services.rebuild import differences, picture
from tests.payout_world import ANNE, BOOKS, BRUNO, PayoutWorld, put_back
from tests.service_books import in_book
from tests.service_world import MERCHANT

HEAD = Letterhead(debtor_name="CCAS de Flers", reasons=REASONS, own=None)


def send_behind(paying: PayoutWorld, name: str, path: Path) -> None:
    """Send a run behind a copy on a disk, and let the bank execute it."""
    caisse = paying.world.caisse
    copy = partial(back_up, caisse, path, holding=name)
    assert isinstance(settlement.mark_sent(caisse, name, by=ANNE, backup=copy), ActRow)
    for line in SettlementLine.objects.using(BOOKS).filter(settlement=name):
        paying.bank[name, line.merchant] = line.amount_cents


def burn(paying: PayoutWorld, path: Path) -> None:
    """Lose the server, put the copy's file in place of its books, and say so."""
    with closing(sqlite3.connect(path)) as copy:
        put_back(copy)
    restore.declare_restored(paying.world.caisse, by=ANNE)


def take_up_again(paying: PayoutWorld) -> None:
    """Let every terminal tell, enter the bank's statement, and finish as two people."""
    for _ in range(3):
        paying.sync()
    paying.enter_statement()
    assert isinstance(restore.finish(paying.world.caisse, entered_by=ANNE, by=BRUNO), ActRow)


def papers(paying: PayoutWorld, name: str) -> dict[str, bytes]:
    """Every paper of a run."""
    caisse = paying.world.caisse
    made = {}
    for form, merchant in papers_of(caisse, name):
        done = paper_of(caisse, name, form, HEAD, by=ANNE, merchant=merchant)
        assert isinstance(done, Exported), done
        made[form.file_name(merchant)] = done.content
    return made


def posted() -> dict[str, str]:
    """What the books come to, but for payouts: those are named after another life of the log."""
    return {
        where: cents
        for where, cents in picture(BOOKS).items()
        if where.startswith(("posted", "transaction")) and "settlement/" not in where
    }


def test_the_copy_made_at_sending_is_enough(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise 1: burned just after sending: nothing is paid twice, and the papers are the same."""
    caisse, path = paying.world.caisse, tmp_path / "books.sqlite3"
    name = paying.draw_up()
    paying.approve(name)
    send_behind(paying, name, path)
    before = papers(paying, name)
    paying.trade(4_00, 5_00)
    burn(paying, path)
    assert SettlementFile.objects.using(BOOKS).count() == 0
    form, merchant = papers_of(caisse, name)[0]
    early = paper_of(caisse, name, form, HEAD, by=ANNE, merchant=merchant)
    assert early is NotExported.NOT_SENT
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.LOCKED
    take_up_again(paying)
    assert lock(caisse) is None
    assert papers(paying, name) == before
    paying.pay_all()
    for stall in paying.stalls:
        held_cents = in_book(paying.world, Book.HELD, stall.merchant)
        assert paying.paid_cents(stall.merchant) + held_cents == paying.sold_cents[stall.merchant]
    assert differences(caisse) == []


def test_a_run_that_the_bank_never_got_is_paid_once(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise 1: burned between approval and sending: it is owed again."""
    caisse, path = paying.world.caisse, tmp_path / "books.sqlite3"
    name = paying.draw_up()
    paying.approve(name)
    back_up(caisse, path, holding=name)
    burn(paying, path)
    assert restore.missing(caisse).runs == (name,)
    assert restore.finish(caisse, entered_by=ANNE, by=BRUNO) is Refusal.MISSING
    take_up_again(paying)
    paying.pay_all()
    assert paying.paid_cents(MERCHANT) == paying.sold_cents[MERCHANT] == 12_50


def test_a_draft_in_the_copy_is_thrown_away(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise 1: burned while a draft lay there: nobody approves it by mistake afterwards."""
    caisse, path = paying.world.caisse, tmp_path / "books.sqlite3"
    name = paying.draw_up()
    back_up(caisse, path)
    paying.approve(name)
    paying.send(name)
    paying.sync()
    burn(paying, path)
    assert settlement.approve(caisse, name, by=BRUNO) is Refusal.LOCKED
    take_up_again(paying)
    assert settlement.approve(caisse, name, by=BRUNO) is Refusal.NO_SUCH_RUN
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.NOTHING_OWED
    assert paying.paid_cents(MERCHANT) == 12_50


def test_an_allowance_that_the_copy_forgot(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promises 1 and 4: a credit signed after the copy counts once; sales on it are all paid."""
    caisse, path = paying.world.caisse, tmp_path / "books.sqlite3"
    back_up(caisse, path)
    paying.world.clock.pass_time(timedelta(days=31))
    assert issue.issue_due(caisse) == 1
    paying.sync()
    paying.trade(90_00, 40_00)  # more than the first month's credit
    forgotten, before = newest(paying), posted()
    burn(paying, path)
    assert newest(paying) < forgotten
    take_up_again(paying)
    assert lock(caisse) is None
    issue.issue_due(caisse)
    held = Claim.objects.using(BOOKS).filter(state=State.HELD.value)
    assert held.count() == 2, "sales on documents that nobody here knows any more"
    for claim in held:
        done = accept.accept(caisse, claim, proposed_by=ANNE, by=BRUNO)
        assert isinstance(done, ActRow)
    assert posted() == before
    assert newest(paying) > forgotten
    paying.sync()
    paying.trade(1_00, 2_00)
    assert all(stall.acknowledged >= len(stall.entries) - 1 for stall in paying.stalls)
    assert list(held.values_list("reason", flat=True)) == []
    paying.pay_all()
    assert paying.paid_cents(MERCHANT) == paying.sold_cents[MERCHANT] == 103_50
    assert differences(caisse) == []


def newest(paying: PayoutWorld) -> tuple[int, int]:
    """Epoch and version of the card's last allowance."""
    rows = AllowanceIssued.objects.using(BOOKS).filter(card=paying.world.row(paying.card))
    return max(rows.values_list("epoch", "version"))


def test_no_money_moves_while_a_restore_lasts(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise 1: until two people have compared the whole statement nothing is paid or signed."""
    caisse, path = paying.world.caisse, tmp_path / "books.sqlite3"
    back_up(caisse, path)
    paying.pay_all()
    paying.sync()
    burn(paying, path)
    for _ in range(3):
        paying.sync()
    assert lock(caisse) is Lock.UNFINISHED
    assert len(restore.missing(caisse).payouts) == 2
    assert restore.finish(caisse, entered_by=ANNE, by=BRUNO) is Refusal.MISSING
    for refused in (
        settlement.draw_up(caisse, by=ANNE),
        settlement.approve(caisse, "R1-0001", by=BRUNO),
        settlement.mark_sent(caisse, "R1-0001", by=ANNE, backup=partial(pytest.fail, "copied")),
    ):
        assert refused is Refusal.LOCKED
    take_up_again(paying)
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.NOTHING_OWED
