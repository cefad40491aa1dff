"""A stall of the life: a real till with a clock of its own, and what its producer sees of it.

Django has to be prepared before this module is imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from cardkit.bodies import RefundReason, ResolutionChoice
from cardkit.clock import business_date
from cardkit.errors import CardError
from cardkit.sync import decode_request
from server_stub.services.caisse import Caisse
from server_stub.services.sync import sync
from simulator.burnt.stall import ROUNDS_MAX, Stall, of_no_machine
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import Field
from simulator.life.shops import Shop
from terminal.config import DataDirectory
from terminal.outcomes import Basket, Green, Refused, SaleOutcome
from terminal.selling import EMPTY_BASKET

COMMIT_EXCHANGE: Final = 9
"""CommitTransaction is the ninth exchange of a sale (docs/protocol.md, 1.1)."""
SMALLEST_PART_CENTS: Final = 1_00
"""Nobody asks a card for less, and the rest in cash."""


@dataclass
class LifeStall:
    """One terminal at its merchant's."""

    shop: Shop
    merchant: int
    terminal: int
    folder: Path
    stall: Stall
    clock: ManualClock
    reader: Field
    enrolled_on: date
    greens: list[Green] = field(default_factory=list)
    """Sales of this day."""
    is_on: bool = True
    silent_from: date | None = None
    """From this day on it reports to nobody."""

    def sell(self, card: VirtualCard, amount_cents: int) -> SaleOutcome:
        """Sell; who has not enough pays what the card can, and the rest in cash."""
        outcome = self._sell(card, amount_cents)
        if isinstance(outcome, Refused):
            payable_cents = outcome.declined.payable_cents
            if payable_cents >= SMALLEST_PART_CENTS:
                rest_cents = amount_cents - payable_cents
                basket = Basket(total_cents=amount_cents, remainder_cents=rest_cents)
                return self._sell(card, payable_cents, basket=basket)
        return outcome

    def sell_torn(
        self, card: VirtualCard, amount_cents: int, *, executed: bool
    ) -> SaleOutcome | None:
        """Sell to a card that is torn away while it commits; None: it was gone before that.

        A card that this till does not know as it is tells more before it is asked to commit.
        """
        tear = self.reader.tear_after if executed else self.reader.tear_before
        tear(COMMIT_EXCHANGE)
        try:
            return self._sell(card, amount_cents)
        except CardError:
            return None

    def answer_amber(self) -> None:
        """Say of every open sale that the client has left."""
        for held in self.stall.till.journal.open_intents():
            self.stall.till.resolve(held.seq, ResolutionChoice.CLIENT_LEFT)

    def refund(self, sale: Green, amount_cents: int) -> None:
        """Give back a part of a sale."""
        self.stall.till.refund(sale.seq, amount_cents, RefundReason.GOODS_RETURNED)

    def close_day(self) -> None:
        """Journal the day's totals, if anything was sold."""
        if self.greens:
            self.stall.till.close_day(business_date(self.clock.now().at))
            self.greens.clear()

    def exchange(self, caisse: Caisse) -> None:
        """Send what is unsent, in as many requests as it takes, and take in the answers."""
        data, till = DataDirectory(self.folder), self.stall.till
        last_seq = till.journal.head.seq
        for _ in range(ROUNDS_MAX):
            till.export_outbox()
            for number, path in enumerate(sorted(data.outbox.glob("*.cbor")), start=1):
                answer = sync(caisse, of_no_machine(decode_request(path.read_bytes())))
                (data.inbox / f"{number:010}.cbor").write_bytes(answer)
            till.consume_inbox()
            if till.journal.acknowledged_seq >= last_seq:
                return

    def go_wrong(self, ahead: timedelta) -> None:
        """Let the clock run ahead, as after somebody has set it."""
        self.clock.set(self.clock.now().at + ahead)

    def set_right(self, at: datetime) -> None:
        """Let somebody set the clock."""
        self.clock.set(at)

    def switch_off(self) -> None:
        """Close it: it was lost, it burnt, or the life is over."""
        if self.is_on:
            self.stall.close()
        self.is_on = False

    def _sell(
        self, card: VirtualCard, amount_cents: int, *, basket: Basket = EMPTY_BASKET
    ) -> SaleOutcome:
        outcome = self.stall.tap(
            card,
            lambda connection: self.stall.till.sell(
                connection, amount_cents, merchant=self.merchant, basket=basket
            ),
        )
        if isinstance(outcome, Green):
            self.greens.append(outcome)
        return outcome
