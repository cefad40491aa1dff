"""The till's own screen on a stall of the market week; function keys lay members' cards down."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType

from cardkit.card.connection import CardConnection
from cardkit.reader import Reader
from cardkit.reader.beep import Beep
from terminal.draft import Draft
from terminal.feedback import open_feedback
from terminal.mounts import find_stick
from terminal.settings import Settings
from terminal.software import Software
from terminal.till import Till
from terminal.ui.app import TillApp
from terminal.ui.parts import Parts
from terminal.watchdog import Watchdog
from terminal.wifi import Wifi
from terminal.wiring import open_till

if TYPE_CHECKING:
    from simulator.card import VirtualCard
    from simulator.market.counter import Place
    from simulator.market.stall import Stall
    from simulator.market.week import Week

LAID_BY: Final = 10
"""Function keys that lay a card down, each that of one member."""


class LentReader:
    """The counter's reader, which the week closes and nobody else."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def name(self) -> str:
        """What a person would call it."""
        return self._reader.name

    @property
    def beep(self) -> Beep:
        """As quiet as the counter's."""
        return self._reader.beep

    def wait_for_card(self, timeout_s: float) -> CardConnection | None:
        """Wait for what a function key lays down."""
        return self._reader.wait_for_card(timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Wait until it was taken away."""
        return self._reader.wait_for_removal(timeout_s)

    def close(self) -> None:
        """Leave it open."""


class PlayedTill(TillApp):
    """The till with a hand full of cards beside it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(f"f{n}", f"lay({n})", priority=True) for n in range(1, LAID_BY + 1)),
        Binding("f11", "take", priority=True),
        Binding("f12", "leave", priority=True),
    ]

    def __init__(self, parts: Parts, place: Place, cards: dict[int, VirtualCard]) -> None:
        super().__init__(parts)
        self._place = place
        self._cards = cards

    def action_lay(self, number: int) -> None:
        """Lay a member's card down, in place of the one that lies there."""
        card = self._cards.get(number)
        if card is not None:
            self._place.take()
            self._place.put(card)

    def action_take(self) -> None:
        """Take the card away."""
        self._place.take()

    def action_leave(self) -> None:
        """End the play."""
        self.exit(0)


def show(week: Week, stall: Stall) -> None:
    """Give a stall's till to a person at the screen, and take it back afterwards."""
    data, software, clock = stall.let_go(), Software.installed(), stall.clock
    settings = Settings(data.settings)
    lent = LentReader(week.counter.reader)

    def own_till() -> Till:
        return open_till(data, clock=clock, software=software)

    parts = Parts(
        open_till=own_till,
        find_reader=lambda: lent,
        settings=settings,
        draft=Draft(data.draft),
        feedback=open_feedback(settings.terminal),
        watchdog=Watchdog.from_environment({}),
        data=data,
        software=software,
        wifi=Wifi(),
        find_stick=find_stick,
        monotonic_ms=clock.monotonic_ms,
        merchant=stall.merchant,
    )
    try:
        PlayedTill(parts, week.counter.place, week.caisse.cards).run()
    finally:
        week.counter.place.take()
        stall.take_back()
