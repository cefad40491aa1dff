"""Tries to break everything for as long as it is told, and adds to what has been tried before.

    python -m tools.soak --minutes 60

Every rung is a command of its own that runs until its budget is over and says in its last line
what it did, as one JSON object. Two lanes run side by side: one lives simulated worlds all the
time, the other takes turns. Counters of all soaks stand in docs/soak.json, and their table in
docs/reliability.md; the exit status is 1 when anything was violated. Stop it with Ctrl+C or
SIGTERM: what is done by then counts.
"""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import click

TREE: Final = Path(__file__).resolve().parent.parent
COUNTERS: Final = TREE / "docs" / "soak.json"
PAGE: Final = TREE / "docs" / "reliability.md"
TABLE: Final = ("<!-- counters -->\n", "<!-- end of counters -->\n")
SEEDS_A_RUN: Final = 1_000_000
"""Apart, so that no soak lives a world twice; half of them for each lane."""
SHORTEST_S: Final = 20
GRACE_S: Final = 600
"""How long a rung may go on after its budget: it finishes what it began."""

OUTPUT_KEPT: Final = 20_000

Counters: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to break things: a command, and its part of a lane's time."""

    name: str
    command: tuple[str, ...]
    seconds: int
    """Of one turn."""


_WORLDS: Final = ("-m", "simulator.demo", "simulate", "--json", "--rung")
WORLDS: Final = Rung("simulate", (*_WORLDS, "bytes"), 400)
SHORT: Final = Rung("simulate", (*_WORLDS, "bytes", "--steps", "12"), 400)
"""Lives that end early: many more of them in an hour, and what comes late in a life is rare."""
TURNS: Final = (
    SHORT,
    Rung("fuzz", ("-m", "tests.fuzz", "all"), 140),
    WORLDS,
    Rung("crash", ("-m", "simulator", "crash"), 60),
    SHORT,
    Rung("wire", (*_WORLDS, "wire"), 40),
    Rung("town", ("-m", "simulator", "town"), 60),
    Rung("cut", ("-m", "simulator", "cut"), 40),
)
"""Of the second lane, over and over."""
ONCE: Final = (Rung("mutants", ("-m", "tests.mutants"), 0),)
"""At the end of a whole soak: every planted bug."""


