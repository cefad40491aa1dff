"""The kiosk really started: cage, foot and our scripts, with fingers, a mouse and a keyboard.

In the till's place there is a probe that tells what reaches it. Slow, because X, cage and foot are
started anew for each; a sale on the real screen is in `test_kiosk_sale.py`.
"""

from __future__ import annotations

import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

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

MISSING = missing_for_a_screen()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]

needs_touch = pytest.mark.skipif(MISSING is None and not foot_hears_touch(), reason=NO_TOUCH)

PROBE = Path(__file__).with_name("kiosk_probe.py")
BYTES_MAX = 4096
SIZE = "64x18"
"""A window of 1024x768 in letters of 26 pixels."""
CELL = WIDTH // 64
MIDDLE = (WIDTH // 2 + CELL // 2, HEIGHT // 2 + CELL // 2)
MIDDLE_CELL = (33, 10)
LATER_NS = 2_000_000
PICTURES_MAX = 100
SHADES_MIN = 10
"""Letters have soft edges; a cursor alone has none."""
PRESSED = re.compile(rb"\x1b\[<0;(\d+);(\d+)M")
RELEASED = re.compile(rb"\x1b\[<0;(\d+);(\d+)m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """The screen, and what reaches the program on it."""

    screen: KioskScreen
    report: socket.socket

    def hear(self) -> tuple[str, bytes]:
        """Wait for the next input; return the terminal's size and the bytes."""
        size, _, heard = self.report.recv(BYTES_MAX).partition(b" ")
        return size.decode(), heard

    def hear_until(self, pattern: re.Pattern[bytes]) -> bytes:
        """Wait for a certain input; return all that came up to it."""
        heard = b""
        while not pattern.search(heard):
            heard += self.hear()[1]
        return heard


@contextmanager
def probing(*options: str) -> Iterator[Probed]:
    """The kiosk with a probe in the till's place, in a folder whose sockets have short names."""
    with (
        tempfile.TemporaryDirectory(prefix="kiosk-") as name,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as report,
    ):
        folder = Path(name)
        report.bind(str(folder / "report"))
        report.settimeout(TIMEOUT_S)
        (folder / "report").chmod(0o777)
        programs = folder / "programs"
        programs.mkdir()
        shutil.copy(PROBE, programs)
        command = (programs / PROBE.name, folder / "report", *options)
        probe = " ".join(("exec /usr/bin/python3", *map(str, command)))
        for program, script in {"clafoutis-terminal": probe, "python": "exit 0"}.items():
            (programs / program).write_text(f"#!/bin/sh\n{script}\n")
            (programs / program).chmod(0o755)
        with kiosk_screen(folder, {"CLAFOUTIS_PROGRAMS": str(programs)}) as screen:
            probed = Probed(screen=screen, report=report)
            while probed.hear()[0] != SIZE:
                pass
            screen.keyboard.press(Key.A)
            probed.hear_until(re.compile(b"a"))
            yield probed


@pytest.fixture
def probed() -> Iterator[Probed]:
    """A probe that asks for keys as Textual does."""
    with probing() as probed:
        yield probed


@pytest.mark.parametrize("options", [(), ("plain",)], ids=["in Textual", "before Textual"])
def test_no_key_leads_out(options: tuple[str, ...]) -> None:
    """Promise: after every key that leads out of other programs the till is there and hears.

    The same process, the same letters: a key that follows arrives, and the screen has its size.
    """
    with probing(*options) as probed:
        for name, keys in ESCAPES.items():
            probed.screen.keyboard.press(*keys)
            probed.screen.keyboard.press(Key.A)
            size, heard = probed.hear()
            while not heard.endswith(b"a"):
                size, more = probed.hear()
                heard += more
            assert size == SIZE, name


def test_a_mouse_presses_a_key(probed: Probed) -> None:
    """Promise: what a mouse clicks on is what the till is told, to the cell."""
    probed.screen.mouse.click(*MIDDLE)
    heard = probed.hear_until(RELEASED)
    assert cell(PRESSED, heard) == cell(RELEASED, heard) == MIDDLE_CELL


@needs_touch
def test_a_finger_presses_a_key(probed: Probed) -> None:
    """Promise: a touch of the screen is a press where the finger was."""
    probed.screen.finger.touch(*MIDDLE)
    probed.screen.finger.lift(*MIDDLE)
    heard = probed.hear_until(RELEASED)
    assert cell(PRESSED, heard) == cell(RELEASED, heard) == MIDDLE_CELL


@needs_touch
def test_a_slip_of_the_finger_is_a_press(probed: Probed) -> None:
    """Promise: a cold finger that trembles and slides has pressed the key where it came down.

    foot takes the first move for the press, if it comes in a later millisecond than the touch.
    """
    x, y = MIDDLE
    slid = (x + 3 * CELL, y)
    finger = probed.screen.finger
    finger.touch(x, y)
    touched_ns = time.monotonic_ns()
    while time.monotonic_ns() < touched_ns + LATER_NS:
        pass
    finger.slide(*slid)
    finger.lift(*slid)
    heard = probed.hear_until(RELEASED)
    assert cell(PRESSED, heard) == MIDDLE_CELL


def test_the_picture_is_the_till(probed: Probed) -> None:
    """Promise: the screen is filled with the till from edge to edge, and words stand on it."""
    colours: set[bytes] = set()
    black = 0.0
    for _attempt in range(PICTURES_MAX):  # foot draws when it has time
        header, _, pixels = probed.screen.picture().partition(b"\n255\n")
        assert header == f"P6\n{WIDTH} {HEIGHT}".encode()
        dots = [pixels[at : at + 3] for at in range(0, len(pixels), 3)]
        colours = set(dots)
        black = dots.count(b"\0\0\0") / len(dots)
        if len(colours) > SHADES_MIN:
            break
    assert len(colours) > SHADES_MIN
    assert black > 0.9


def cell(pattern: re.Pattern[bytes], heard: bytes) -> tuple[int, int]:
    """Column and row of a press or a release, from 1."""
    found = pattern.search(heard)
    assert found, heard
    return int(found[1]), int(found[2])
