"""The place where a card meets a reader: through the real pcscd where it runs, else in-process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from cardkit.card.connection import CardConnection
from cardkit.errors import ReaderError, ReaderLost
from cardkit.reader import Reader, open_reader
from simulator.card import VirtualCard
from simulator.field import Field
from simulator.pcscd import PrivatePcscd, available
from simulator.vpcd import VpcdSlot

T = TypeVar("T")

NOTICE_S: Final = 5.0
"""How long pcscd may take to notice that a card came or went."""
COMMIT_EXCHANGE: Final = 9
"""CommitTransaction is the ninth exchange of a sale (docs/protocol.md, 1.1)."""


class Place(Protocol):
    """A slot that cards are put into, torn from and taken out of."""

    @property
    def exchanges(self) -> int:
        """How many APDUs it has carried."""

    def put(self, card: VirtualCard) -> None:
        """Lay a card on the reader."""

    def take(self) -> None:
        """Take it away."""

    def tear_before(self, number: int) -> None:
        """Lose the n-th APDU from now."""

    def tear_after(self, number: int) -> None:
        """Lose the answer to the n-th APDU from now."""


@dataclass(frozen=True, slots=True)
class Counter:
    """One reader and the hand that lays cards on it."""

    path: str
    """Which way the bytes go, in words."""
    reader: Reader
    place: Place

    @property
    def exchanges(self) -> int:
        """How many APDUs were exchanged here so far."""
        return self.place.exchanges

    def tap(self, card: VirtualCard, act: Callable[[CardConnection], T]) -> T:
        """Lay a card down, do something with it, and take it away, torn or not."""
        self.place.put(card)
        try:
            connection = self.reader.wait_for_card(NOTICE_S)
            if connection is None:
                raise ReaderLost("a card that was laid down was not seen")
            try:
                return act(connection)
            finally:
                connection.close()
        finally:
            self.place.take()
            self.reader.wait_for_removal(NOTICE_S)

    def tear_commit(self, *, executed: bool) -> None:
        """Let the next sale's commit be torn: before the card receives it, or after it acted."""
        if executed:
            self.place.tear_after(COMMIT_EXCHANGE)
        else:
            self.place.tear_before(COMMIT_EXCHANGE)


class _FieldPlace:
    def __init__(self, field: Field) -> None:
        self._field = field
        self.tear_before = field.tear_before
        self.tear_after = field.tear_after

    @property
    def exchanges(self) -> int:
        return self._field.exchanges

    def put(self, card: VirtualCard) -> None:
        self._field.lift()
        self._field.place(card)

    def take(self) -> None:
        self._field.lift()


class _SlotPlace:
    def __init__(self, slot: VpcdSlot) -> None:
        self._slot = slot
        self.put = slot.insert
        self.take = slot.remove
        self.tear_before = slot.tear_before
        self.tear_after = slot.tear_after

    @property
    def exchanges(self) -> int:
        return self._slot.exchanges


@contextmanager
def open_counter() -> Iterator[Counter]:
    """Give a counter for as long as the week lasts; says in `path` which way it took and why."""
    obstacle = available()
    with ExitStack() as stack:
        if obstacle is None:
            try:
                counter = stack.enter_context(_through_pcscd())
            except ReaderError as error:
                obstacle = str(error)
            else:
                yield counter
                return
        field = Field("comptoir virtuel")
        yield Counter(f"in-process ({obstacle})", field, _FieldPlace(field))


@contextmanager
def _through_pcscd() -> Iterator[Counter]:
    with PrivatePcscd(fastpoll=True) as daemon, VpcdSlot("127.0.0.1", daemon.port) as slot:
        os.environ.update(daemon.environment)
        reader = open_reader(f"pcsc:{daemon.reader_names[0]}")
        try:
            yield Counter("pcscd → vpcd → virtual card", reader, _SlotPlace(slot))
        finally:
            reader.close()
