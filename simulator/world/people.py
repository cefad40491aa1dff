"""What members, producers, helpers and the coordinator do in a world, one thing after another."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from cardkit.bodies import RefundReason, ResolutionChoice, SaleProof, VoidReason
from cardkit.clock import ClockTrust, business_date
from cardkit.decide import Reason
from cardkit.errors import CardError, ClafoutisError, JournalLocked, ReaderError
from simulator.card import VirtualCard
from simulator.faults import Killed
from simulator.volume import Cut
from simulator.world.air import PowerCut
from simulator.world.catalogue import Kind
from simulator.world.images import copy_disk, put_back_disk, rot
from simulator.world.marks import Mark
from simulator.world.till import Condition, WorldTill
from simulator.world.treasury import PAYS
from simulator.world.truth import Green as GreenSeen
from simulator.world.truth import Refund
from terminal.outcomes import (
    Amber,
    Green,
    Refunded,
    Refused,
    SaleOutcome,
    Settled,
    Settlement,
)
from terminal.torn import Executed, NotExecuted
from terminal.wiring import open_till

if TYPE_CHECKING:
    from simulator.world.world import World

PRICES_CENTS: Final = (50, 2_500)
FEAST_CENTS: Final = (4_200, 4_900)
_SHARE_OF_FEASTS: Final = 0.4
_RECORDS: Final = 8
"""A card keeps so many."""
_LOOPS: Final = 4
_YEARS: Final = (1, 12)
_DECLINED: Final = {
    Reason.NOT_ENOUGH: Mark.DECLINED_NOT_ENOUGH,
    Reason.CARD_BLOCKED: Mark.DECLINED_BLOCKED,
    Reason.CARD_DAY_CAP: Mark.DECLINED_DAY_CAP,
    Reason.DIRECTORY_EXPIRED: Mark.DECLINED_DIRECTORY_EXPIRED,
    Reason.PERMIT_EXPIRED: Mark.DECLINED_PERMIT_EXPIRED,
}
_OF_TIME: Final = {Reason.DIRECTORY_EXPIRED, Reason.PERMIT_EXPIRED}
_FAR_AHEAD: Final = timedelta(days=2)
_CHOICES: Final = {
    Kind.PEOPLE_PAID_OTHERWISE: ResolutionChoice.PAID_OTHERWISE,
    Kind.PEOPLE_CLIENT_LEFT: ResolutionChoice.CLIENT_LEFT,
    Kind.PEOPLE_GOODS_HANDED_OVER: ResolutionChoice.GOODS_HANDED_OVER,
}


class People:
    """Everybody; each deed is drawn from the world's chance."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.chance
        self._draw = world.chance.stream("people")
        self._deeds: tuple[tuple[Callable[[WorldTill], None], int], ...] = (
            (self.sell, 57),
            (self.binge, 1),
            (self.answer, 4),
            (self.balance, 8),
            (self.refund, 5),
            (self.sync, 10),
            (self.close_day, 4),
            (self.switch, 2),
            (self.rest, 2),
        )

    def step(self) -> None:
        """Do one thing somewhere, after what happens by itself."""
        world = self._world
        self._pass_time()
        self._mishaps()
        self._service()
        world.office.step()
        world.deliver_parcels()
        stalls = [stall for stall in world.stalls.values() if stall.lives]
        if not stalls:
            return
        stall = self._draw.choice(stalls)
        if not stall.is_on and not self.switch_on(stall):
            return
        deeds, weights = zip(*self._deeds, strict=True)
        (deed,) = self._draw.choices(deeds, weights)
        deed(stall)

    # At a stall

    def sell(self, stall: WorldTill) -> None:
        """A member buys something."""
        card = self._draw.choice(self._world.cards)
        amount_cents = self._draw.randint(*PRICES_CENTS)
        self.buy(stall, card, amount_cents)
        if stall.is_on and self._draw.random() < 0.5 and self._has_open(stall, card):
            self.buy(stall, card, amount_cents)

    def binge(self, stall: WorldTill) -> None:
        """A member buys so often that no record of the card is older; or one buys a lot."""
        card = self._draw.choice(self._world.cards)
        if self._draw.random() < _SHARE_OF_FEASTS:
            for _ in range(2):
                if stall.is_on:
                    self.buy(stall, card, self._draw.randint(*FEAST_CENTS))
            return
        for _ in range(_RECORDS + 1):
            if stall.is_on:
                self.buy(stall, card, PRICES_CENTS[0])

    def buy(self, stall: WorldTill, card: VirtualCard, amount_cents: int) -> SaleOutcome | None:
        """Lay a card down to buy; None when there is no outcome."""
        world = self._world
        before = len(card.history)
        try:
            outcome = stall.tap(
                card,
                lambda connection: stall.till.sell(
                    connection,
                    amount_cents,
                    merchant=stall.merchant,
                    announce=lambda green: self._saw(stall, green),
                ),
            )
        except (CardError, ReaderError) as error:
            world.trace.note(world.now, stall.number, "tap", type(error).__name__)
            self._after_swap(stall, card)
            return None
        debited = len(card.history) > before
        self._note(stall, card, outcome, debited=debited)
        return outcome

    def balance(self, stall: WorldTill) -> None:
        """A member looks at the balance, and often looks again at another stall."""
        card = self._draw.choice(self._world.cards)
        self.show(stall, card)
        others = [it for it in self._world.stalls.values() if it.is_on and it is not stall]
        if others and self._draw.random() < 0.5:
            self.show(self._draw.choice(others), card)

    def show(self, stall: WorldTill, card: VirtualCard) -> None:
        """Show one card's balance, which settles what is open on it."""
        self._tap(stall, card, lambda: self._show_balance(stall, card))
        self._world.note_borne(stall, card)

    def inspect(self, stall: WorldTill, card: VirtualCard) -> bool:
        """Somebody reads a card without selling; False when it did not work."""

        def look() -> bool:
            return stall.tap(card, stall.till.inspect) is not None

        return bool(self._tap(stall, card, look))

    def refund(self, stall: WorldTill) -> None:
        """Somebody brings something back."""
        sold = [it for it in self._world.truth.greens if it.terminal == stall.number]
        if not sold:
            return
        green = self._draw.choice(sold[-6:])
        whole = self._draw.random() < 0.5
        wanted_cents = None if whole else self._draw.randint(1, green.amount_cents)
        if self._chance.strikes(Kind.PEOPLE_REFUND_TOO_LARGE) is not None:
            wanted_cents = green.amount_cents + 1
        self.give_back(stall, green, wanted_cents)
        if self._chance.strikes(Kind.PEOPLE_REFUND_TWICE) is not None and stall.is_on:
            self.give_back(stall, green, wanted_cents)

    def give_back(self, stall: WorldTill, green: GreenSeen, wanted_cents: int | None) -> None:
        """Enter a refund at the till."""
        outcome = stall.guarded(
            lambda: stall.till.refund(green.seq, wanted_cents, RefundReason.GOODS_RETURNED)
        )
        if isinstance(outcome, Refunded):
            self._world.truth.refunds.append(
                Refund(
                    terminal=stall.number,
                    seq=outcome.seq,
                    intent_seq=outcome.intent_seq,
                    amount_cents=outcome.amount_cents,
                )
            )
        self._world.trace.note(self._world.now, stall.number, "refund", outcome)

    def sync(self, stall: WorldTill) -> None:
        """The network is there for a moment."""
        self._world.sync(stall)

    def answer(self, stall: WorldTill) -> None:
        """Somebody says what became of the sales whose end nobody saw."""
        for held in stall.till.journal.open_intents():
            for kind, choice in _CHOICES.items():
                if stall.is_on and self._chance.strikes(kind) is not None:
                    self._world.truth.answers[stall.number, held.seq] = choice
                    stall.guarded(partial(stall.till.resolve, held.seq, choice))

    def close_day(self, stall: WorldTill) -> None:
        """The stall closes; what is amber is answered, or closed over."""
        self.answer(stall)
        if not stall.is_on:
            return
        amber = len(stall.till.journal.open_intents())
        over_amber = self._chance.quiet or self._chance.strikes(Kind.PEOPLE_CLOSED_OVER_AMBER)
        if amber and not over_amber:
            return
        day = business_date(stall.clock.now().at)
        done = stall.guarded(lambda: stall.till.close_day(day))
        if done is not None and amber:
            self._world.marks.hit(Mark.AMBER_PARKED_BY_CLOSURE)
        self._world.trace.note(self._world.now, stall.number, "closed", amber)

    def switch(self, stall: WorldTill) -> None:
        """Somebody switches the till off and on."""
        stall.switch_off()
        if stall.condition is Condition.OFF:
            self.switch_on(stall)

    def rest(self, stall: WorldTill) -> None:
        """Nothing is asked of the till for a while."""
        stall.guarded(stall.till.rest)

    def switch_on(self, stall: WorldTill) -> bool:
        """Switch a till on, with what may have happened to it meanwhile."""
        return self._world.switch_on(stall)

    # What happens by itself

    def _pass_time(self) -> None:
        hours = self._draw.choice((0, 0, 0, 1, 1, 3, 8, 24, 72))
        minutes = self._draw.randrange(1, 60)
        self._world.pass_time(timedelta(hours=hours, minutes=minutes))

    def _mishaps(self) -> None:
        world, strikes = self._world, self._chance.strikes
        stalls = [stall for stall in world.stalls.values() if stall.lives]
        if not stalls:
            return
        stall = self._draw.choice(stalls)
        if stall.is_on and strikes(Kind.PROCESS_KILLED_AT_REST) is not None:
            stall.die(Killed())
        loops = strikes(Kind.PROCESS_LOOPS)
        if loops is not None:
            self._loop(stall, loops)
        if stall.is_on and strikes(Kind.PROCESS_SECOND) is not None:
            self._start_second(stall)
        self._clocks(stall)
        self._disks(stall)
        if len(stalls) > 1 and strikes(Kind.PEOPLE_TILL_BURNS) is not None:
            world.burn(stall)
        elif len(stalls) > 1 and strikes(Kind.PEOPLE_LOST_TOO_SOON) is not None:
            world.centre.declare_lost(stall.number)
            world.lost_too_soon.add(stall.number)
            world.trace.note(world.now, stall.number, "declared lost")

    def _loop(self, stall: WorldTill, detail: random.Random) -> None:
        for _ in range(detail.randint(1, _LOOPS)):
            if stall.condition is Condition.OFF and not self.switch_on(stall):
                return
            if stall.is_on:
                killed = PowerCut() if detail.random() < 0.5 else Killed()
                stall.die(killed, cut=detail.choice((Cut.UNSYNCED, Cut.TORN, Cut.SHUFFLED)))

    def _start_second(self, stall: WorldTill) -> None:
        try:
            open_till(stall.data, clock=stall.clock, software=self._world.software).close()
        except JournalLocked:
            self._world.marks.hit(Mark.SECOND_REFUSED)
        except ClafoutisError as error:
            self._world.complain("V6", f"a second till was stopped by {error!r}")
        else:
            self._world.complain("V6", f"two tills run on the journal of {stall.number}")

    def _clocks(self, stall: WorldTill) -> None:
        strikes, clock, now = self._chance.strikes, stall.clock, stall.clock.now().at
        back, forward = strikes(Kind.CLOCK_BACK), strikes(Kind.CLOCK_FORWARD)
        if back is not None:
            clock.set(now - timedelta(minutes=back.randrange(1, 60 * 24 * 40)))
        if forward is not None:
            clock.set(now + timedelta(minutes=forward.randrange(1, 60 * 24 * 20)))
        years = strikes(Kind.CLOCK_YEARS)
        if years is not None:
            clock.set(now + timedelta(days=365 * years.randint(*_YEARS)))
        if strikes(Kind.CLOCK_LOST) is not None:
            clock.set(datetime(1970, 1, 1, tzinfo=UTC))
            clock.trust = ClockTrust.UNTRUSTED
            clock.reboot()
        drift = strikes(Kind.CLOCK_DRIFTS)
        if drift is not None:
            self._world.drift[stall.number] = drift.choice((-0.2, -0.01, 0.01, 0.2))

    def _disks(self, stall: WorldTill) -> None:
        strikes = self._chance.strikes
        if strikes(Kind.DISK_INBOX_GARBAGE) is not None:
            self._world.leave_garbage(stall)
        if self._draw.random() < 0.15:
            copy_disk(stall)
        if stall.is_on:
            return
        if strikes(Kind.DISK_STORE_GONE) is not None:
            for path in stall.folder.glob("store.db*"):
                path.unlink()
            stall.misses_store = True
        rotten = strikes(Kind.DISK_BIT_ROT)
        if rotten is not None:
            rot(self._world, stall, rotten)
        if stall.image is not None and strikes(Kind.DISK_OLD_IMAGE) is not None:
            put_back_disk(self._world, stall)

    def _service(self) -> None:
        world, strikes, centre = self._world, self._chance.strikes, self._world.centre
        if self._draw.random() < 0.1:
            world.backups.make()
        if self._draw.random() < PAYS:
            world.treasury.compare_statement()
            world.treasury.pay()
        if strikes(Kind.SERVICE_RESTORED) is not None:
            world.backups.restore()
            world.treasury.mistype()
        if strikes(Kind.SERVICE_PUBLISHES) is not None:
            centre.publish()
        if strikes(Kind.SERVICE_PERMITS) is not None:
            centre.renew_permits()
        if strikes(Kind.PEOPLE_DOUBLE_CLICK) is not None:
            centre.pass_month()
            centre.pass_month()
        if strikes(Kind.PEOPLE_CARD_BLOCKED) is not None:
            world.block(self._draw.choice(world.cards))
        if world.blocked and strikes(Kind.PEOPLE_CARD_FREED) is not None:
            world.free(min(world.blocked))

    # Seeing

    def _saw(self, stall: WorldTill, green: Green) -> None:
        if self._chance.strikes(Kind.PROCESS_KILLED_BEFORE_GREEN) is not None:
            raise Killed
        world = self._world
        world.truth.greens.append(
            GreenSeen(
                terminal=stall.number,
                seq=green.seq,
                uid=green.uid,
                amount_cents=green.amount_cents,
                at=world.now,
                by_record=green.proof is SaleProof.RECORD_ONLY,
            )
        )
        world.check_green(stall, green)
        world.trace.note(world.now, stall.number, "green", green.seq, green.amount_cents, green.tmc)
        if self._chance.strikes(Kind.PROCESS_KILLED_AFTER_GREEN) is not None:
            raise Killed

    def _note(
        self, stall: WorldTill, card: VirtualCard, outcome: SaleOutcome | None, *, debited: bool
    ) -> None:
        hit = self._world.marks.hit
        name = type(outcome).__name__
        self._world.trace.note(
            self._world.now, stall.number, name, card.uid.hex(), len(card.history)
        )
        for settlement in getattr(outcome, "settled", ()):
            self._note_settled(settlement)
        match outcome:
            case None:
                self._note_death(stall)
            case Green():
                hit(Mark.GREEN)
                self._world.note_green(stall, card)
            case Amber():
                hit(Mark.AMBER)
                hit(Mark.AMBER_AND_DEBITED if debited else Mark.AMBER_AND_NOT_DEBITED)
            case Refused(declined=declined) if declined.reason in _DECLINED:
                hit(_DECLINED[declined.reason])
                ahead = stall.clock.now().at - self._world.now
                if declined.reason in _OF_TIME and ahead > _FAR_AHEAD:
                    hit(Mark.CLOCK_REFUSED_SALE)
            case Settled():
                hit(Mark.LATE_GREEN)

    def _note_death(self, stall: WorldTill) -> None:
        if stall.struck is None:
            return
        if stall.struck.kind in {Kind.PROCESS_KILLED_BEFORE, Kind.PROCESS_KILLED_AFTER}:
            self._world.marks.hit(Mark.KILLED_IN_TAP)
        elif stall.struck.kind in {Kind.DISK_CUT, Kind.DISK_CUT_TORN, Kind.DISK_CUT_SHUFFLED}:
            self._world.marks.hit(Mark.CUT_IN_TAP)

    def _note_settled(self, settlement: Settlement) -> None:
        hit = self._world.marks.hit
        match settlement.verdict:
            case Executed(proof=SaleProof.READ_BACK):
                hit(Mark.TORN_EXECUTED_READ_BACK)
            case Executed():
                hit(Mark.TORN_EXECUTED_BY_RECORD)
            case NotExecuted(reason=VoidReason.COUNTER_UNCHANGED):
                hit(Mark.TORN_VOID_COUNTER)
            case NotExecuted():
                hit(Mark.TORN_VOID_RECORDS)
            case _:
                hit(Mark.TORN_UNDECIDABLE)
        if settlement.refund_seq is not None:
            hit(Mark.REFUNDED_AS_ANSWERED)

    # Small things

    def _has_open(self, stall: WorldTill, card: VirtualCard) -> bool:
        return bool(stall.till.journal.open_intents(card.uid))

    def _after_swap(self, stall: WorldTill, card: VirtualCard) -> None:
        if stall.struck is None or stall.struck.kind is not Kind.AIR_SWAPPED or not stall.is_on:
            return
        others = [it for it in self._world.cards if it is not card]
        self.buy(stall, self._draw.choice(others), self._draw.randint(*PRICES_CENTS))

    def _show_balance(self, stall: WorldTill, card: VirtualCard) -> object:
        return stall.tap(
            card,
            lambda connection: stall.till.balance(
                connection, announce=lambda green: self._saw(stall, green)
            ),
        )

    def _tap(self, stall: WorldTill, card: VirtualCard, act: Callable[[], object]) -> object:
        try:
            outcome = act()
        except (CardError, ReaderError) as error:
            outcome = None
            self._world.trace.note(self._world.now, stall.number, type(error).__name__)
        self._world.trace.note(
            self._world.now, stall.number, "tap", card.uid.hex(), type(outcome).__name__
        )
        for settlement in getattr(outcome, "settled", ()):
            self._note_settled(settlement)
        return outcome
