"""Who means harm in a world, and what any of them has to work with."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from cardkit.card.keys import TerminalCardKeys
from cardkit.card.session import PurseSession
from cardkit.card.token import ReaderId, SaleRecord
from server_stub.rules.findings import FindingKind
from simulator.card import VirtualCard
from simulator.field import Field
from simulator.world.truth import Misdeed

if TYPE_CHECKING:
    from simulator.world.till import WorldTill
    from simulator.world.world import World


@dataclass
class Actor(ABC):
    """One who means harm; what each does is drawn from a stream of its own."""

    world: World
    name: ClassVar[str]
    deeds: int = 0
    """How often it got to do something."""
    draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.draw = self.world.chance.stream(f"hostile/{self.name}")

    def act(self) -> None:
        """Do harm once, if there is an occasion."""
        if self.try_it():
            self.deeds += 1

    @abstractmethod
    def try_it(self) -> bool:
        """Do harm; False when there was no occasion."""

    def leave(self) -> None:
        """Stop: the world heals, and people have drawn their conclusions."""
        self.world.trace.note(self.world.now, self.name, "leaves", self.deeds)

    # For those who derive from it

    def note(
        self,
        words: str,
        *,
        terminal: int | None = None,
        uid: bytes | None = None,
        betrayed_by: Collection[FindingKind] = (),
    ) -> None:
        """Note a misdeed; one of `betrayed_by` has to name the terminal, or else the card."""
        world = self.world
        misdeed = Misdeed(
            actor=self.name,
            words=words,
            terminal=terminal,
            uid=uid,
            betrayed_by=frozenset(kind.value for kind in betrayed_by),
        )
        world.truth.mischief.append(misdeed)
        world.trace.note(world.now, self.name, words)

    def stall(self) -> WorldTill | None:
        """Return an honest stall that is on, if there is one."""
        hostile = self.world.truth.hostile
        on = [it for it in self.world.stalls.values() if it.is_on and it.number not in hostile]
        return self.draw.choice(on) if on else None

    def card(self) -> VirtualCard:
        """Return a member's card, which lies within reach."""
        return self.draw.choice(self.world.cards)


def card_keys(world: World) -> TerminalCardKeys:
    """Return what every terminal holds: whoever opens one has it."""
    keys = world.centre.keys
    masters = {master.version: master.key for master in keys.workshop.masters}
    return TerminalCardKeys(system_id=keys.public.system_id, masters=masters)


def open_card(world: World, card: VirtualCard) -> PurseSession:
    """Open a card with key 1, at a reader of one's own."""
    reader = Field()
    reader.place(card)
    connection = reader.wait_for_card(0)
    if connection is None:
        raise AssertionError("a card that was laid down is there")
    return PurseSession.open(connection, card_keys(world))


def debit(
    world: World,
    card: VirtualCard,
    amount_cents: int,
    *,
    reader: ReaderId,
    record: SaleRecord | None = None,
) -> None:
    """Take money off a card and leave whatever mark one likes; raises CardError when empty."""
    session = open_card(world, card)
    tmac, spent_cents = session.tmac(), session.spent_cents()
    session.debit(amount_cents)
    honest = SaleRecord(
        terminal=reader.terminal,
        seq=reader.seq,
        amount_cents=amount_cents,
        spent0_cents=spent_cents,
        tmv0=tmac.tmv,
        token=reader.token,
    )
    session.write_record(honest if record is None else record)
    session.commit_reader_id(reader)
    done = session.commit()
    card.reset()
    world.truth.meddled[card.uid].add(done.tmc)
