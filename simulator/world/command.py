"""`clafoutis-demo simulate`: lives worlds one after another, and says what went wrong in them."""

from __future__ import annotations

import itertools
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from simulator.quiet import without_log
from simulator.world.live import live
from simulator.world.rungs import Rung
from simulator.world.shrink import fewest, least
from simulator.world.tally import Tally

if TYPE_CHECKING:
    from simulator.world.verdict import Verdict

_PROGRESS_S: Final = 1.0
_BUDGET: Final = re.compile(r"(\d+)\s*(s|min|m)?")
_SEEDS_DEFAULT: Final = 20


def _seconds(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """Read `20`, `20s` or `5min`."""
    if value is None:
        return None
    match = _BUDGET.fullmatch(value.strip())
    if match is None:
        raise click.BadParameter(f"{value!r} is no time such as 20s or 5min")
    return int(match[1]) * (60 if (match[2] or "s").startswith("m") else 1)


def _ids(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    return None if value is None else tuple(it for it in re.split(r"[,\s]+", value) if it)


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=None, help="How many worlds.")
@click.option(
    "--budget", callback=_seconds, metavar="TIME", help="How long, such as 20s; one world at least."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The first.")
@click.option("--only", callback=_ids, metavar="IDS", help="No faults but these.")
@click.option("--steps", type=click.IntRange(1), default=None, help="End each life early.")
@click.option(
    "--rung", type=click.Choice([it.value for it in Rung]), default=Rung.BYTES.value,
    show_default=True, help="How much lies between tills and cards.",
)  # fmt: skip
@click.option("--shrink/--no-shrink", default=True, help="Look for the few faults that do it.")
@click.option("--until-broken", is_flag=True, help="End with the first world that goes wrong.")
@click.option("--trace", is_flag=True, help="Say everything that happens.")
@click.option("--json", "quiet", is_flag=True, help="Say nothing but the last line.")
def simulate(
    *,
    seeds: int | None,
    budget: float | None,
    seed: int,
    only: tuple[str, ...] | None,
    steps: int | None,
    rung: str,
    shrink: bool,
    until_broken: bool,
    trace: bool,
    quiet: bool,
) -> None:
    """Live whole caisses in which everything goes wrong, and judge them.

    Each seed is a world of its own, the same one everywhere. The last line is one JSON object;
    the exit status is 1 when a promise was broken, and then the fewest faults that do it and the
    command that shows them stand above.
    """

    def run(
        number: int, strikes: tuple[str, ...] | None = only, length: int | None = steps
    ) -> Verdict:
        echo = _say if trace else None
        return live(number, rung=Rung(rung), only=strikes, steps=length, echo=echo)

    began, tally = time.monotonic(), Tally()
    with without_log():
        for number in _numbers(seed, seeds, budget):
            verdict = run(number)
            tally.add(verdict)
            if verdict.violations:
                _tell(verdict, run if shrink else None, rung=Rung(rung))
                if until_broken:
                    break
    if not quiet:
        _summarise(tally)
    click.echo(json.dumps(tally.as_dict(seconds=time.monotonic() - began)))
    sys.exit(1 if tally.bad else 0)


def _numbers(first: int, count: int | None, budget_s: float | None) -> Iterator[int]:
    """Yield seeds, with progress to stderr at most once a second."""
    if count is None and budget_s is None:
        count = _SEEDS_DEFAULT
    began = told = time.monotonic()
    for done in itertools.count() if count is None else range(count):
        now = time.monotonic()
        if done and budget_s is not None and now - began >= budget_s:
            return
        if now - told >= _PROGRESS_S:
            told = now
            click.echo(f"seed {first + done}", err=True)
        yield first + done


def _tell(verdict: Verdict, run: Callable[..., Verdict] | None, *, rung: Rung) -> None:
    """Say what was broken, and with how little it breaks."""
    seed, strikes, steps = verdict.seed, verdict.struck, None
    click.echo(f"seed {seed}, commit {commit()}: {len(strikes)} faults")
    for violation in verdict.violations:
        click.echo(f"  {violation.invariant}: {violation.words}")
    if run is not None:
        broken = {violation.invariant for violation in verdict.violations}

        def breaks(only: tuple[str, ...], length: int | None = None) -> bool:
            again = run(seed, only, length).violations
            return any(violation.invariant in broken for violation in again)

        strikes = fewest(strikes, breaks)
        steps = least(lambda length: breaks(strikes, length), most=verdict.steps)
        for violation in run(seed, strikes, steps).violations:
            click.echo(f"  with {len(strikes)} of them: {violation.invariant}: {violation.words}")
    click.echo(f"  {replay(seed, strikes, steps=steps, rung=rung)}")


def replay(seed: int, strikes: tuple[str, ...], *, steps: int | None, rung: Rung) -> str:
    """Return the command that lives one world again with these faults and no others."""
    words = ["clafoutis-demo", "simulate", "--seeds 1", f"--seed {seed}"]
    words.append(f"--only '{','.join(strikes)}'")
    if steps is not None:
        words.append(f"--steps {steps}")
    if rung is not Rung.BYTES:
        words.append(f"--rung {rung}")
    return " ".join([*words, "--trace"])


def _summarise(tally: Tally) -> None:
    click.echo(
        f"{tally.seeds} worlds, {tally.virtual_days} days of theirs: {tally.faults} faults of "
        f"{len(+tally.kinds)} kinds, {tally.greens} sales, {len(tally.bad)} worlds went wrong"
    )
    if tally.marks_missing:
        click.echo(f"never reached: {', '.join(tally.marks_missing)}")


def _say(line: str) -> None:
    click.echo(line)


def commit() -> str:
    """Name the commit of this tree, read from its own files; `unknown` outside of a clone."""
    git = Path(__file__).resolve().parents[2] / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        named = head.removeprefix("ref: ")
        return (head if named == head else (git / named).read_text().strip())[:12]
    except OSError:
        return "unknown"
