"""A stall of a world: a real till on a disk that can lose power, its reader, its own clock."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from enum import Enum, unique
from pathlib import Path
from typing import Final, TypeVar

import requests

from cardkit.bodies import EntryKind
from cardkit.card.connection import CardConnection
from cardkit.errors import (
    AnswerInvalid,
    CardCollision,
    DocumentError,
    JournalDamaged,
    JournalError,
    KeyStoreError,
    ServerRefused,
    ServerUnreachable,
    StoreError,
    SyncError,
    must,
)
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.disk import Disk, Trouble
from simulator.faults import Killed
from simulator.volume import Cut
from simulator.world.air import AirConnection, PowerCut, Strike, strikes_of_tap
from simulator.world.catalogue import Kind
from simulator.world.chance import Chance
from simulator.world.marks import Mark, Marks
from simulator.world.rungs import Antenna
from terminal.config import DataDirectory
from terminal.documents import Documents
from terminal.keyring import read_transport_key
from terminal.software import Software
from terminal.sync import Sync
from terminal.till import Till
from terminal.wiring import open_till

T = TypeVar("T")

CUT_OF: Final = {
    Kind.DISK_CUT: Cut.UNSYNCED,
    Kind.DISK_CUT_TORN: Cut.TORN,
    Kind.DISK_CUT_SHUFFLED: Cut.SHUFFLED,
}
TROUBLES: Final = {
    Kind.DISK_IO_ONCE: (Trouble.IO, False),
    Kind.DISK_IO_FOR_EVER: (Trouble.IO, True),
    Kind.DISK_FULL_ONCE: (Trouble.FULL, False),
    Kind.DISK_FULL_FOR_EVER: (Trouble.FULL, True),
    Kind.DISK_SYNC_FAILS: (Trouble.SYNC, False),
    Kind.DISK_READ_FAILS: (Trouble.READ, False),
    Kind.DISK_CUT_IN_WRITE: (Trouble.IO, True),
}
_STOPPED_BY: Final[Mapping[Kind | None, Mark]] = {
    Kind.DISK_IO_ONCE: Mark.JOURNAL_STOPPED,
    Kind.DISK_IO_FOR_EVER: Mark.JOURNAL_STOPPED,
    Kind.DISK_FULL_ONCE: Mark.DISK_FULL_AND_STOPPED,
    Kind.DISK_FULL_FOR_EVER: Mark.DISK_FULL_AND_STOPPED,
    Kind.DISK_SYNC_FAILS: Mark.SYNC_FAILED_AND_STOPPED,
}
_OPERATIONS: Final = 9
"""A sale writes and syncs about so often."""


@unique
class Condition(Enum):
    """How a stall is."""

    ON = "it sells"
    OFF = "it can be switched on"
    DAMAGED = "it refuses to start, or stopped for good: the workshop has to look at it"
    GONE = "there is nothing left of it"


class WorldTill:
    """One terminal. What fails in it is noticed here, as its producer would notice it."""

    def __init__(
        self,
        number: int,
        merchant: int,
        folder: Path,
        *,
        clock: ManualClock,
        software: Software,
        session: requests.Session,
        reader: Antenna,
        wait: Callable[[], None],
        chance: Chance,
        marks: Marks,
    ) -> None:
        self.number: Final = number
        self.merchant: Final = merchant
        self.folder: Final = folder
        self.data: Final = DataDirectory(folder)
        self.clock = clock
        self.reader = reader
        self.condition = Condition.OFF
        self.why = ""
        """What it said when it was damaged."""
        self.disk = Disk(folder)
        self.disk.__enter__()
        self.struck: Strike | None = None
        """The last thing that went wrong in the air, at the last tap."""
        self.image: Path | None = None
        """A copy of its disk that a helper has made."""
        self._software = software
        self._session = session
        self._wait = wait
        self._chance = chance
        self._marks = marks
        self.was_cut = False
        """The power went, and nothing was sold since."""
        self.was_stopped = False
        """It stopped for its disk, and nothing was sold since."""
        self.misses_store = False
        """Its directory's rows are gone, and no other came yet."""
        self._promised: int | None = None
        """The number of the last entry that had been promised when the power went."""
        self._till: Till | None = None
        self._sync: Sync | None = None

    @property
    def is_on(self) -> bool:
        """Whether it sells."""
        return self.condition is Condition.ON

    @property
    def lives(self) -> bool:
        """Whether it sells, or can be made to."""
        return self.condition in {Condition.ON, Condition.OFF}

    @property
    def till(self) -> Till:
        """The till; only while it is on."""
        if self._till is None:
            raise AssertionError(f"till {self.number} is {self.condition.name}")
        return self._till

    def switch_on(self) -> bool:
        """Open and start the till; False when it does not come up."""
        must(self.condition is Condition.OFF, "only what is off is switched on")
        try:
            self._till = open_till(self.data, clock=self.clock, software=self._software)
            self._till.start()
            self._till.consume_inbox()
        except (JournalError, StoreError, KeyStoreError, DocumentError) as error:
            self._stop(error, Condition.DAMAGED)
            return False
        except Killed as killed:
            self.die(killed)
            return False
        self.condition = Condition.ON
        self._note_untold()
        return True

    def switch_off(self) -> None:
        """End the program in good order."""
        self.guarded(self.till.stop)
        if self.is_on:
            self._forget()
            self.condition = Condition.OFF

    def die(self, killed: Killed, *, cut: Cut = Cut.UNSYNCED) -> None:
        """Lose the process, and with a power cut what was not synced."""
        self.disk.heal()
        self.disk.freeze()
        if self._till is not None:
            self._till.close()
        self._forget()
        self.was_cut = isinstance(killed, PowerCut)
        how = cut if self.was_cut else Cut.NOTHING
        self.disk.thaw(how, self._chance.stream("cuts"))
        self.condition = Condition.OFF

    def lose(self) -> None:
        """Lose the terminal with everything on it."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.condition = Condition.GONE

    def close(self) -> None:
        """Let go of files, as the end of a world does."""
        if self._till is not None:
            self._till.close()
        self._forget()
        self.disk.__exit__(None, None, None)

    def guarded(self, act: Callable[[], T]) -> T | None:
        """Do something with the till; None when it stopped or died of it."""
        strike = self._arm()
        try:
            return act()
        except Killed as killed:
            self.die(killed)
        except (JournalError, StoreError) as error:
            if strike is Kind.DISK_CUT_IN_WRITE:
                self._promised = self.till.journal.head.seq
                chance = self._chance.stream("cuts")
                self.die(PowerCut(), cut=chance.choice(tuple(Cut)))
            else:
                self._stop(error)
                self.was_stopped = True
                if strike in _STOPPED_BY and self.disk.heal():
                    self._marks.hit(_STOPPED_BY[strike])
        finally:
            self.disk.heal()
        return None

    def tap(self, card: VirtualCard, act: Callable[[CardConnection], T]) -> T | None:
        """Lay a card down, do something with it, take it away; None when the till died of it.

        Raises CardError and ReaderError, as the till does.
        """
        strikes = strikes_of_tap(self._chance)
        self.struck = None
        if self._chance.strikes(Kind.AIR_TWO_CARDS) is not None:
            raise CardCollision("two cards")
        self.reader.lift()
        self.reader.place(card)
        inner = self.reader.wait_for_card(0)
        if inner is None:
            raise AssertionError("a card that was laid down is there")
        air = AirConnection(inner, card, strikes, lift=self.reader.lift, wait=self._wait)
        try:
            return self.guarded_cut(lambda: act(air), air)
        finally:
            self.struck = air.struck
            self.reader.lift()

    def guarded_cut(self, act: Callable[[], T], air: AirConnection) -> T | None:
        """As `guarded`, with the cut that the air has struck."""
        try:
            return self.guarded(lambda: self._cut_by(act, air))
        except _Cut as cut:
            self.die(PowerCut(), cut=cut.cut)
            return None

    def sync(self) -> bool:
        """Exchange with the service once; False when it did not come through."""
        done = self.guarded(self._exchange)
        return bool(done)

    def put_in_inbox(self, answer: bytes) -> None:
        """Leave an answer in the inbox, as the sync process would."""
        (self.data.inbox / "0000000001.cbor").write_bytes(answer)

    def _exchange(self) -> bool:
        self.till.export_outbox()
        try:
            self._line().run()
        except (ServerUnreachable, ServerRefused, SyncError) as error:
            if isinstance(error, AnswerInvalid):
                self._marks.hit(Mark.PORTAL_REFUSED)
            return False
        finally:
            self.till.consume_inbox()
        return True

    def _cut_by(self, act: Callable[[], T], air: AirConnection) -> T:
        try:
            return act()
        except PowerCut as killed:
            kind = air.struck.kind if air.struck is not None else Kind.DISK_CUT
            raise _Cut(CUT_OF.get(kind, Cut.UNSYNCED)) from killed

    def _note_untold(self) -> None:
        """Note what a cut made of the entry that was being written: both are right."""
        promised, self._promised = self._promised, None
        if promised is None or not self.was_cut:
            return
        after = self.till.journal.entry(promised + 1)
        is_new = after is None or after.envelope.kind == EntryKind.STARTED
        self._marks.hit(Mark.CUT_LOST_UNTOLD if is_new else Mark.CUT_KEPT_UNTOLD)

    def _arm(self) -> Kind | None:
        """Let the disk fail at one of the next operations, if it shall."""
        armed: Kind | None = None
        for kind, (trouble, for_ever) in TROUBLES.items():
            detail = self._chance.strikes(kind)
            if detail is not None and armed is None:
                armed = kind
                self.disk.fail(trouble, after=detail.randrange(_OPERATIONS), for_ever=for_ever)
        return armed

    def _line(self) -> Sync:
        if self._sync is None:
            identity = Documents(self.data.documents).identity
            key = read_transport_key(self.data.keys, caisse=identity.caisse)
            self._sync = Sync(self.data, identity, key=key, session=self._session, clock=self.clock)
        return self._sync

    def _stop(self, error: Exception, condition: Condition = Condition.OFF) -> None:
        """The till stopped; it is opened anew, unless it says that it must not be."""
        if self._till is not None:
            self._till.close()
        self._forget()
        self.why = f"{type(error).__name__}: {error}"
        self.condition = Condition.DAMAGED if isinstance(error, JournalDamaged) else condition

    def _forget(self) -> None:
        self._till = None
        self._sync = None


class _Cut(BaseException):
    """A power cut, and what it takes with it."""

    def __init__(self, cut: Cut) -> None:
        super().__init__(cut)
        self.cut = cut
