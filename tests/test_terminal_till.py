"""The till at work: what it sells, what it refuses, what it writes down."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from cardkit.bodies import (
    Closure,
    DeclinedEntry,
    EntryKind,
    Evidence,
    RefundReason,
    Started,
    VatTotal,
)
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.token import SaleRecord
from cardkit.decide import Reason
from cardkit.entries import Entry, OperatorRole
from cardkit.errors import CardForeign, JournalDamaged, KeyStoreError
from simulator.card import VirtualCard
from simulator.issued import demo_keys, issued_card
from terminal.outcomes import (
    Balance,
    Basket,
    Green,
    Refunded,
    Refused,
)
from terminal.software import Software
from terminal.till import Till
from terminal.wiring import open_till
from tests.borne_allowances import leave
from tests.terminal_world import (
    MERCHANT,
    SOFTWARE,
    TERMINAL,
    World,
    debits_cents,
    kinds,
    last_intent,
    reason_of,
)

HERE, ELSEWHERE = 3, 4
BY_ITS_OWN = re.compile(r"SEARCH \w+ USING (INTEGER )?(PRIMARY KEY|INDEX by_card) \(\w+=\?")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse without cards."""
    return World.make(tmp_path)


def test_a_sale_takes_nine_exchanges(world: World) -> None:
    """Promise: with a fresh directory, nine exchanges and two entries, and no more."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    head, before = till.journal.head.seq, world.field.exchanges
    outcome = world.sell(till, card, 12_50)
    assert isinstance(outcome, Green)
    assert outcome.remaining_cents == 37_50
    assert world.field.exchanges - before == 9
    assert kinds(till, head) == [EntryKind.INTENT, EntryKind.SALE]
    assert debits_cents(card) == [12_50]
    till.stop()


def test_a_tap_does_not_slow_down_with_the_journal(world: World) -> None:
    """Promise: a tap looks at entries and rows of its own card alone, however many there are.

    An index that leads to all entries of one kind would be no scan, and as slow as one.
    """
    card = world.new_card(50_00)
    world.members[card.uid].read_records = True
    world.publish()
    world.raise_allowance(card, 1_00)
    leave(world, card, 0, world.allowance(card))
    till = world.till()
    assert isinstance(world.tap(card, till.balance), Balance)
    sold = world.sell(till, card, 1_00)
    assert isinstance(sold, Green)
    assert isinstance(till.refund(sold.seq, 50, RefundReason.GOODS_RETURNED), Refunded)
    asked = {db: set[str]() for db in (till.journal._db, till.store._db)}
    for db, statements in asked.items():
        db.set_trace_callback(statements.add)
    assert isinstance(world.sell(till, card, 1_00), Green)
    assert isinstance(world.sell(till, card, 1_00), Green)
    assert isinstance(world.tap(card, till.balance), Balance)
    for db in asked:
        db.set_trace_callback(None)
    plans = {
        sql: " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}"))
        for db, statements in asked.items()
        for sql in statements
        if sql.lstrip().startswith("SELECT")
    }
    assert len(plans) > 5
    assert {sql: plan for sql, plan in plans.items() if not BY_ITS_OWN.match(plan)} == {}
    till.stop()


def test_the_intent_says_what_the_decision_stood_on(world: World) -> None:
    """Promise: the service can ask decide() again from what the intent says."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    world.sell(till, card, 10_00)
    basket = Basket(
        total_cents=15_00,
        remainder_cents=5_00,
        vat_totals=(
            VatTotal(vat_bp=550, coverage_bp=10_000, gross_cents=10_00, covered_cents=10_00),
        ),
        lines_hash=bytes(32),
    )
    world.tap(
        card,
        lambda it: till.sell(
            it, 10_00, merchant=MERCHANT, operator=OperatorRole.HELPER, basket=basket
        ),
    )
    intent, directory = last_intent(till), till.store.directory
    assert directory is not None
    assert intent.uid == card.uid
    assert (intent.tmc0, intent.spent0_cents, intent.amount_cents) == (2, 10_00, 10_00)
    assert (intent.card_day_cents, intent.unsent_cents) == (10_00, 10_00)
    assert (intent.permit, intent.directory) == (till.store.permit.digest, directory.digest)
    assert (intent.total_cents, intent.remainder_cents) == (15_00, 5_00)
    assert intent.vat_totals == basket.vat_totals
    committed = card.history[-1]
    assert committed.tmri is not None
    assert (committed.enc_tmri, committed.tmri[8:]) == (intent.enc_tmri, intent.token)
    entry = till.journal.last(EntryKind.SALE)
    assert entry is not None
    assert (entry.envelope.operator, entry.envelope.merchant) == (OperatorRole.HELPER, MERCHANT)
    till.stop()


