"""Lines of the bank's statement that are payouts which a restore forgot, and only they prove."""

from __future__ import annotations

from datetime import date

import pytest

from server_stub.models import ActRow, BankLine, Contribution, Finding
from server_stub.rules.bank_match import Known, Outcome, Text, Why, propose
from server_stub.rules.ledger import Book
from server_stub.rules.settle import Refusal, RunState, end_to_end_id
from server_stub.services import bank_booking, bank_statements, resolve, restore, settlement
from server_stub.services.bank_booking import NotBooked
from server_stub.services.deciding import Done, NeedsSecond
from tests.agreed_books import conserved
from tests.bank_world import BANK, PROFILE, confirmed, keep, row
from tests.payout_world import ANNE, BOOKS, BRUNO, PayoutWorld, copied, put_back
from tests.service_books import in_book
from tests.service_world import MERCHANT

RUN, OTHER = "R1-0001", MERCHANT + 1
PAID_CENTS, OTHER_CENTS = 12_50, 3_20
SEVEN, EIGHT = end_to_end_id(RUN, MERCHANT), end_to_end_id(RUN, OTHER)


def restored(paying: PayoutWorld, *, backup_at: str = "owed") -> None:
    """Pay a run, and put the books back to before it: `owed`, or `approved` and then revoked."""
    caisse = paying.world.caisse
    bank_statements.save_profile(caisse, BANK, PROFILE, by=ANNE)
    backup = copied()
    paying.approve(paying.draw_up())
    if backup_at == "approved":
        backup = copied()
    paying.send(RUN)
    put_back(backup)
    restore.declare_restored(caisse, by=ANNE)
    for _ in range(3):
        paying.sync()
    if backup_at == "approved":
        settlement.revoke(caisse, RUN, by=ANNE)


def enter(paying: PayoutWorld, merchant: int, cents: int) -> ActRow:
    """Enter a payment of the statement, as two people do."""
    done = paying.evidence(RUN, merchant, cents)
    assert isinstance(done, ActRow), done
    return done


def refused(paying: PayoutWorld, line: BankLine) -> object:
    """What is said of a line that is not booked."""
    return bank_booking.confirm(paying.world.caisse, line, by=ANNE)


def test_a_payment_that_was_entered_is_recognised_by_its_reference(paying: PayoutWorld) -> None:
    """Promise 1: one line shows one payment that two people entered; a second one is told."""
    restored(paying)
    first, again, more, other = keep(
        paying.world,
        row("05/10/2026", f"VIR EMIS {SEVEN}", "-12,50"),
        row("06/10/2026", f"VIR EMIS {SEVEN}", "-12,50"),
        row("06/10/2026", f"VIR EMIS {SEVEN}", "-12,51"),
        row("06/10/2026", f"VIR EMIS {EIGHT}", "-3,20"),
    )
    assert refused(paying, first) is NotBooked.UNKNOWN_RUN
    act = enter(paying, MERCHANT, PAID_CENTS)
    said = confirmed(paying.world, first)
    assert (said.kind, said.settlement, said.merchant) == (Outcome.PAYOUT, RUN, MERCHANT)
    assert said.act_id == act.seq
    assert refused(paying, again) is NotBooked.SEEN_ALREADY
    assert refused(paying, more) is NotBooked.AMOUNT_DIFFERS
    assert refused(paying, other) is NotBooked.UNKNOWN_RUN, "its evidence was not entered"
    bank_booking.undo(paying.world.caisse, first, by=ANNE)
    assert confirmed(paying.world, again).kind == Outcome.PAYOUT


@pytest.mark.parametrize("backup_at", ["owed", "approved"])
def test_a_run_in_one_sum_is_recognised_once_all_of_it_is_entered(
    paying: PayoutWorld, backup_at: str
) -> None:
    """Promise 1: one debit is a forgotten run when each payment of it was entered by two."""
    restored(paying, backup_at=backup_at)
    whole, other = keep(
        paying.world,
        row("05/10/2026", f"VIR GROUPE {RUN}", "-15,70"),
        row("06/10/2026", f"VIR EMIS {EIGHT}", "-3,20"),
    )
    enter(paying, MERCHANT, PAID_CENTS)
    forgotten = backup_at == "owed"
    partly = NotBooked.AMOUNT_DIFFERS if forgotten else NotBooked.RUN_REVOKED
    assert refused(paying, whole) is partly
    missing = NotBooked.UNKNOWN_RUN if forgotten else NotBooked.RUN_REVOKED
    assert refused(paying, other) is missing
    enter(paying, OTHER, OTHER_CENTS)
    said = confirmed(paying.world, whole)
    assert (said.kind, said.merchant) == (Outcome.PAYOUT, 0)
    assert refused(paying, other) is NotBooked.SEEN_ALREADY


