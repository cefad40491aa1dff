"""A sale that is stopped before its commit, and committed by somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from cardkit.card.connection import Activation, CardConnection
from cardkit.card.token import ReaderId
from cardkit.errors import CardError, CardLost, ReaderError
from simulator.world.hostile.actor import Actor, debit

_COMMIT: Final = 0xC7


@dataclass
class Relay(Actor):
    """Stands between a card and a till, stops the commit, and commits with the same mark.

    So a token is no guilt (docs/protocol.md, 10): the stall is owed what the card has moved, and
    nothing else may come of it.
    """

    name: ClassVar[str] = "relay"

    def try_it(self) -> bool:
        """Leave a stall amber, and take the money off the card in that stall's name."""
        stall = self.stall()
        if stall is None:
            return False
        card, amount_cents = self.card(), self.draw.randint(50, 900)
        try:
            stall.tap(
                card,
                lambda connection: stall.till.sell(
                    _Stopped(connection),
                    amount_cents,
                    merchant=stall.merchant,
                    announce=lambda _green: None,
                ),
            )
        except (CardError, ReaderError):
            return False
        if not stall.is_on:
            return False
        held = stall.till.journal.open_intents(card.uid)
        if not held or held[-1].intent.amount_cents != amount_cents:
            return False
        reader = ReaderId(terminal=stall.number, seq=held[-1].seq, token=held[-1].intent.token)
        try:
            debit(self.world, card, amount_cents, reader=reader)
        except CardError:
            return False
        self.note(f"commits {held[-1].seq} of {stall.number}", uid=card.uid)
        return True


class _Stopped:
    """A connection on which the commit never reaches the card."""

    def __init__(self, inner: CardConnection) -> None:
        self._inner = inner

    @property
    def uid(self) -> bytes:
        """The card's."""
        return self._inner.uid

    @property
    def activation(self) -> Activation:
        """The card's."""
        return self._inner.activation

    def close(self) -> None:
        """Let go of the card."""
        self._inner.close()

    def transceive(self, command: bytes) -> bytes:
        """Exchange one APDU, unless it is the one that pays; raises CardLost."""
        if command[1:2] == bytes([_COMMIT]):
            raise CardLost("stopped on the way")
        return self._inner.transceive(command)
