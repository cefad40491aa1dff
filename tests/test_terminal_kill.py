"""kill -9 of the till while it sells to cards that live in another process.

The oracle is the cards' own history, and the greens that were received through a pipe: what the
killed process believed counts for nothing.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final

import pytest

from cardkit.bodies import Indeterminate, Sale, SaleProof, Void
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.remote import CardHost, RemoteReader
from terminal.config import DataDirectory
from terminal.outcomes import Green
from terminal.till import Till
from terminal.wiring import open_till
from tests.terminal_world import MERCHANT, SOFTWARE, START, TERMINAL, World

CARDS: Final = 3
PRICES_CENTS: Final = (1_00, 2_50, 2_50)
LIFE_MAX_S: Final = 0.06
"""How long a till may live after its first exchange; some ten sales."""
KILLED_AT_START: Final = 0.1
"""The share of tills that are killed while they open their journal."""
PATIENCE_S: Final = 60.0
SALE_ROOM_CENTS: Final = 20_000_00

Sold = tuple[int, bytes, int, int]
"""Number of the sale, card, counter, amount."""


def sell_without_end(data: DataDirectory, cards: Connection, greens: Connection, seed: int) -> None:
    """The till's process: open, recover, sell, until somebody kills it."""
    chance = random.Random(seed)
    reader = RemoteReader(cards)
    till = open_till(data, clock=ManualClock(START), software=SOFTWARE)
    till.start()

    def announce(green: Green) -> None:
        greens.send((green.seq, green.uid, green.tmc, green.amount_cents))

    while True:
        connection = reader.wait_for_card(PATIENCE_S)
        assert connection is not None
        amount_cents = chance.choice(PRICES_CENTS)
        till.sell(connection, amount_cents, merchant=MERCHANT, announce=announce)
        connection.close()


@dataclass
class Market:
    """One stall that is killed again and again, its cards, and the greens that were seen."""

    world: World
    data: DataDirectory
    cards: list[VirtualCard]
    chance: random.Random
    greens: list[Sold] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, seed: int) -> Market:
        """A stall with a few cards that can pay for a long time."""
        world = World.make(path)
        world.caps = type(world.caps)(
            sale_max_cents=150_00,
            card_day_max_cents=SALE_ROOM_CENTS,
            card_day_stale_max_cents=SALE_ROOM_CENTS,
            fresh_days=7,
            unsent_max_cents=CARDS * SALE_ROOM_CENTS,
        )
        cards = [world.new_card(SALE_ROOM_CENTS) for _ in range(CARDS)]
        world.publish()
        return cls(world, world.enrol(), cards, random.Random(seed))

    def kill_once(self) -> None:
        """Let the till sell, and kill it at a random moment."""
        context = multiprocessing.get_context("forkserver")
        cards, cards_end = context.Pipe()
        greens, greens_end = context.Pipe(duplex=False)
        seed = self.chance.randrange(2**32)
        arguments = (self.data, cards_end, greens_end, seed)
        process = context.Process(target=sell_without_end, args=arguments)
        process.start()
        cards_end.close()
        greens_end.close()
        host = CardHost(cards, lambda: self.chance.choice(self.cards))
        if self.chance.random() > KILLED_AT_START:
            assert cards.poll(PATIENCE_S), "the till did not come up"
        moment_s = time.monotonic() + self.chance.uniform(0, LIFE_MAX_S)
        while (left_s := moment_s - time.monotonic()) > 0:
            if wait([cards], left_s):
                host.serve()
        process.kill()
        process.join()
        host.power_off()
        self._receive(greens)
        cards.close()
        process.close()

    def settle(self) -> Till:
        """Open the till once more and tap every card, so that nothing stays open."""
        till = self.world.till(TERMINAL)
        for card in self.cards:
            connection = self.world.connect(card)
            settled = till.balance(connection).settled
            self.world.field.lift()
            assert len(settled) <= 1, "one card has one open sale at most"
        return till

    def _receive(self, greens: Connection) -> None:
        """Read what was announced before the kill; a half message is no green."""
        try:
            while True:
                self.greens.append(greens.recv())
        except (EOFError, OSError):
            greens.close()


def debits(cards: list[VirtualCard]) -> Counter[Sold]:
    """What the cards say of themselves, by the number that stood in the reader id."""
    found = Counter[Sold]()
    for card in cards:
        for committed in card.history:
            for change in committed.values:
                assert committed.tmri is not None
                seq = int.from_bytes(committed.tmri[4:8])
                amount_cents = change.before - change.after
                if amount_cents:
                    found[seq, card.uid, committed.tmc, amount_cents] += 1
    return found


def kill_and_look(path: Path, kills: int, seed: int) -> int:
    """Kill a till so many times, then hold its journal against greens and cards.

    Returns how many sales had to be settled afterwards.
    """
    market = Market.open(path, seed)
    for _ in range(kills):
        market.kill_once()
    till = market.settle()
    assert till.journal.open_intents() == ()
    assert till.journal.verify() == till.journal.head.seq
    sales, doubts, recovered = Counter[Sold](), 0, 0
    for entry in till.journal.entries(0, till.journal.head.seq):
        match entry.body:
            case Sale(intent_seq=seq, tmc=tmc, amount_cents=amount_cents, proof=proof):
                recovered += proof is not SaleProof.COMMIT_ANSWERED
                sold = till.journal.sold(seq)
                assert sold is not None
                sales[seq, sold.intent.uid, tmc, amount_cents] += 1
            case Void():
                recovered += 1
            case Indeterminate():
                doubts += 1
    debited = debits(market.cards)
    assert max(sales.values()) == max(debited.values()) == 1, "nothing twice"
    assert set(market.greens) <= set(sales), "no green is missing from the journal"
    assert set(sales) <= set(debited), "no sale without a debit"
    assert len(set(debited) - set(sales)) <= doubts, "no debit is forgotten"
    assert doubts == 0, "one stall alone can always tell"
    assert market.greens
    till.stop()
    return recovered


@pytest.fixture(scope="module", autouse=True)
def warm_server() -> None:
    """A process that has imported everything, from which each till is forked."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", __name__])


def test_killed_25_times(tmp_path: Path) -> None:
    """Promise: kill -9 at any moment loses no green sale and doubles none."""
    kill_and_look(tmp_path, 25, seed=1)


@pytest.mark.slow
def test_killed_200_times(tmp_path: Path) -> None:
    """Promise: the same, 200 times."""
    assert kill_and_look(tmp_path, 200, seed=2) > 0, "some kills hit the middle of a sale"
