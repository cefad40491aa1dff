"""The till's own thread: it owns the reader, posts facts in order, and leaves nobody waiting."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from cardkit.bodies import EntryKind
from cardkit.card.connection import CardConnection
from cardkit.errors import CardCollision, JournalStopped, ReaderLost, StoreError
from simulator.card import VirtualCard
from simulator.field import Field
from terminal.outcomes import Green
from terminal.situation import look
from terminal.till import Announce, Till
from terminal.wiring import open_till
from terminal.worker import (
    Act,
    Announced,
    CardLifted,
    CardSeen,
    CardTrouble,
    Fact,
    Halted,
    Outcome,
    ReaderGone,
    ReaderReady,
    Stands,
    TapDone,
    Worker,
)
from tests.screen_reader import Cable
from tests.terminal_world import MERCHANT, SOFTWARE, World, debits_cents

F = TypeVar("F")
WAIT_S: Final = 20.0


@dataclass
class Desk:
    """A worker on a world, and what it has posted."""

    world: World
    cable: Cable
    worker: Worker
    facts: queue.Queue[Fact] = field(default_factory=queue.Queue)
    heard: list[Fact] = field(default_factory=list)

    @classmethod
    def of(cls, world: World) -> Desk:
        """Make one whose thread has not begun."""
        facts = queue.Queue[Fact]()
        data = world.data()
        if not data.journal.exists():
            world.enrol()
        cable = Cable(world.field)
        worker = Worker(
            lambda: open_till(data, clock=world.clock, software=SOFTWARE),
            cable.find,
            look,
            post=facts.put,
        )
        return cls(world, cable, worker, facts)

    def hears(self, kind: type[F]) -> F:
        """Wait for the next fact of a kind; what came before it is in `heard`."""
        ends_at = time.monotonic() + WAIT_S
        while True:
            fact = self.facts.get(timeout=max(0.0, ends_at - time.monotonic()))
            self.heard.append(fact)
            if isinstance(fact, kind):
                return fact

    def happened(self) -> list[str]:
        """Name what has been heard so far, the standings left out."""
        return [type(it).__name__ for it in self.heard if not isinstance(it, Stands)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A worker at work, with its reader."""
    world = World.make(tmp_path)
    desk = Desk.of(world)
    desk.worker.start()
    desk.hears(ReaderReady)
    yield desk
    desk.cable.go_on()
    desk.worker.stop()
    desk.worker.join(WAIT_S)
    assert not desk.worker.is_alive()


@pytest.fixture
def card(desk: Desk) -> VirtualCard:
    """A card with 50,00 that the running till knows of."""
    card = desk.world.new_card(50_00)
    desk.world.publish()
    desk.worker.do(desk.world.deliver).result(WAIT_S)
    return card


def selling(cents: int) -> Act:
    """What a sale asks of the next card."""

    def act(till: Till, connection: CardConnection, announce: Announce) -> Outcome:
        return till.sell(connection, cents, merchant=MERCHANT, announce=announce)

    return act


def test_a_sale_is_told_in_its_order(desk: Desk, card: VirtualCard) -> None:
    """Promise: seen, announced once it is on disk, done, lifted: the screen hears what happened."""
    desk.worker.arm(selling(5_00))
    desk.world.field.place(card)
    done = desk.hears(TapDone)
    assert isinstance(done.outcome, Green)
    assert desk.hears(Stands).situation.unsent_cents == 5_00
    desk.world.field.lift()
    desk.hears(CardLifted)
    assert desk.happened() == ["ReaderReady", "CardSeen", "Announced", "TapDone", "CardLifted"]
    assert debits_cents(card) == [5_00]


def test_what_is_done_is_done_once(desk: Desk, card: VirtualCard) -> None:
    """Promise: a card that stays, or comes again, is not debited for what it has paid."""
    desk.worker.arm(selling(5_00))
    desk.world.field.place(card)
    desk.hears(TapDone)
    desk.world.field.lift()
    desk.hears(CardLifted)
    desk.world.field.place(card)
    desk.worker.do(lambda till: till.journal.head).result(WAIT_S)
    assert debits_cents(card) == [5_00]


