"""A sale on the real screen: cage, foot, the till as a process of its own, pcscd, a virtual card.

The till's signs of life to systemd are what the test's clock ticks by.
"""

from __future__ import annotations

import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cardkit.clock import SystemClock
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.pcscd import PrivatePcscd, available
from simulator.vpcd import VpcdSlot
from terminal.ui.themes import DAY
from tests.kiosk_keys import ESCAPES, Key
from tests.kiosk_screen import (
    HEIGHT,
    NO_TOUCH,
    TIMEOUT_S,
    WIDTH,
    KioskScreen,
    foot_hears_touch,
    kiosk_screen,
    missing_for_a_screen,
)
from tests.terminal_world import World, debits_cents

MISSING = missing_for_a_screen() or available()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]

TREE = Path(__file__).parent.parent
BYTES_MAX = 4096
TICK_USEC = 100_000
TICKS_MAX = 300
GREEN = bytes.fromhex(DAY.variables["paid"].removeprefix("#"))
GO = bytes.fromhex(DAY.variables["go"].removeprefix("#"))
INK = bytes.fromhex((DAY.foreground or "").removeprefix("#"))
PAPER = bytes.fromhex((DAY.background or "").removeprefix("#"))
AMOUNT_KEYS = (Key.KP_1, Key.KP_2, Key.KP_COMMA, Key.KP_5, Key.KP_0, Key.KP_ENTER)
KEY_7, KEY_GO = (0.09, 0.41), (0.80, 0.90)
"""Where keys lie, as shares of the screen's width and height."""
AMOUNT = (0.5, 0.07, 1.0, 0.25)
"""Where the amount stands on the keypad's page: left, top, right, bottom."""
MOST = 0.3
A_KEY = 0.03
"""How much of the screen is one colour where that colour is looked for."""

needs_touch = pytest.mark.skipif(MISSING is None and not foot_hears_touch(), reason=NO_TOUCH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """A till on its screen, with a slot for cards."""

    screen: KioskScreen
    slot: VpcdSlot
    systemd: socket.socket

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait, from one sign of life of the till to the next, until something is so."""
        for _ in range(TICKS_MAX):
            if holds():
                return
            self.systemd.recv(BYTES_MAX)
        raise AssertionError(f"not within {TICKS_MAX} signs of life: {what}")


@contextmanager
def stall(world: World, folder: Path) -> Iterator[Stall]:
    """Enrol a terminal and start it as its unit does; `folder` is short and ours alone."""
    data = world.enrol()
    programs = folder / "programs"
    programs.mkdir()
    # Whether this disk forgets, as a container's does, is not what is asked here.
    ui = f'exec {sys.executable} -m terminal "$@"'
    for program, script in {"clafoutis-terminal": ui, "python": "exit 0"}.items():
        (programs / program).write_text(f"#!/bin/sh\n{script}\n")
        (programs / program).chmod(0o755)
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
        PrivatePcscd(fastpoll=True) as daemon,
        VpcdSlot("127.0.0.1", daemon.port) as slot,
    ):
        systemd.bind(str(folder / "systemd"))
        systemd.settimeout(TIMEOUT_S)
        environment = {
            "CLAFOUTIS_PROGRAMS": str(programs),
            "CLAFOUTIS_TERMINAL_DATA": str(data.root),
            "CLAFOUTIS_READER": f"pcsc:{daemon.reader_names[0]}",
            "NOTIFY_SOCKET": str(folder / "systemd"),
            "WATCHDOG_USEC": str(2 * TICK_USEC),
            "PYTHONPATH": str(TREE),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with kiosk_screen(folder, environment | daemon.environment) as screen:
            while systemd.recv(BYTES_MAX) != b"READY=1":
                pass
            till = Stall(screen=screen, slot=slot, systemd=systemd)
            till.until(
                lambda: asks_for_the_time(screen) or shows_an_amount(screen), "the till is there"
            )
            if asks_for_the_time(screen):
                screen.keyboard.press(Key.KP_1)
            till.until(lambda: shows_an_amount(screen), "the keypad is there, and its zero")
            yield till


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose sockets have short names."""
    with tempfile.TemporaryDirectory(prefix="kiosk-") as name:
        yield Path(name)


@pytest.fixture
def member(folder: Path) -> tuple[World, VirtualCard]:
    """A caisse of this very day, and a card that may spend 50 euros."""
    world = World(folder / "world", ManualClock(SystemClock().now().at))
    card = world.new_card(50_00)
    world.publish()
    return world, card


def test_a_sale_on_the_real_screen(folder: Path, member: tuple[World, VirtualCard]) -> None:
    """Promise: six keys of a numpad without NumLock and a card are a sale, paid to the cent."""
    world, card = member
    with stall(world, folder) as it:
        for key in AMOUNT_KEYS:
            it.screen.keyboard.press(key)
        it.slot.insert(card)
        it.until(lambda: share(GREEN, it.screen) > MOST, "the screen is green")
    assert debits_cents(card) == [12_50]


@pytest.mark.parametrize("pointer", ["mouse", pytest.param("finger", marks=needs_touch)])
def test_the_keypad_is_pressed(
    folder: Path, member: tuple[World, VirtualCard], pointer: str
) -> None:
    """Promise: the same by touch: a digit, and the key that takes the money."""
    world, card = member
    with stall(world, folder) as it:
        for column, row in (KEY_7, KEY_GO):
            x, y = int(column * WIDTH), int(row * HEIGHT)
            if pointer == "mouse":
                it.screen.mouse.click(x, y)
            else:
                it.screen.finger.touch(x, y)
                it.screen.finger.lift(x, y)
        it.slot.insert(card)
        it.until(lambda: share(GREEN, it.screen) > MOST, "the screen is green")
    assert debits_cents(card) == [7_00]


def test_no_key_leads_out_of_the_till(folder: Path, member: tuple[World, VirtualCard]) -> None:
    """Promise: after every key that leads out of other programs the same till sells on."""
    world, card = member
    with stall(world, folder) as it:
        for keys in ESCAPES.values():
            it.screen.keyboard.press(*keys)
        for key in AMOUNT_KEYS:
            it.screen.keyboard.press(key)
        it.slot.insert(card)
        it.until(lambda: share(GREEN, it.screen) > MOST, "the screen is green")
    assert debits_cents(card) == [12_50]
    assert "the till ended" not in (folder / "cage.log").read_text("utf-8", errors="replace")


def asks_for_the_time(screen: KioskScreen) -> bool:
    """Whether the first question is there, where nothing vouches for the clock."""
    return share(PAPER, screen) > MOST and share(GO, screen) == 0


def shows_an_amount(screen: KioskScreen) -> bool:
    """Whether the keypad is there and listens: it does from when its amount stands at the top."""
    return share(GO, screen) > A_KEY and share(INK, screen, AMOUNT) > A_KEY


def share(colour: bytes, screen: KioskScreen, box: tuple[float, ...] = (0, 0, 1, 1)) -> float:
    """How much of the screen, or of a part of it, has a colour; left, top, right, bottom."""
    _, _, pixels = screen.picture().partition(b"\n255\n")
    left, top, right, bottom = (
        int(edge * size) for edge, size in zip(box, (WIDTH, HEIGHT) * 2, strict=True)
    )
    found = 0
    for row in range(top, bottom):
        dots = pixels[3 * (row * WIDTH + left) : 3 * (row * WIDTH + right)]
        found += [dots[at : at + 3] for at in range(0, len(dots), 3)].count(colour)
    return found / ((right - left) * (bottom - top))
