"""Sales whose end nobody saw: green if and only if the card has paid this terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.bodies import (
    DoubtReason,
    EntryKind,
    Evidence,
    Indeterminate,
    Refund,
    RefundReason,
    ResolutionChoice,
    Sale,
    SaleProof,
    VatTotal,
    Void,
    VoidReason,
)
from cardkit.card.session import PurseSession
from cardkit.card.tmac import NO_TMRI
from cardkit.card.token import ReaderId
from cardkit.errors import CardError
from simulator.card import VirtualCard
from simulator.field import FieldConnection
from simulator.issued import AID, demo_keys
from terminal.outcomes import Amber, Basket, Green, Refused, SaleOutcome, Settled
from terminal.till import Till
from terminal.torn import Executed, NotExecuted, Undecidable
from tests.terminal_world import MERCHANT, World, debits_cents

EXCHANGES = 9
HERE, ELSEWHERE = 3, 4
PRICE_CENTS = 12_50


def world_with_card(path: Path, *cents: int) -> tuple[World, VirtualCard]:
    """A world with one card of which every directory knows."""
    world = World.make(path)
    card = world.new_card(*(cents or (100_00,)))
    world.publish()
    return world, card


def torn(world: World, till: Till, card: VirtualCard, *, after: bool = True) -> Amber:
    """A sale whose last exchange is lost before or after the card got it."""
    connection = world.connect(card)
    (world.field.tear_after if after else world.field.tear_before)(EXCHANGES)
    outcome = till.sell(connection, PRICE_CENTS, merchant=MERCHANT)
    assert isinstance(outcome, Amber)
    return outcome


def outcome_of(till: Till, seq: int) -> object:
    """What the journal says became of an intent."""
    entry = till.journal.outcome(seq)
    return None if entry is None else entry.body


@pytest.mark.parametrize("executed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("exchange", range(1, EXCHANGES + 1))
def test_green_if_and_only_if_debited(tmp_path: Path, exchange: int, executed: bool) -> None:
    """Promise: torn anywhere and tapped again, the card was debited once for one green."""
    world, card = world_with_card(tmp_path)
    till = world.till()
    greens = list[Green]()
    connection = world.connect(card)
    (world.field.tear_after if executed else world.field.tear_before)(exchange)
    before = till.journal.head.seq
    first: SaleOutcome | None = None
    try:
        first = till.sell(connection, PRICE_CENTS, merchant=MERCHANT, announce=greens.append)
    except CardError:
        assert exchange < EXCHANGES
        assert till.journal.head.seq == before, "what never happened is not journalled"
    assert greens == []
    assert isinstance(first, Amber) == (exchange == EXCHANGES)
    assert debits_cents(card) == ([PRICE_CENTS] if exchange == EXCHANGES and executed else [])

    again = world.tap(
        card, lambda it: till.sell(it, PRICE_CENTS, merchant=MERCHANT, announce=greens.append)
    )
    assert [green.amount_cents for green in greens] == debits_cents(card) == [PRICE_CENTS]
    assert isinstance(again, Settled) == (exchange == EXCHANGES and executed)
    assert till.journal.open_intents() == ()
    till.stop()


def test_a_sale_of_the_stall_next_door_is_not_ours(tmp_path: Path) -> None:
    """Promise: the counter moved by one and the amount is right, but the token is not ours.

    Turns red when TMC0 + 1 alone, or with the amount, is taken for our sale.
    """
    world, card = world_with_card(tmp_path)
    here, elsewhere = world.till(HERE), world.till(ELSEWHERE)
    amber = torn(world, here, card, after=False)
    assert isinstance(world.sell(elsewhere, card, PRICE_CENTS), Green)

    greens = list[Green]()
    outcome = world.tap(
        card, lambda it: here.sell(it, 1_00, merchant=MERCHANT, announce=greens.append)
    )
    assert isinstance(outcome, Green)
    (settlement,) = outcome.settled
    assert settlement.verdict == NotExecuted(VoidReason.RECORD_ABSENT)
    assert isinstance(outcome_of(here, amber.seq), Void)
    assert [green.amount_cents for green in greens] == [1_00]
    assert debits_cents(card) == [PRICE_CENTS, 1_00]
    here.stop()
    elsewhere.stop()


def test_paid_here_then_elsewhere(tmp_path: Path) -> None:
    """Promise: our record among the card's last eight proves our sale, sales elsewhere or not."""
    world, card = world_with_card(tmp_path)
    here, elsewhere = world.till(HERE), world.till(ELSEWHERE)
    amber = torn(world, here, card)
    for _ in range(7):
        assert isinstance(world.sell(elsewhere, card, 1_00), Green)
    outcome = world.sell(here, card, PRICE_CENTS)
    assert isinstance(outcome, Settled)
    assert outcome.settled[0].verdict == Executed(2, SaleProof.RECORD_ONLY, None)
    sale = outcome_of(here, amber.seq)
    assert isinstance(sale, Sale)
    assert (sale.tmv, sale.tmc) == (None, 2)
    evidence = here.journal.last(EntryKind.EVIDENCE)
    assert evidence is not None
    assert isinstance(evidence.body, Evidence)
    assert len(evidence.body.records) == 8
    here.stop()
    elsewhere.stop()


