"""One world: it lives through its faults, it heals, and is judged by what physically happened.

    verdict = World(4711).live()

The same seed lives the same life: `verdict.trace` is equal wherever it runs. Nothing here takes
a till's or the service's word for anything that the oracle judges them by.
"""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from cardkit.bodies import EntryKind
from cardkit.clock import ClockTrust
from cardkit.directory import CardStatus, read_row
from cardkit.entries import open_entry
from cardkit.errors import DocumentError
from cardkit.sync import decode_request
from simulator.burnt.caisse import SOFTWARE, keys_of
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import Field
from simulator.world.backups import Backups
from simulator.world.centre import Centre
from simulator.world.chance import Chance
from simulator.world.founding import CARDS, STALLS_MIN, TILLS, founding, merchant_of
from simulator.world.hostile.actor import Actor
from simulator.world.hostile.cast import cast
from simulator.world.line import Line, Parcel, session_over
from simulator.world.marks import Mark, Marks
from simulator.world.office import Office
from simulator.world.oracle import Violation, check_books, check_till, owes_money
from simulator.world.people import People
from simulator.world.rungs import Antenna
from simulator.world.till import Condition, WorldTill
from simulator.world.trace import Trace
from simulator.world.treasury import Treasury
from simulator.world.truth import Truth
from simulator.world.verdict import Verdict
from terminal.outcomes import Green

STEPS: Final = (8, 24)
SMALL_STALLS: Final = (STALLS_MIN, 4)
SMALL_CARDS: Final = (3, 8)
LARGE_STALLS: Final = (5, TILLS)
LARGE_CARDS: Final = (9, CARDS)
SPARE: Final = 9
"""The number of the terminal that is enrolled where none is left: cards go on somewhere."""
ROUNDS_MAX: Final = 8
"""Exchanges after which a healed till has nothing left to say."""
FRESH: Final = timedelta(days=7)
HARM: Final = 0.3
"""How often somebody who means harm has an occasion in a step."""
GARBAGE: Final = "0000000000.cbor"
_DAYS_LATE: Final = (17, 30)
"""Half of all worlds begin so long after the caisse was founded: a month ends in them."""
_COME_BACK: Final = 0.5
"""The share of worlds in which members come back about their open sales before the day ends."""
_HALF_A_MINUTE: Final = timedelta(seconds=30)
_HEAL_DAYS: Final = 33
"""Beyond every rule's days of waiting."""
_REBUILT: Final = 4
"""Of so many worlds one has its books computed again from the signed facts: that is dear."""


