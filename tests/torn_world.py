"""A market for torn sales: real tills and the real service, cards whose history is the truth.

with Market.opened(path, cards=1) as market:    # needs a database
    scene = Scene(market, market.next_card())   # from here on everything is counted
    scene.attempt(sale, Fault(FaultKind.LIFTED_AFTER, 9))
    scene.heal()
    judge_scene(scene)                          # card, greens and journal say the same
    market.tell_everything()
    judge_books(market)                         # and so do the service's books

Nothing that a till believes is asked: a card says what it was debited, by whom and under which
number, and the greens are those that somebody saw.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import mkdtemp
from typing import Any, Final, TypeAlias, cast

from cardkit.acts import RuleSet
from cardkit.bodies import Enrolled
from cardkit.card.connection import CardConnection
from cardkit.card.keys import TerminalCardKeys
from cardkit.errors import CardError, JournalStopped, StoreError
from cardkit.pairing import CardMaster, CardMasters
from cardkit.sync import decode_request
from server_stub.rules.scheme import RuleName
from server_stub.services import acts
from server_stub.services.sync import sync
from simulator.card import VirtualCard
from simulator.faults import Fault, FaultKind, FaultyConnection, Killed
from simulator.field import FieldConnection
from terminal.config import DataDirectory
from terminal.documents import Documents, Identity
from terminal.floored import FlooredClock
from terminal.journal import Journal
from terminal.keyring import write_keyring
from terminal.outcomes import Green
from terminal.store import Store
from terminal.till import Announce, Till
from terminal.wiring import open_till
from tests.service_world import LONG_AGO, MERCHANT, ServiceWorld, Stall
from tests.terminal_world import SOFTWARE

HERE, ELSEWHERE = 3, 4
PRICE_CENTS: Final = 5
COMMIT: Final = 9
ROOM_CENTS: Final = 5_000_00
_TAPS_MAX: Final = 3
_RULES: Final = {
    RuleName.CARD_DAY_MAX_CENTS: ROOM_CENTS,
    RuleName.UNSENT_MAX_CENTS: ROOM_CENTS,
}


@unique
class StepKind(Enum):
    """What happens at a step of the till's own."""

    WRITE_FAILS = "an entry is not written, and the disk says so"
    WRITE_UNSURE = "an entry is written, and the disk says that it failed"
    KILLED_BEFORE_WRITE = "the process is killed before an entry is written"
    KILLED_AFTER_WRITE = "the process is killed when an entry is written"
    KILLED_BEFORE_GREEN = "the process is killed before somebody sees green"
    KILLED_AFTER_GREEN = "the process is killed when somebody has seen green"


@dataclass(frozen=True, slots=True)
class Step:
    """A fault at the n-th entry that is written, or at the n-th green."""

    kind: StepKind
    number: int


Moment: TypeAlias = Fault | Step
_OF_DISK: Final = {StepKind.WRITE_FAILS, StepKind.WRITE_UNSURE}
_OF_GREENS: Final = {StepKind.KILLED_BEFORE_GREEN, StepKind.KILLED_AFTER_GREEN}


def kills(moment: Moment | None) -> bool:
    """Whether the process ends at a moment, as by SIGKILL."""
    if isinstance(moment, Step):
        return moment.kind not in _OF_DISK
    return moment is not None and moment.kills


def ends_the_till(moment: Moment | None) -> bool:
    """Whether the till has to be opened anew: it was killed, or its disk failed."""
    if isinstance(moment, Step):
        return True
    return kills(moment) or (moment is not None and moment.kind is FaultKind.DISK_FAILS)


