"""Torn at every moment: each operation of a till, each moment of it, each fault, then a new tap.

FLOORS says how many cases there are at least, so that a loop that ends too early is seen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from cardkit.allowance import accept_allowance, sign_allowance
from cardkit.bodies import RefundReason, Sale
from cardkit.card.connection import CardConnection
from cardkit.card.desfire import WRITE_BYTES_MAX
from cardkit.card.layout import decode_slot, encode_slot
from cardkit.card.rekeying import rekey
from cardkit.card.token import ReaderId, SaleRecord
from cardkit.decide import Reason
from cardkit.errors import CardLost, DocumentError
from cardkit.pairing import CardMaster
from server_stub.rules.facts import State
from simulator.card import VirtualCard
from simulator.desfire.memory import DataFile
from simulator.faults import FLIPS, every_flip
from simulator.issued import AID, ALLOWANCE_FILES
from terminal.outcomes import Refunded, RefundRefused, Refused
from terminal.till import Announce, Till
from tests.service_world import MERCHANT, app_master_of
from tests.torn_cases import (
    DAY_CLOSED,
    NO_DOUBT,
    OPERATIONS,
    OVERWRITTEN,
    SALE,
    Operation,
    balance,
    books_of,
    doubts_of,
    every_moment,
    leaving_open,
    play,
)
from tests.torn_judge import debits, judge_scene, told
from tests.torn_world import HERE, PRICE_CENTS, ROOM_CENTS, Market, Scene, sale

logger = logging.getLogger(__name__)

CARDS: Final = 16
"""They take turns, so that no history gets long."""
RECORDS: Final = 8
NEWER_MASTER: Final = CardMaster(version=2, key=bytes(range(16)))
TAPS: Final = 3
"""To settle, to pay, and to be refused."""
ASIDES: Final = {
    "smaller": (3,),
    "equal": (PRICE_CENTS,),
    "larger": (8,),
    "two": (PRICE_CENTS, PRICE_CENTS),
    "nine": (PRICE_CENTS,) * 9,
}
NEWER_OF_OLD: Final = (1, 0, 2)
"""Generation, epoch and version."""
GARBLED_EVERY_DAY: Final = frozenset(OPERATIONS[:2])
"""The others' answers are garbled by `pytest -m slow`."""
ONE_FLIP: Final = FLIPS[:1]
ALL_FLIPS: Final = (*FLIPS, 0xFF)
AT_LEAST: Final = 100
"""What `pytest -m slow` has of everything."""
FLOORS: Final = {
    "sale": 458,
    "sale that settles a debit": 472,
    "sale that settles a void": 198,
    "sale that settles and gives back": 96,
    "balance": 94,
    "balance that settles a debit": 130,
    "inspection": 122,
    "sale, smaller elsewhere": 16,
    "sale, equal elsewhere": 16,
    "sale, larger elsewhere": 16,
    "sale, two elsewhere": 16,
    "sale, nine elsewhere": 16,
    "sale, day closed": 142,
    "sale, a mimic elsewhere": 4,
    "sale, re-keyed in between": 16,
    "sale on a refund": 118,
    "refund": 4,
    "refresh": 112,
    "refused sale that refreshes": 164,
    "refresh, half written": 30,
}
"""Distinct (moment, fault) cases by operation."""


@pytest.fixture
def market(db: None, tmp_path: Path) -> Iterator[Market]:
    """A market whose cards never run out of credit."""
    with Market.opened(tmp_path, cards=CARDS) as made:
        yield made


def named(operation: Operation) -> str:
    """What an operation is called in the list of tests."""
    return operation.name


def tell(name: str, cases: Sequence[object]) -> None:
    """Say how many cases an operation had, and that they are no fewer than they were."""
    assert len(cases) == len(set(cases)), "distinct cases"
    logger.warning("%s: %s cases", name, len(cases))
    assert len(cases) >= FLOORS.get(name, AT_LEAST)


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_every_fault_at_every_moment(market: Market, operation: Operation) -> None:
    """Promise: torn anywhere and tapped again, one debit is one sale, and the caisse pays for it.

    The service is told of everything but garbled bytes, which the till alone has to see through.
    """
    struck = partial(play, market, operation)
    cases = list(every_moment(struck))
    books_of(market)
    if operation in GARBLED_EVERY_DAY:
        cases += every_flip(struck, flips=FLIPS if operation is SALE else ONE_FLIP)
    tell(operation.name, cases)


@pytest.mark.parametrize("aside", ASIDES)
@pytest.mark.slow
def test_the_card_buys_in_between_whatever_went_before(market: Market, aside: str) -> None:
    """Promise: the same where the fault left nothing behind."""
    struck = partial(play, market, SALE, aside_cents=ASIDES[aside], may_doubt=OVERWRITTEN)
    cases = list(every_moment(struck))
    books_of(market)
    tell(f"sale, {aside} elsewhere, whatever went before", cases)


