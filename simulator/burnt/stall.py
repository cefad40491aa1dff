"""A stall with a real till, whose requests reach the service without a network between.

Django has to be prepared before this module is imported.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from cardkit.card.connection import CardConnection
from cardkit.errors import must
from cardkit.sync import SyncRequest, decode_request
from server_stub.services.caisse import Caisse
from server_stub.services.sync import sync
from simulator.card import VirtualCard
from simulator.field import Field
from terminal.config import DataDirectory
from terminal.outcomes import SaleOutcome
from terminal.till import Till

T = TypeVar("T")

ROUNDS_MAX: Final = 3
"""What was asked for, that it was taken in, and that nothing is left to say."""
DISK_FREE_MB: Final = 24_000
TEMPERATURE_C: Final = 43


class Stall:
    """One terminal, and the hand that lays cards on its reader."""

    def __init__(
        self, caisse: Caisse, till: Till, data: DataDirectory, *, field: Field, merchant: int
    ) -> None:
        self.till = till
        self.merchant = merchant
        self._caisse = caisse
        self._data = data
        self._field = field

    @property
    def terminal(self) -> int:
        """Its number."""
        return self.till.journal.terminal

    def tap(self, card: VirtualCard, act: Callable[[CardConnection], T]) -> T:
        """Lay a card down, do something with it, and take it away."""
        self._field.lift()
        self._field.place(card)
        connection = self._field.wait_for_card(0)
        must(connection is not None, "a card that was laid down is there")
        try:
            return act(connection)  # type: ignore[arg-type]  # narrowed by must()
        finally:
            self._field.lift()

    def sell(self, card: VirtualCard, amount_cents: int) -> SaleOutcome:
        """Sell to a card."""
        return self.tap(card, lambda it: self.till.sell(it, amount_cents, merchant=self.merchant))

    def tear_commit(self, exchange: int = 9) -> None:
        """Take the next card away when it has obeyed at that exchange, and before it answers."""
        self._field.tear_after(exchange)

    def sync(self) -> None:
        """Exchange with the service until it holds all there is and is known to."""
        for _ in range(ROUNDS_MAX):
            self.till.export_outbox()
            for number, path in enumerate(sorted(self._data.outbox.glob("*.cbor")), start=1):
                answer = sync(self._caisse, of_no_machine(decode_request(path.read_bytes())))
                (self._data.inbox / f"{number:010}.cbor").write_bytes(answer)
            self.till.consume_inbox()

    def burn(self) -> None:
        """Lose the terminal with everything on it."""
        self.till.close()
        shutil.rmtree(self._data.root)

    def close(self) -> None:
        """Switch it off."""
        self.till.close()


def of_no_machine(request: SyncRequest) -> SyncRequest:
    """Return a request that tells of a till's board, and nothing of the machine that plays it."""
    if request.health is None:
        return request
    board = replace(
        request.health,
        fsync_p95_ms=None,
        disk_free_mb=DISK_FREE_MB,
        temperature_c=TEMPERATURE_C,
        undervoltage=None,
    )
    return replace(request, health=board)