@dataclass
class Soak:
    """One run: what was counted so far, and what went wrong."""

    ends_at: float
    base: int
    counted: dict[str, Counters] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)

    def lane(self, number: int, rungs: Iterator[Rung]) -> None:
        """Take turns until the time is over."""
        seed = self.base + number * (SEEDS_A_RUN // 2)
        for rung in rungs:
            left_s = self.ends_at - time.monotonic()
            if left_s < SHORTEST_S or self.stopped.is_set():
                return
            said = self.turn(rung, seed, budget_s=min(rung.seconds, int(left_s)))
            seed += max(1, int(said.get("seeds", 1)))

    def turn(self, rung: Rung, seed: int, *, budget_s: int) -> Counters:
        """Run one rung, count what it says, and tell it."""
        options = ("--seed", str(seed), *(("--budget", str(budget_s)) if budget_s else ()))
        command = [sys.executable, *rung.command, *options]
        began = time.monotonic()
        ended, output = run(command, timeout_s=(budget_s or 3600) + GRACE_S)
        said = last_object(output)
        with self.lock:
            seconds = round(time.monotonic() - began)
            add(self.counted.setdefault(rung.name, {}), said | {"seconds": seconds})
            if ended or not said:
                self.wrong.append(f"{' '.join(command[1:])}: {ended}\n{output[-OUTPUT_KEPT:]}")
                click.echo(self.wrong[-1], err=True)
        click.echo(f"{rung.name} from {seed}: {short(said)}", err=True)
        return said


def run(command: list[str], *, timeout_s: float) -> tuple[str, str]:
    """Run a command; returns how it ended, empty when all was well, and what it said.

    What it said on stderr counts only where it did not come to its last line.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as talk:
        try:
            done = subprocess.run(
                command,
                cwd=TREE,
                stdout=output,
                stderr=talk,
                check=False,
                timeout=timeout_s,
            )
            ended = f"status {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            ended = f"no end after {timeout_s:.0f} s"
        for file in (output, talk):
            file.seek(0)
        said = output.read()
        return ended, said if last_object(said) else talk.read() + said


def last_object(output: str) -> Counters:
    """Return the JSON object in the last line of an output; empty when there is none."""
    try:
        said = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def add(total: Counters, more: Counters) -> None:
    """Add numbers, also those of objects inside; rates, lists and words are not sums."""
    for name, value in more.items():
        if isinstance(value, dict):
            add(total.setdefault(name, {}), value)
        elif isinstance(value, int) and not isinstance(value, bool) and not is_rate(name):
            total[name] = total.get(name, 0) + value


def is_rate(name: str) -> bool:
    """Say whether a number can't be added to another run's."""
    return "_per_" in name


def short(said: Counters) -> str:
    """Return the plain numbers of what a rung said."""
    plain = {name: value for name, value in said.items() if isinstance(value, int)}
    return " ".join(f"{name}={value}" for name, value in plain.items()) or "said nothing"


def table(counters: Counters) -> str:
    """Return the rows of docs/reliability.md: every rung's sums over all soaks."""
    rows = ["| rung | what was counted, over all soaks |", "| --- | --- |"]
    for name, sums in sorted(counters["rungs"].items()):
        plain = [f"{value:,} {what}" for what, value in sums.items() if isinstance(value, int)]
        rows.append(f"| {name} | {' · '.join(plain)} |")
    return "\n".join(rows) + "\n"


def keep(soak: Soak, counters: Counters) -> None:
    """Add a run to the counters of the repository and write their table anew."""
    counters["runs"] += 1
    add(counters["rungs"], soak.counted)
    COUNTERS.write_text(json.dumps(counters, indent=1, sort_keys=True) + "\n", "utf-8")
    before, _, rest = PAGE.read_text("utf-8").partition(TABLE[0])
    _, _, after = rest.partition(TABLE[1])
    PAGE.write_text(before + TABLE[0] + table(counters) + TABLE[1] + after, "utf-8")


@click.command()
@click.option("--minutes", type=click.IntRange(1), default=60, show_default=True)
@click.option("--mutants/--no-mutants", default=True, help="Plant every bug at the end.")
@click.option("--worlds", is_flag=True, help="Worlds alone, in both lanes, and no planted bug.")
def main(*, minutes: int, mutants: bool, worlds: bool) -> None:
    """Soak for so many minutes."""
    for stop in (signal.SIGINT, signal.SIGTERM):  # whoever runs it unseen has SIGINT ignored
        signal.signal(stop, signal.default_int_handler)
    counters = json.loads(COUNTERS.read_text("utf-8"))
    soak = Soak(ends_at=time.monotonic() + 60 * minutes, base=SEEDS_A_RUN * (counters["runs"] + 1))
    lanes = (itertools.repeat(SHORT), itertools.cycle((SHORT,) if worlds else TURNS))
    threads = [
        threading.Thread(target=soak.lane, args=(number, rungs))
        for number, rungs in enumerate(lanes)
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
        for rung in ONCE if mutants else ():
            soak.turn(rung, soak.base, budget_s=rung.seconds)
    except KeyboardInterrupt:
        soak.stopped.set()
        click.echo("stopping; the turns that run are waited for", err=True)
        for thread in threads:
            thread.join()
    keep(soak, counters)
    for one in soak.wrong:
        click.echo(f"WRONG {one}")
    click.echo(json.dumps(soak.counted, sort_keys=True))
    sys.exit(1 if soak.wrong else 0)


if __name__ == "__main__":
    main()
