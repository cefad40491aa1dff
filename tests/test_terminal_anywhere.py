"""Whatever breaks at whatever exchange of a sale: in the end there is one green for one debit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from cardkit.card.connection import Activation, CardConnection
from cardkit.errors import (
    CardAnswerInvalid,
    CardError,
    CardLost,
    JournalStopped,
    ReaderError,
    ReaderLost,
)
from simulator.card import VirtualCard
from terminal.outcomes import Amber, Green, SaleOutcome
from terminal.till import Till
from tests.terminal_world import MERCHANT, World, debits_cents

EXCHANGES = 9
INTENT, COMMIT = 8, 9
PRICE_CENTS = 12_50
REFUSED, SHORT, NONSENSE = bytes.fromhex("91EE"), b"\x91", bytes(40) + b"\x91\x00"
TROUBLES = (
    CardLost("gone"),
    CardAnswerInvalid("nonsense"),
    ReaderLost("unplugged"),
    KeyboardInterrupt(),
    SystemExit(1),
    REFUSED,
    SHORT,
    NONSENSE,
)


@dataclass
class Troubled:
    """A connection that answers otherwise, or raises, at one exchange, executed or not."""

    inner: CardConnection
    exchange: int
    trouble: BaseException | bytes
    executed: bool
    sent: int = 0

    @property
    def uid(self) -> bytes:
        """The card's."""
        return self.inner.uid

    @property
    def activation(self) -> Activation:
        """The card's."""
        return self.inner.activation

    def transceive(self, command: bytes) -> bytes:
        """Answer, or not."""
        self.sent += 1
        if self.sent != self.exchange:
            return self.inner.transceive(command)
        if self.executed:
            self.inner.transceive(command)
        if isinstance(self.trouble, bytes):
            return self.trouble
        raise self.trouble

    def close(self) -> None:
        """Let go."""
        self.inner.close()


@dataclass
class StopsTheDisk:
    """A connection beside which the disk takes nothing any more, from one exchange on."""

    inner: CardConnection
    till: Till
    exchange: int
    sent: int = 0

    @property
    def uid(self) -> bytes:
        """The card's."""
        return self.inner.uid

    @property
    def activation(self) -> Activation:
        """The card's."""
        return self.inner.activation

    def transceive(self, command: bytes) -> bytes:
        """Answer, and then fail the disk."""
        answer = self.inner.transceive(command)
        self.sent += 1
        if self.sent == self.exchange:
            self.till.journal._db.execute("PRAGMA query_only = ON")
        return answer

    def close(self) -> None:
        """Let go."""
        self.inner.close()


def stall(path: Path) -> tuple[World, VirtualCard, Till]:
    """A till and a card with 50 €."""
    world = World.make(path)
    card = world.new_card(50_00)
    world.publish()
    return world, card, world.till()


def settle(world: World, card: VirtualCard, greens: list[Green]) -> None:
    """After a new start of the till, tap once more for the same price."""
    till = world.till()
    world.tap(
        card, lambda it: till.sell(it, PRICE_CENTS, merchant=MERCHANT, announce=greens.append)
    )
    assert till.journal.open_intents() == ()
    till.stop()


def name(trouble: BaseException | bytes) -> str:
    """How a trouble is called in the list of tests."""
    return trouble.hex()[-4:] if isinstance(trouble, bytes) else type(trouble).__name__


@pytest.mark.parametrize("executed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("exchange", range(1, EXCHANGES + 1))
@pytest.mark.parametrize("trouble", TROUBLES, ids=name)
def test_one_green_for_one_debit(
    tmp_path: Path, trouble: BaseException | bytes, exchange: int, executed: bool
) -> None:
    """Promise: before the commit nothing happened; from the commit on nobody says so."""
    world, card, till = stall(tmp_path)
    greens = list[Green]()
    connection = Troubled(world.connect(card), exchange, trouble, executed)
    head = till.journal.head.seq
    outcome: SaleOutcome | None = None
    try:
        outcome = till.sell(connection, PRICE_CENTS, merchant=MERCHANT, announce=greens.append)
    except (CardError, ReaderError):
        assert exchange < COMMIT
    except (KeyboardInterrupt, SystemExit):
        assert isinstance(trouble, (KeyboardInterrupt, SystemExit))
    assert connection.sent == exchange, "nothing more is asked of that card"
    assert isinstance(outcome, Amber) == (
        exchange == COMMIT and not isinstance(trouble, (KeyboardInterrupt, SystemExit))
    )
    assert greens == []
    assert till.journal.head.seq == head + (exchange == COMMIT)
    assert len(till.journal.open_intents()) == (exchange == COMMIT)
    till.close()
    world.field.lift()
    settle(world, card, greens)
    assert [green.amount_cents for green in greens] == debits_cents(card) == [PRICE_CENTS]


@pytest.mark.parametrize("exchange", [INTENT, COMMIT], ids=["intent", "sale"])
def test_a_disk_that_fails_within_a_sale(tmp_path: Path, exchange: int) -> None:
    """Promise: no intent, no commit; no sale on disk, no green, and the intent is there."""
    world, card, till = stall(tmp_path)
    greens = list[Green]()
    connection = StopsTheDisk(world.connect(card), till, exchange)
    with pytest.raises(JournalStopped):
        till.sell(connection, PRICE_CENTS, merchant=MERCHANT, announce=greens.append)
    assert greens == []
    assert connection.sent == exchange
    assert debits_cents(card) == [PRICE_CENTS] * (exchange == COMMIT)
    till.close()
    world.field.lift()
    settle(world, card, greens)
    assert [green.amount_cents for green in greens] == debits_cents(card) == [PRICE_CENTS]