def test_the_cards_record_is_the_intents(world: World) -> None:
    """Promise: what is left on the card lets the service rebuild a sale of a burnt terminal."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    outcome = world.sell(till, card, 10_00)
    assert isinstance(outcome, Green)
    intent = last_intent(till)
    evidence = world.tap(card, till.inspect)
    assert SaleRecord.unpack(evidence.records[0]) == SaleRecord(
        terminal=TERMINAL,
        seq=outcome.seq,
        amount_cents=10_00,
        spent0_cents=0,
        tmv0=intent.tmv0,
        token=intent.token,
    )
    assert evidence.enc_tmri is not None
    assert debits_cents(card) == [10_00], "an inspection changes nothing"
    assert isinstance(world.sell(till, card, 1_00), Green)
    till.stop()


def test_not_enough_does_not_name_the_card(world: World) -> None:
    """Promise: nobody learns from the journal who is poor; the till says what can be paid."""
    card = world.new_card(8_20)
    world.publish()
    till = world.till()
    outcome = world.sell(till, card, 12_50)
    assert reason_of(outcome) is Reason.NOT_ENOUGH
    assert isinstance(outcome, Refused)
    assert outcome.declined.payable_cents == 8_20
    declined = till.journal.last(EntryKind.DECLINED)
    assert declined is not None
    assert isinstance(declined.body, DeclinedEntry)
    assert (declined.body.uid, declined.body.tmc, declined.body.spent_cents) == (None, None, None)
    assert debits_cents(card) == []
    till.stop()


def test_a_blocked_card_is_named(world: World) -> None:
    """Promise: a blocked card buys nothing, and the journal says which one tried."""
    card = world.new_card(50_00)
    world.members[card.uid].blocked = True
    world.publish()
    till = world.till()
    assert reason_of(world.sell(till, card, 1_00)) is Reason.CARD_BLOCKED
    assert reason_of(world.tap(card, till.balance)) is Reason.CARD_BLOCKED
    declined = till.journal.last(EntryKind.DECLINED)
    assert declined is not None
    assert isinstance(declined.body, DeclinedEntry)
    assert declined.body.uid == card.uid
    till.stop()


def test_a_card_of_strangers_is_no_sale(world: World) -> None:
    """Promise: a card of another caisse, or of no caisse, is an error and leaves no trace."""
    world.publish()
    till = world.till()
    head = till.journal.head
    blank = VirtualCard(bytes.fromhex("04AA0000000001"))
    foreign = issued_card(b"\x04BBBBBB", demo_keys(b"\x04BBBBBB", b"CLAF-ECOLE"))
    for card in (blank, foreign):
        with pytest.raises(CardForeign):
            world.sell(till, card, 1_00)
    assert till.journal.head == head
    till.stop()


def test_an_expired_directory_sells_nothing(world: World) -> None:
    """Promise: five weeks without network, and then no more."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    world.clock.pass_time(timedelta(days=34))
    assert isinstance(world.sell(till, card, 1_00), Green)
    world.clock.pass_time(timedelta(days=2))
    assert reason_of(world.sell(till, card, 1_00)) is Reason.PERMIT_EXPIRED
    till.stop()