def test_evidence_that_was_taken_back_explains_no_line(paying: PayoutWorld) -> None:
    """Promise 1: a line is not explained by what two people have said was wrong."""
    restored(paying)
    (line,) = keep(paying.world, row("05/10/2026", f"VIR EMIS {SEVEN}", "-12,50"))
    enter(paying, MERCHANT, PAID_CENTS)
    restore.take_back(
        paying.world.caisse, settlement=RUN, merchant=MERCHANT, entered_by=ANNE, by=BRUNO
    )
    assert refused(paying, line) is NotBooked.UNKNOWN_RUN


@pytest.mark.parametrize("backup_at", ["owed", "approved"])
def test_a_return_that_the_backup_forgot_is_found_when_the_statement_is_read_again(
    paying: PayoutWorld, backup_at: str
) -> None:
    """Promises 1 and 8: it is told, decided by two, and paid by the next run, once."""
    restored(paying, backup_at=backup_at)
    world, caisse = paying.world, paying.world.caisse
    out, other, back = keep(
        world,
        row("05/10/2026", f"VIR EMIS {SEVEN}", "-12,50"),
        row("05/10/2026", f"VIR EMIS {EIGHT}", "-3,20"),
        row("08/10/2026", f"REJET VIR {SEVEN} COMPTE CLOS", "12,50"),
    )
    enter(paying, MERCHANT, PAID_CENTS)
    enter(paying, OTHER, OTHER_CENTS)
    seen = {it.line.pk: it.proposal.outcome for it in bank_statements.open_lines(caisse)}
    assert seen == {
        out.pk: Outcome.PAYOUT,
        other.pk: Outcome.PAYOUT,
        back.pk: Outcome.RETURNED,
    }
    for line in (out, other, back):
        confirmed(world, line)
    assert isinstance(restore.finish(caisse, entered_by=ANNE, by=BRUNO), ActRow)
    point = Finding.objects.using(BOOKS).get(kind="payout_returned", closed_at=None)
    assert resolve.pay(caisse, point, by=ANNE) == NeedsSecond(ANNE)
    assert isinstance(resolve.pay(caisse, point, by=BRUNO), Done)
    assert in_book(world, Book.PAYABLE) == PAID_CENTS
    paying.pay_all()
    assert paying.paid_cents(MERCHANT) == 2 * PAID_CENTS, "once by the run, and once again"
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.NOTHING_OWED
    assert not Contribution.objects.using(BOOKS).exists()
    conserved(world)


def test_a_run_of_a_restored_service_is_confirmed_by_its_line(paying: PayoutWorld) -> None:
    """Promise 1: runs are named by their epoch, and an epoch after a restore has ten digits."""
    restored(paying)
    caisse = paying.world.caisse
    enter(paying, MERCHANT, PAID_CENTS)
    enter(paying, OTHER, OTHER_CENTS)
    assert isinstance(restore.finish(caisse, entered_by=ANNE, by=BRUNO), ActRow)
    paying.trade(2_00, 3_00)
    name = paying.draw_up()
    paying.approve(name)
    paying.send(name)
    (line,) = keep(paying.world, row("08/10/2026", f"VIR GROUPE {name}", "-5,00"))
    confirmed(paying.world, line)
    assert settlement.state_of(caisse, name) is RunState.CONFIRMED


@pytest.mark.parametrize("words", [f"REJET {SEVEN} MARTIN", f"REJET R1798761600-0001-M{MERCHANT}"])
def test_what_comes_back_of_an_unknown_run_is_nobodys_contribution(words: str) -> None:
    """Promise 1: money of a merchant is proposed to no member, whoever has paid like that."""
    known = Known(payers={"MARTIN": frozenset({1})})
    day = date(2026, 10, 8)
    found = propose(day, PAID_CENTS, Text(words, "MARTIN"), known)
    assert (found.why, found.outcome) == (Why.UNKNOWN_RUN, None)
    known_now = Known(payers=known.payers, runs={RUN: {MERCHANT: PAID_CENTS}})
    found = propose(day, PAID_CENTS, Text(f"REJET {SEVEN}", "MARTIN"), known_now)
    assert (found.why, found.outcome) == (Why.CAME_BACK, Outcome.RETURNED)