def test_a_card_that_lies_there_pays_what_comes_next(desk: Desk, card: VirtualCard) -> None:
    """Promise: a card need not be lifted between a refusal and the smaller amount."""
    desk.worker.arm(selling(60_00))
    desk.world.field.place(card)
    assert not isinstance(desk.hears(TapDone).outcome, Green)
    desk.worker.arm(selling(50_00))
    assert isinstance(desk.hears(TapDone).outcome, Green)
    assert debits_cents(card) == [50_00]


def test_lifted_however_soon_the_next_is_wanted(desk: Desk, card: VirtualCard) -> None:
    """Promise: a screen that shows a balance while a card lies there hears when it leaves."""
    desk.worker.arm(selling(5_00))
    desk.world.field.place(card)
    desk.hears(TapDone)

    def lift_and_want(_till: Till) -> None:
        desk.world.field.lift()
        desk.worker.arm(selling(6_00))

    desk.worker.do(lift_and_want).result(WAIT_S)
    desk.hears(CardLifted)
    assert debits_cents(card) == [5_00]


def test_trouble_is_told_once_and_still_waits(desk: Desk, card: VirtualCard) -> None:
    """Promise: a misread card is said once; its sale waits until it comes again."""
    desk.world.field.garble(3)
    desk.worker.arm(selling(5_00))
    desk.world.field.place(card)
    desk.hears(CardTrouble)
    for _ in range(3):  # turns of its loop
        desk.worker.do(lambda till: till.journal.head).result(WAIT_S)
    desk.world.field.lift()
    desk.hears(CardLifted)
    desk.world.field.place(card)
    assert isinstance(desk.hears(TapDone).outcome, Green)
    assert desk.happened().count("CardTrouble") == 1
    assert debits_cents(card) == [5_00]


def test_two_cards_are_told_once(desk: Desk, card: VirtualCard) -> None:
    """Promise: two cards that stay on the reader are said once, not as fast as it can look."""
    desk.cable.has_two_cards = True
    desk.worker.arm(selling(5_00))
    desk.world.field.place(card)
    assert isinstance(desk.hears(CardTrouble).error, CardCollision)
    for _ in range(3):  # turns of its loop
        desk.worker.do(lambda till: till.journal.head).result(WAIT_S)
    desk.cable.has_two_cards = False
    desk.world.field.lift()
    desk.hears(CardLifted)
    desk.world.field.place(card)
    desk.hears(TapDone)
    assert desk.happened().count("CardTrouble") == 1


def test_a_sale_can_be_taken_back_until_a_card_is_at_it(desk: Desk, card: VirtualCard) -> None:
    """Promise: who cancels in time sells nothing; who cancels too late hears what came of it."""
    early, late = selling(5_00), selling(6_00)
    desk.worker.arm(early)
    assert desk.worker.take_back(early)
    assert not desk.worker.take_back(early)
    desk.cable.hold_at(1)
    desk.worker.arm(late)
    desk.world.field.place(card)
    desk.cable.wait_until_held()
    assert not desk.worker.take_back(late)
    desk.cable.go_on()
    assert isinstance(desk.hears(TapDone).outcome, Green)
    assert not desk.worker.take_back(late), "done, and on its way to the screen"
    assert debits_cents(card) == [6_00]


def test_nobody_takes_back_what_is_another_ones(desk: Desk, card: VirtualCard) -> None:
    """Promise: a page that goes away late takes no card from the next one."""
    before, now = selling(5_00), selling(6_00)
    desk.worker.arm(before)
    desk.worker.arm(now)
    assert not desk.worker.take_back(before)
    desk.world.field.place(card)
    assert isinstance(desk.hears(TapDone).outcome, Green)
    assert debits_cents(card) == [6_00]


def test_unplugged_and_back(desk: Desk, card: VirtualCard) -> None:
    """Promise: a pulled cable is said once, whatever the reader's absence is called after it."""
    desk.worker.arm(selling(5_00))
    desk.cable.is_plugged = False
    assert isinstance(desk.hears(ReaderGone).error, ReaderLost)
    desk.worker.arm(selling(6_00))
    desk.cable.wait_until_missed()
    desk.cable.is_plugged = True
    desk.worker.arm(selling(6_00))
    desk.hears(ReaderReady)
    desk.world.field.place(card)
    assert isinstance(desk.hears(TapDone).outcome, Green)
    assert desk.happened().count("ReaderGone") == 1
    assert debits_cents(card) == [6_00]


