"""Evidence of the statement that two people entered wrong: taken back by two, and entered right."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from cardkit.acts import ActKind
from cardkit.resolutions import FindingHandled, Handling
from cardkit.settled import Settled
from server_stub.models import (
    ActRow,
    Finding,
    PayoutEvidence,
    PayoutProven,
    SettledTold,
    Terminal,
)
from server_stub.rules.ledger import Book
from server_stub.rules.settle import Refusal
from server_stub.services import acts, restore, reverse, settlement
from server_stub.services.behind import Lock, lock
from server_stub.services.deciding import Done, NeedsSecond, NotDone
from server_stub.services.owed import settled_to
from server_stub.services.rebuild import differences
from tests.agreed_books import conserved
from tests.payout_world import ANNE, BOOKS, BRUNO, PayoutWorld, copied, put_back
from tests.service_books import in_book
from tests.service_world import MERCHANT

RUN, OTHER_RUN = "R1-0001", "R1-0004"
PAID_CENTS = 12_50
"""What the forgotten run paid to the first merchant."""
OTHER = MERCHANT + 1
OTHER_CENTS = 3_20


def forgotten_run(paying: PayoutWorld, *, told: bool) -> None:
    """Pay a run that the books forget, and declare the restore; `told`: terminals know of it."""
    paying.sync()
    backup = copied()
    name = paying.draw_up()
    paying.approve(name)
    paying.send(name)
    if told:
        paying.sync()
    put_back(backup)
    restore.declare_restored(paying.world.caisse, by=ANNE)
    for _ in range(3):  # resend, take in the new epoch, show it
        paying.sync()


def entered(paying: PayoutWorld, cents: int, *, merchant: int = MERCHANT, name: str = RUN) -> int:
    """Enter a payment of the statement; returns the number of its act."""
    row = paying.evidence(name, merchant, cents)
    assert isinstance(row, ActRow), row
    return row.seq


def take_back(paying: PayoutWorld, act: int) -> None:
    """Take evidence back, each of two people by themselves."""
    caisse = paying.world.caisse
    assert reverse.take_back(caisse, act, by=ANNE) == NeedsSecond(ANNE)
    assert reverse.take_back(caisse, act, by=ANNE) == NeedsSecond(ANNE)
    assert isinstance(reverse.take_back(caisse, act, by=BRUNO), Done)


def finish(paying: PayoutWorld) -> None:
    """Let money move again."""
    done = restore.finish(paying.world.caisse, entered_by=ANNE, by=BRUNO)
    assert isinstance(done, ActRow), done


def forgotten(paying: PayoutWorld) -> set[tuple[str, int]]:
    """Run and merchant of what terminals tell, and the books do not account for."""
    told = restore.missing(paying.world.caisse).payouts
    return {(one.settlement, one.merchant) for one in told}


def paid_once(paying: PayoutWorld) -> None:
    """Trade on and pay: each merchant has received each green screen once, and terminals know."""
    paying.trade(2_00, 3_00)
    paying.pay_all()
    paying.sync()
    for stall in paying.stalls:
        assert paying.paid_cents(stall.merchant) == paying.sold_cents[stall.merchant]
        assert in_book(paying.world, Book.PAID, stall.merchant) == paying.paid_cents(stall.merchant)
        assert in_book(paying.world, Book.PAYABLE, stall.merchant) == 0
        (settled,) = stall.answers[-1].settled
        assert settled.total_cents == paying.paid_cents(stall.merchant)
    assert lock(paying.world.caisse) is None
    conserved(paying.world)


@pytest.mark.parametrize("between", ["unheard", "told", "journalled"])
@pytest.mark.parametrize("wrong_cents", [1_25, 125_00])
def test_a_typing_error_does_not_lock_the_service_for_good(
    paying: PayoutWorld, wrong_cents: int, between: str
) -> None:
    """Promises 1 and 8: a wrong sum is taken back, the right one entered; nothing stays missing.

    Whatever terminals were told meanwhile, and have or have not sent yet.
    """
    forgotten_run(paying, told=True)
    entered(paying, OTHER_CENTS, merchant=OTHER)
    act = entered(paying, wrong_cents)
    for _ in range(["unheard", "told", "journalled"].index(between)):
        paying.sync()
    assert ((RUN, MERCHANT) in forgotten(paying)) is (wrong_cents < PAID_CENTS)
    assert paying.evidence(RUN, MERCHANT, PAID_CENTS) is Refusal.KNOWN_ALREADY
    take_back(paying, act)
    assert in_book(paying.world, Book.PAYABLE) == PAID_CENTS
    assert in_book(paying.world, Book.PAID) == 0
    assert forgotten(paying) == {(RUN, MERCHANT)}, "it stays missing until it is right"
    conserved(paying.world)
    entered(paying, PAID_CENTS)
    assert forgotten(paying) == set()
    paying.sync()
    finish(paying)
    paid_once(paying)


def test_what_terminals_knew_before_is_not_forgotten_for_what_they_hear_since(
    paying: PayoutWorld,
) -> None:
    """Promise 1: too small a sum, told to the terminals, does not become the truth by that."""
    forgotten_run(paying, told=True)
    entered(paying, OTHER_CENTS, merchant=OTHER)
    entered(paying, 1_25)
    for _ in range(2):
        paying.sync()
    assert forgotten(paying) == {(RUN, MERCHANT)}
    assert SettledTold.objects.using(BOOKS).filter(merchant=MERCHANT).count() == 2


def test_right_evidence_that_is_taken_back_is_missing_again(paying: PayoutWorld) -> None:
    """Promise 1: what terminals knew before the restore is awaited, whatever they heard since.

    Another payment to the same merchant does not stand for it.
    """
    forgotten_run(paying, told=True)
    entered(paying, OTHER_CENTS, merchant=OTHER)
    act = entered(paying, PAID_CENTS)
    entered(paying, 2 * PAID_CENTS, name=OTHER_RUN)
    for _ in range(2):
        paying.sync()
    take_back(paying, act)
    assert forgotten(paying) == {(RUN, MERCHANT)}
    done = restore.finish(paying.world.caisse, entered_by=ANNE, by=BRUNO)
    assert done is Refusal.MISSING


@pytest.mark.parametrize("merchant", [MERCHANT, OTHER])
def test_evidence_of_a_run_or_merchant_that_never_was_is_no_longer_awaited(
    paying: PayoutWorld, merchant: int
) -> None:
    """Promises 1 and 8: a wrong name that terminals were told of is taken back without a trace."""
    forgotten_run(paying, told=False)
    act = entered(paying, PAID_CENTS, merchant=merchant, name=OTHER_RUN)
    for _ in range(2):
        paying.sync()
    take_back(paying, act)
    assert forgotten(paying) == set()
    entered(paying, PAID_CENTS)
    entered(paying, OTHER_CENTS, merchant=OTHER)
    for _ in range(2):
        paying.sync()
    finish(paying)
    paid_once(paying)


def test_what_was_told_late_of_evidence_that_is_gone_is_no_second_restore(
    paying: PayoutWorld,
) -> None:
    """Promise 8: a till that sends days later what it was told does not lock the service."""
    forgotten_run(paying, told=False)
    act = entered(paying, 125_00)
    entered(paying, OTHER_CENTS, merchant=OTHER)
    paying.sync()  # journalled, and not sent
    finish(paying)
    take_back(paying, act)
    entered(paying, PAID_CENTS)
    finish(paying)
    paying.sync()
    assert lock(paying.world.caisse) is None
    assert not Finding.objects.using(BOOKS).filter(kind="restore_suspected").exists()
    paid_once(paying)


@pytest.mark.parametrize("wrong", [(RUN, MERCHANT), (RUN, OTHER), (OTHER_RUN, MERCHANT)])
def test_wrong_evidence_is_corrected_when_the_restore_is_over(
    paying: PayoutWorld, wrong: tuple[str, int]
) -> None:
    """Promise 1: no run leaves between the wrong evidence and the right one, days later too."""
    caisse = paying.world.caisse
    forgotten_run(paying, told=False)
    name, merchant = wrong
    act = entered(paying, 9_99, merchant=merchant, name=name)
    finish(paying)
    assert paying.evidence(RUN, MERCHANT, PAID_CENTS) is Refusal.NOT_RESTORED
    paying.trade(1_00, 1_00)
    take_back(paying, act)
    assert lock(caisse) is Lock.UNFINISHED
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.LOCKED
    entered(paying, PAID_CENTS)
    entered(paying, OTHER_CENTS, merchant=OTHER)
    assert settlement.draw_up(caisse, by=ANNE) is Refusal.LOCKED
    finish(paying)
    paid_once(paying)


def test_a_run_approved_on_wrong_evidence_does_not_leave(paying: PayoutWorld) -> None:
    """Promise 1: what a run would pay too much, of evidence that was too small, stays here."""
    caisse = paying.world.caisse
    forgotten_run(paying, told=False)
    act = entered(paying, 1_25)
    entered(paying, OTHER_CENTS, merchant=OTHER)
    finish(paying)
    name = paying.draw_up()
    paying.approve(name)
    take_back(paying, act)
    entered(paying, PAID_CENTS)
    sent = settlement.mark_sent(caisse, name, by=ANNE, backup=copied)
    assert sent is Refusal.LOCKED
    refused = restore.finish(caisse, entered_by=ANNE, by=BRUNO)
    assert refused is Refusal.MISSING, "the statement says what became of an approved run"
    settlement.revoke(caisse, name, by=ANNE)
    finish(paying)
    paid_once(paying)


def test_two_people_take_back_what_two_people_entered(paying: PayoutWorld) -> None:
    """Promise 4: nobody alone; not while nobody has said that the books were put back; once."""
    caisse = paying.world.caisse
    forgotten_run(paying, told=True)
    act = entered(paying, 1_25)
    Finding.objects.using(BOOKS).create(
        kind="restore_suspected", key="9", facts={}, opened_at=caisse.now()
    )
    assert lock(caisse) is Lock.SUSPECTED
    assert reverse.take_back(caisse, act, by=ANNE) is NotDone.LOCKED
    assert retract(paying) is Refusal.LOCKED
    Finding.objects.using(BOOKS).update(closed_at=caisse.now())
    assert retract(paying, by=ANNE) is Refusal.SAME_PERSON
    assert retract(paying, name=OTHER_RUN) is Refusal.NOT_EVIDENCED
    row = retract(paying)
    assert isinstance(row, ActRow)
    assert row.kind == ActKind.ACT_REVERSED
    assert retract(paying) is Refusal.NOT_EVIDENCED
    assert reverse.take_back(caisse, act, by=ANNE) is NotDone.REVERSED_ALREADY
    conserved(paying.world)


def retract(paying: PayoutWorld, *, name: str = RUN, by: int = BRUNO) -> ActRow | Refusal:
    """Take evidence back by its run and merchant, as two people at one keyboard do."""
    caisse = paying.world.caisse
    return restore.take_back(caisse, settlement=name, merchant=MERCHANT, entered_by=ANNE, by=by)


def test_nothing_else_is_taken_back_before_the_end(paying: PayoutWorld) -> None:
    """Promise 1: the lock of a restore opens for evidence of the statement alone."""
    caisse = paying.world.caisse
    forgotten_run(paying, told=True)
    raised = ActRow.objects.using(BOOKS).get(kind=ActKind.EPOCH_RAISED)
    assert reverse.take_back(caisse, raised.seq, by=ANNE) is NotDone.NOT_REVERSIBLE
    body = FindingHandled(finding="held", key="1", handling=Handling.NOTED, facts=bytes(32))
    handled = acts.record(caisse, body, by=ANNE)
    assert reverse.take_back(caisse, handled.seq, by=ANNE) is NotDone.LOCKED


def test_what_came_back_keeps_its_evidence(paying: PayoutWorld) -> None:
    """Promise 1: evidence of which a return is on record stays, or the return would pay twice."""
    caisse = paying.world.caisse
    forgotten_run(paying, told=True)
    act = entered(paying, PAID_CENTS)
    back = settlement.give_back(caisse, RUN, MERCHANT, PAID_CENTS, entered_by=ANNE, by=BRUNO)
    assert isinstance(back, ActRow)
    assert reverse.take_back(caisse, act, by=ANNE) is NotDone.CAME_BACK
    assert retract(paying) is Refusal.CAME_BACK
    assert in_book(paying.world, Book.PAYABLE) == PAID_CENTS
    conserved(paying.world)


def test_what_was_taken_back_counts_nowhere(paying: PayoutWorld) -> None:
    """Promise 1: no total, no last payout and no return rests on evidence that is gone."""
    caisse = paying.world.caisse
    forgotten_run(paying, told=False)
    act = entered(paying, PAID_CENTS)
    assert [one.total_cents for one in told_now(paying)] == [PAID_CENTS]
    take_back(paying, act)
    assert told_now(paying) == []
    back = settlement.give_back(caisse, RUN, MERCHANT, PAID_CENTS, entered_by=ANNE, by=BRUNO)
    assert back is Refusal.NOT_IN_THAT_STATE
    conserved(paying.world)


def told_now(paying: PayoutWorld) -> list[Settled]:
    """What the first stall would be told of payouts."""
    terminal = Terminal.objects.using(BOOKS).get(id=paying.stalls[0].terminal)
    return list(settled_to(paying.world.caisse, terminal, frozenset({MERCHANT})))


def test_one_evidence_stands_whatever_code_says(paying: PayoutWorld) -> None:
    """Promise 1: the database keeps one evidence of a run and merchant standing, and no second."""
    forgotten_run(paying, told=False)
    act = entered(paying, PAID_CENTS)
    first = PayoutEvidence.objects.using(BOOKS).get(act=act)
    take_back(paying, act)
    second = PayoutEvidence.objects.using(BOOKS).get(act=entered(paying, PAID_CENTS))
    assert list(PayoutProven.objects.using(BOOKS).values_list("evidence", flat=True)) == [second.pk]
    with pytest.raises(IntegrityError), transaction.atomic(using=BOOKS):
        PayoutProven.objects.using(BOOKS).create(settlement=RUN, merchant=MERCHANT, evidence=first)
    PayoutProven.objects.using(BOOKS).update(evidence=first)
    assert len(differences(paying.world.caisse)) == 2, "another one stands than by the log"


@pytest.mark.parametrize(
    ("wrong", "wrong_cents", "aside"),
    [("R1-9999", 4_00, "R1-9999"), (RUN, 125_00, f"{RUN} ?")],
    ids=["a line that is no payout", "too large a sum"],
)
def test_what_was_told_of_wrong_evidence_is_set_aside_after_a_second_restore(
    paying: PayoutWorld, wrong: str, wrong_cents: int, aside: str
) -> None:
    """Promises 1 and 8: the way out of two failures in a row, without a payment in between.

    Wrong evidence was told to terminals, and a second restore forgot it: they are awaited for a
    payout that no statement shows. It is entered as they tell it, and said to have come back.
    """
    forgotten_run(paying, told=True)
    backup = copied()
    entered(paying, wrong_cents, name=wrong)
    for _ in range(3):
        paying.sync()
    put_back(backup)
    restore.declare_restored(paying.world.caisse, by=ANNE)
    for _ in range(3):
        paying.sync()
    entered(paying, OTHER_CENTS, merchant=OTHER)
    entered(paying, PAID_CENTS)
    caisse = paying.world.caisse
    assert forgotten(paying) == {(wrong, MERCHANT)}
    assert restore.finish(caisse, entered_by=ANNE, by=BRUNO) is Refusal.MISSING
    entered(paying, wrong_cents, name=aside)
    back = settlement.give_back(caisse, aside, MERCHANT, wrong_cents, entered_by=ANNE, by=BRUNO)
    assert isinstance(back, ActRow), back
    finish(paying)
    paying.trade(2_00, 3_00)
    paying.pay_all()
    for stall in paying.stalls:
        assert paying.paid_cents(stall.merchant) == paying.sold_cents[stall.merchant]
        assert in_book(paying.world, Book.PAYABLE, stall.merchant) == 0
    assert differences(caisse) == []
    conserved(paying.world)
