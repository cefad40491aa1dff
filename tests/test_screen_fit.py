"""Every page on the least screen: nothing that can be touched or read lies outside, or is cut."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final

import pytest
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Static

from terminal.catalogue import Product
from terminal.feedback import Moment
from terminal.settings import MerchantSettings, Mode
from terminal.ui.flows.receipt import ReceiptPage
from terminal.ui.huge import Huge
from terminal.ui.sell import SellPage
from terminal.ui.status_line import StatusLine
from terminal.ui.widgets import ChoiceRow, KeyCap
from tests.screen_tour import Tour
from tests.screen_world import SMALL, Stall, story
from tests.terminal_world import World

LEAST: Final = (53, 17)
"""A panel of 480 × 320 pixels, in letters that are still read."""


@pytest.mark.parametrize("walk", [Tour.through_main, Tour.through_others])
@pytest.mark.parametrize("language", ["fr", "en"])
@story
async def test_nothing_is_cut(
    tmp_path: Path,
    language: str,
    walk: Callable[[Tour], Coroutine[None, None, None]],
) -> None:
    """Promise: on the smallest panel too, every key, choice and word is to be seen on every page.

    And wherever somebody is, a finger finds a way on.
    """
    found: dict[str, list[str]] = {}
    async with Tour.begin(tmp_path, size=LEAST, language=language) as tour:

        async def show(name: str) -> None:
            await tour.stall.pilot.pause()
            found[name] = [*cut(tour.stall), *without_a_way(tour.stall)]

        tour.show = show
        await walk(tour)
    assert found
    assert {name: troubles for name, troubles in found.items() if troubles} == {}


@story
async def test_another_card_at_amber_is_told_once(tmp_path: Path) -> None:
    """Promise: a wrong card that is left lying there does not sound on and on."""
    async with Tour.begin(tmp_path, size=SMALL, language="fr") as tour:
        await tour.amber("7,3")
        heard = tour.stall.ear.heard
        heard.clear()
        tour.stall.world.field.place(tour.poor)
        await tour.stall.sees("…0002")
        for _ in range(5):
            await tour.stall.app.do(lambda till: till.journal.head)
            await tour.stall.pilot.pause()
        await tour.stall.lift()
        assert heard == [Moment.SEEN, Moment.AMBER]


@story
async def test_a_name_is_shown_as_it_was_typed(tmp_path: Path) -> None:
    """Promise: brackets in an item's name are letters, in the basket too."""
    bread = Product(label="Pain [bio]", price_cents=4_10)
    farm = MerchantSettings(mode=Mode.TILL, products=(bread,))
    async with Stall.open(World.make(tmp_path), merchant=farm) as stall:
        await stall.idle()
        await stall.type("+")
        await stall.sees("Articles", "Pain [bio]")
        await stall.type("1")
        await stall.idle()
        await stall.sees("Pain [bio] 4,10")


@story
async def test_a_finger_leaves_every_page(tmp_path: Path) -> None:
    """Promise: without a numpad nobody is caught, whichever page was opened."""
    async with Stall.open(World.make(tmp_path)) as stall:
        await stall.idle()
        await stall.touch("SOLDE")
        await stall.sees("présentez la carte")
        await stall.touch("annuler")
        await stall.idle()
        await stall.touch("MENU")
        await stall.touch("page suivante")
        await stall.sees("Réglages")
        await stall.touch("retour")
        await stall.idle()


def cut(stall: Stall) -> list[str]:
    """Return what lies outside the screen or is not to be read on it."""
    screen = stall.app.screen
    whole = Region(0, 0, *stall.app.size)
    found = []
    for widget in screen.query(Static):
        words = words_of(widget)
        if not words or (isinstance(screen, ReceiptPage) and widget.has_class("paper")):
            continue
        region = widget.region
        if not whole.contains_region(region) or clip_of(widget).intersection(region) != region:
            found.append(f"{widget!r} lies at {region}")
        shown = read(stall, region)
        found.extend(f"{word!r} of {widget!r}" for word in words if word not in shown)
    return found


def without_a_way(stall: Stall) -> list[str]:
    """Say whether nothing on a page leads on by touch."""
    screen = stall.app.screen
    ways = [*screen.query(KeyCap), *screen.query(ChoiceRow)]
    return [] if ways or isinstance(screen, SellPage) else ["no way on by touch"]


def words_of(widget: Static) -> list[str]:
    """Return the words that a widget means to show."""
    if isinstance(widget, Huge | StatusLine):
        return []  # figures have no words, and the status line leaves out on purpose
    return str(widget.render()).split()


def clip_of(widget: Widget) -> Region:
    """Return where the containers of a widget let it be seen."""
    return widget.screen._compositor.full_map[widget].clip


def read(stall: Stall, region: Region) -> str:
    """Return what stands in a part of the screen."""
    strips = stall.app.screen._compositor.render_strips()
    lines = strips[region.y : region.bottom]
    return "\n".join(strip.crop(region.x, region.right).text for strip in lines)
