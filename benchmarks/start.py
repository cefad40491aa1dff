"""How long a program takes from nothing to a screen that answers, on a terminal of its own.

The till and a bare Textual program take turns, each a process of its own on a pseudo terminal, so
that both see the same neighbours. The clock runs until the page is drawn and a key was answered.
Both run from byte code of their first start, as what is installed on a till does.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.bare_app import HEARD, READY
from cardkit.clock import SystemClock
from cardkit.errors import must
from simulator.clock import ManualClock
from terminal.software import Software
from terminal.wiring import open_till
from tests.terminal_world import World

ROUNDS: Final = 7
ROWS: Final = 18
COLUMNS: Final = 60
KEY: Final = b"7"
SEVEN: Final = "▀▀▀█"
"""The upper row of a large 7, which the empty amount has not."""
PATIENCE_S: Final = 60.0
_CHUNK_BYTES: Final = 65_536
_WINSIZE: Final = "HHHH"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFigures:
    """Medians of seconds; the ratio is that of the medians of one run."""

    till_s: float
    bare_s: float

    @property
    def ratio(self) -> float:
        """How many times a bare start the till's takes."""
        return self.till_s / self.bare_s


def measure_start(folder: Path, *, rounds: int) -> StartFigures:
    """Start both in turns, the first time for the disk's and the byte code's sake only."""
    world, code = _terminal(folder), folder / "bytecode"
    data = ("-m", "terminal", "--data", str(world.data().root), "ui")
    bare = ("-m", "benchmarks.bare_app")
    taken: dict[str, list[float]] = {"till": [], "bare": []}
    for number in range(rounds + 1):
        till_s = start_s(data, ready="Ferme 7", answered=SEVEN, code=code)
        bare_s = start_s(bare, ready=READY, answered=HEARD, code=code)
        if number:
            taken["till"].append(till_s)
            taken["bare"].append(bare_s)
    return StartFigures(till_s=median(taken["till"]), bare_s=median(taken["bare"]))


def start_s(arguments: Sequence[str], *, ready: str, answered: str, code: Path) -> float:
    """Start a Python program, wait for what it shows, press a key, wait for the answer."""
    begun_ns = time.perf_counter_ns()
    with _on_a_terminal((sys.executable, *arguments), code) as terminal:
        _wait_for(terminal, ready)
        os.write(terminal, KEY)
        _wait_for(terminal, answered)
        return (time.perf_counter_ns() - begun_ns) / 1e9


def _terminal(folder: Path) -> World:
    """Make a terminal's data of today, whose clock somebody has vouched for."""
    clock = SystemClock()
    world = World(folder, ManualClock(clock.now().at))
    world.new_card(100_00)
    world.publish()
    world.enrol()
    till = open_till(world.data(), clock=clock, software=Software.installed())
    till.start()
    must(till.set_clock(datetime.now(UTC)), "now is within what was just signed")
    till.stop()
    till.close()
    return world


@contextmanager
def _on_a_terminal(command: Sequence[str], code: Path) -> Iterator[int]:
    """Start a program on a pseudo terminal and yield our end of it; it is killed at the end."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack(_WINSIZE, ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(code)
    process = subprocess.Popen(  # noqa: S603 - our own programs
        command, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True
    )
    os.close(its)
    try:
        yield ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _wait_for(terminal: int, text: str) -> None:
    """Read until something was shown."""
    wanted, seen = text.encode(), b""
    deadline = time.monotonic() + PATIENCE_S
    while wanted not in seen:
        left_s = deadline - time.monotonic()
        readable, _, _ = select.select([terminal], [], [], max(0.0, left_s))
        must(bool(readable), f"{text!r} is shown in time")
        seen += os.read(terminal, _CHUNK_BYTES)