def test_nine_sales_later_nobody_here_can_tell(tmp_path: Path) -> None:
    """Promise: a record that was overwritten is neither green nor void, but left to the service."""
    world, card = world_with_card(tmp_path)
    here, elsewhere = world.till(HERE), world.till(ELSEWHERE)
    amber = torn(world, here, card)
    for _ in range(8):
        assert isinstance(world.sell(elsewhere, card, 1_00), Green)
    outcome = world.sell(here, card, PRICE_CENTS)
    assert isinstance(outcome, Settled)
    assert outcome.settled[0].verdict == Undecidable(DoubtReason.RECORDS_OVERWRITTEN)
    assert isinstance(outcome_of(here, amber.seq), Indeterminate)
    assert isinstance(world.sell(here, card, 1_00), Green), "the next tap sells again"
    here.stop()
    elsewhere.stop()


def bump(world: World, card: VirtualCard) -> None:
    """Commit a transaction without a record, as a thief with key 1 can."""
    session = PurseSession.open_with_key(world.connect(card), demo_keys(card.uid).terminal)
    session.spent_cents()
    session.commit_reader_id(ReaderId.unpack(NO_TMRI))
    session.commit()
    world.field.lift()


def test_a_shorter_record_file_proves_nothing(tmp_path: Path) -> None:
    """Promise: when records are missing, an absent one is no proof that nothing was debited."""
    world, card = world_with_card(tmp_path)
    till = world.till()
    amber = torn(world, till, card, after=False)
    bump(world, card)
    outcome = world.sell(till, card, PRICE_CENTS)
    assert isinstance(outcome, Settled)
    assert isinstance(outcome_of(till, amber.seq), Indeterminate)
    till.stop()


def test_a_card_rolled_back_is_a_contradiction(tmp_path: Path) -> None:
    """Promise: a card that stands before the intent proves neither green nor void."""
    world, card = world_with_card(tmp_path)
    till = world.till()
    early = card.snapshot()
    assert isinstance(world.sell(till, card, 1_00), Green)
    torn(world, till, card)
    card.restore(early)
    outcome = world.sell(till, card, PRICE_CENTS)
    assert isinstance(outcome, Settled)
    assert outcome.settled[0].verdict == Undecidable(DoubtReason.FACTS_CONTRADICT)
    till.stop()


