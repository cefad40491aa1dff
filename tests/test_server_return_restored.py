"""The service put back to a backup around a transfer that came back: no cent is paid twice or lost.

The bank has executed R1-0001 and given back what it paid one merchant; R1-0002 pays that again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import product

import pytest

from server_stub.models import ActRow, Finding
from server_stub.rules.ledger import Book
from server_stub.rules.settle import Refusal, RunState, end_to_end_id
from server_stub.services import bank_statements, resolve, restore, settlement
from server_stub.services.deciding import Done, NeedsSecond, NotDone
from server_stub.services.settlement import state_of
from tests.agreed_books import conserved
from tests.bank_world import BANK, PROFILE, confirmed, keep, row
from tests.payout_world import ANNE, BOOKS, BRUNO, PayoutWorld, backup_of_a_life, put_back
from tests.service_books import in_book
from tests.service_world import MERCHANT

FIRST, AGAIN = "R1-0001", "R1-0002"
BACK_CENTS = 12_50
"""Of the first run, what comes back; the other merchant's transfer went through."""
STEPS = (
    "owed",
    "approved",
    "sent",
    "told",
    "confirmed",
    "owed again",
    "sold",
    "approved again",
    "sent again",
    "told again",
)
BACKUPS = ("owed", "approved", "sent", "confirmed", "owed again", "approved again")
CRASHES = ("confirmed", "owed again", "sent again", "told again")
LIVES = [
    pytest.param(*pair, marks=() if pair[1] in {"confirmed", "told again"} else pytest.mark.slow)
    for pair in product(BACKUPS, CRASHES)
    if STEPS.index(pair[0]) <= STEPS.index(pair[1])
]


def owe_again(paying: PayoutWorld, cents: int = BACK_CENTS) -> ActRow | Refusal:
    """Put on record what came back, as two people do."""
    caisse = paying.world.caisse
    return settlement.give_back(caisse, FIRST, MERCHANT, cents, entered_by=ANNE, by=BRUNO)


def live(paying: PayoutWorld, *, until: str, backup_at: str) -> sqlite3.Connection:
    """Live up to and including a step; returns the backup made after another."""
    acts: tuple[Callable[[], object], ...] = (
        paying.sync,
        lambda: paying.approve(paying.draw_up()),
        lambda: paying.send(FIRST),
        paying.sync,
        lambda: paying.confirm(FIRST),
        lambda: owe_again(paying),
        lambda: paying.trade(1_00, 2_00),
        lambda: paying.approve(paying.draw_up()),
        lambda: paying.send(AGAIN),
        paying.sync,
    )
    return backup_of_a_life(STEPS, acts, until=until, backup_at=backup_at)


def restore_by_the_statement(paying: PayoutWorld) -> None:
    """Declare the restore, and enter all that the bank's statement shows, what came back too."""
    caisse = paying.world.caisse
    restore.declare_restored(caisse, by=ANNE)
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.LOCKED
    for _ in range(3):  # resend, take in the new epoch, show it
        paying.sync()
    paying.enter_statement()
    for name in {name for name, _ in paying.bank}:
        if state_of(caisse, name) is RunState.SENT:
            paying.confirm(name)
    back = owe_again(paying)
    assert isinstance(back, ActRow) or back is Refusal.KNOWN_ALREADY, back
    done = restore.finish(caisse, entered_by=ANNE, by=BRUNO)
    assert isinstance(done, ActRow), done


def came_back_cents(merchant: int) -> int:
    """What the bank executed for a merchant and gave back."""
    return BACK_CENTS if merchant == MERCHANT else 0


def each_has_what_was_sold(paying: PayoutWorld) -> None:
    """Each merchant received each green screen, once; its terminal knows of all that ever left."""
    for stall in paying.stalls:
        merchant = stall.merchant
        received_cents = paying.paid_cents(merchant) - came_back_cents(merchant)
        assert received_cents == paying.sold_cents[merchant]
        assert in_book(paying.world, Book.PAID, merchant) == received_cents
        for book in (Book.PAYABLE, Book.IN_PAYMENT, Book.HELD):
            assert in_book(paying.world, book, merchant) == 0
        (settled,) = stall.answers[-1].settled
        assert settled.total_cents == paying.paid_cents(merchant)
        assert stall.acknowledged >= len(stall.entries) - 1


