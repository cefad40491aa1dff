"""Feeds the programs bytes that nobody meant: `python -m tests.fuzz TARGET|all --budget SECONDS`.

    python -m tests.fuzz all --budget 420 --seed 7
    python -m tests.fuzz entry --budget 60 --keep
    python -m tests.fuzz entry --input tests/corpus/entry/crash-0123456789ab

With atheris, where it is installed, inputs that reach new branches are followed; without it the
corpus is changed at random, the same way for the same seed. A crash is minimised and printed as a
path; it belongs into the corpus, as its test. The last line is one JSON object; the exit status is
1 when there were violations.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from simulator.quiet import without_log
from tests.fuzz_mutations import mutate
from tests.fuzz_target import BYTES_MAX, Target, memory
from tests.fuzz_targets import CORPUS, CRASH, TARGETS, inputs, name_of

FLOOR: Final = 200
"""Executions of each target, however small the budget."""
CRASHES_MAX: Final = 5
"""Of one target in one run: after that its other inputs would all find the same."""
KEPT_BYTES_MAX: Final = 20_000
"""Of one target's corpus: the smallest inputs that together reach everything that was reached."""
MINIMISE_S: Final = 5.0
GRACE_S: Final = 120
_EXECUTED: Final = re.compile(r"stat::number_of_executed_units: (\d+)|^#(\d+)", re.MULTILINE)
Trouble = tuple[str, str, int]


@dataclass
class Report:
    """What became of some targets."""

    executions: int = 0
    targets: int = 0
    crashes: int = 0
    lines: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Count what another one counted."""
        self.executions += other.executions
        self.targets += other.targets
        self.crashes += other.crashes
        self.lines += other.lines


def trouble_of(target: Target, data: bytes) -> Trouble | None:
    """Run an input; returns what broke, and where, or None."""
    try:
        target.run(data)
    except Exception as error:  # noqa: BLE001 - whatever comes out is what is looked for
        last = traceback.extract_tb(error.__traceback__)[-1]
        return type(error).__name__, Path(last.filename).name, last.lineno or 0
    return None


def minimised(target: Target, data: bytes, trouble: Trouble) -> bytes:
    """The smallest input found in a few seconds that breaks the same place."""
    ends_at, size = time.monotonic() + MINIMISE_S, len(data)
    while size and time.monotonic() < ends_at:
        size = max(1, size // 2)
        at = 0
        while at < len(data) and time.monotonic() < ends_at:
            shorter = data[:at] + data[at + size :]
            if trouble_of(target, shorter) == trouble:
                data = shorter
            else:
                at += size
        if size == 1:
            break
    return data


def plain(target: Target, corpus: Path, *, budget_s: float, seed: int) -> Report:
    """Change known inputs at random for a while, and at least `FLOOR` times."""
    chance, known, report = random.Random(f"{target.name} {seed}"), inputs(target, corpus), Report()
    seen: set[Trouble] = set()
    queue, ends_at = list(known), time.monotonic() + budget_s
    while report.executions < FLOOR or time.monotonic() < ends_at:
        data = queue.pop() if queue else mutate(chance.choice(known), chance, known)
        report.executions += 1
        trouble = trouble_of(target, data)
        if trouble is not None and trouble not in seen:
            seen.add(trouble)
            report.lines.append(_told(target, data, trouble))
            if len(seen) == CRASHES_MAX:
                break
    report.targets, report.crashes = 1, len(seen)
    return report


def guided(target: Target, corpus: Path, *, budget_s: float, seed: int, keep: bool) -> Report:
    """Let atheris follow new branches; after a crash it begins again, until the time is over."""
    report, ends_at = Report(targets=1), time.monotonic() + budget_s
    seen: set[Trouble] = set()
    with tempfile.TemporaryDirectory(prefix="clafoutis-fuzz-") as folder:
        begun, found = Path(folder, "begun"), Path(folder, "found")
        _unpack(inputs(target, corpus), begun)
        found.mkdir()
        while len(seen) < CRASHES_MAX:
            left_s = max(1, int(ends_at - time.monotonic()))
            limits = (f"-max_total_time={left_s}", f"-seed={seed % 2**31 + len(seen) + 1}")
            crash = _fuzzed(target, report, [*limits, str(found), str(begun)], timeout_s=left_s)
            if crash is not None:
                trouble = trouble_of(target, crash) or ("once only", target.name, 0)
                if trouble not in seen:
                    seen.add(trouble)
                    report.lines.append(_told(target, crash, trouble))
            if crash is None or time.monotonic() + 1 > ends_at:
                break
        if keep:
            _keep(target, corpus, [found, begun])
    report.crashes = len(seen)
    return report


def _fuzzed(target: Target, report: Report, options: list[str], *, timeout_s: int) -> bytes | None:
    """Run atheris once; returns the input that broke something, or None.

    libFuzzer ends a process without tidying up, so its files lie in a folder of ours.
    """
    with tempfile.TemporaryDirectory(prefix="clafoutis-fuzz-", dir=memory()) as folder:
        crashed, work = Path(folder, "crashed"), Path(folder, "work")
        crashed.mkdir()
        work.mkdir()
        command = [
            *(sys.executable, "-m", "tests.fuzz_guided", target.name),
            *(f"-max_len={BYTES_MAX}", "-rss_limit_mb=1024", "-timeout=30", "-print_final_stats=1"),
            *(f"-artifact_prefix={crashed}/", *options),
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            timeout=timeout_s + GRACE_S,
            env=os.environ | {"TMPDIR": str(work)},
        )
        said = done.stderr.decode("utf-8", "replace")
        counts = [int(final or running) for final, running in _EXECUTED.findall(said)]
        report.executions += max(counts, default=0)
        crashes = [path.read_bytes() for path in crashed.iterdir()]
        if done.returncode and not crashes:
            raise click.ClickException(f"{target.name} did not run:\n{said[-2000:]}")
        return crashes[0] if crashes else None


def _told(target: Target, data: bytes, trouble: Trouble) -> str:
    """Minimise an input, leave it where it can be looked at, and say how to see it again."""
    small = minimised(target, data, trouble)
    path = Path(tempfile.gettempdir(), f"{CRASH}{target.name}-{name_of(small)}")
    path.write_bytes(small)
    kind, file, line = trouble
    return f"{kind} at {file}:{line}: python -m tests.fuzz {target.name} --input {path}"


def _unpack(contents: list[bytes], folder: Path) -> None:
    folder.mkdir()
    for content in contents:
        (folder / name_of(content)).write_bytes(content)


def _keep(target: Target, corpus: Path, folders: list[Path]) -> None:
    """Replace a target's corpus by what reaches the same with fewer bytes; crashes stay."""
    paths = [path for folder in folders for path in folder.iterdir()]
    paths.sort(key=lambda path: (path.stat().st_size, path.name))
    home = corpus / target.name
    home.mkdir(parents=True, exist_ok=True)
    for path in home.iterdir():
        if not path.name.startswith(CRASH):
            path.unlink()
    seen: set[str] = set()
    size = 0
    for path, reached in zip(paths, _reached(target, paths), strict=True):
        content = path.read_bytes()
        if not reached <= seen and size + len(content) <= KEPT_BYTES_MAX:
            seen |= reached
            size += len(content)
            (home / name_of(content)).write_bytes(content)


