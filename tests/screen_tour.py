"""Tours through the pages of a till: the six main ones, and every other one.

Each stop calls `show` with the page's name. Pages are walked by what choices say in the language
of the moment, so that a tour goes the same way in both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual.events import Key

from simulator.card import VirtualCard
from terminal.basket import LineKind
from terminal.catalogue import Pricing, Product
from terminal.settings import MerchantSettings, Mode, TerminalSettings
from terminal.ui.messages import Picked
from terminal.ui.widgets import ChoiceRow
from tests.screen_world import Stall
from tests.terminal_world import World

MAIN: Final = ("keypad", "present", "paid", "part", "amber", "menu")
COMMIT: Final = 9
"""The exchange of a sale to a new card after which it is debited."""
FARM: Final = MerchantSettings(
    mode=Mode.TILL,
    heading=("12 rue des Lilas, 61100 Flers", "SIRET 123 456 789 00012"),
    products=(
        Product(label="Tomates", pricing=Pricing.WEIGHED, price_cents=3_20),
        Product(label="Pain au levain", price_cents=4_10),
        Product(label="Œufs, les six", price_cents=2_40),
        Product(label="Fromage de chèvre", pricing=Pricing.FREE),
        Product(label="Consigne", price_cents=1_00, kind=LineKind.DEPOSIT, coverage_bp=0, vat_bp=0),
        Product(label="Cidre", price_cents=4_50, vat_bp=2_000, coverage_bp=0),
        Product(label="Miel", price_cents=7_50),
    ),
)
_NAMES: Final = {
    "/": "slash",
    "*": "asterisk",
    "+": "plus",
    "-": "minus",
    ",": "comma",
    "\n": "enter",
}
_PAGES_DEEP: Final = 6
"""No page lies deeper."""

Show = Callable[[str], Awaitable[None]]


@dataclass
class Tour:
    """A till on its way through its pages, and who has come with a card."""

    stall: Stall
    show: Show
    rich: VirtualCard
    poor: VirtualCard
    blocked: VirtualCard

    @classmethod
    @asynccontextmanager
    async def begin(
        cls, path: Path, *, size: tuple[int, int], language: str
    ) -> AsyncIterator[Tour]:
        """Open a stall of a farm that sells items, for two people with cards."""
        world = World.make(path)
        rich, poor, blocked = (world.new_card(cents) for cents in (80_00, 8_20, 50_00))
        world.members[blocked.uid].blocked = True
        world.publish()
        settings = TerminalSettings(language=language)
        async with Stall.open(world, size=size, settings=settings, merchant=FARM) as stall:
            await stall.idle()
            yield cls(stall, _nowhere, rich, poor, blocked)

    # Steps

    async def keys(self, keys: str) -> None:
        """Press keys of the pad."""
        for key in keys:
            self.stall.app.screen.post_message(Key(_NAMES.get(key, key), key))
        await self.stall.pilot.pause()

    async def choose(self, text: str) -> None:
        """Choose what says this (a msgid), turning pages until it is there."""
        said = self.stall.app.words.gettext(text)
        for _ in range(9):
            for number, row in enumerate(self.stall.app.screen.query(ChoiceRow), start=1):
                if said in str(row.render()):
                    await self._pick(number)
                    return
            await self.keys("0")
        raise AssertionError(f"no {said!r} on\n{self.stall.text}")

    async def _pick(self, number: int) -> None:
        page = self.stall.app.screen
        page.post_message(Picked(number))
        await self.stall.until(lambda: self.stall.app.screen is not page)

    async def sees(self, *texts: str) -> None:
        """Wait for what says this (msgids)."""
        await self.stall.sees(*map(self.stall.app.words.gettext, texts))

    async def on(self, page: str) -> None:
        """Wait for a kind of page."""
        await self.stall.until(lambda: self.stall.page == page)

    async def at(self, name: str, *texts: str) -> None:
        """Show the page that says this."""
        await self.sees(*texts)
        await self.show(name)

    async def leave(self) -> None:
        """Go back until the keypad is there."""
        stall = self.stall
        for _ in range(_PAGES_DEEP):
            # Between two pages of a flow the keypad shows: it is not left yet.
            await stall.until(lambda: stall.page != "SellPage" or not stall.app.is_busy)
            if stall.page != "SellPage":
                self.stall.app.screen.post_message(Key("escape", None))
                await self.stall.pilot.pause()
        await self.stall.idle()

    async def menu(self, *texts: str) -> None:
        """Choose something from the menu, and what lies behind it."""
        await self.leave()
        await self.keys("/")
        await self.sees("Menu")
        for text in texts:
            await self.choose(text)
            await self.stall.pilot.pause()

    async def sell(self, keys: str, card: VirtualCard) -> None:
        """Charge a card; it stays where it is."""
        await self.keys(keys + "\n")
        await self.sees("Present the card")
        self.stall.world.field.place(card)

    async def lift(self) -> None:
        """Take the card away, and go back to the keypad."""
        self.stall.world.field.lift()
        await self.leave()

    # Tours

    async def through_main(self) -> None:
        """The six pages of a market day."""
        await self.sell("18,4", self.rich)
        await self.sees("PAID")
        await self.lift()
        await self.keys("12,5+3*2,4")
        await self.show("keypad")
        await self.keys("\n")
        await self.at("present", "Present the card")
        self.stall.world.field.place(self.rich)
        await self.at("paid", "PAID")
        await self.lift()
        await self.sell("12,5", self.poor)
        await self.at("part", "The card pays a part")
        self.stall.world.field.lift()
        await self.choose("Give up this sale")
        await self.leave()
        await self.amber("7,3")
        await self.show("amber")
        await self.choose("Put aside")
        await self.leave()
        await self.keys("/")
        await self.at("menu", "Menu")
        await self.leave()

    async def through_others(self) -> None:
        """Every page that is not one of the six."""
        await self._selling()
        await self._after_sales()
        await self._menu()
        await self._settings()

    async def _selling(self) -> None:
        await self.keys("+")
        await self.at("items", "Items")
        await self.choose("Tomates")
        await self.on("CountPage")
        await self.show("grams")
        await self.leave()
        await self.keys("+")
        await self.choose("Fromage de chèvre")
        await self.on("AmountPage")
        await self.show("price-of-item")
        await self.leave()
        await self.keys("0,5\n")
        await self.at("small-amount", "Is that right?")
        await self.leave()
        await self.keys("-" * 4)
        await self._shared()
        await self._not_paid()
        await self._twice()
        await self.keys("*")
        await self.at("ask-balance", "Balance: present the card")
        self.stall.world.field.place(self.rich)
        await self.at("balance", "This card can pay")
        await self.lift()

    async def _shared(self) -> None:
        """A basket of which the card pays a part only."""
        for item in ("Pain au levain", "Cidre", "Consigne"):
            await self.keys("+")
            await self.choose(item)
            await self.leave()
        await self.show("keypad-basket")
        await self.keys("\n")
        await self.at("present-share", "Present the card")
        self.stall.world.field.place(self.rich)
        await self.at("paid-share", "PAID")
        await self.keys("+")
        await self.on("ReceiptPage")
        await self.show("receipt")
        self.stall.world.field.lift()
        await self.leave()

    async def _not_paid(self) -> None:
        """Cards that pay nothing, and one that is no card of ours."""
        world = self.stall.world
        await self.sell("5", self.blocked)
        await self.at("blocked", "Not paid with this card")
        world.field.lift()
        await self.choose("Back to the amount")
        await self.leave()
        await self.keys("\n")
        await self.sees("Present the card")
        world.field.place(VirtualCard(bytes.fromhex("04C1AF0000AAAA")))
        await self.stall.until(lambda: bool(self.stall.app.screen.query("#say.refused")))
        await self.show("foreign")
        world.field.lift()
        await self.leave()
        await self.keys("-")

    async def _twice(self) -> None:
        await self.sell("6", self.rich)
        await self.sees("PAID")
        await self.lift()
        await self.sell("6", self.rich)
        await self.at("twice", "Already charged")
        self.stall.world.field.lift()
        await self.choose("It is paid: next client")
        await self.leave()

    async def _after_sales(self) -> None:
        await self.amber("7,3")
        self.stall.world.field.place(self.poor)
        await self.stall.sees("…0002")
        await self.show("amber-other-card")
        self.stall.world.field.lift()
        await self.choose("Put aside")
        await self.menu("Sales to check")
        await self.at("to-check", "Sales to check")
        await self.choose("put aside")
        await self.at("to-check-answer", "Nothing to say yet")
        await self.menu("Sales of the day")
        await self.show("sales")
        await self.choose("✔")
        await self.at("sale", "Give all back")
        await self.choose("Give a part back")
        await self.show("refund-amount")
        await self.keys("2\n")
        await self.at("refund-reason", "Why?")
        await self.choose("Goods came back")
        await self.at("refund-sure", "Yes, give it back")
        await self.choose("Yes, give it back")
        await self.at("refunded", "Receipt")

    async def _menu(self) -> None:
        await self.menu()
        await self.keys("0")
        await self.show("menu-2")
        for name, text in (
            ("connection", "Connection"),
            ("account", "My account"),
            ("reading", "Day's totals"),
            ("close-open-sales", "Close the day"),
            ("rain-lock", "Rain lock"),
            ("call", "Call the coordinator"),
            ("borne", "Balance point"),
        ):
            await self.menu(text)
            await self.show(name)
            if name == "borne":
                self.stall.world.field.place(self.poor)
                await self.at("borne-balance", "This card can pay")
                self.stall.world.field.lift()
        await self.menu("Close the day")
        await self.choose("Close all the same")
        await self.at("close-sure", "Yes, close the day")
        await self.choose("Yes, close the day")
        await self.at("closed", "Print")

    async def _settings(self) -> None:
        for name, text in (
            ("settings", ""),
            ("catalogue", "Items"),
            ("mode", "Mode"),
            ("printer", "Printer"),
            ("heading", "Top of receipts"),
            ("choose-pin", "PIN"),
            ("day-and-hour", "Day and hour"),
            ("version", "Version"),
        ):
            await self.menu("Settings", *([text] if text else []))
            await self.show(name)
        await self.menu("Settings", "Items", "New item")
        await self.show("item-kind")
        await self.menu("Settings", "Items", "Miel")
        await self.show("item")
        await self.choose("VAT")
        await self.show("item-vat")
        await self.leave()

    async def amber(self, keys: str) -> None:
        """Sell to a card that is torn away as it is debited."""
        self.stall.world.field.tear_after(COMMIT)
        await self.sell(keys, self.rich)
        await self.sees("Put aside")
        self.stall.world.field.lift()


async def _nowhere(name: str) -> None:
    """Nobody looks."""