def test_an_old_directory_lowers_the_cap(world: World) -> None:
    """Promise: a stall that has not heard for a week risks less on one card."""
    card = world.new_card(500_00)
    world.publish()
    till = world.till()
    world.clock.pass_time(timedelta(days=8))
    outcome = world.sell(till, card, 60_01)
    assert reason_of(outcome) is Reason.CARD_DAY_CAP
    assert isinstance(world.sell(till, card, 60_00), Green)
    assert reason_of(world.sell(till, card, 1)) is Reason.CARD_DAY_CAP
    world.clock.pass_time(timedelta(days=1))
    assert isinstance(world.sell(till, card, 60_00), Green)
    till.stop()


def test_a_rolled_back_card_is_refused(world: World) -> None:
    """Promise: a card that shows less than the service has proven is not this card."""
    card = world.new_card(50_00)
    early = card.snapshot()
    world.publish()
    till = world.till()
    world.sell(till, card, 10_00)
    world.hear_of(card)
    world.publish()
    world.deliver(till)
    card.restore(early)
    assert reason_of(world.sell(till, card, 10_00)) is Reason.CARD_ROLLED_BACK
    till.stop()


def test_an_unexpected_counter_brings_evidence_after_green(world: World) -> None:
    """Promise: a card that was elsewhere leaves its last sales here, once green has been shown."""
    card = world.new_card(50_00)
    world.publish()
    here, elsewhere = world.till(HERE), world.till(ELSEWHERE)
    world.sell(elsewhere, card, 10_00)
    head, before = here.journal.head.seq, world.field.exchanges
    seen = list[int]()
    world.tap(
        card,
        lambda it: here.sell(
            it, 1_00, merchant=MERCHANT, announce=lambda _: seen.append(world.field.exchanges)
        ),
    )
    assert seen == [before + 9]
    assert kinds(here, head) == [EntryKind.INTENT, EntryKind.SALE, EntryKind.EVIDENCE]
    evidence = here.journal.last_evidence(card.uid)
    assert evidence is not None
    records = [SaleRecord.unpack(record) for record in evidence.records]
    assert [(it.terminal, it.amount_cents) for it in records if it] == [(3, 1_00), (4, 10_00)]
    before = world.field.exchanges
    assert isinstance(world.sell(here, card, 1_00), Green)
    assert world.field.exchanges - before == 9, "now it is where we left it"
    here.stop()
    elsewhere.stop()


def test_hands_that_leave_after_green_lose_nothing(world: World) -> None:
    """Promise: evidence is best effort: a card lifted after green changes no sale."""
    card = world.new_card(50_00)
    world.publish()
    here, elsewhere = world.till(HERE), world.till(ELSEWHERE)
    world.sell(elsewhere, card, 10_00)
    connection = world.connect(card)
    world.field.tear_before(10)
    assert isinstance(here.sell(connection, 1_00, merchant=MERCHANT), Green)
    assert here.journal.last(EntryKind.EVIDENCE) is None
    here.stop()
    elsewhere.stop()


def test_records_are_read_when_the_directory_asks(world: World) -> None:
    """Promise: the directory's question is answered before the sale, which stays canonical."""
    card = world.new_card(50_00)
    world.members[card.uid].read_records = True
    world.publish()
    till = world.till()
    head = till.journal.head.seq
    assert isinstance(world.sell(till, card, 1_00), Green)
    assert kinds(till, head) == [EntryKind.EVIDENCE, EntryKind.INTENT, EntryKind.SALE]
    till.stop()


def closed(till: Till, day: date) -> Closure:
    """Close a day and return what its closure says."""
    entry = till.close_day(day)
    assert isinstance(entry, Entry)
    assert isinstance(entry.body, Closure)
    return entry.body


