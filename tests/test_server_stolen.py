"""A stolen terminal: one act of a person, a bound that was shown, and no cent beyond it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection

from auditor.audit import audit
from auditor.export import read_export
from auditor.findings import Class
from cardkit import bodies
from server_stub.models import ActRow, Claim, RefundClaim, StoredEntry, Terminal
from server_stub.rules.scheme import RuleName
from server_stub.services import accept, recover, rules_in_force, theft
from server_stub.services.audit_export import export_audit
from server_stub.services.rebuild import differences
from server_stub.services.theft import NotDone
from simulator.card import VirtualCard
from tests.service_books import open_findings, payable_cents, state_of
from tests.service_world import MERCHANT, ServiceWorld, Stall

pytestmark = pytest.mark.django_db

ANNE, BRUNO = 1, 2
WINDOW_CENTS = 100_00


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse that lets a terminal keep 100 € unsent."""
    world = ServiceWorld.make()
    rules_in_force.set_rule(
        world.caisse, RuleName.UNSENT_MAX_CENTS, WINDOW_CENTS, from_day=date(2026, 9, 1)
    )
    return world


@pytest.fixture
def cards(world: ServiceWorld) -> list[VirtualCard]:
    """Three cards with 100 € each."""
    return [world.card() for _ in range(3)]


def stolen(world: ServiceWorld, stall: Stall) -> theft.Exposure:
    """Declare a stall's terminal stolen, with the bound that is shown."""
    row = Terminal.objects.get(id=stall.terminal)
    shown = theft.exposure(world.caisse, row)
    done = theft.declare_stolen(world.caisse, row, window_cents=shown.window_cents, by=ANNE)
    assert isinstance(done, theft.Exposure)
    return done


def said(stall: Stall, seq: int) -> bytes:
    """The digest of an entry."""
    return stall.entries[seq - 1].digest


def audited(world: ServiceWorld, folder: Path) -> set[str]:
    """What an auditor finds, but for totals, which these stalls do not keep."""
    path = folder / f"{ActRow.objects.count()}-{StoredEntry.objects.count()}.sqlite3"
    export_audit(world.caisse, path)
    report = audit(read_export(path))
    return {str(one) for one in report.findings if one.kind is not Class.TOTAL}


def test_what_is_at_stake_is_shown_before(world: ServiceWorld, cards: list[VirtualCard]) -> None:
    """Promise: the bound is what the permit lets a terminal keep unsent; the owed stays owed."""
    stall = world.stall()
    stall.sell(cards[0], 12_50)
    stall.sync()
    stall.sell(cards[1], 20_00)
    stall.sync([])  # it says how far its journal goes, and the line drops
    shown = theft.exposure(world.caisse, Terminal.objects.get(id=stall.terminal))
    assert (shown.window_cents, shown.unsent_entries) == (WINDOW_CENTS, 2)
    assert [one.account.payable_cents for one in shown.owed] == [12_50]
    assert shown.sells_until is not None
    assert (shown.sells_until - world.now).days in {34, 35}
    assert Terminal.objects.get(id=stall.terminal).status == "active", "nothing has happened yet"


def test_a_bound_that_was_not_shown_declares_nothing(world: ServiceWorld) -> None:
    """Promise: a person confirms a sum; when it is another one by then, nothing happens."""
    stall = world.stall()
    row, acts = Terminal.objects.get(id=stall.terminal), ActRow.objects.count()
    refused = theft.declare_stolen(world.caisse, row, window_cents=WINDOW_CENTS - 1, by=ANNE)
    assert (refused, ActRow.objects.count()) == (NotDone.CHANGED, acts)


def test_a_theft_is_all_or_nothing(world: ServiceWorld) -> None:
    """Promise: revoked, lost and bounded in one transaction: half a theft is never on record."""
    stall = world.stall()
    row, acts = Terminal.objects.get(id=stall.terminal), ActRow.objects.count()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER no_loss BEFORE INSERT ON clafoutis_actrow WHEN NEW.kind = 6"
            " BEGIN SELECT RAISE(ABORT, 'no loss'); END"
        )
    with pytest.raises(DatabaseError, match="no loss"):
        theft.declare_stolen(world.caisse, row, window_cents=WINDOW_CENTS, by=ANNE)
    row.refresh_from_db()
    assert (row.status, ActRow.objects.count()) == ("active", acts)


