"""The service put back to a backup at every step of a run: nothing is paid twice or lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import combinations_with_replacement

import pytest
from pytest_django import DjangoDbBlocker

from cardkit.acts import ActKind
from server_stub.models import ActRow, Finding
from server_stub.rules.ledger import Book
from server_stub.rules.settle import Refusal
from server_stub.services import issue, restore, settlement
from server_stub.services.behind import Lock, lock
from server_stub.services.rebuild import differences
from server_stub.services.sync import sync
from tests.payout_world import ANNE, BOOKS, BRUNO, PayoutWorld, backup_of_a_life, put_back
from tests.service_books import in_book

SLOW = pytest.mark.slow
STEPS = ("opened", "sold", "drafted", "approved", "sent", "told", "confirmed", "sold again")


@pytest.fixture
def paying(kept: sqlite3.Connection, django_db_blocker: DjangoDbBlocker) -> Iterator[PayoutWorld]:
    """A caisse of which nothing was paid yet."""
    with django_db_blocker.unblock():
        yield PayoutWorld.make(kept)


def live(paying: PayoutWorld, *, until: str, backup_at: str) -> sqlite3.Connection:
    """Live up to and including a step; returns the backup made after another."""
    names: list[str] = []
    acts: tuple[Callable[[], object], ...] = (
        paying.sync,
        lambda: paying.trade(12_50, 3_20, 7_00),
        lambda: names.append(paying.draw_up()),
        lambda: paying.approve(names[0]),
        lambda: paying.send(names[0]),
        paying.sync,
        lambda: paying.confirm(names[0]),
        lambda: paying.trade(4_00, 5_00),
    )
    return backup_of_a_life(STEPS, acts, until=until, backup_at=backup_at)


@pytest.mark.parametrize(
    ("backup_at", "crash_at"),
    [
        pytest.param(*pair, marks=() if pair[0] == pair[1] or pair[1] == STEPS[-1] else SLOW)
        for pair in combinations_with_replacement(STEPS, 2)
    ],
)
def test_nothing_is_paid_twice_or_lost(paying: PayoutWorld, backup_at: str, crash_at: str) -> None:
    """Promise 1, exactly once: put back to any step of a run, the caisse pays each cent once."""
    caisse = paying.world.caisse
    put_back(live(paying, until=crash_at, backup_at=backup_at))
    restore.declare_restored(caisse, by=ANNE)
    paying.sell(1_10, 2_20)
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.LOCKED
    for _ in range(3):  # resend, take in the new epoch, show it
        paying.sync()
    paying.enter_statement()
    assert not isinstance(restore.finish(caisse, entered_by=ANNE, by=BRUNO), Refusal)
    settlement.drop(caisse)
    paying.sell(2_00, 3_00)
    paying.sync()
    paying.pay_all()
    for stall in paying.stalls:
        held_cents = in_book(paying.world, Book.HELD, stall.merchant)
        paid_cents = paying.paid_cents(stall.merchant)
        assert in_book(paying.world, Book.PAYABLE, stall.merchant) == 0
        assert paid_cents + held_cents == paying.sold_cents[stall.merchant]
        settled = (Book.IN_PAYMENT, Book.PAID)
        booked = (in_book(paying.world, book, stall.merchant) for book in settled)
        assert sum(booked) == paid_cents
        assert stall.acknowledged >= len(stall.entries) - 1
    if crash_at == STEPS[-1]:  # the other lives are parts of these
        assert differences(caisse) == []


@pytest.mark.parametrize("told", ["terminals", "nobody"])
def test_a_forgotten_payout_locks_until_the_statement_is_entered(
    paying: PayoutWorld, told: str
) -> None:
    """Promise 1: what journals, or the bank alone, tell of a payout is not paid again."""
    caisse = paying.world.caisse
    backup = live(paying, until="told" if told == "terminals" else "sent", backup_at="sold")
    put_back(backup)
    restore.declare_restored(caisse, by=ANNE)
    for _ in range(3):
        paying.sync()
    forgotten = restore.missing(caisse).payouts
    assert len(forgotten) == (2 if told == "terminals" else 0)
    if told == "terminals":
        assert restore.finish(caisse, entered_by=ANNE, by=BRUNO) is Refusal.MISSING
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.LOCKED
    paying.enter_statement()
    assert not restore.missing(caisse)
    restore.finish(caisse, entered_by=ANNE, by=BRUNO)
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.NOTHING_OWED


def test_terminals_betray_a_restore_that_nobody_declared(paying: PayoutWorld) -> None:
    """Promise 1: a service that finds itself behind pays nothing until a person speaks."""
    caisse = paying.world.caisse
    put_back(live(paying, until="told", backup_at="sold"))
    assert lock(caisse) is None
    paying.sync()
    (finding,) = Finding.objects.using(BOOKS).filter(kind="restore_suspected", closed_at=None)
    assert finding.facts["shown_by"] == paying.stalls[0].terminal
    assert lock(caisse) is Lock.SUSPECTED
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.LOCKED
    assert issue.issue_due(caisse) == 0
    assert all(stall.answers[-1].directory is None for stall in paying.stalls)
    epoch = restore.declare_restored(caisse, by=ANNE)
    assert lock(caisse) is Lock.UNFINISHED
    paying.sync()
    assert [stall.epoch for stall in paying.stalls] == [epoch, epoch]
    assert [stall.directory[0] for stall in paying.stalls] == [epoch, epoch]
    assert [stall.permit[0] for stall in paying.stalls] == [epoch, epoch]


def test_credit_and_what_is_known_wait_for_the_end(paying: PayoutWorld) -> None:
    """Promise 4: while a restore lasts no allowance is signed, and no payout is entered twice."""
    caisse = paying.world.caisse
    put_back(live(paying, until="sent", backup_at="sent"))
    restore.declare_restored(caisse, by=ANNE)
    paying.world.clock.pass_time(timedelta(days=31))
    assert issue.issue_due(caisse) == 0
    for _ in range(3):
        paying.sync()
    ((name, merchant), cents) = next(iter(paying.bank.items()))
    again = restore.evidence(
        caisse,
        settlement=name,
        merchant=merchant,
        amount_cents=cents,
        entered_by=ANNE,
        by=BRUNO,
    )
    assert again is Refusal.KNOWN_ALREADY
    assert isinstance(restore.finish(caisse, entered_by=ANNE, by=BRUNO), ActRow)
    assert issue.issue_due(caisse) == 1


def test_the_same_backup_restored_twice_still_comes_out_above(paying: PayoutWorld) -> None:
    """Promise 1: a second restore has forgotten the first one's epoch, and rises above it."""
    caisse = paying.world.caisse
    backup = live(paying, until="sold", backup_at="sold")
    put_back(backup)
    first = restore.declare_restored(caisse, by=ANNE)
    paying.sync()
    put_back(backup)
    second = restore.declare_restored(caisse, by=ANNE)
    paying.sync()
    assert second > first
    assert [stall.directory[0] for stall in paying.stalls] == [second, second]