def test_amber_never_blocks_the_queue(tmp_path: Path) -> None:
    """Promise: the next client is served while a sale waits for its card."""
    world = World.make(tmp_path)
    card, other = world.new_card(50_00), world.new_card(50_00)
    world.publish()
    till = world.till()
    amber = torn(world, till, card)
    assert till.resolve(amber.seq, ResolutionChoice.PARKED)
    assert isinstance(world.sell(till, other, 5_00), Green)
    assert [held.seq for held in till.journal.open_intents()] == [amber.seq]
    till.stop()


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (ResolutionChoice.PAID_OTHERWISE, RefundReason.PAID_OTHERWISE),
        (ResolutionChoice.CLIENT_LEFT, RefundReason.OTHER),
    ],
    ids=["paid otherwise", "client left"],
)
def test_paid_otherwise_is_refunded_by_itself(
    tmp_path: Path, executed: bool, choice: ResolutionChoice, reason: RefundReason
) -> None:
    """Promise: who paid another way, or left without the goods, gets a debit back by itself."""
    world, card = world_with_card(tmp_path)
    till = world.till()
    amber = torn(world, till, card, after=executed)
    assert till.resolve(amber.seq, ResolutionChoice.PARKED)
    assert till.resolve(amber.seq, choice)
    greens = list[Green]()
    outcome = world.tap(
        card, lambda it: till.sell(it, 1_00, merchant=MERCHANT, announce=greens.append)
    )
    refund = till.journal.last(EntryKind.REFUND)
    if executed:
        assert isinstance(outcome, Settled)
        assert greens == []
        assert refund is not None
        assert isinstance(refund.body, Refund)
        assert refund.body.reason is reason
        assert refund.body.amount_cents == PRICE_CENTS
        assert outcome.settled[0].refund_seq == refund.seq
    else:
        assert isinstance(outcome, Green)
        assert refund is None
    assert till.journal.head.perpetual_cents == (0 if executed else 1_00)
    assert not till.resolve(amber.seq, ResolutionChoice.CLIENT_LEFT), "it is settled"
    till.stop()


@pytest.mark.parametrize(
    ("choice", "gross_cents"),
    [(ResolutionChoice.PAID_OTHERWISE, 0), (ResolutionChoice.CLIENT_LEFT, PRICE_CENTS)],
    ids=["paid otherwise", "client left"],
)
def test_goods_that_were_paid_otherwise_stay_sold(
    tmp_path: Path, choice: ResolutionChoice, gross_cents: int
) -> None:
    """Promise: a debit that goes back takes no tax with it where the client kept the goods."""
    world, card = world_with_card(tmp_path)
    till = world.till()
    sold = VatTotal(
        vat_bp=550, coverage_bp=10_000, gross_cents=PRICE_CENTS, covered_cents=PRICE_CENTS
    )
    connection = world.connect(card)
    world.field.tear_after(EXCHANGES)
    amber = till.sell(connection, PRICE_CENTS, merchant=MERCHANT, basket=Basket(vat_totals=(sold,)))
    assert isinstance(amber, Amber)
    assert till.resolve(amber.seq, choice)
    world.tap(card, lambda it: till.balance(it, announce=lambda _green: None))
    refund = till.journal.last(EntryKind.REFUND)
    assert refund is not None
    assert isinstance(refund.body, Refund)
    assert refund.body.vat_totals == (replace(sold, gross_cents=gross_cents),)
    till.stop()


def test_a_refund_that_a_cut_prevented_is_made_up_for(tmp_path: Path) -> None:
    """Promise: killed between a late sale and its refund, the refund follows at the next start."""
    world, card = world_with_card(tmp_path)
    till = world.till()
    amber = torn(world, till, card)
    till.resolve(amber.seq, ResolutionChoice.PAID_OTHERWISE)
    held = till.journal.open_intents()[0]
    sale = Sale(
        intent_seq=held.seq,
        amount_cents=PRICE_CENTS,
        tmc=2,
        proof=SaleProof.READ_BACK,
        tmv=bytes(8),
    )
    till.journal.append(EntryKind.SALE, sale, merchant=MERCHANT)
    till.close()
    for _ in range(2):
        till = world.till()
        assert till.journal.totals(1, till.journal.head.seq).refunds == 1
        till.close()


def test_the_day_closes_over_an_amber_sale(tmp_path: Path) -> None:
    """Promise: closure is final here; the card's return makes nothing green afterwards."""
    world, card = world_with_card(tmp_path)
    till = world.till()
    amber = torn(world, till, card)
    till.close_day(world.now.date())
    doubt = outcome_of(till, amber.seq)
    assert isinstance(doubt, Indeterminate)
    assert doubt.reason is DoubtReason.DAY_CLOSED
    assert not till.resolve(amber.seq, ResolutionChoice.PAID_OTHERWISE)
    outcome = world.sell(till, card, 1_00)
    assert isinstance(outcome, Green)
    assert outcome.settled == ()
    till.stop()