def test_what_was_sold_before_the_theft_is_paid_when_it_turns_up(
    world: ServiceWorld, cards: list[VirtualCard]
) -> None:
    """Promise 1: a green screen is money: honest sales that were not sent are within the window."""
    stall = world.stall()
    before = [stall.sell(cards[0], 30_00), stall.sell(cards[1], 70_00)]
    assert stolen(world, stall).window_cents == WINDOW_CENTS
    assert payable_cents(world) == 0
    answer = stall.sync()
    assert (answer.permit, answer.directory) == (None, None)
    assert {state_of(said(stall, seq)) for seq in before} == {("payable", "")}
    assert payable_cents(world) == WINDOW_CENTS
    assert "terminal_not_active" in open_findings()
    assert differences(world.caisse) == []


def test_a_later_sync_moves_no_cent_beyond_the_window(
    world: ServiceWorld, cards: list[VirtualCard], tmp_path: Path
) -> None:
    """Promise 2: whatever a thief signs with the stolen keys, the window is all that it moves.

    Red when `beyond_window` is ignored by `close_proven`, or the auditor knows no windows.
    """
    stall = world.stall()
    stall.sell(cards[0], 20_00)
    stall.sync()
    kept = stall.sell(cards[0], 40_00)
    stolen(world, stall)
    last = stall.sell(cards[1], 60_00)
    beyond = [stall.sell(cards[1], 1_00), stall.sell(cards[2], 90_00)]
    stall.sync()
    assert payable_cents(world) == 20_00 + WINDOW_CENTS
    assert [state_of(said(stall, seq)) for seq in (kept, last)] == [("payable", "")] * 2
    assert {state_of(said(stall, seq)) for seq in beyond} == {("held", "beyond_loss_window")}
    stall.sell(cards[2], 5_00)
    stall.sync()
    assert payable_cents(world) == 20_00 + WINDOW_CENTS
    assert differences(world.caisse) == []
    assert audited(world, tmp_path) == set()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_window_is_the_same_in_whatever_order_things_come(
    world: ServiceWorld, cards: list[VirtualCard], order: tuple[int, ...]
) -> None:
    """Promise 6: which sales fit is decided by the journal's order, not by when they arrive.

    Red when cards of the window are not looked at again as it fills.
    """
    stall = world.stall()
    stall.sync()
    stolen(world, stall)
    seqs = [stall.sell(card, 40_00) for card in cards]
    pairs = [
        [stall.entries[seq - 1].signed.encoded, stall.entries[seq].signed.encoded] for seq in seqs
    ]
    for index in order:
        stall.sync(pairs[index])
    assert [state_of(said(stall, seq))[0] for seq in seqs] == ["payable", "payable", "held"]
    assert payable_cents(world) == 80_00
    assert differences(world.caisse) == []


def test_a_second_story_of_old_numbers_takes_no_place_of_the_honest_one(
    world: ServiceWorld, cards: list[VirtualCard], tmp_path: Path
) -> None:
    """Promise 2: an older image that signs old numbers anew is within the window, and after it.

    Red when only numbers beyond the held journal are bounded.
    """
    stall = world.stall()
    first = stall.sell(cards[0], 15_00)
    stall.sync()
    kept = stall.sell(cards[0], 60_00)
    stolen(world, stall)
    honest, (entries, head) = list(stall.entries), (stall.entries, stall.head)
    stall.entries, stall.head = honest[: first - 1], honest[first - 2].digest
    forged = stall.sell(cards[1], 50_00)
    assert forged == first
    branch = stall.entries[first - 1 :]
    stall.entries, stall.head = entries, head
    stall.sync([it.signed.encoded for it in branch])
    assert payable_cents(world) == 15_00 + 50_00
    stall.sync()
    assert state_of(honest[first - 1].digest) == ("payable", "")
    assert state_of(said(stall, kept)) == ("payable", "")
    assert state_of(branch[0].digest) == ("held", "beyond_loss_window")
    assert payable_cents(world) == 15_00 + 60_00
    assert differences(world.caisse) == []
    assert {it for it in audited(world, tmp_path) if not it.startswith("chain")} == set()


def test_a_thief_gives_nobody_money_back_beyond_the_window(
    world: ServiceWorld, cards: list[VirtualCard], tmp_path: Path
) -> None:
    """Promise 2: refunds take from the merchant, so that they fill a window as sales do."""
    stall = world.stall()
    sales = [stall.sell(card, 80_00) for card in cards[:2]]
    stall.sync()
    stolen(world, stall)
    for card, sale in zip(cards, sales, strict=False):
        stall.refund(card, sale, 80_00)
    stall.sync()
    assert payable_cents(world) == 80_00
    assert [(it.granted, it.reason) for it in RefundClaim.objects.order_by("seq")] == [
        (True, ""),
        (False, "beyond_loss_window"),
    ]
    assert differences(world.caisse) == []
    assert audited(world, tmp_path) == set()