@pytest.mark.parametrize(("backup_at", "crash_at"), LIVES)
def test_what_came_back_is_paid_again_once(
    paying: PayoutWorld, backup_at: str, crash_at: str
) -> None:
    """Promises 1 and 8: whatever a restore forgets, what came back is paid again, and once."""
    put_back(live(paying, until=crash_at, backup_at=backup_at))
    restore_by_the_statement(paying)
    paying.trade(2_00, 3_00)
    paying.pay_all()
    paying.sync()
    each_has_what_was_sold(paying)
    assert settlement.draw_up(paying.world.caisse, by=ANNE) is Refusal.NOTHING_OWED
    conserved(paying.world)


@pytest.mark.parametrize("backup_at", ["confirmed", "owed again"])
def test_a_terminal_keeps_the_second_payment_from_being_made_again(
    paying: PayoutWorld, backup_at: str
) -> None:
    """Promise 1: a restore waits for a payment that was made again, with the sum that was paid."""
    caisse = paying.world.caisse
    put_back(live(paying, until="told again", backup_at=backup_at))
    restore.declare_restored(caisse, by=ANNE)
    for _ in range(3):
        paying.sync()
    owe_again(paying)
    assert forgotten(paying) == {(AGAIN, MERCHANT), (AGAIN, MERCHANT + 1)}
    assert isinstance(paying.evidence(AGAIN, MERCHANT + 1, 2_00), ActRow)
    entered = paying.evidence(AGAIN, MERCHANT, 1_00)
    assert isinstance(entered, ActRow), "without what had come back"
    assert forgotten(paying) == {(AGAIN, MERCHANT)}
    assert restore.finish(caisse, entered_by=ANNE, by=BRUNO) is Refusal.MISSING
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.LOCKED


@pytest.mark.parametrize("backup_at", ["approved", "sent", "confirmed"])
def test_the_line_of_what_came_back_is_decided_after_the_restore(
    paying: PayoutWorld, backup_at: str
) -> None:
    """Promises 1 and 8: a statement read again asks again, and no answer counts before the end."""
    world, caisse = paying.world, paying.world.caisse
    bank_statements.save_profile(caisse, BANK, PROFILE, by=ANNE)
    put_back(live(paying, until="owed again", backup_at=backup_at))
    restore.declare_restored(caisse, by=ANNE)
    for _ in range(3):
        paying.sync()
    reference = end_to_end_id(FIRST, MERCHANT)
    for line in keep(
        world,
        row("05/10/2026", f"VIR GROUPE {FIRST}", "-15,70"),
        row("08/10/2026", f"REJET VIR {reference} COMPTE CLOS", "12,50"),
    ):
        confirmed(world, line)
    point = Finding.objects.using(BOOKS).get(kind="payout_returned", closed_at=None)
    assert resolve.pay(caisse, point, by=ANNE) is NotDone.LOCKED
    assert isinstance(restore.finish(caisse, entered_by=ANNE, by=BRUNO), ActRow)
    assert resolve.pay(caisse, point, by=ANNE) == NeedsSecond(ANNE)
    assert isinstance(resolve.pay(caisse, point, by=BRUNO), Done)
    paying.pay_all()
    paying.sync()
    each_has_what_was_sold(paying)
    conserved(world)


@pytest.mark.parametrize("backup_at", ["owed", "approved"])
def test_what_came_back_of_a_forgotten_run_is_what_the_statement_proves(
    paying: PayoutWorld, backup_at: str
) -> None:
    """Promises 1 and 8: of a run forgotten, or revoked unread, the amount is owed again, once."""
    caisse = paying.world.caisse
    put_back(live(paying, until="confirmed", backup_at=backup_at))
    restore.declare_restored(caisse, by=ANNE)
    settlement.revoke(caisse, FIRST, by=ANNE)
    assert owe_again(paying) is Refusal.NOT_IN_THAT_STATE
    assert isinstance(paying.evidence(FIRST, MERCHANT, BACK_CENTS), ActRow)
    assert owe_again(paying, BACK_CENTS - 1) is Refusal.NOT_A_PAYOUT
    assert in_book(paying.world, Book.PAYABLE) == 0
    assert isinstance(owe_again(paying), ActRow)
    assert owe_again(paying) is Refusal.KNOWN_ALREADY
    assert in_book(paying.world, Book.PAYABLE) == BACK_CENTS
    conserved(paying.world)


def forgotten(paying: PayoutWorld) -> set[tuple[str, int]]:
    """Run and merchant of what terminals tell, and the books do not account for."""
    told = restore.missing(paying.world.caisse).payouts
    return {(one.settlement, one.merchant) for one in told}
