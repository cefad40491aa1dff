"""The program on the screen: what it knows, what it hears of, and which page is on top."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from textual import on, work
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen

from cardkit.errors import ClafoutisError, must
from terminal.cart import Cart, Typed
from terminal.feedback import Moment
from terminal.guesses import Guesses
from terminal.outcomes import Amber, OtherCard, Refused, Repeated
from terminal.settings import MerchantSettings, TerminalSettings, Theme
from terminal.situation import Situation, look
from terminal.surroundings import Surroundings, read_surroundings
from terminal.till import Till
from terminal.ui import themes
from terminal.ui.flows import halted, opening
from terminal.ui.frame import Frame
from terminal.ui.huge import TALL_ROWS
from terminal.ui.messages import Happened
from terminal.ui.pad import Pad
from terminal.ui.parts import LastSale, Parts, Session
from terminal.ui.present import is_red
from terminal.ui.sell import SellPage
from terminal.ui.status_line import StatusLine
from terminal.ui.tones import is_red_reason
from terminal.words import Words
from terminal.worker import (
    Announced,
    CardLifted,
    CardSeen,
    CardTrouble,
    Fact,
    Halted,
    ReaderGone,
    ReaderReady,
    Stands,
    TapDone,
    Worker,
)

T = TypeVar("T")
LOOKS_AROUND_EVERY_S: Final = 10.0
_LATER: Final = tuple(
    f"terminal.ui.flows.{name}" for name in ("charge", "balance", "items", "receipt", "menu")
)
Flow = Callable[["TillApp"], Coroutine[Any, Any, None]]


class TillApp(App[int], inherit_bindings=False):
    """The till's face; the exit status is the program's."""

    CSS_PATH = Path(__file__).with_name("till.tcss")
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    VERTICAL_BREAKPOINTS = [(0, "-low"), (TALL_ROWS, "-tall")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = []
    TITLE = "Clafoutis"

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts
        self.settings = parts.settings.terminal
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.apply_theme(self.settings.theme)  # before styles are read, or they are read twice
        self.words = Words(self.settings.language)
        self.situation: Situation | None = None
        self.surroundings: Surroundings | None = None
        self.reader: ReaderReady | ReaderGone | None = None
        self.session: Session | None = None
        self.merchant_settings = parts.settings.merchant(self.settings.last_merchant)
        self.cart = Cart.empty(self.merchant_settings.amount_entry)
        self.last_sale: LastSale | None = None
        self.rain_lock = False
        self.guesses = Guesses(parts.data.guesses, parts.monotonic_ms)
        self.stands = asyncio.Event()
        """Set once it is known how things stand."""
        self.is_card_there = False
        """Whether a card lies on the reader, as far as was heard."""
        self._held: list[Pad] | None = None
        """Keys for the keypad, from the moment on when the flow that is under way lets them."""
        self._flowing = False
        self.worker = Worker(parts.open_till, parts.find_reader, look, post=self._hand_over)

    # What pages ask

    @property
    def merchant_name(self) -> str:
        """Whom is sold for."""
        return self.session.grant.name if self.session is not None else ""

    @property
    def selling(self) -> Session:
        """Who sells; only once the till is open."""
        if self.session is None:
            raise AssertionError("the till is open")
        return self.session

    @property
    def accepts_touch(self) -> bool:
        """Whether touch counts: not while rain drops would."""
        return not self.rain_lock

    async def show(self, page: Screen[T]) -> T:
        """Put a page on top and return its result; only inside a flow."""
        result: T = await self.push_screen_wait(page)
        return result

    async def do(self, act: Callable[[Till], T]) -> T:
        """Do something with the till in its own thread; raises what it raises."""
        return await asyncio.wrap_future(self.worker.do(act))

    def let_keys_follow(self) -> None:
        """From here on keys are the keypad's, although the flow has not quite ended."""
        if self._flowing and self._held is None:
            self._held = []

    def hold_key(self, pad: Pad) -> None:
        """Give the keypad a key, in its order; one that comes from between two pages is none."""
        if not self._flowing:
            self.selling_page.press(pad)
        elif self._held is not None:
            self._held.append(pad)

    def run_flow(self, flow: Flow) -> None:
        """Begin a flow, unless another one is under way."""
        if not self._flowing:
            self._flowing = True
            self.run_worker(self._whole(flow), exit_on_error=True)

    @property
    def is_busy(self) -> bool:
        """Whether a flow is under way."""
        return self._flowing

    def key_pressed(self) -> None:
        """A key was pressed, by touch or on a keyboard."""
        if self.settings.sounds:
            self.parts.feedback.play(Moment.KEY)

    def sound(self, moment: Moment) -> None:
        """Let something be heard, unless the sounds are off."""
        if self.settings.sounds:
            self.parts.feedback.play(moment)

    def change_cart(self, cart: Cart) -> None:
        """Show and keep another cart."""
        self.cart = cart
        if self.session is not None:
            self.parts.draft.keep_soon(self.session.merchant, cart.lines)
        self.selling_page.show_cart()

    @property
    def selling_page(self) -> SellPage:
        """The page below all others."""
        page = self.screen_stack[0]
        must(isinstance(page, SellPage), "the keypad lies below all pages")
        return page  # type: ignore[return-value]  # just looked at

    def charge(self) -> None:
        """Begin a sale of what is in the cart."""
        from terminal.ui.flows import charge  # noqa: PLC0415 - see `load_the_rest`

        self.run_flow(charge.charge)

    def ask_balance(self) -> None:
        """Begin to ask a card what it can pay."""
        from terminal.ui.flows import balance  # noqa: PLC0415 - see `load_the_rest`

        self.run_flow(balance.balance)

    def choose_item(self) -> None:
        """Begin to choose from the merchant's catalogue."""
        from terminal.ui.flows import items  # noqa: PLC0415 - see `load_the_rest`

        self.run_flow(items.add_item)

    def open_menu(self) -> None:
        """Begin with everything that is not a sale."""
        from terminal.ui.flows import menu  # noqa: PLC0415 - see `load_the_rest`

        self.run_flow(menu.menu)

    async def load_the_rest(self) -> None:
        """Load what no first key needs, once there can be one: a start has to be short."""
        self._look_around()
        for module in _LATER:
            await asyncio.to_thread(import_module, module)
        self.parts.settle()

    def speak(self, language: str) -> None:
        """Change the language of every page."""
        self.words = Words(language)
        for page in self.screen_stack:
            if isinstance(page, Frame):
                page.redraw()

    def apply_theme(self, theme: Theme) -> None:
        """Change colours for the light that there is."""
        self.theme = theme.value

    @property
    def is_training(self) -> bool:
        """Whether nothing here is money."""
        return self.situation is not None and self.situation.training

    def change_settings(self, settings: TerminalSettings) -> None:
        """Keep what is set for the terminal; raises StoreError."""
        self.parts.settings.terminal = settings
        self.settings = settings

    def change_merchant(self, settings: MerchantSettings) -> None:
        """Keep what is set for the merchant; raises StoreError."""
        self.parts.settings.set_merchant(self.selling.merchant, settings)
        self.reload_settings()

    def reload_settings(self) -> None:
        """Take over what is set for the merchant."""
        if self.session is None:
            return
        self.merchant_settings = self.parts.settings.merchant(self.session.merchant)
        style = self.merchant_settings.amount_entry
        if self.cart.typed.style is not style:
            self.cart = replace(self.cart, typed=Typed(style))
        self.selling_page.redraw()

    def remember_merchant(self, merchant: int) -> None:
        """Offer this merchant first the next time."""
        if self.settings.last_merchant != merchant:
            self.change_settings(replace(self.settings, last_merchant=merchant))
        self.merchant_settings = self.parts.settings.merchant(merchant)

    # Textual's own

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give our colours names before any theme of ours is on."""
        return themes.DAY.variables

    def get_default_screen(self) -> Screen[Any]:
        """Begin with the keypad."""
        return SellPage()

    def on_mount(self) -> None:
        """Start the till's thread, and open."""
        if self.parts.watchdog.interval_s is not None:
            self.set_interval(self.parts.watchdog.interval_s, self.parts.watchdog.alive)
        self.set_interval(LOOKS_AROUND_EVERY_S, self._look_around)
        self.worker.start()
        self.run_flow(opening.opening)

    def on_unmount(self) -> None:
        """Let the till end in good order."""
        self.parts.watchdog.stopping()
        if self.worker.is_alive():
            self.worker.stop()
            self.worker.join()
        self.parts.draft.close()

    @on(Happened)
    def hear(self, message: Happened) -> None:
        """Take note of a fact, let it be heard, and tell the page on top."""
        fact = message.fact
        if not self.screen_stack:
            return  # the program ends: nobody looks any more
        self._note(fact)
        self._sound(fact)
        page = self.screen
        for line in page.query(StatusLine):
            line.redraw()
        if isinstance(page, Frame):
            page.call_later(page.hear, fact)  # in its own turn, once it is laid out
        if isinstance(fact, Halted):
            self.run_worker(halted.halted(self, fact.error))

    # Inside

    @work(exclusive=True, group="surroundings")
    async def _look_around(self) -> None:
        """See how power, disk and network stand."""
        self.surroundings = await asyncio.to_thread(read_surroundings, self.parts.data)
        for line in self.screen.query(StatusLine):
            line.redraw()

    def _hand_over(self, fact: Fact) -> None:
        self.post_message(Happened(fact))

    async def _whole(self, flow: Flow) -> None:
        try:
            await flow(self)
        except ClafoutisError as error:
            await halted.tell_trouble(self, error)
        finally:
            self._flowing = False
        self._press_held()

    def _press_held(self) -> None:
        """Let the keypad have its keys, up to one that begins a flow."""
        held, self._held = self._held, None
        for pad in held or ():
            if not self._flowing:
                self.selling_page.press(pad)

    def _note(self, fact: Fact) -> None:
        match fact:
            case Stands(situation):
                self.situation = situation
                if not self.stands.is_set():
                    self.stands.set()
                    self.parts.watchdog.ready()
            case ReaderReady() | ReaderGone():
                self.reader, self.is_card_there = fact, False
            case CardSeen() | CardLifted():
                self.is_card_there = isinstance(fact, CardSeen)
            case Halted():
                self.parts.watchdog.ready()  # this page is all there is to wait for
            case Announced(green) if self.situation is not None:
                self.last_sale = LastSale(
                    seq=green.seq, amount_cents=green.amount_cents, at=self.situation.now.at
                )
            case _:
                pass

    def _sound(self, fact: Fact) -> None:
        moment = moment_of(fact)
        if moment is not None:
            self.sound(moment)


def moment_of(fact: Fact) -> Moment | None:
    """Return what a fact sounds like; not enough sounds like a card that was seen."""
    moment: Moment | None = None
    match fact:
        case CardSeen():
            moment = Moment.SEEN
        case Announced(green) if green.is_new:  # whoever charges must not take another for it
            moment = Moment.PAID
        case CardTrouble(error):
            moment = Moment.REFUSED if is_red(error) else Moment.AMBER
        case TapDone(Refused(declined=declined)):
            moment = Moment.REFUSED if is_red_reason(declined.reason) else Moment.NOT_ENOUGH
        case TapDone(Amber() | OtherCard() | Repeated()):
            moment = Moment.AMBER
        case Halted() | ReaderGone():
            moment = Moment.TROUBLE
        case _:
            pass
    return moment
