"""The judge of worlds can say no: of each invariant, one broken world in which it does.

Each test lets a small honest world come to its end, changes one thing, and sees which promise is
said to be broken; the same world unchanged is found in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from django.db import connections

from server_stub.models import CardTransaction, Finding, Posting, PostingLine, RefundClaim
from server_stub.models import Terminal as TerminalRow
from server_stub.rules.facts import State
from server_stub.rules.findings import FindingKind
from simulator.world.founding import WORLD
from simulator.world.hostile.centres import Insider
from simulator.world.oracle import check_books, check_till
from simulator.world.truth import Green, Misdeed, Refund
from simulator.world.world import World

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

SEED: Final = 20
"""Of those whose books are computed again."""
FIRST, SECOND = 1, 2
"""Two tills that every world has."""
PRICE_CENTS: Final = 4_00
NOBODYS_SEQ: Final = 900


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """Every card has bought twice, at two stalls; one sale was given back; all is told."""
    world = World(SEED, only=(), hostile=(), steps=0)
    try:
        for stall in world.stalls.values():
            assert world.switch_on(stall)
        for number in (FIRST, SECOND, FIRST):
            for card in world.cards:
                world.people.buy(world.stalls[number], card, PRICE_CENTS)
        world.people.give_back(world.stalls[FIRST], world.truth.greens[0], 1_00)
        world.heal()
        yield world
    finally:
        world.end()


def broken(world: World) -> set[str]:
    """Judge, and return which promises are said to be broken."""
    check_books(world)
    return {it.invariant for it in world.violations}


def forget_green(world: World) -> CardTransaction:
    """Take a green out of the truth that was neither its card's last sale nor given back."""
    green = world.truth.greens.pop(len(world.cards))
    return CardTransaction.objects.using(WORLD).get(terminal=green.terminal, seq=green.seq)


def post(world: World, *lines: tuple[str, int, int]) -> None:
    """Post lines (book, merchant, cents) about the first card."""
    posting = Posting.objects.using(WORLD).create(
        at=world.now, card=world.centre.card(world.cards[0].uid), subject="transaction/999"
    )
    for account, merchant, amount_cents in lines:
        PostingLine.objects.using(WORLD).create(
            posting=posting, account=account, merchant=merchant, amount_cents=amount_cents
        )


def test_a_good_world_is_found_in_order(world: World) -> None:
    """Promise: no false alarm. Red when the judge holds something against an honest world."""
    assert broken(world) == set()
    assert len(world.truth.greens) == 3 * len(world.cards)


def test_money_that_no_card_spent_breaks_v1(world: World) -> None:
    """Promise 12: every cent in the books has left a card, and every cent that left is there."""
    post(world, ("spent", 0, -5), ("returned", 0, 5))
    assert {"V1"} <= broken(world) <= {"V1", "V12"}


def test_a_refund_of_another_sum_breaks_v1(world: World) -> None:
    """Promise 12: what is given back is what was said."""
    told = world.truth.refunds.pop()
    other = Refund(
        terminal=told.terminal,
        seq=told.seq,
        intent_seq=told.intent_seq,
        amount_cents=told.amount_cents + 1,
    )
    world.truth.refunds.append(other)
    assert broken(world) == {"V1"}


def test_more_given_back_than_sold_breaks_v1(world: World) -> None:
    """Promise 12: refunds of a sale are no more than the sale."""
    world.truth.refunds.clear()
    refunds = RefundClaim.objects.using(WORLD).filter(granted=True)
    assert refunds.update(amount_cents=PRICE_CENTS + 1) == 1
    assert {"V1"} <= broken(world) <= {"V1", "V12", "V13"}


def test_an_unbalanced_posting_breaks_v2(world: World) -> None:
    """Promise 12: every posting sums to zero."""
    post(world, ("credit", 0, 5))
    assert {"V2"} <= broken(world) <= {"V2", "V12"}


def test_a_green_that_is_not_owed_breaks_v3(world: World) -> None:
    """Promise 1: every green is owed."""
    green = world.truth.greens[0]
    rows = CardTransaction.objects.using(WORLD).filter(terminal=green.terminal, seq=green.seq)
    assert rows.update(state=State.HELD.value) == 1
    assert {"V3"} <= broken(world) <= {"V1", "V3", "V12", "V13"}


def test_a_green_without_a_debit_breaks_v3(world: World) -> None:
    """Promise 1: a screen that nobody's card has paid for is not passed over."""
    card = world.cards[0]
    world.truth.greens.append(
        Green(terminal=FIRST, seq=NOBODYS_SEQ, uid=card.uid, amount_cents=1, at=world.now)
    )
    assert broken(world) == {"V3"}


def test_a_debt_without_a_debit_breaks_v4(world: World) -> None:
    """Promise 2: nothing is owed that no card has paid."""
    CardTransaction.objects.using(WORLD).create(
        card=world.centre.card(world.cards[0].uid),
        tmc=NOBODYS_SEQ,
        tmv=bytes(8),
        spent0_cents=0,
        amount_cents=1,
        terminal=FIRST,
        seq=NOBODYS_SEQ,
        merchant=1,
        state=State.PAYABLE.value,
    )
    assert {"V4"} <= broken(world) <= {"V4", "V12", "V13"}


