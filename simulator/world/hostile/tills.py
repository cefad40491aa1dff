"""Harm done with a terminal that is one's own: hiding sales, telling two stories, staying blind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final

from cardkit import bodies
from cardkit.bodies import SaleProof
from cardkit.card.token import ReaderId, SaleRecord
from cardkit.errors import CardError
from server_stub.rules.findings import FindingKind
from simulator.card import VirtualCard
from simulator.world.hostile.actor import Actor, open_card
from simulator.world.hostile.claims import Thief
from simulator.world.hostile.stolen import StolenTerminal
from simulator.world.images import copy_disk, put_back_disk
from simulator.world.till import Condition, WorldTill

_BLIND_DAYS_MAX: Final = 20


def sell(stolen: StolenTerminal, card: VirtualCard, amount_cents: int) -> bodies.Sale:
    """Sell as the terminal's program would; the intent is in the chain, the sale is not.

    Raises CardError.
    """
    session = open_card(stolen.world, card)
    tmac, spent_cents = session.tmac(), session.spent_cents()
    token = stolen.token(
        card.uid, tmc0=tmac.tmc, spent0_cents=spent_cents, amount_cents=amount_cents
    )
    session.debit(amount_cents)
    session.write_record(
        SaleRecord(
            terminal=stolen.number,
            seq=stolen.seq + 1,
            amount_cents=amount_cents,
            spent0_cents=spent_cents,
            tmv0=tmac.tmv,
            token=token,
        )
    )
    reader = ReaderId(terminal=stolen.number, seq=stolen.seq + 1, token=token)
    enc_tmri = session.commit_reader_id(reader)
    seq = stolen.append(
        stolen.intent(
            card.uid,
            tmc0=tmac.tmc,
            tmv0=tmac.tmv,
            spent0_cents=spent_cents,
            amount_cents=amount_cents,
            enc_tmri=enc_tmri,
        )
    ).seq
    done = session.commit()
    card.reset()
    stolen.world.truth.meddled[card.uid].add(done.tmc)
    return bodies.Sale(
        intent_seq=seq,
        amount_cents=amount_cents,
        tmc=done.tmc,
        proof=SaleProof.COMMIT_ANSWERED,
        tmv=done.tmv,
    )


@dataclass
class Withholder(Thief):
    """Sells, and never tells of it (T15): the card does, wherever it is tapped next."""

    name: ClassVar[str] = "withholder"

    def try_it(self) -> bool:
        """Sell and keep the entries back; sometimes say that it did not happen."""
        stolen = self.take()
        if stolen is None:
            return False
        card = self.card()
        try:
            sale = sell(stolen, card, self.draw.randint(50, 900))
        except CardError:
            return False
        if self.draw.random() < 0.5:
            stolen.unsent.clear()
            self.note("keeps a sale back", terminal=stolen.number, uid=card.uid)
            return True
        stolen.append(
            bodies.Void(
                intent_seq=sale.intent_seq,
                reason=bodies.VoidReason.COUNTER_UNCHANGED,
                tmc=sale.tmc - 1,
                tmv=bytes(8),
                spent_cents=0,
            )
        )
        if stolen.send():
            self.note("denies a sale", terminal=stolen.number, uid=card.uid)
        return True


@dataclass
class Denier(Thief):
    """Sells, and signs something else under the number of the sale."""

    name: ClassVar[str] = "denier"

    def try_it(self) -> bool:
        """Sell under a number, and send another entry with that number."""
        stolen = self.take()
        if stolen is None:
            return False
        card = self.card()
        before = stolen.seq, stolen.head, list(stolen.unsent)
        try:
            sell(stolen, card, self.draw.randint(50, 900))
        except CardError:
            return False
        stolen.seq, stolen.head, stolen.unsent = before
        stolen.append(bodies.Stopped())
        if stolen.send():
            self.note("tells another story", terminal=stolen.number, uid=card.uid)
        return True


@dataclass
class Overstater(Thief):
    """Takes less off a card than it claims, or claims a debit twice."""

    name: ClassVar[str] = "overstater"

    def try_it(self) -> bool:
        """Sell, and tell of more; then tell of it again under another number."""
        stolen = self.take()
        if stolen is None:
            return False
        card = self.card()
        try:
            sale = sell(stolen, card, self.draw.randint(50, 900))
        except CardError:
            return False
        more = sale.amount_cents + self.draw.randint(1, 900)
        stolen.append(
            bodies.Sale(
                intent_seq=sale.intent_seq,
                amount_cents=more,
                tmc=sale.tmc,
                proof=sale.proof,
                tmv=sale.tmv,
            )
        )
        stolen.append(sale)
        if stolen.send():
            self.note(
                "overstates a sale",
                terminal=stolen.number,
                uid=card.uid,
                betrayed_by={FindingKind.AMOUNT_DIFFERS, FindingKind.TWO_OUTCOMES},
            )
        return True


@dataclass
class Twin(Actor):
    """A copy of a stall's disk runs in a second terminal: one key, two stories (T10)."""

    name: ClassVar[str] = "twin"
    copied: StolenTerminal | None = None

    def try_it(self) -> bool:
        """Copy a stall once, and sell with the copy while the stall goes on."""
        if self.copied is None:
            stall = self.stall()
            if stall is None:
                return False
            self.copied = StolenTerminal.copied(self.world, stall)
            self.world.truth.rewound.add(stall.number)
        card = self.card()
        try:
            self.copied.append(sell(self.copied, card, self.draw.randint(50, 900)))
        except CardError:
            return False
        if self.copied.send():
            self.note("sells with a copy", terminal=self.copied.number, uid=card.uid)
        return True