@pytest.mark.parametrize("aside", ASIDES)
def test_the_card_buys_at_another_stall_in_between(market: Market, aside: str) -> None:
    """Promise: no sale of another stall, of whatever amount, is taken for the one that was torn."""
    amounts_cents = ASIDES[aside]
    may_doubt = OVERWRITTEN if len(amounts_cents) >= RECORDS else NO_DOUBT
    cases = [moment for moment, _ in leaving_open(market)]
    for moment in cases:
        assert play(market, SALE, moment, aside_cents=amounts_cents, may_doubt=may_doubt)
    ended = books_of(market)
    assert (State.RETURNED in ended) == (may_doubt is OVERWRITTEN)
    tell(f"sale, {aside} elsewhere", cases)


def test_the_day_closes_before_the_card_comes_back(market: Market) -> None:
    """Promise: what the closure leaves open is closed by the service: void, or given back."""
    struck = partial(play, market, SALE, heal=Scene.close_day, may_doubt=DAY_CLOSED)
    cases = list(every_moment(struck))
    assert set(books_of(market)) == {State.PAYABLE, State.RETURNED}
    tell("sale, day closed", cases)


def mimic(scene: Scene) -> None:
    """Somebody with key 1, but not with the token key, makes what the till's sale would be."""
    (held,) = scene.here.journal.open_intents(scene.card.uid)
    session = scene.market.service.open(scene.card)
    tmv0 = session.tmac().tmv
    record = SaleRecord(
        terminal=HERE,
        seq=held.seq,
        amount_cents=held.intent.amount_cents,
        spent0_cents=session.spent_cents(),
        tmv0=tmv0,
        token=bytes(8),
    )
    session.debit(record.amount_cents)
    session.write_record(record)
    session.commit_reader_id(ReaderId(terminal=HERE, seq=held.seq, token=record.token))
    session.commit()
    scene.market.lift()


def test_a_record_with_another_token_is_not_ours(market: Market) -> None:
    """Promise: what another terminal wrote in our name makes no green; only the token is ours."""
    firsts = [moment for moment, executed in leaving_open(market) if not executed]
    for first in firsts:
        scene = Scene(market, market.next_card())
        assert scene.attempt(sale, first)
        mimic(scene)
        scene.heal()
        judge_scene(scene, may_doubt=doubts_of(first))
    tell("sale, a mimic elsewhere", firsts)


def test_a_card_is_rekeyed_in_between(db: None, tmp_path: Path) -> None:
    """Promise: a sale torn under the old key 1 is found out, and paid, under the new one."""
    with Market.opened(tmp_path, cards=CARDS, newer=NEWER_MASTER) as market:
        firsts = [moment for moment, _ in leaving_open(market)]
        assert len(firsts) <= CARDS, "each card is re-keyed once"
        for first in firsts:
            scene = Scene(market, market.next_card())
            assert scene.attempt(sale, first)
            done = rekey(
                market.connect(scene.card),
                app_master=app_master_of(scene.card.uid),
                terminal_keys=market.card_keys,
            )
            assert (done.version_before, done.version) == (1, NEWER_MASTER.version)
            scene.heal()
            judge_scene(scene, may_doubt=doubts_of(first))
        assert set(books_of(market)) == {State.PAYABLE}
    tell("sale, re-keyed in between", firsts)


# A refund that the next sale leans on


def give_back(till: Till, connection: CardConnection, _announce: Announce) -> object:
    """Refund the last sale to a card; a second time there is nothing left of it."""
    said = told(till)
    sold = [
        seq
        for seq, intent in said.intents.items()
        if intent.uid == connection.uid and isinstance(said.outcomes[seq][0], Sale)
    ]
    return till.refund(max(sold), None, RefundReason.GOODS_RETURNED)


def sold_once(scene: Scene) -> None:
    """A card that can pay once has paid, now or in an earlier scene."""
    if not debits(scene.card):
        assert not scene.attempt(sale, None)


def given_back(scene: Scene) -> None:
    """A card that can pay once has its last sale given back."""
    sold_once(scene)
    last = debits(scene.card)[-1]
    refunded = scene.here.refund(last.seq, None, RefundReason.GOODS_RETURNED)
    assert isinstance(refunded, Refunded)


def give_back_once_more(scene: Scene) -> None:
    """Ask for the refund again, as somebody who did not see it; then spend it."""
    assert not scene.attempt(give_back, None)
    assert isinstance(scene.outcome, Refunded | RefundRefused)
    tap_until_it_is_spent(scene)


def tap_until_it_is_spent(scene: Scene) -> None:
    """Tap until the card can pay no more: it has paid once for the refund, and once before."""
    for _ in range(TAPS):
        assert not scene.attempt(sale, None)
    assert isinstance(scene.outcome, Refused)
    assert scene.outcome.declined.reason is Reason.NOT_ENOUGH
    is_new = not debits(scene.card)[: -len(debits(scene.card, after=scene.committed_before))]
    paid = debits(scene.card, after=scene.committed_before)
    assert [debit.amount_cents for debit in paid] == [PRICE_CENTS] * (1 + is_new)