def test_a_debt_to_another_terminal_breaks_v4(world: World) -> None:
    """Promise 2: a debit is owed where it was made, and nowhere else."""
    row = forget_green(world)
    CardTransaction.objects.using(WORLD).filter(pk=row.pk).update(seq=NOBODYS_SEQ)
    assert {"V4"} <= broken(world) <= {"V4", "V5", "V12"}


def test_a_debit_that_waits_for_ever_breaks_v5(world: World) -> None:
    """Promise 8: a debit whose customer saw no green is closed in the end."""
    row = forget_green(world)
    rows = CardTransaction.objects.using(WORLD).filter(pk=row.pk)
    rows.update(state=State.WAITING.value, reason="open_at_terminal")
    assert {"V5"} <= broken(world) <= {"V5", "V12", "V13"}


def test_money_that_waits_for_ever_breaks_v5(world: World) -> None:
    """Promise 8: also what nobody claims has an end. Red when only claimed debits are looked at."""
    post(world, ("returned", 0, -5), ("waiting", 0, 5))
    assert {"V5"} <= broken(world) <= {"V5", "V12"}


def test_a_green_that_is_on_no_disk_breaks_v6(world: World) -> None:
    """Promise 1: what was green is in the journal, whatever happened since."""
    world.truth.greens.append(
        Green(terminal=FIRST, seq=NOBODYS_SEQ, uid=bytes(7), amount_cents=1, at=world.now)
    )
    check_till(world, world.stalls[FIRST])
    assert {it.invariant for it in world.violations} == {"V6"}


def test_a_debit_that_nobody_tells_of_breaks_v7(world: World) -> None:
    """Promise 8: what a card did between two known sales is claimed, or a finding."""
    CardTransaction.objects.using(WORLD).filter(pk=forget_green(world).pk).delete()
    assert {"V7"} <= broken(world) <= {"V7", "V12", "V13"}


@pytest.mark.parametrize("kind", [FindingKind.SEQ_FORK, FindingKind.WITHHELD])
def test_an_accusation_without_a_culprit_breaks_v8(world: World, kind: FindingKind) -> None:
    """Promise 10: an honest mishap is never called what only a thief can do."""
    Finding.objects.using(WORLD).create(
        kind=kind.value,
        key="1/1",
        terminal=TerminalRow.objects.using(WORLD).get(id=FIRST),
        facts={},
        opened_at=world.now,
    )
    assert {"V8"} <= broken(world) <= {"V8", "V12"}


def test_harm_that_nothing_tells_of_breaks_v8(world: World) -> None:
    """Promise 9: what the design says is found is found."""
    misdeed = Misdeed(
        actor="somebody",
        words="did it",
        terminal=FIRST,
        uid=None,
        betrayed_by=frozenset({FindingKind.SEQ_FORK.value}),
    )
    world.truth.mischief.append(misdeed)
    assert broken(world) == {"V8"}


def test_an_entry_that_is_sent_and_not_heard_breaks_v9(world: World) -> None:
    """Promise 6: a till takes nothing for sent that the service does not have."""
    world.truth.heard[FIRST].clear()
    check_till(world, world.stalls[FIRST])
    assert {it.invariant for it in world.violations} == {"V9"}


def test_a_sale_to_a_card_that_is_known_to_be_blocked_breaks_v10(world: World) -> None:
    """Promise 11: a till that has learnt of a block sells to that card no more."""
    card = world.cards[0]
    world.truth.blocked_for[FIRST, card.uid] = True
    world.people.buy(world.stalls[FIRST], card, PRICE_CENTS)
    assert {it.invariant for it in world.violations} == {"V10"}


def test_a_past_that_can_be_rewritten_breaks_v11(world: World) -> None:
    """Promise 12: the database itself refuses to change what is written."""
    insider = Insider(world)
    for _ in range(8):
        insider.act()
    assert world.violations == []
    with connections[WORLD].cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")
    for _ in range(8):
        insider.act()
    assert {it.invariant for it in world.violations} == {"V11"}


def test_books_that_no_entry_explains_break_v12(world: World) -> None:
    """Promise 7: the books follow from what was signed, and from nothing else."""
    post(world, ("credit", 0, 5), ("issued", 0, -5))
    assert broken(world) == {"V12"}


def test_a_merchant_who_is_owed_another_sum_breaks_v13(world: World) -> None:
    """Promise 12: a merchant's account is the sum of the sales, to the cent."""
    post(world, ("payable", 1, 5), ("loss", 0, -5))
    assert {"V13"} <= broken(world) <= {"V12", "V13"}


@pytest.mark.parametrize("box", ["outbox", "inbox"])
def test_a_box_that_grows_without_end_breaks_v14(world: World, box: str) -> None:
    """Promise: what waits is bounded."""
    stall = world.stalls[FIRST]
    folder = {"outbox": stall.data.outbox, "inbox": stall.data.inbox}[box]
    for number in range(40):
        (folder / f"{number:010}.x").touch()
    check_till(world, stall)
    assert {it.invariant for it in world.violations} == {"V14"}


def test_a_till_that_gets_no_further_is_no_end(world: World) -> None:
    """Promise: worlds heal; a sale that nobody closes and no entry reaches is told."""
    world.people.buy(world.stalls[FIRST], world.cards[0], PRICE_CENTS)
    assert "liveness" in broken(world)