@dataclass
class Rewinder(Actor):
    """Puts an older disk back on purpose, to be rid of sales that were sent already (T10)."""

    name: ClassVar[str] = "rewinder"

    def try_it(self) -> bool:
        """Copy the disk, sell and sync, put the disk back, and go on."""
        stall, world = self.stall(), self.world
        if stall is None:
            return False
        if not _switched_off(stall):
            return False
        copy_disk(stall)
        if not world.switch_on(stall):
            return False
        world.people.buy(stall, self.card(), self.draw.randint(50, 900))
        if stall.is_on:
            world.sync(stall)
        if not _switched_off(stall):
            return False
        put_back_disk(world, stall)
        self.note("puts an older disk back", terminal=stall.number)
        if world.switch_on(stall):
            world.people.buy(stall, self.card(), self.draw.randint(50, 900))
        return True


def _switched_off(stall: WorldTill) -> bool:
    if stall.is_on:
        stall.switch_off()
    return stall.condition is Condition.OFF


@dataclass
class Suppressor(Actor):
    """Keeps a stall from hearing of blocked cards, and buys there with one (T12)."""

    name: ClassVar[str] = "suppressor"
    until: datetime | None = None
    blind: list[int] = field(default_factory=list)

    def try_it(self) -> bool:
        """Cut a stall's line, report a card as lost, and go on buying with it."""
        world = self.world
        if self.until is None:
            stall = self.stall()
            if stall is None:
                return False
            self.until = world.now + timedelta(days=self.draw.randint(1, _BLIND_DAYS_MAX))
            self.blind.append(stall.number)
            world.cut_line(stall.number)
            world.block(self.card())
            self.note(f"keeps {stall.number} blind")
        if world.now > self.until:
            self.leave()
            return False
        blocked = [it for it in world.cards if it.uid in world.blocked]
        stalls = [world.stalls[number] for number in self.blind if world.stalls[number].is_on]
        if not blocked or not stalls:
            return False
        world.people.buy(stalls[0], blocked[0], self.draw.randint(50, 900))
        return True

    def leave(self) -> None:
        """Let the stall hear again."""
        for number in self.blind:
            self.world.cut_line(number, is_down=False)
        self.blind.clear()