def _reached(target: Target, paths: list[Path]) -> list[set[str]]:
    """What each input reaches, as libFuzzer notes it in the control file of a merge.

    Its first lines are how many files there are, how many of them are the corpus already, and
    their names; the lines added are `FT`, the place of a file, and the features it reaches.
    """
    reached: list[set[str]] = [set() for _ in paths]
    with tempfile.NamedTemporaryFile("w+", suffix=".merge") as control:
        control.write("\n".join([str(len(paths)), "0", *map(str, paths)]) + "\n")
        control.flush()
        options = ["-merge_inner=1", f"-merge_control_file={control.name}"]
        _fuzzed(target, Report(), options, timeout_s=600)
        for line in Path(control.name).read_text().splitlines()[len(paths) + 2 :]:
            kind, *numbers = line.split()
            if kind == "FT":
                reached[int(numbers[0])] |= set(numbers[1:])
    return reached


def run(
    names: list[str], corpus: Path, *, budget_s: float, seed: int, follow: bool, keep: bool
) -> Report:
    """Fuzz some targets one after the other, each for its share of the time."""
    report, ends_at = Report(), time.monotonic() + budget_s
    for place, name in enumerate(names):
        share_s = max(0.0, ends_at - time.monotonic()) / (len(names) - place)
        begun = time.monotonic()
        if follow:
            one = guided(TARGETS[name], corpus, budget_s=share_s, seed=seed, keep=keep)
        else:
            one = plain(TARGETS[name], corpus, budget_s=share_s, seed=seed)
        report.add(one)
        rate = one.executions / (time.monotonic() - begun)
        click.echo(
            f"{name}: {one.executions}, {rate:.0f} a second, {one.crashes} crashes", err=True
        )
    return report


@click.command()
@click.argument("name", metavar="TARGET|all", type=click.Choice(["all", *TARGETS]))
@click.option("--budget", "budget_s", type=float, default=20.0, help="seconds for all of it")
@click.option("--seed", type=int, default=1)
@click.option("--corpus", type=click.Path(path_type=Path), default=CORPUS, show_default=True)
@click.option("--plain", "is_plain", is_flag=True, help="change at random, even with atheris")
@click.option("--keep", is_flag=True, help="keep, minimised, what was found beside the corpus")
@click.option("--input", "shown", type=click.Path(path_type=Path, exists=True), help="run it once")
def main(
    name: str,
    *,
    budget_s: float,
    seed: int,
    corpus: Path,
    is_plain: bool,
    keep: bool,
    shown: Path | None,
) -> None:
    """Fuzz one target or all of them, or run one input and show what breaks."""
    if shown is not None:
        TARGETS[name].run(shown.read_bytes())
        return
    names = list(TARGETS) if name == "all" else [name]
    follow = not is_plain and importlib.util.find_spec("atheris") is not None
    with without_log(logging.CRITICAL):
        report = run(names, corpus, budget_s=budget_s, seed=seed, follow=follow, keep=keep)
    for line in report.lines:
        click.echo(line)
    counted = {
        "executions": report.executions,
        "targets": report.targets,
        "crashes": report.crashes,
        "violations": report.crashes,
    }
    click.echo(json.dumps(counted))
    sys.exit(1 if report.crashes else 0)


if __name__ == "__main__":
    main()
