"""Harm done to cards, with key 1 or with a copy of everything that a card holds."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from cardkit.card.token import ReaderId
from cardkit.errors import CardError
from server_stub.rules.findings import FindingKind
from simulator.card import VirtualCard
from simulator.world.hostile.actor import Actor, debit, open_card
from simulator.world.truth import Green, debits_of

NOBODY: Final = 999
"""A terminal that was never enrolled."""
_TWO_PIECES: Final = frozenset(
    {
        FindingKind.TWO_PROOFS,
        FindingKind.COUNTER_WENT_DOWN,
        FindingKind.CARD_BRANCHED,
        FindingKind.CARD_ROLLED_BACK,
        FindingKind.CARD_FORKED,
    }
)
_SLOTS: Final = 2
_GARBAGE_BYTES: Final = 254


@dataclass
class Drainer(Actor):
    """Takes money off cards and tells nobody: nobody is to gain by it, and no member to lose."""

    name: ClassVar[str] = "drainer"

    def try_it(self) -> bool:
        """Debit a card under a name that nobody bears."""
        card = self.card()
        reader = ReaderId(terminal=NOBODY, seq=self.deeds + 1, token=self.draw.randbytes(8))
        try:
            debit(self.world, card, self.draw.randint(1, 1_500), reader=reader)
        except CardError:
            return False
        self.note("drains", uid=card.uid)
        return True


@dataclass
class Framer(Actor):
    """Takes money off cards in the name of an honest terminal, without its token (T13)."""

    name: ClassVar[str] = "framer"

    def try_it(self) -> bool:
        """Debit a card under an honest name and a number of the past or the future."""
        stall, card = self.stall(), self.card()
        if stall is None:
            return False
        head = stall.till.journal.head.seq
        seq = max(1, head + self.draw.randint(-6, 6))
        reader = ReaderId(terminal=stall.number, seq=seq, token=self.draw.randbytes(8))
        try:
            debit(self.world, card, self.draw.randint(1, 1_500), reader=reader)
        except CardError:
            return False
        self.note(f"leaves the name of {stall.number}", uid=card.uid)
        return True


@dataclass
class Bumper(Actor):
    """Lets the counters of cards rise without a debit."""

    name: ClassVar[str] = "bumper"

    def try_it(self) -> bool:
        """Commit a transaction that moves no money."""
        card = self.card()
        for _ in range(self.draw.randint(1, 3)):
            session = open_card(self.world, card)
            session.spent_cents()
            session.commit_reader_id(ReaderId(terminal=NOBODY, seq=1, token=bytes(8)))
            done = session.commit()
            card.reset()
            self.world.truth.meddled[card.uid].add(done.tmc)
        self.note("bumps", uid=card.uid)
        return True


@dataclass
class Vandal(Actor):
    """Overwrites what a card brings of its allowance: garbage, an old one, or another card's."""

    name: ClassVar[str] = "vandal"

    def try_it(self) -> bool:
        """Overwrite one slot or both."""
        card, other = self.card(), self.card()
        documents = [self.draw.randbytes(_GARBAGE_BYTES), bytes(_GARBAGE_BYTES)]
        slots = open_card(self.world, other).allowance_slots()
        other.reset()
        documents += [slot for slot in slots if slot is not None]
        session = open_card(self.world, card)
        for slot in range(self.draw.randint(1, _SLOTS)):
            session.write_allowance(slot, self.draw.choice(documents))
        card.reset()
        self.note("overwrites an allowance", uid=card.uid)
        return True


@dataclass
class Cloner(Actor):
    """Has a second piece of plastic with everything that a card holds, keys included (T3)."""

    name: ClassVar[str] = "cloner"
    original: VirtualCard | None = None
    clone: VirtualCard | None = None
    copied_at: int = 0
    """The card's counter when it was copied."""

    def try_it(self) -> bool:
        """Buy with the copy, after its card or before."""
        stall = self.stall()
        if stall is None:
            return False
        world = self.world
        if self.clone is None:
            self.original = self.card()
            self.clone = copy.deepcopy(self.original)
            self.copied_at = max(it.tmc for it in self.original.history)
            world.truth.cloned.add(self.original.uid)
            world.truth.clones.append(self.clone)
        world.people.buy(stall, self.clone, self.draw.randint(50, 900))
        return True

    def leave(self) -> None:
        """Once tills that still tell have sold to both pieces at one counter, it comes out."""
        if self.clone is None or self.original is None:
            return
        both = self._told_by_honest(self.clone) & self._told_by_honest(self.original)
        of_copies = _TWO_PIECES if both else ()
        self.note("cloned a card", uid=self.original.uid, betrayed_by=of_copies)

    def _told_by_honest(self, piece: VirtualCard) -> set[int]:
        """Counters at which a till that lost nothing has sold to this piece, and shown green."""
        world, truth = self.world, self.world.truth
        gone = truth.burnt | truth.rewound | truth.hostile | world.lost | world.lost_too_soon
        seen = {(it.terminal, it.seq) for it in truth.greens if it.terminal not in gone}
        since = self.copied_at
        return {
            it.tmc for it in debits_of(piece) if it.tmc > since and (it.terminal, it.seq) in seen
        }


@dataclass
class Reverser(Actor):
    """Puts a card's memory back to what it was, as a laboratory might."""

    name: ClassVar[str] = "reverser"

    def try_it(self) -> bool:
        """Buy with a card, and take the purchase back off it."""
        stall = self.stall()
        if stall is None:
            return False
        card = self.card()
        before = card.snapshot()
        self.world.truth.cloned.add(card.uid)
        self.world.people.buy(stall, card, self.draw.randint(50, 900))
        card.restore(before)
        self.note("puts back", uid=card.uid)
        return True


@dataclass
class Emulator(Actor):
    """Plays a member's card with key 1; the key that makes proofs it does not have (T13)."""

    name: ClassVar[str] = "emulator"

    def try_it(self) -> bool:
        """Buy at an honest stall with what is no card: its green is nobody's money."""
        stall = self.stall()
        if stall is None:
            return False
        truth = self.world.truth
        fake = copy.deepcopy(self.card())
        for application in fake.memory.applications.values():
            if application.tmac is not None:
                key = application.tmac.key
                application.tmac.key = replace(key, value=self.draw.randbytes(len(key.value)))
        seen = len(truth.greens)
        self.world.people.buy(stall, fake, self.draw.randint(50, 900))
        mine: list[Green] = [it for it in truth.greens[seen:] if it.uid == fake.uid]
        for green in mine:
            truth.counterfeit.add((green.terminal, green.seq))
        self.note(f"emulates at {stall.number}", uid=fake.uid)
        return True