def test_unplugged_while_a_card_is_debited(desk: Desk, card: VirtualCard) -> None:
    """Promise: a cable pulled on the last exchange leaves a doubt, and never a guess."""
    desk.cable.hold_after(9)
    desk.worker.arm(selling(5_00))
    desk.world.field.place(card)
    desk.cable.wait_until_held()
    desk.cable.is_plugged = False
    desk.cable.go_on()
    desk.hears(TapDone)
    held = desk.worker.do(lambda till: till.journal.open_intents()).result(WAIT_S)
    assert [it.intent.amount_cents for it in held] == [5_00]
    assert debits_cents(card) == [5_00]


def test_jobs_run_between_taps(desk: Desk, card: VirtualCard) -> None:
    """Promise: what the screen asks for waits for a card to end, and never runs beside it."""
    desk.cable.hold_at(9)
    desk.worker.arm(selling(5_00))
    desk.world.field.place(card)
    desk.cable.wait_until_held()
    names = [desk.worker.do(lambda _: threading.current_thread().name) for _ in range(3)]
    assert not any(it.done() for it in names)
    desk.cable.go_on()
    assert {it.result(WAIT_S) for it in names} == {"till"}
    sale = desk.worker.do(lambda till: till.journal.last(EntryKind.SALE)).result(WAIT_S)
    assert sale is not None
    desk.hears(TapDone)


def test_an_error_of_a_job_is_its_askers(desk: Desk) -> None:
    """Promise: a disk that is full for a receipt stops no sale."""

    def fail(_till: Till) -> None:
        raise StoreError("full")

    with pytest.raises(StoreError):
        desk.worker.do(fail).result(WAIT_S)
    assert desk.worker.do(lambda till: till.journal.is_running).result(WAIT_S)


def test_a_journal_that_stops_stops_the_till(desk: Desk, card: VirtualCard) -> None:
    """Promise: when the journal takes no entry nothing is sold any more, and everybody is told."""

    def fail(_till: Till) -> None:
        raise JournalStopped("the disk did not take it")

    with pytest.raises(JournalStopped):
        desk.worker.do(fail).result(WAIT_S)
    assert isinstance(desk.hears(Halted).error, JournalStopped)
    desk.worker.join(WAIT_S)
    desk.worker.arm(selling(5_00))
    desk.world.field.place(card)
    refused: Future[Any] = desk.worker.do(lambda till: till.journal.head)
    with pytest.raises(JournalStopped):
        refused.result(WAIT_S)
    assert debits_cents(card) == []


def test_an_end_in_good_order(tmp_path: Path) -> None:
    """Promise: a stop journals that it was one, leaves what is to be sent, and lets go of all."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    desk = Desk.of(world)
    desk.worker.start()
    desk.worker.arm(selling(5_00))
    world.field.place(card)
    desk.hears(TapDone)
    desk.worker.stop()
    desk.worker.join(WAIT_S)
    assert not desk.worker.is_alive()
    assert any(world.data().outbox.iterdir())
    till = world.till()
    last = [EntryKind(it.envelope.kind) for it in till.journal.entries(0, 100)]
    assert last[-2:] == [EntryKind.STOPPED, EntryKind.STARTED]
    till.stop()


def test_a_till_that_does_not_open_is_told(tmp_path: Path) -> None:
    """Promise: data in which no till can be opened is said, and nobody waits for it."""
    facts = queue.Queue[Fact]()

    def refuse() -> Till:
        raise StoreError("no till here")

    worker = Worker(refuse, Cable(Field()).find, look, post=facts.put)
    asked = worker.do(lambda till: till.journal.head)
    worker.start()
    fact = facts.get(timeout=WAIT_S)
    assert isinstance(fact, Halted)
    assert isinstance(fact.error, StoreError)
    with pytest.raises(JournalStopped):
        asked.result(WAIT_S)
    worker.join(WAIT_S)


def test_a_card_seen_is_announced_before_it_is_done(desk: Desk, card: VirtualCard) -> None:
    """Promise: green is told while the card still lies there, before anything else is asked."""
    desk.cable.hold_at(9)
    desk.worker.arm(selling(5_00))
    desk.world.field.place(card)
    desk.hears(CardSeen)
    desk.cable.wait_until_held()
    assert desk.facts.empty()
    desk.cable.go_on()
    assert desk.hears(Announced).green.amount_cents == 5_00
    desk.hears(TapDone)