REFUNDS: Final = {
    Operation("sale on a refund", sale, given_back): tap_until_it_is_spent,
    Operation("refund", give_back, sold_once): give_back_once_more,
}


@pytest.mark.parametrize("operation", REFUNDS, ids=named)
def test_a_refund_is_counted_once(db: None, tmp_path: Path, operation: Operation) -> None:
    """Promise: a refund and the sale on it may be torn anywhere; the money is spent once."""
    with Market.opened(tmp_path, cards=CARDS, credit_cents=PRICE_CENTS) as market:
        struck = partial(play, market, operation, heal=REFUNDS[operation])
        cases = list(every_moment(struck))
        assert set(books_of(market)) == {State.PAYABLE}
    tell(operation.name, cases)


# An allowance that is left on the card


def slots_of(card: VirtualCard) -> list[DataFile]:
    """Both allowance slots in the card's own memory."""
    files = [card.memory.applications[AID].files[number] for number in ALLOWANCE_FILES]
    return [file for file in files if isinstance(file, DataFile)]


def versions_on(scene: Scene) -> list[tuple[int, int, int]]:
    """What a till could use of the card's slots, in order of age."""
    trust = scene.market.service.caisse.ring.trust
    found = []
    for file in slots_of(scene.card):
        try:
            found.append(accept_allowance(decode_slot(file.content) or b"", trust).order)
        except DocumentError:
            continue
    return sorted(found)


def two_old_allowances(scene: Scene) -> None:
    """The card carries two allowances of before the service was restored."""
    row = scene.here.store.row(scene.card.uid)
    assert row is not None
    assert row.allowance is not None
    ring = scene.market.service.caisse.ring
    newest = accept_allowance(row.allowance, ring.trust)
    for version, file in enumerate(slots_of(scene.card), start=1):
        old = replace(newest, epoch=newest.epoch - 1, version=version)
        file.content = encode_slot(sign_allowance(ring.issuer, old).encoded)


def refreshed(scene: Scene) -> None:
    """Look at what a tear left in the slots, refresh once more, and sell."""
    left = versions_on(scene)
    assert left, "no allowance is left"
    assert left[-1] >= NEWER_OF_OLD, "the newer of both was overwritten"
    assert scene.attempt(balance, None) is False
    row = scene.here.store.row(scene.card.uid)
    assert row is not None
    trust = scene.market.service.caisse.ring.trust
    assert versions_on(scene)[-1] == accept_allowance(row.allowance or b"", trust).order
    scene.heal()


def too_much(till: Till, connection: CardConnection, announce: Announce) -> object:
    """Ask for more than the card can pay, so that its slots are looked at and refreshed."""
    outcome = till.sell(connection, 2 * ROOM_CENTS, merchant=MERCHANT, announce=announce)
    assert isinstance(outcome, Refused)
    assert outcome.declined.reason is Reason.NOT_ENOUGH
    return outcome


REFRESHING: Final = (
    Operation("refresh", balance, two_old_allowances),
    Operation("refused sale that refreshes", too_much, two_old_allowances),
)


@pytest.mark.parametrize(
    "operation",
    REFRESHING,
    ids=named,
)
def test_an_allowance_is_never_lost(market: Market, operation: Operation) -> None:
    """Promise: torn anywhere, the newest allowance that the card had is there, or a newer one."""
    struck = partial(play, market, operation, heal=refreshed)
    cases = list(every_moment(struck))
    books_of(market)
    tell(operation.name, cases)


def test_a_slot_that_is_half_written_costs_the_older_allowance(market: Market) -> None:
    """Promise: power that goes inside a write leaves the newer one of both, wherever it goes."""
    cuts = range(0, WRITE_BYTES_MAX, 8)
    for stored_bytes in cuts:
        scene = Scene(market, market.next_card())
        two_old_allowances(scene)

        def cut(
            till: Till,
            connection: CardConnection,
            announce: Announce,
            scene: Scene = scene,
            stored_bytes: int = stored_bytes,
        ) -> object:
            scene.card.cut_power_in_next_write(stored_bytes)
            return till.balance(connection, announce=announce)

        scene.attempt(cut, None)
        assert isinstance(scene.trouble, CardLost)
        refreshed(scene)
        judge_scene(scene)
    tell("refresh, half written", list(cuts))


@pytest.mark.slow
@pytest.mark.parametrize("operation", [*OPERATIONS, *REFRESHING], ids=named)
def test_every_flip_of_every_byte(market: Market, operation: Operation) -> None:
    """Promise: the same for more bits, and the service closes what they leave to it."""
    heal = refreshed if operation in REFRESHING else Scene.heal
    cases = list(every_flip(partial(play, market, operation, heal=heal), flips=ALL_FLIPS))
    books_of(market)
    tell(f"{operation.name}, garbled", cases)
