r"""A stall with its screen: the real till, real SQLite, a virtual card and a person at the keys.

    @story
    async def test_a_sale(tmp_path: Path) -> None:
        async with Stall.open(world) as stall:
            await stall.type("12,50\n")
            await stall.tap(card)

Whoever waits here waits for something to be true on the screen, never for a time to pass.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, ParamSpec

from textual.pilot import Pilot
from textual.widgets import Digits, Static

from cardkit.bodies import (
    DeclinedEntry,
    EntryKind,
    Indeterminate,
    Intent,
    Refund,
    Resolution,
    Sale,
    Void,
)
from cardkit.reader import Reader
from simulator.card import VirtualCard
from simulator.field import Field
from simulator.plastic import Plastic
from terminal.draft import Draft
from terminal.feedback import Moment
from terminal.mounts import Stick
from terminal.nmcli import Nmcli
from terminal.settings import MerchantSettings, Settings, TerminalSettings
from terminal.till import Till
from terminal.ui.app import TillApp
from terminal.ui.huge import Amount, Huge
from terminal.ui.parts import Parts
from terminal.ui.text import LetterKey
from terminal.ui.widgets import ChoiceRow, TouchKey
from terminal.watchdog import Watchdog
from terminal.wifi import Wifi
from terminal.wiring import open_till
from tests.terminal_world import MERCHANT, SOFTWARE, World

SMALL: Final = (60, 18)
LARGE: Final = (100, 30)
WAIT_S: Final = 20.0
"""How long anything may take before the test is over; nothing waits so long that works."""
COMMIT: Final = 9
"""The exchange of a sale whose loss leaves a doubt."""
ENTRIES_MAX: Final = 1_000
OF_MONEY: Final = (Intent, Sale, Void, Indeterminate, Refund, DeclinedEntry, Resolution)
_KEYS: Final = {
    ",": "comma",
    "+": "plus",
    "-": "minus",
    "*": "asterisk",
    "/": "slash",
    "\n": "enter",
}

P = ParamSpec("P")


def world_with_card(path: Path, *cents: int) -> tuple[World, VirtualCard]:
    """A world with one card of which every directory knows, of 50,00 unless said otherwise."""
    world = World.make(path)
    card = world.new_card(*(cents or (50_00,)))
    world.publish()
    return world, card


def story(play: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Play a story as a test of its own, in an event loop of its own."""

    @functools.wraps(play)
    def test(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(play(*args, **kwargs))

    return test


@dataclass
class Ear:
    """Hears what a stall would hear."""

    heard: list[Moment] = field(default_factory=list)

    def play(self, moment: Moment) -> None:
        """Hear it."""
        if moment is not Moment.KEY:
            self.heard.append(moment)

    def self_test(self) -> tuple[str, ...]:
        """Nothing to test."""
        return ()

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class Stall:
    """One terminal with its screen."""

    world: World
    app: TillApp
    pilot: Pilot[int]
    ear: Ear

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        world: World,
        *,
        size: tuple[int, int] = SMALL,
        settings: TerminalSettings | None = None,
        merchant: MerchantSettings | None = None,
        merchants: tuple[int, ...] = (MERCHANT,),
        find_reader: Callable[[], Reader] | None = None,
        find_stick: Callable[[], Stick | None] = lambda: None,
        wifi: Wifi | None = None,
        borne: bool = False,
    ) -> AsyncIterator[Stall]:
        """Switch a stall on and wait until it can be used, or says that it can't."""
        data = world.data()
        if not data.journal.exists():
            world.enrol(merchants=merchants)
        kept = Settings(data.settings)
        if settings is not None:
            kept.terminal = settings
        if merchant is not None:
            for number in merchants:
                kept.set_merchant(number, merchant)
        ear = Ear()

        def own_till() -> Till:
            return open_till(data, clock=world.clock, software=SOFTWARE)

        app = TillApp(
            Parts(
                open_till=own_till,
                find_reader=find_reader or (lambda: world.field),
                settings=kept,
                draft=Draft(data.draft),
                feedback=ear,
                watchdog=Watchdog.from_environment({}),
                data=data,
                software=SOFTWARE,
                wifi=wifi or Wifi(nmcli=Nmcli("/nonexistent/nmcli")),
                find_stick=find_stick,
                monotonic_ms=world.clock.monotonic_ms,
                borne=borne,
            )
        )
        async with app.run_test(size=size) as pilot:
            stall = cls(world, app, pilot, ear)
            await stall.until(lambda: stall.is_ready or stall.page == "ChoicePage")
            await pilot.pause()
            yield stall
            world.field.lift()
        world.field = Field()  # the program has closed the one that it had

    # What a person does

    async def type(self, keys: str) -> None:
        """Press keys of a numpad, one after the other; a line feed is Enter."""
        for key in keys:
            await self.pilot.press(_KEYS.get(key, key))
        await self.pilot.pause()

    async def tap(self, card: Plastic, *, lift: bool = True) -> None:
        """Lay a card down until the till has done with it."""
        await self.lift()
        done = len(self.ear.heard)
        self.world.field.place(card)
        await self.until(lambda: len(self.ear.heard) > done + 1)
        if lift:
            await self.lift()

    async def lay(self, card: Plastic) -> None:
        """Lay a card down and leave it there; what comes of it is waited for by who asks."""
        await self.lift()
        self.world.field.place(card)
        await self.pilot.pause()

    async def lift(self) -> None:
        """Take the card away, as long as a hand takes for it: until the till has noticed."""
        self.world.field.lift()
        await self.until(lambda: not self.app.is_card_there)
        await self.pilot.pause()

    async def touch(self, label: str) -> None:
        """Touch the key or the choice that says this, again where the page moved meanwhile."""
        async with asyncio.timeout(WAIT_S):
            while not await self._touch_once(label):
                await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def _touch_once(self, label: str) -> bool:
        """Say whether what was under the finger in the end is what it went for."""
        for widget in self.app.screen.query(Static):
            if isinstance(widget, TouchKey | ChoiceRow) and label in str(widget.render()):
                return await self.pilot.click(widget)
        raise AssertionError(f"no {label!r} on\n{self.text}")

    async def strike(self, *names: str) -> None:
        """Touch keys of the keyboard on the screen, one after the other."""
        for name in names:
            await self.pilot.click(await self._letter_key(name))
            await self.pilot.pause()

    async def _letter_key(self, name: str) -> LetterKey:
        """Wait for a key: after ⇧ the keyboard is laid out anew."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for key in self.app.screen.query(LetterKey):
                    if str(key.render()).strip() == name:
                        return key
                await self.pilot.pause(0.01)

    async def choose(self, *labels: str) -> None:
        """Touch one choice after the other, each on the page where it stands."""
        for label in labels:
            await self._turn_to(label)
            await self.touch(label)

    async def _turn_to(self, label: str) -> None:
        try:
            await self.until(lambda: self._is_offered(label) or self._has_more)
        except TimeoutError:
            raise AssertionError(f"{label!r} is not offered on\n{self.text}") from None
        if not self._is_offered(label):
            await self.type("0")
            await self._turn_to(label)

    def _is_offered(self, label: str) -> bool:
        return any(label in str(it.render()) for it in self.app.screen.query(ChoiceRow))

    @property
    def _has_more(self) -> bool:
        return "0 page suivante" in self.text or "0 next page" in self.text

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                await self.pilot.pause(0.01)

    async def idle(self) -> None:
        """Wait until the keypad is there and nothing is under way."""
        await self.until(lambda: self.page == "SellPage" and not self.app.is_busy)
        await self.pilot.pause()

    async def sees(self, *words: str) -> None:
        """Wait until the screen says all of this."""
        try:
            await self.until(lambda: all(word in self.text for word in words))
        except TimeoutError:
            raise AssertionError(f"{words} are not on\n{self.text}") from None

    async def doubt(self, card: Plastic, keys: str, *, executed: bool) -> None:
        """Charge what is typed, and lose the card's last answer, or the last question to it."""
        await self.type(f"{keys}\n")
        await self.sees("Présentez la carte")
        field = self.world.field
        (field.tear_after if executed else field.tear_before)(COMMIT)
        await self.lay(card)
        await self.sees("On ne sait pas encore si c’est payé")

    # What there is to see

    @property
    def amount(self) -> str:
        """The amount on the keypad's page."""
        return self.app.screen.query_one("#amount", Amount).text

    @property
    def waiting_cents(self) -> list[int]:
        """What the sales in doubt come to, one by one, as the screen knows them."""
        situation = self.app.situation
        return [] if situation is None else [it.amount_cents for it in situation.open_sales]

    async def books(self) -> list[tuple[EntryKind, int]]:
        """Return what the journal says of money, in its order: which kind, and cents."""
        entries = await self.app.do(lambda till: till.journal.entries(0, ENTRIES_MAX))
        return [
            (EntryKind(it.envelope.kind), getattr(it.body, "amount_cents", 0))
            for it in entries
            if isinstance(it.body, OF_MONEY)
        ]

    @property
    def text(self) -> str:
        """Everything that stands on the page on top."""
        said = []
        for widget in self.app.screen.query("*"):
            if isinstance(widget, Digits):
                said.append(widget.value)
            elif isinstance(widget, Huge):
                said.append(widget.text)
            elif isinstance(widget, Static):
                said.append(str(widget.render()))
        return "\n".join(said)

    @property
    def is_ready(self) -> bool:
        """Whether the till stands and has a reader."""
        return self.app.situation is not None and self.app.reader is not None

    @property
    def page(self) -> str:
        """What kind of page is on top."""
        return type(self.app.screen).__name__