class World:
    """A caisse with its stalls, its cards and its people."""

    def __init__(
        self,
        seed: int,
        *,
        only: Collection[str] | None = None,
        without: Collection[str] = (),
        steps: int | None = None,
        echo: Callable[[str], None] | None = None,
        readers: Sequence[Antenna] | None = None,
        hostile: Sequence[type[Actor]] | None = None,
    ) -> None:
        """`only` and `without` are as `Chance` has them; `steps` ends the life early.

        Those in `hostile` mean harm, or whom the seed draws. Stalls share `readers` in turn;
        without any they share a field.
        """
        self._readers = readers or (Field(),)
        begun = founding()
        self.chance = Chance(seed, only=only, without=without)
        shape = self.chance.stream("shape")
        self.trace = Trace(echo)
        self.marks = Marks()
        self.truth = Truth()
        self.software = SOFTWARE
        self.violations: list[Violation] = []
        self.clock = ManualClock(begun.at, trust=ClockTrust.SYNCHRONISED)
        days_late = shape.choice((0, shape.randrange(*_DAYS_LATE)))
        self.clock.pass_time(timedelta(days=days_late, minutes=1))
        self._began = self.clock.now().at
        is_large = self.chance.draws_large()
        stalls = shape.randint(*(LARGE_STALLS if is_large else SMALL_STALLS))
        self.centre = Centre.fresh(self.clock, self.chance, stalls=stalls)
        self.cards = begun.fresh_cards(shape.randint(*(LARGE_CARDS if is_large else SMALL_CARDS)))
        self.truth.cards = list(self.cards)
        for number, digests in begun.heard.items():
            self.truth.heard[number] = dict(digests)
        self.blocked: set[bytes] = set()
        self.lost: set[int] = set()
        self.lost_too_soon: set[int] = set()
        self.drift: dict[int, float] = {}
        self.steps = shape.randint(*STEPS) if steps is None else steps
        self._home = Path(tempfile.mkdtemp(prefix="world-", dir=begun.folders[1].parent))
        self._lived = 0
        self._freed: set[bytes] = set()
        self._garbage: set[int] = set()
        self._parcels: list[Parcel] = []
        self._answers: dict[int, list[bytes]] = {}
        self._lines: dict[int, Line] = {}
        self.backups = Backups(self)
        self._heard_at: dict[int, datetime] = {}
        self._month = self.now.month
        self.stalls = {number: self._stall(number) for number in range(1, stalls + 1)}
        self.treasury = Treasury(self)
        self.centre.has_typo = self.treasury.has_typo
        self.office = Office(self)
        self.people = People(self)
        self.actors = cast(self) if hostile is None else [kind(self) for kind in hostile]

    @property
    def now(self) -> datetime:
        """The true time."""
        return self.clock.now().at

    def live(self) -> Verdict:
        """Live, heal, and be judged."""
        try:
            for stall in self.stalls.values():
                self.switch_on(stall)
            self.backups.make()
            for _ in range(self.steps):
                self._lived += 1
                self.people.step()
                self._be_harmed()
                if self.violations:
                    break
            if not self.violations:
                self.heal()
                check_books(self)
        except Exception as error:  # noqa: BLE001 - whatever nobody foresaw is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.complain("crash", f"{error!r} at {Path(where.filename).name}:{where.lineno}")
        finally:
            self.end()
        return Verdict(
            seed=self.chance.seed,
            violations=tuple(self.violations),
            struck=tuple(self.chance.struck),
            greens=len(self.truth.greens),
            days=(self.now - self._began).days,
            marks=self.marks.counts,
            trace=self.trace.digest,
            steps=self._lived,
        )

    def end(self) -> None:
        """Let go of everything; nothing is asked of a world after that."""
        for stall in self.stalls.values():
            if stall.condition is not Condition.GONE:
                stall.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def complain(self, invariant: str, words: str) -> None:
        """Note that a promise was broken."""
        violation = Violation(invariant, words)
        if violation not in self.violations:
            self.violations.append(violation)
            self.trace.note(self.now, violation)

    # Time

    def pass_time(self, delta: timedelta) -> None:
        """Let time go by, at every stall as its clock has it."""
        self.clock.pass_time(delta)
        for number, stall in self.stalls.items():
            seconds = round(delta.total_seconds() * (1 + self.drift.get(number, 0.0)))
            stall.clock.pass_time(timedelta(seconds=seconds))
        if self.now.month != self._month:
            self._month = self.now.month
            self.centre.pass_month()

    def _be_harmed(self) -> None:
        """Let those who mean harm do it now and then."""
        for actor in self.actors:
            if actor.draw.random() < HARM:
                actor.act()

    # Stalls

    def switch_on(self, stall: WorldTill) -> bool:
        """Switch a stall on; a person says what time it is where its clock is worth nothing."""
        if not stall.switch_on():
            self._note_damage(stall)
            return False
        self.trace.note(self.now, stall.number, "on", stall.till.journal.head.seq)
        check_till(self, stall)
        reading = stall.till.clock.now()
        if reading.trust is ClockTrust.UNTRUSTED:
            self.marks.hit(Mark.CLOCK_RAISED)
            if stall.guarded(lambda: stall.till.set_clock(self.now)):
                self.marks.hit(Mark.CLOCK_DECLARED)
        return stall.is_on

    def sync(self, stall: WorldTill) -> bool:
        """Let a stall exchange with the service; False when it did not come through."""
        if stall.number in self.lost_too_soon:
            self.marks.hit(Mark.LOST_TILL_TURNED_UP)
        before = stall.till.store.answer
        refused_before = stall.till.journal.last(EntryKind.DOCUMENT_REFUSED)
        done = stall.sync()
        if not stall.is_on:
            self.trace.note(self.now, stall.number, "sync", stall.condition.name, stall.why)
            self._note_damage(stall)
            misled = self.truth.rewound | self.truth.lied_to
            if stall.condition is Condition.DAMAGED and stall.number not in misled:
                self.complain("liveness", f"{stall.number} stops for good: {stall.why}")
            return False
        answer = stall.till.store.answer
        if answer is not None and answer is not before:
            self._heard_at[stall.number] = self.now
            if before is not None and answer.epoch > before.epoch:
                self.marks.hit(Mark.NEW_EPOCH_ACCEPTED)
            self._learn(stall)
        journal = stall.till.journal
        refused = journal.last(EntryKind.DOCUMENT_REFUSED)
        if refused is not None and (refused_before is None or refused_before.seq < refused.seq):
            self.marks.hit(Mark.ANSWER_REFUSED)
        if stall.number in self._garbage and not (stall.data.inbox / GARBAGE).exists():
            self._garbage.discard(stall.number)
            self.marks.hit(Mark.INBOX_GARBAGE_SURVIVED)
        if stall.misses_store and stall.till.store.directory is not None:
            stall.misses_store = False
            self.marks.hit(Mark.STORE_FETCHED_ANEW)
        self.trace.note(
            self.now, stall.number, "sync", done, journal.acknowledged_seq, journal.head.seq
        )
        check_till(self, stall)
        return done

    def note_green(self, stall: WorldTill, card: VirtualCard) -> None:
        """Note what a green was remarkable for."""
        heard_at = self._heard_at.get(stall.number, self._began)
        if self.now - heard_at > FRESH:
            self.marks.hit(Mark.GREEN_OFFLINE_FOR_A_WEEK)
        self.note_borne(stall, card)
        if stall.was_cut:
            self.marks.hit(Mark.GREEN_AFTER_CUT)
        if stall.was_stopped:
            self.marks.hit(Mark.OPENED_AGAIN)
        stall.was_cut = stall.was_stopped = False
        if card.uid in self._freed:
            self.marks.hit(Mark.FREED_AND_SOLD)

    def note_borne(self, stall: WorldTill, card: VirtualCard) -> None:
        """Note when a till has learnt from a card what no directory has told it yet."""
        if stall.is_on and stall.till.store.borne(card.uid) is not None:
            self.marks.hit(Mark.MONTH_LEARNT_FROM_CARD)

    def leave_garbage(self, stall: WorldTill) -> None:
        """Leave half a file in a stall's inbox."""
        (stall.data.inbox / GARBAGE).write_bytes(b"\xd2\x84\x58")
        self._garbage.add(stall.number)

    def check_green(self, stall: WorldTill, green: Green) -> None:
        """V10: a till that has learnt of a block sells to that card no more."""
        open_before = green.settled or green.proof.value != 0
        if self.truth.blocked_for.get((stall.number, green.uid)) and not open_before:
            self.complain("V10", f"green at {stall.number} for a card whose block it has learnt")

    def burn(self, stall: WorldTill) -> None:
        """Lose a stall's terminal, and say so."""
        stall.lose()
        self.truth.burnt.add(stall.number)
        self.declare_lost(stall)

    def declare_lost(self, stall: WorldTill) -> None:
        """Say that a stall's terminal will tell nothing any more."""
        found = self.centre.declare_lost(stall.number)
        self.lost.add(stall.number)
        if found:
            self.marks.hit(Mark.RECOVERED)
        self.trace.note(self.now, stall.number, "lost", found)

    def cut_line(self, number: int, *, is_down: bool = True) -> None:
        """Cut a stall's way to the service, or mend it."""
        self._lines[number].is_down = is_down

    # The service

    def block(self, card: VirtualCard) -> None:
        """Block a card."""
        if card.uid not in self.blocked:
            self.blocked.add(card.uid)
            self.centre.block(card.uid)
            self.trace.note(self.now, "blocked", card.uid.hex())

    def free(self, uid: bytes) -> None:
        """Let a blocked card buy again."""
        self.blocked.discard(uid)
        self._freed.add(uid)
        self.centre.free(uid)
        self.trace.note(self.now, "freed", uid.hex())

    def deliver_parcels(self) -> None:
        """Let requests arrive that were on their way for days."""
        due = [parcel for parcel in self._parcels if parcel.due_at <= self.now]
        for parcel in due:
            self._parcels.remove(parcel)
            self.marks.hit(Mark.DELIVERED_LATE)
            try:
                self._lines[parcel.terminal].deliver(parcel.headers, parcel.body)
            except OSError:
                self.trace.note(self.now, "a late request met a dead service")

    # Healing

    def heal(self) -> None:
        """Nothing goes wrong any more; everybody says what there is, and waits for what is due."""
        self.chance.quiet = True
        for actor in self.actors:
            actor.leave()
        self.drift.clear()
        self._set_clocks_right()
        self._bring_back_stalls()
        self._end_day()
        self._settle()
        self.office.end_day()
        if self.centre.waits() or self.office.waits() or self._stopped():
            self.marks.hit(Mark.LONG_HEAL)
            for _ in range(2):
                self.pass_time(timedelta(days=_HEAL_DAYS // 2 + 1))
                self._settle()
                self.office.end_days()

    def _end_day(self) -> None:
        """What is open is settled by its card, or left to the service."""
        come_back = self.chance.stream("heal").random() < _COME_BACK
        for stall in self._on():
            for card in self.cards:
                if come_back and stall.is_on and stall.till.journal.open_intents(card.uid):
                    self.people.show(stall, card)
            if stall.is_on:
                self.people.close_day(stall)

    def _settle(self) -> None:
        """Everybody syncs, every card is read somewhere, a person confirms what is recovered."""
        self.sync_all(always=True)
        self._bring_back_stalls()
        self.treasury.compare_statement()
        self.centre.publish()
        for stall in self._on()[:1]:
            for card in self.cards:
                self.people.inspect(stall, card)
        self.sync_all()
        forgetful = sorted(self.lost | self.truth.rewound)
        confirmed = [self.centre.confirm_recovered(it) for it in forgetful]
        if any(confirmed):
            self.marks.hit(Mark.RECOVERY_CONFIRMED)
        if self.centre.waits() or self.centre.is_locked:
            self.sync_all(always=True)
            self.treasury.compare_statement()
            self.centre.publish()
            self.sync_all(always=True)

    def sync_all(self, *, always: bool = False) -> None:
        """Let every stall sync until no money is left to say; `always` at least once."""
        for stall in self._on():
            for number in range(ROUNDS_MAX):
                owes = stall.guarded(partial(owes_money, stall))  # who looks finds what has rotted
                if owes is None or not (owes or (always and number == 0)):
                    break
                if not self.sync(stall):
                    break

    def _on(self) -> list[WorldTill]:
        return [stall for stall in self.stalls.values() if stall.is_on]

    def _stopped(self) -> list[WorldTill]:
        """Tills that stopped for good, and that nobody has taken for lost yet."""
        damaged = (it for it in self.stalls.values() if it.condition is Condition.DAMAGED)
        return [stall for stall in damaged if stall.number not in self.lost]

    def _set_clocks_right(self) -> None:
        for stall in self.stalls.values():
            stall.clock.set(self.now)
            stall.clock.trust = ClockTrust.RTC

    def _bring_back_stalls(self) -> None:
        for stall in self.stalls.values():
            if stall.condition is Condition.OFF:
                self.switch_on(stall)
        for stall in self._stopped():
            self.declare_lost(stall)
        if not self._on() and SPARE not in self.stalls:
            self.marks.hit(Mark.NO_STALL_LEFT)
            folder = self._home / str(SPARE)
            self.truth.heard[SPARE] = self.centre.enrol(SPARE, folder)
            self.stalls[SPARE] = self._stall_in(folder, SPARE)
            self.switch_on(self.stalls[SPARE])

    # Inside

    def _stall(self, number: int) -> WorldTill:
        folder = self._home / str(number)
        shutil.copytree(founding().folders[number], folder)
        return self._stall_in(folder, number)

    def _stall_in(self, folder: Path, number: int) -> WorldTill:
        line = Line(
            number,
            self.centre,
            self.chance,
            committed=self._committed,
            delayed=self._parcels,
            answers=self._answers,
            marks=self.marks,
        )
        self._lines[number] = line
        return WorldTill(
            number,
            merchant_of(number),
            folder,
            clock=ManualClock(self.now),
            software=self.software,
            session=session_over(line),
            reader=self._readers[number % len(self._readers)],
            wait=lambda: self.pass_time(_HALF_A_MINUTE),
            chance=self.chance,
            marks=self.marks,
        )

    def _committed(self, terminal: int, body: bytes) -> None:
        """Hear that the service has taken in a request."""
        try:
            request = decode_request(body)
        except DocumentError:
            return
        self.truth.wire.append((terminal, body))
        caisse = self.centre.caisse.name
        key = keys_of(terminal, caisse=caisse)[0].public
        for data in request.entries:
            try:
                entry = open_entry(data, key, caisse=caisse, terminal=terminal)
            except DocumentError:
                continue
            self.truth.heard[terminal][entry.digest] = entry.seq
            if entry.digest in self.backups.forgotten:
                self.backups.forgotten.discard(entry.digest)
                self.marks.hit(Mark.RESENT_AFTER_RESTORE)

    def _learn(self, stall: WorldTill) -> None:
        """Look up what the directory that a till has just taken in says of every card.

        It is the service's own signed bytes that say it, and not the till's rows.
        """
        held = stall.till.store.directory
        if held is None:
            return
        for uid, row in self.centre.rows_of(held.header.order).items():
            is_blocked = read_row(row).status is CardStatus.BLOCKED
            self.truth.blocked_for[stall.number, uid] = is_blocked
            if is_blocked:
                self.marks.hit(Mark.BLOCKED_AND_LEARNT)

    def _note_damage(self, stall: WorldTill) -> None:
        if stall.condition is Condition.DAMAGED:
            self.trace.note(self.now, stall.number, "damaged", stall.why)
            if stall.number in self.truth.rewound:
                self.marks.hit(Mark.OLD_IMAGE_FOUND)