def test_a_restore_waits_for_every_terminal_in_use(paying: PayoutWorld) -> None:
    """Promise 1: a silent terminal may hold word of a payout; whoever lost it says so."""
    caisse = paying.world.caisse
    put_back(live(paying, until="told", backup_at="told"))
    restore.declare_restored(caisse, by=ANNE)
    heard, silent = paying.stalls
    for _ in range(2):
        heard.sync()
    assert restore.missing(caisse).terminals == (silent.terminal,)
    assert restore.finish(caisse, entered_by=ANNE, by=BRUNO) is Refusal.MISSING
    for _ in range(2):
        silent.sync()
    assert restore.finish(caisse, entered_by=ANNE, by=ANNE) is Refusal.SAME_PERSON
    row = restore.finish(caisse, entered_by=ANNE, by=BRUNO)
    assert isinstance(row, ActRow)
    assert row.kind == ActKind.RESTORE_FINISHED
    assert restore.finish(caisse, entered_by=ANNE, by=BRUNO) is Refusal.NOT_RESTORED
    assert heard.answers[-1].settled[0].total_cents == paying.paid_cents(heard.merchant)


def test_an_honest_life_is_never_taken_for_a_restore(paying: PayoutWorld) -> None:
    """Promise 1, the other side: without a restore nothing locks, whatever is lost on the way."""
    live(paying, until="sold again", backup_at="sold")
    stall = paying.stalls[0]
    paying.sell(1_00, 1_00, 1_00)
    first, rest = stall.unsent[:2], stall.unsent[2:]
    second = stall.request(rest)  # of two requests the first one is lost
    sync(paying.world.caisse, replace(second, acknowledged_seq=second.acknowledged_seq + 2))
    for entries in (rest, rest, first, first, None, None):
        stall.sync(entries)
    paying.sync()
    assert stall.acknowledged == len(stall.entries) - 1
    assert lock(paying.world.caisse) is None
    assert not Finding.objects.using(BOOKS).filter(kind="restore_suspected").exists()
