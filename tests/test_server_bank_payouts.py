"""Lines of the bank's statement that are runs to merchants, or a transfer of one that came back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from auditor.audit import audit
from auditor.export import read_export
from auditor.findings import Class
from server_stub.models import ActRow, BankLine, Contribution, Finding
from server_stub.rules.bank_match import Outcome
from server_stub.rules.ledger import Book
from server_stub.rules.settle import Refusal, RunState, end_to_end_id
from server_stub.services import (
    bank_booking,
    bank_read,
    bank_statements,
    resolve,
    settlement,
    statements,
)
from server_stub.services.audit_export import export_audit
from server_stub.services.bank_booking import NotBooked
from server_stub.services.books import balances
from server_stub.services.deciding import Done, NeedsSecond
from server_stub.services.rebuild import differences
from server_stub.services.settlement import state_of
from tests.bank_world import ANNE, BANK, PROFILE, confirmed, keep, row
from tests.payout_world import BOOKS, BRUNO, PayoutWorld, empty_books

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def empty(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[sqlite3.Connection]:
    """Books of our own: a run is sent outside of a transaction."""
    with django_db_blocker.unblock(), empty_books() as kept:
        yield kept


@pytest.fixture
def paying(empty: sqlite3.Connection, django_db_blocker: DjangoDbBlocker) -> Iterator[PayoutWorld]:
    """A caisse with one run of two merchants that was sent."""
    with django_db_blocker.unblock():
        paying = PayoutWorld.make(empty)
        bank_statements.save_profile(paying.world.caisse, BANK, PROFILE, by=ANNE)
        paying.trade(12_50, 3_20)
        name = paying.draw_up()
        paying.approve(name)
        paying.send(name)
        yield paying


def test_a_run_is_confirmed_when_the_statement_shows_all_of_it(paying: PayoutWorld) -> None:
    """Promise 1: a run is paid when each of its transfers was seen, once, with its amount."""
    world = paying.world
    seven, eight = end_to_end_id("R1-0001", 7), end_to_end_id("R1-0001", 8)
    wrong, first, again, second = keep(
        world,
        row("05/10/2026", f"VIR EMIS {seven}", "-12,51"),
        row("05/10/2026", f"VIR EMIS {seven}", "-12,50", "1,00"),
        row("06/10/2026", f"VIR EMIS {seven}", "-12,50", "2,00"),
        row("06/10/2026", f"VIR EMIS {eight}", "-3,20"),
    )
    assert bank_booking.confirm(world.caisse, wrong, by=ANNE) is NotBooked.AMOUNT_DIFFERS
    assert confirmed(world, first).kind == Outcome.PAYOUT
    assert state_of(world.caisse, "R1-0001") is RunState.SENT
    assert bank_booking.confirm(world.caisse, again, by=ANNE) is NotBooked.SEEN_ALREADY
    confirmed(world, second)
    assert state_of(world.caisse, "R1-0001") is RunState.CONFIRMED
    assert bank_booking.undo(world.caisse, second, by=ANNE) is NotBooked.RUN_CONFIRMED


def test_a_batch_in_iso_20022_confirms_a_run(paying: PayoutWorld) -> None:
    """Promise 1: one debit of the bank is a run when it names each transfer by our reference."""
    content = (Path(__file__).parent / "vectors" / "camt053_v02.xml").read_bytes()
    for old, new in (
        (b"R1-0007-M7", end_to_end_id("R1-0001", 7).encode()),
        (b"R1-0007-M8", end_to_end_id("R1-0001", 8).encode()),
        (b">100.20<", b">15.70<"),
        (b">60.2<", b">12.5<"),
        (b">40.00<", b">3.20<"),
        (b"2026-11-0", b"2026-10-0"),
    ):
        content = content.replace(old, new)
    world = paying.world
    made = bank_read.save_camt(world.caisse, content, by=ANNE)
    assert isinstance(made, tuple)
    assert bank_statements.keep(world.caisse, made[0], content, by=ANNE) == 4
    lines = BankLine.objects.using(BOOKS).filter(amount_cents__in=(-12_50, -3_20))
    for line in lines:
        assert confirmed(world, line).kind == Outcome.PAYOUT
    assert state_of(world.caisse, "R1-0001") is RunState.CONFIRMED


def test_a_run_in_one_sum_is_confirmed_by_its_name(paying: PayoutWorld) -> None:
    """Promise 1: where the bank books a run as one debit, its name and its sum confirm it."""
    (line,) = keep(paying.world, row("05/10/2026", "VIR GROUPE R1-0001", "-15,70"))
    confirmed(paying.world, line)
    assert state_of(paying.world.caisse, "R1-0001") is RunState.CONFIRMED


def test_a_transfer_that_comes_back_is_a_finding(paying: PayoutWorld) -> None:
    """Promise 8: a merchant whose transfer came back is seen, and nobody else is paid twice."""
    world = paying.world
    seven = end_to_end_id("R1-0001", 7)
    out, back = keep(
        world,
        row("05/10/2026", "VIR GROUPE R1-0001", "-15,70"),
        row("08/10/2026", f"REJET VIR {seven} COMPTE CLOS", "12,50"),
    )
    confirmed(world, out)
    assert confirmed(world, back).kind == Outcome.RETURNED
    finding = Finding.objects.using(BOOKS).get(kind="payout_returned", closed_at=None)
    assert finding.facts["merchant"] == 7
    assert finding.facts["amount_cents"] == 12_50
    assert not Contribution.objects.using(BOOKS).exists()
    bank_booking.undo(world.caisse, back, by=ANNE)
    open_now = Finding.objects.using(BOOKS).filter(kind="payout_returned", closed_at=None)
    assert not open_now.exists()


def came_back(paying: PayoutWorld) -> Finding:
    """The run is paid, and the transfer to merchant 7 comes back."""
    world, seven = paying.world, end_to_end_id("R1-0001", 7)
    out, back = keep(
        world,
        row("05/10/2026", "VIR GROUPE R1-0001", "-15,70"),
        row("08/10/2026", f"REJET VIR {seven} COMPTE CLOS", "12,50"),
    )
    confirmed(world, out)
    confirmed(world, back)
    return Finding.objects.using(BOOKS).get(kind="payout_returned", closed_at=None)


def test_what_came_back_is_owed_again_by_two_people(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promises 1 and 8: one line of a run is owed again, once, and paid by the next run."""
    caisse, finding = paying.world.caisse, came_back(paying)
    assert resolve.pay(caisse, finding, by=ANNE) == NeedsSecond(ANNE)
    assert resolve.pay(caisse, finding, by=ANNE) == NeedsSecond(ANNE)
    assert isinstance(resolve.pay(caisse, finding, by=BRUNO), Done)
    finding.refresh_from_db()
    assert finding.closed_at is not None
    assert balances(caisse)[Book.PAYABLE, 7] == 12_50
    again = settlement.give_back(caisse, "R1-0001", 7, 12_50, entered_by=ANNE, by=BRUNO)
    assert again is Refusal.KNOWN_ALREADY
    line = BankLine.objects.using(BOOKS).get(amount_cents=12_50)
    assert bank_booking.undo(caisse, line, by=ANNE) is NotBooked.OWED_AGAIN

    paying.trade(1_00)
    paying.pay_all()
    statement = statements.statement_of(caisse, "R1-0002")
    part = None if statement is None else statement.of(7)
    assert part is not None
    assert (part.carried_cents, part.carried_runs) == (12_50, ("R1-0001",))
    assert paying.bank["R1-0002", 7] == 13_50
    assert balances(caisse).get((Book.PAYABLE, 7), 0) == 0
    assert differences(caisse) == []
    export_audit(caisse, tmp_path / "audit.sqlite3")
    found = audit(read_export(tmp_path / "audit.sqlite3")).findings
    assert not [it for it in found if it.kind is not Class.TOTAL]


def test_what_did_not_come_back_is_not_owed_again(paying: PayoutWorld) -> None:
    """Promise 1: not before the run is confirmed, not another amount, not by one person alone."""
    caisse = paying.world.caisse

    def give_back(merchant: int, cents: int, by: int = BRUNO) -> object:
        return settlement.give_back(caisse, "R1-0001", merchant, cents, entered_by=ANNE, by=by)

    assert give_back(7, 12_50) is Refusal.NOT_IN_THAT_STATE
    paying.confirm("R1-0001")
    assert give_back(7, 12_49) is Refusal.NOT_A_PAYOUT
    assert give_back(9, 12_50) is Refusal.NOT_A_PAYOUT
    assert give_back(7, 12_50, by=ANNE) is Refusal.SAME_PERSON
    assert isinstance(give_back(7, 12_50), ActRow)


def test_a_run_that_the_books_forgot_is_told(paying: PayoutWorld) -> None:
    """Promise 1: after a restore, a transfer of an unknown run is for two people to enter."""
    (line,) = keep(paying.world, row("05/10/2026", "VIR R1-0009-M7", "-12,50"))
    assert bank_booking.confirm(paying.world.caisse, line, by=ANNE) is NotBooked.UNKNOWN_RUN
