"""A shop's terminal: enrolled through the workshop, selling at a counter, syncing when it can."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import requests

from cardkit.bodies import RefundReason, ResolutionChoice
from cardkit.clock import Clock, business_date
from cardkit.errors import ServerUnreachable, must
from cardkit.pairing import Ticket
from provisioning.client import ServiceClient
from provisioning.terminals import Conversation, Enrolled, TerminalWorkshop
from simulator.card import VirtualCard
from simulator.market.counter import Counter
from simulator.market.plan import Shop
from simulator.market.truth import GreenScreen
from simulator.network import StallNetwork, Weather, session_over
from terminal.config import DataDirectory
from terminal.documents import Documents
from terminal.keyring import read_transport_key
from terminal.outcomes import Basket, Green, Refunded, SaleOutcome
from terminal.pair import Pairing
from terminal.software import Software
from terminal.sync import Sync
from terminal.till import Till
from terminal.wiring import open_till

ROUNDS_MAX: Final = 20
"""Exchanges of one visit to the network: far more than a week's entries need."""


@dataclass
class Log:
    """What the week keeps of what people saw."""

    greens: list[GreenScreen] = field(default_factory=list)
    exchanges: list[int] = field(default_factory=list)
    """Of sales that turned green at their first tap with a directory at hand."""


class Stall:
    """One shop, one terminal, one reader."""

    def __init__(
        self,
        shop: Shop,
        *,
        merchant: int,
        folder: Path,
        counter: Counter,
        clock: Clock,
        log: Log,
    ) -> None:
        self.shop = shop
        self.merchant = merchant
        self.terminal = 0
        self.network = StallNetwork()
        self._folder = folder
        self._counter = counter
        self._clock = clock
        self._log = log
        self._session: requests.Session = session_over(self.network)
        self._till: Till | None = None

    @property
    def till(self) -> Till:
        """The till, once it is enrolled and has not burnt."""
        must(self._till is not None, f"{self.shop.name} has a terminal")
        return self._till  # type: ignore[return-value]  # narrowed by must()

    @property
    def burnt(self) -> bool:
        """Whether this shop has no terminal any more."""
        return self._till is None

    def enrol(self, workshop: TerminalWorkshop, client: ServiceClient) -> None:
        """Pair the terminal: it shows four words, the coordinator types them."""
        software = Software.installed()
        data = DataDirectory(self._folder)
        begun: list[Pairing] = []

        def show_ticket(ticket: Ticket) -> None:
            begun.append(Pairing(data, ticket, session=self._session))
            must(begun[0].ask() is None, "nobody has approved yet")

        conversation = Conversation(
            show_ticket=show_ticket,
            ask_words=lambda _: begun[0].words,
            wait=lambda _: None,
        )
        enrolled = workshop.enrol(client, conversation, merchants=(self.merchant,))
        must(isinstance(enrolled, Enrolled), f"{self.shop.name} is enrolled: {enrolled}")
        result = begun[0].ask()
        if result is None:
            raise ServerUnreachable("the pairing was approved and is not answered")
        identity = begun[0].finish(result, clock=self._clock, software=software)
        self.terminal = identity.terminal
        self._till = open_till(data, clock=self._clock, software=software)
        self._till.start()

    def sell(
        self, card: VirtualCard, amount_cents: int, *, basket: Basket | None = None
    ) -> SaleOutcome:
        """Sell to a card; remembers every green screen, also that of an earlier sale."""
        before = self._counter.exchanges
        outcome = self._counter.tap(
            card,
            lambda connection: self.till.sell(
                connection,
                amount_cents,
                merchant=self.merchant,
                basket=basket or Basket(),
                announce=self._saw,
            ),
        )
        if isinstance(outcome, Green) and not outcome.settled:
            self._log.exchanges.append(self._counter.exchanges - before)
        return outcome

    def sell_torn(self, card: VirtualCard, amount_cents: int, *, executed: bool) -> SaleOutcome:
        """Sell to a card that is torn away while it commits."""
        self._counter.tear_commit(executed=executed)
        return self.sell(card, amount_cents)

    def show_balance(self, card: VirtualCard) -> None:
        """Let a member look at the balance, which leaves a newer allowance on the card."""
        self._counter.tap(card, self.till.refresh)

    def inspect(self, card: VirtualCard) -> None:
        """Take down what a card tells of its past."""
        self._counter.tap(card, self.till.inspect)

    def answer_amber(self, choice: ResolutionChoice) -> None:
        """Say of every open sale what became of it."""
        for held in self.till.journal.open_intents():
            self.till.resolve(held.seq, choice)

    def refund(self, seq: int, amount_cents: int) -> Refunded:
        """Give back a part of a sale."""
        outcome = self.till.refund(seq, amount_cents, RefundReason.GOODS_RETURNED)
        must(isinstance(outcome, Refunded), f"a refund is entered: {outcome}")
        return outcome  # type: ignore[return-value]  # narrowed by must()

    def let_go(self) -> DataDirectory:
        """Close the till, so that another program may open it; `take_back` opens it again."""
        self.till.stop()
        self._till = None
        return DataDirectory(self._folder)

    def take_back(self) -> None:
        """Open the till again after somebody else had it."""
        data = DataDirectory(self._folder)
        self._till = open_till(data, clock=self._clock, software=Software.installed())
        self._till.start()

    @property
    def clock(self) -> Clock:
        """What this shop believes the time to be."""
        return self._clock

    def close_day(self, now: datetime) -> None:
        """Close the business day; what is still amber is left to the caisse."""
        self.till.close_day(business_date(now))
        self.till.journal.checkpoint()

    def sync(self) -> bool:
        """Exchange with the service until it knows all there was; False without network."""
        data = DataDirectory(self._folder)
        identity = Documents(data.documents).identity
        key = read_transport_key(data.keys, caisse=identity.caisse)
        line = Sync(data, identity, key=key, session=self._session, clock=self._clock)
        journal = self.till.journal
        for _ in range(ROUNDS_MAX):
            known_seq, wanted_seq = journal.acknowledged_seq, journal.head.seq
            self.till.export_outbox()
            try:
                line.run()
            except ServerUnreachable:
                return False
            self.till.consume_inbox()
            if journal.acknowledged_seq in {known_seq, wanted_seq}:
                return True  # that of an acknowledgement alone is not journalled
        return False

    def sync_on_a_bad_line(self) -> None:
        """Sync with an answer that gets lost, and again when the line is back."""
        self.network.weather = Weather.ANSWER_LOST
        must(not self.sync(), "the line dropped")
        must(self.sync(), "the second attempt went through")

    def burn(self) -> None:
        """Lose the terminal with everything on it."""
        self.till.close()
        self._till = None
        shutil.rmtree(self._folder)

    def close(self) -> None:
        """Switch off for good."""
        if self._till is not None:
            self._till.stop()
            self._till = None
        self._session.close()

    def _saw(self, green: Green) -> None:
        self._log.greens.append(GreenScreen(self.terminal, green.seq, green.amount_cents))