def test_a_refused_commit_is_amber(tmp_path: Path) -> None:
    """Promise: an error answer to the commit has no MAC, so it proves nothing."""
    world, card = world_with_card(tmp_path)
    till = world.till()
    connection = world.connect(card)
    world.field.garble(EXCHANGES)
    outcome = till.sell(connection, PRICE_CENTS, merchant=MERCHANT)
    assert isinstance(outcome, Amber)
    world.field.lift()
    assert isinstance(world.sell(till, card, PRICE_CENTS), Settled)
    assert debits_cents(card) == [PRICE_CENTS]
    till.stop()


def test_a_card_lost_while_it_is_asked_stays_open(tmp_path: Path) -> None:
    """Promise: an amber sale is settled by facts, and a card that is lifted again gave none."""
    world, card = world_with_card(tmp_path)
    here, elsewhere = world.till(HERE), world.till(ELSEWHERE)
    amber = torn(world, here, card)
    assert isinstance(world.sell(elsewhere, card, 1_00), Green)
    connection = world.connect(card)
    world.field.tear_before(6)
    with pytest.raises(CardError):
        here.sell(connection, PRICE_CENTS, merchant=MERCHANT)
    assert [held.seq for held in here.journal.open_intents()] == [amber.seq]
    assert isinstance(world.sell(here, card, PRICE_CENTS), Settled)
    here.stop()
    elsewhere.stop()


class CountingTwice:
    """A connection to a card whose counter jumps while it commits."""

    def __init__(self, connection: FieldConnection, card: VirtualCard) -> None:
        self.uid = connection.uid
        self.activation = connection.activation
        self._connection = connection
        self._card = card
        self._exchanges = 0

    def transceive(self, command: bytes) -> bytes:
        """Pass everything on; before the commit, count once more."""
        self._exchanges += 1
        if self._exchanges == EXCHANGES:
            tmac = self._card.memory.applications[AID].tmac
            assert tmac is not None
            tmac.tmc += 1
        return self._connection.transceive(command)

    def close(self) -> None:
        """Let go."""
        self._connection.close()


def test_a_counter_that_jumps_is_no_green(tmp_path: Path) -> None:
    """Promise: a commit that does not count on by one proves nothing, whatever its MAC says."""
    world, card = world_with_card(tmp_path)
    till = world.till()
    connection = CountingTwice(world.connect(card), card)
    assert isinstance(till.sell(connection, PRICE_CENTS, merchant=MERCHANT), Amber)
    till.stop()


STEPS = st.lists(
    st.tuples(
        st.sampled_from([HERE, ELSEWHERE]),
        st.sampled_from([5_00, 5_00, 7_50]),
        st.one_of(st.none(), st.integers(1, EXCHANGES + 4)),
        st.booleans(),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=25)
@given(steps=STEPS)
def test_greens_are_the_cards_debits(
    steps: list[tuple[int, int, int | None, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Promise: two stalls, one card, tears anywhere: what is settled green is what was debited.

    At the end the card is tapped once more at each stall, so that every amber sale is settled.
    """
    world, card = world_with_card(tmp_path_factory.mktemp("world"), 500_00)
    tills = {number: world.till(number) for number in (HERE, ELSEWHERE)}
    greens = list[Green]()
    for number, amount_cents, exchange, after in steps:
        connection = world.connect(card)
        if exchange is not None:
            (world.field.tear_after if after else world.field.tear_before)(exchange)
        try:
            tills[number].sell(connection, amount_cents, merchant=MERCHANT, announce=greens.append)
        except CardError:
            assert exchange is not None
        world.field.lift()
        world.field._faults.lost_after = world.field._faults.lost_before = None
    given_up = 0
    for till in tills.values():
        connection = world.connect(card)
        last = till.sell(connection, 1_000_00, merchant=MERCHANT, announce=greens.append)
        world.field.lift()
        assert isinstance(last, Refused | Settled)
        assert till.journal.open_intents() == ()
        given_up += sum(
            isinstance(entry.body, Indeterminate) for entry in till.journal.entries(0, 10_000)
        )
        till.stop()
    paid = sorted(green.amount_cents for green in greens)
    debited = sorted(debits_cents(card))
    assert len(debited) - len(paid) <= given_up
    assert all(debited.count(cents) >= paid.count(cents) for cents in paid)
    assert given_up or paid == debited