class FaultyDisk:
    """A journal's database on a disk with one fault in it; all else is the database's own."""

    def __init__(self, db: sqlite3.Connection, step: Step | None) -> None:
        self.struck = False
        self.inner = db
        self._step = None if step is None or step.kind in _OF_GREENS else step
        self._written = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def execute(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Run a statement; an entry that is inserted may be hit."""
        if not sql.startswith("INSERT INTO entry"):
            return self.inner.execute(sql, values)
        self._written += 1
        if self._step is None or self._written != self._step.number:
            return self.inner.execute(sql, values)
        self.struck = True
        kind = self._step.kind
        if kind is StepKind.KILLED_BEFORE_WRITE:
            raise Killed
        if kind is StepKind.WRITE_FAILS:
            raise sqlite3.OperationalError("disk I/O error")
        self.inner.execute(sql, values)
        if kind is StepKind.KILLED_AFTER_WRITE:
            raise Killed
        raise sqlite3.OperationalError("disk I/O error")


@dataclass
class Watcher:
    """Somebody who sees greens; the process may be killed just before or after one."""

    seen: list[tuple[int, int]]
    step: Step | None = None
    greens: int = 0
    struck: bool = False

    def __call__(self, green: Green) -> None:
        """See one green."""
        self.greens += 1
        kind = self.step.kind if self.step and self.step.number == self.greens else None
        self.struck |= kind in _OF_GREENS
        if kind is StepKind.KILLED_BEFORE_GREEN:
            raise Killed
        self.seen.append((green.seq, green.amount_cents))
        if kind is StepKind.KILLED_AFTER_GREEN:
            raise Killed


Act: TypeAlias = Callable[[Till, CardConnection, Announce], object]
"""What a till is asked to do with a card."""


def sale(till: Till, connection: CardConnection, announce: Announce) -> object:
    """Sell for the price of every day."""
    return till.sell(connection, PRICE_CENTS, merchant=MERCHANT, announce=announce)


@dataclass
class Market:
    """A caisse, two of its stalls on one disk, and its cards."""

    service: ServiceWorld
    path: Path
    masters: tuple[CardMaster, ...] = field(repr=False)
    tills: dict[int, Till] = field(default_factory=dict)
    data: dict[int, DataDirectory] = field(default_factory=dict)
    cuts: int = 0
    turn: int = 0

    @classmethod
    @contextmanager
    def opened(
        cls,
        path: Path,
        *,
        cards: int,
        credit_cents: int = ROOM_CENTS,
        newer: CardMaster | None = None,
    ) -> Iterator[Market]:
        """Two stalls that know of the same cards; on a disk in memory, where there is one."""
        memory = Path("/dev/shm")
        place = Path(mkdtemp(dir=memory)) if memory.is_dir() else path
        market = cls._made(place, cards=cards, credit_cents=credit_cents, newer=newer)
        try:
            yield market
        finally:
            for till in market.tills.values():
                till.close()
            rmtree(place, ignore_errors=True)

    @classmethod
    def _made(
        cls, path: Path, *, cards: int, credit_cents: int, newer: CardMaster | None
    ) -> Market:
        service = ServiceWorld.make()
        for name, value in {**_RULES, RuleName.MONTHLY_CREDIT_CENTS: credit_cents}.items():
            rule = RuleSet(name=name.value, value=value, from_day=LONG_AGO.date())
            acts.record(service.caisse, rule)
        for _ in range(cards):
            service.card()
        masters = service.keys.workshop.masters
        market = cls(service, path, masters if newer is None else (*masters, newer))
        for number in (HERE, ELSEWHERE):
            market._enrol(service.stall(number))
        return market

    @property
    def cards(self) -> list[VirtualCard]:
        """All cards of this caisse."""
        return list(self.service.cards.values())

    @property
    def card_keys(self) -> TerminalCardKeys:
        """What every till opens cards with."""
        masters = {master.version: master.key for master in self.masters}
        return TerminalCardKeys(self.service.keys.public.system_id, masters)

    def rest(self) -> None:
        """Empty the write-ahead logs, as between taps: what a cut has to copy stays small."""
        for till in self.tills.values():
            till.journal.checkpoint()

    def next_card(self) -> VirtualCard:
        """The card whose turn it is."""
        self.turn += 1
        return self.cards[self.turn % len(self.cards)]

    def connect(self, card: VirtualCard) -> FieldConnection:
        """Lay a card on the reader."""
        self.lift()
        self.service.field.place(card)
        connection = self.service.field.wait_for_card(0)
        assert connection is not None
        return connection

    def lift(self) -> None:
        """Take it away."""
        self.service.field.lift()

    def cut(self, number: int) -> None:
        """End a till as a cut does, and open it from what was on the disk at that moment."""
        old, self.cuts = self.data[number], self.cuts + 1
        self.data[number] = DataDirectory(self.path / f"{number}-after-{self.cuts}")
        copytree(old.root, self.data[number].root)
        self.tills[number].close()
        rmtree(old.root)
        self._open(number)

    def tell_everything(self) -> None:
        """Close the day at every stall, and let each sync until it has nothing more to say."""
        for till in self.tills.values():
            till.close_day(self.service.now.date())
        for _ in range(2):
            for number in self.tills:
                self.sync(number)

    def sync(self, number: int) -> None:
        """Carry a till's requests to the service, and the answers back."""
        till, data = self.tills[number], self.data[number]
        till.export_outbox()
        for request in sorted(data.outbox.iterdir()):
            answer = sync(self.service.caisse, decode_request(request.read_bytes()))
            (data.inbox / request.name).write_bytes(answer)
        till.consume_inbox()

    def _enrol(self, stall: Stall) -> None:
        """Make the data of a stall's terminal as pairing does, and open its till."""
        number, answer, keys = stall.terminal, stall.answers[-1], self.service.keys
        data = self.data[number] = DataDirectory(self.path / f"{number}")
        data.create()
        write_keyring(
            data.keys,
            journal=stall.key,
            transport=stall.transport,
            token=stall.token_key,
            cards=CardMasters(system_id=keys.public.system_id, masters=self.masters),
        )
        Documents(data.documents).identity = Identity(
            caisse=self.service.caisse.name,
            terminal=number,
            root=keys.root_key,
            service_url="http://localhost",
        )
        assert answer.permit is not None
        assert answer.directory is not None
        store = Store.open(data)
        store.accept_certificates(answer.certificates)
        permit = store.accept_permit(answer.permit)
        store.accept_directory(answer.directory, answer.delta, refunded=frozenset())
        Journal.create(
            data.journal,
            key=stall.key,
            terminal=number,
            clock=FlooredClock(self.service.clock, store),
            enrolled=Enrolled(
                certificate=bytes(32), permit=permit.digest, software=SOFTWARE.digest
            ),
        ).close()
        store.close()
        self._open(number)

    def _open(self, number: int) -> None:
        till = open_till(self.data[number], clock=self.service.clock, software=SOFTWARE)
        till.start()
        self.tills[number] = till


@dataclass
class Scene:
    """One card at two stalls: what was done to it since, and what somebody saw."""

    market: Market
    card: VirtualCard
    greens: list[tuple[int, int]] = field(default_factory=list)
    """(seq, cents) of every green that was seen at HERE."""
    unseen: bool = False
    """Whether the process ended, or its disk did, so that a sale may be there without its green."""
    trouble: BaseException | None = None
    """What the last attempt ended with, unless it had an outcome."""
    outcome: object = None
    committed_before: int = field(init=False)
    heads: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.committed_before = len(self.card.history)
        self.heads = {number: till.journal.head.seq for number, till in self.market.tills.items()}

    @property
    def here(self) -> Till:
        """The till where things go wrong."""
        return self.market.tills[HERE]

    def attempt(self, act: Act, moment: Moment | None) -> bool:
        """Let the till act on the card while something goes wrong; say whether it did.

        Afterwards the card is off the reader, and the till runs again.
        """
        till, field_ = self.here, self.market.service.field
        fault, step = _parted(moment)
        disk = FaultyDisk(till.journal._db, step)
        till.journal._db = cast(sqlite3.Connection, disk)
        watcher = Watcher(self.greens, step)
        connection = FaultyConnection(
            self.market.connect(self.card),
            fault,
            lift=field_.lift,
            fail_disk=lambda: _fail_disk(till),
        )
        self.trouble = self.outcome = None
        try:
            self.outcome = act(till, connection, watcher)
        except (CardError, JournalStopped, StoreError, Killed) as trouble:
            self.trouble = trouble
        struck = connection.struck or disk.struck or watcher.struck
        assert isinstance(self.trouble, Killed) == (struck and kills(moment)), "death is final"
        assert not isinstance(self.trouble, JournalStopped | StoreError) or ends_the_till(moment)
        self.market.lift()
        if struck and ends_the_till(moment):
            self.unseen = True
            self.market.cut(HERE)
        else:
            till.journal._db = disk.inner
        return struck

    def buy_elsewhere(self, *amounts_cents: int) -> None:
        """Let the card pay at another stall, without any trouble."""
        till = self.market.tills[ELSEWHERE]
        for amount_cents in amounts_cents:
            outcome = till.sell(self.market.connect(self.card), amount_cents, merchant=MERCHANT)
            assert isinstance(outcome, Green)
        self.market.lift()

    def heal(self) -> None:
        """Tap the card again at the same till until it has paid once more."""
        for _ in range(_TAPS_MAX):
            watcher = Watcher(self.greens)
            outcome = sale(self.here, self.market.connect(self.card), watcher)
            self.market.lift()
            if isinstance(outcome, Green):
                return
        raise AssertionError(f"a card in order is not sold to: {outcome}")

    def close_day(self) -> None:
        """Close the day instead, and let the card go on at the other stall."""
        self.here.close_day(self.market.service.now.date())
        self.buy_elsewhere(PRICE_CENTS)


def _parted(moment: Moment | None) -> tuple[Fault | None, Step | None]:
    return (
        moment if isinstance(moment, Fault) else None,
        moment if isinstance(moment, Step) else None,
    )


def _fail_disk(till: Till) -> None:
    till.journal._db.execute("PRAGMA query_only = ON")
    till.store._db.execute("PRAGMA query_only = ON")