def test_the_day_closes_with_its_totals(world: World) -> None:
    """Promise: a closure counts what lies since the last one; the perpetual total goes on."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    sale = world.sell(till, card, 10_00)
    assert isinstance(sale, Green)
    till.refund(sale.seq, 4_00, RefundReason.OTHER)
    first = closed(till, world.now.date())
    world.sell(till, card, 2_00)
    world.clock.pass_time(timedelta(days=1))
    second = closed(till, world.now.date() - timedelta(days=1))
    assert (first.sales, first.sales_cents, first.refunds, first.refunds_cents) == (1, 1000, 1, 400)
    assert (second.sales, second.sales_cents, second.perpetual_cents) == (1, 2_00, 8_00)
    assert second.first_seq == first.last_seq + 1
    assert (first.late, second.late) == (False, True)
    till.stop()


def test_each_start_names_the_program(world: World) -> None:
    """Promise: the journal says which program ran, and how many sales it found open."""
    world.publish()
    till = world.till()
    started = till.journal.last(EntryKind.STARTED)
    assert started is not None
    assert isinstance(started.body, Started)
    assert started.body.software == SOFTWARE.digest
    till.stop()
    assert len(Software.installed().digest) == 32
    assert Software.installed().digest == Software.installed().digest


def test_a_copied_card_does_not_continue_the_chain(world: World) -> None:
    """Promise: the journal of one board does not open on another."""
    world.publish()
    data = world.enrol(TERMINAL, board_serial=b"\x01" * 32)
    mine = Software(SOFTWARE.digest, "0", b"\x01" * 32)
    open_till(data, clock=world.clock, software=mine).close()
    other = Software(SOFTWARE.digest, "0", b"\x02" * 32)
    with pytest.raises(JournalDamaged, match="another board"):
        open_till(data, clock=world.clock, software=other)
    open_till(data, clock=world.clock, software=mine).close()


def test_keys_that_others_can_read_are_not_used(world: World) -> None:
    """Promise: a key file that lies open is an error and not a habit."""
    world.publish()
    data = world.enrol()
    (data.keys / "journal.pem").chmod(0o644)
    with pytest.raises(KeyStoreError, match="chmod 600"):
        open_till(data, clock=world.clock, software=SOFTWARE)


def test_keys_do_not_show(world: World) -> None:
    """Promise: no repr tells a key."""
    masters = TerminalCardKeys(b"CLAF-FLERS", {1: b"secret master 16"})
    assert "secret" not in repr(masters)


def test_evidence_names_what_the_card_said(world: World) -> None:
    """Promise: an inspection of a card that nobody knows is journalled all the same."""
    world.publish()
    till = world.till()
    card = world.new_card(1_00)
    evidence = world.tap(card, till.inspect)
    assert evidence == Evidence(
        uid=card.uid,
        tmc=1,
        tmv=card.history[0].tmv,
        spent_cents=0,
        enc_tmri=evidence.enc_tmri,
        records=(),
        records_read=True,
    )
    till.stop()


def test_a_refund_gives_its_vat_back(world: World) -> None:
    """Promise: refunds of a sale give back its sums by VAT rate, to the cent once all is back."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    totals = (
        VatTotal(vat_bp=550, coverage_bp=10_000, gross_cents=7_01, covered_cents=7_01),
        VatTotal(vat_bp=2_000, coverage_bp=10_000, gross_cents=2_98, covered_cents=2_98),
    )
    basket = Basket(vat_totals=totals)
    sold = world.tap(card, lambda it: till.sell(it, 9_99, merchant=MERCHANT, basket=basket))
    assert isinstance(sold, Green)
    for amount_cents in (3_33, 1, None):
        till.refund(sold.seq, amount_cents, RefundReason.GOODS_RETURNED)
    refunds = till.journal.refunded_between(1, till.journal.head.seq)
    assert [sum(it.gross_cents for it in body.vat_totals) for body in refunds[:1]] == [3_33]
    for at, total in enumerate(totals):
        assert sum(body.vat_totals[at].gross_cents for body in refunds) == total.gross_cents
        assert sum(body.vat_totals[at].covered_cents for body in refunds) == total.covered_cents
    till.stop()