def test_what_costs_nothing_to_sign_takes_no_place(
    world: ServiceWorld, cards: list[VirtualCard], tmp_path: Path
) -> None:
    """Promise 1: neither invented sales, nor one signed again and again, push honest ones out.

    Red when claims that no card proves count, or each twin of a sale.
    """
    stall = world.stall()
    stall.sell(cards[2], 50_00)
    stall.sync()
    honest = [stall.sell(cards[0], 40_00), stall.sell(cards[1], 60_00)]
    stolen(world, stall)
    first, sale = stall.entries[honest[0] - 1], stall.entries[honest[0]]
    assert isinstance(first.body, bodies.Intent)
    assert isinstance(sale.body, bodies.Sale)
    world.clock.pass_time(timedelta(minutes=5))
    twin = stall.sign(first.body, seq=first.seq, prev=first.envelope.prev)
    again = stall.sign(sale.body, seq=sale.seq, prev=twin.digest)
    invented = stall.sign(
        replace(first.body, amount_cents=99_00, tmc0=first.body.tmc0 + 7),
        seq=first.seq + 1,
        prev=first.digest,
    )
    green = stall.sign(
        replace(sale.body, intent_seq=invented.seq, amount_cents=99_00),
        seq=invented.seq + 1,
        prev=invented.digest,
    )
    refund = stall.sign(
        bodies.Refund(
            intent_seq=honest[1],
            amount_cents=99_00,
            reason=bodies.RefundReason.OTHER,
            uid=cards[1].uid,
            generation=1,
        ),
        seq=first.seq,
        prev=first.envelope.prev,
    )
    junk = [it.signed.encoded for it in (invented, green, twin, again, refund)]
    stall.sync([*junk, *stall.unsent])
    assert payable_cents(world) == 50_00 + WINDOW_CENTS
    assert state_of(said(stall, honest[1])) == ("payable", "")
    assert differences(world.caisse) == []
    assert {it for it in audited(world, tmp_path) if not it.startswith("chain")} == set()


def test_what_is_beyond_the_window_is_for_two_people(
    world: ServiceWorld, cards: list[VirtualCard], tmp_path: Path
) -> None:
    """Promise 8: what is held has a way out: two people pay what they believe the stall sold."""
    stall = world.stall()
    stall.sync()
    stolen(world, stall)
    stall.sell(cards[0], 90_00)
    seq = stall.sell(cards[1], 30_00)
    stall.sync()
    claim = Claim.objects.get(entry__digest=said(stall, seq))
    assert claim.state == "held"
    done = accept.accept(world.caisse, claim, proposed_by=ANNE, by=BRUNO)
    assert isinstance(done, ActRow)
    assert state_of(said(stall, seq)) == ("payable", "")
    assert payable_cents(world) == 120_00
    assert differences(world.caisse) == []
    assert audited(world, tmp_path) == set()


def test_a_lost_terminal_that_was_stolen_after_all(
    world: ServiceWorld, cards: list[VirtualCard]
) -> None:
    """Promise: what was first called burnt can still be bounded, from the same place on, once."""
    stall = world.stall()
    stall.sell(cards[0], 10_00)
    stall.sync()
    row = Terminal.objects.get(id=stall.terminal)
    recover.declare_lost(world.caisse, row, by=ANNE)
    after = row.lost_after_seq
    stolen(world, stall)
    row.refresh_from_db()
    assert (row.status, row.lost_after_seq, row.loss_window_cents) == ("lost", after, WINDOW_CENTS)
    again = theft.declare_stolen(world.caisse, row, window_cents=WINDOW_CENTS, by=ANNE)
    assert again is NotDone.ALREADY_STOLEN
    assert differences(world.caisse) == []


def test_a_revoked_terminal_gets_nothing_to_sell_with(
    world: ServiceWorld, cards: list[VirtualCard]
) -> None:
    """Promise: revoked is an act of a person; what it tells counts, and it is given no permit."""
    stall = world.stall()
    assert theft.revoke(world.caisse, Terminal.objects.get(id=stall.terminal), by=ANNE) is None
    stall.sell(cards[0], 12_50)
    answer = stall.sync()
    assert (answer.permit, answer.directory, answer.up_to_seq) == (None, None, len(stall.entries))
    assert payable_cents(world, MERCHANT) == 12_50
    row = Terminal.objects.get(id=stall.terminal)
    assert theft.revoke(world.caisse, row, by=ANNE) is NotDone.NOT_IN_USE
    assert differences(world.caisse) == []
