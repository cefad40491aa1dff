"""Bugs as people make them, planted one at a time in a copy of the tree: each must be noticed.

    python -m tests.mutants                     # all of them; exit status 1 when one lives
    python -m tests.mutants "green before"      # those whose names begin so

The bugs stand in tests/mutants/*.toml: a name, the file, texts that stand there exactly once with
what takes their place, the killer (a command that must end in failure) and what it must say.
Where one control hides that another is off, both are off in one bug.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

TREE: Final = Path(__file__).resolve().parent.parent
BUGS: Final = TREE / "tests" / "mutants"
COPIED: Final = (
    "cardkit",
    "terminal",
    "server_stub",
    "provisioning",
    "simulator",
    "auditor",
    "tests",
)
PATIENCE_S: Final = 300
FAILED: Final = 1
"""What pytest and our own commands end with when they found something; an accident differs."""
SAID_MAX: Final = 4_000
_TRIED: Final = re.compile(r'"seeds": (\d+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One text of one file, there exactly once, and what takes its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One planted bug."""

    name: str
    part: str
    edits: tuple[Edit, ...]
    killer: str
    """Arguments of Python, as a shell reads them; the command fails when it sees the bug."""
    says: str
    """What it says then, so that it does not fail for another reason."""

    @property
    def files(self) -> frozenset[str]:
        """Where the bug is."""
        return frozenset(edit.file for edit in self.edits)

    def plant(self, tree: Path) -> None:
        """Put the bug into a tree; raises ValueError where its texts no longer stand."""
        for edit in self.edits:
            path = tree / edit.file
            text = path.read_text("utf-8")
            if text.count(edit.old) != 1:
                raise ValueError(f"{self.name}: {edit.file} has it {text.count(edit.old)} times")
            path.write_text(text.replace(edit.old, edit.new), "utf-8")


@dataclass(frozen=True, slots=True)
class Death:
    """How a bug fared: what the killer said, and whether that was the right thing."""

    mutant: Mutant
    dead: bool
    seconds: int
    seeds: int | None
    """How many worlds it took; None when the killer lives none."""
    said: str

    def __str__(self) -> str:
        worlds = "" if self.seeds is None else f", {self.seeds} worlds"
        word = "dead" if self.dead else "ALIVE"
        return f"{word} after {self.seconds} s{worlds}: {self.mutant.name}"


def mutants() -> tuple[Mutant, ...]:
    """Every planted bug, in the order of files and lines."""
    return tuple(_mutants())


def kill(mutant: Mutant) -> Death:
    """Plant a bug in a fresh copy of the tree and let its killer look for it.

    A killer that runs out of time has not found it.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clafoutis-mutant-") as folder:
        tree = Path(folder)
        copy(tree)
        mutant.plant(tree)
        try:
            done = subprocess.run(
                [sys.executable, *shlex.split(mutant.killer)],
                cwd=tree,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_S,
            )
        except subprocess.TimeoutExpired:
            return Death(mutant, dead=False, seconds=PATIENCE_S, seeds=None, said="out of time")
    said = done.stdout + done.stderr
    tried = _TRIED.search(done.stdout)
    return Death(
        mutant,
        dead=done.returncode == FAILED and mutant.says in said,
        seconds=round(time.monotonic() - began),
        seeds=int(tried[1]) if tried else None,
        said=said,
    )


def copy(into: Path) -> None:
    """Copy what a killer needs of the tree.

    What Python has compiled comes along, and is used where the source's time and size are the
    same: a bug is planted later than that.
    """
    for name in COPIED:
        shutil.copytree(TREE / name, into / name)
    shutil.copy(TREE / "pyproject.toml", into)


def _mutants() -> Iterator[Mutant]:
    for path in sorted(BUGS.glob("*.toml")):
        for table in tomllib.loads(path.read_text("utf-8"))["mutant"]:
            yield Mutant(
                name=table["name"],
                part=path.stem,
                edits=tuple(_edit(table, edit) for edit in table["edits"]),
                killer=table["killer"],
                says=table["says"],
            )


def _edit(table: dict[str, Any], edit: dict[str, str]) -> Edit:
    return Edit(file=edit.get("file", table["file"]), old=edit["old"], new=edit["new"])


@click.command()
@click.argument("names", nargs=-1)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True)
@click.option("--seed", default=0, hidden=True, help="The same bugs, whatever it is.")
@click.option("--verbose", is_flag=True, help="Show what the killers of survivors said.")
def main(*, names: tuple[str, ...], jobs: int, seed: int, verbose: bool) -> None:
    """Plant bugs, and see each of them die; NAMES are parts, or how bugs' names begin."""
    chosen = [
        one for one in mutants() if not names or one.part in names or one.name.startswith(names)
    ]
    survivors: list[str] = []
    with ThreadPoolExecutor(jobs) as pool:
        for death in pool.map(kill, chosen):
            click.echo(death, err=True)
            if not death.dead:
                survivors.append(death.mutant.name)
                if verbose:
                    click.echo(death.said[-SAID_MAX:], err=True)
    for name in survivors:
        click.echo(f"alive: {name}")
    dead = len(chosen) - len(survivors)
    counts = {"mutants": len(chosen), "dead": dead, "violations": len(survivors)}
    click.echo(json.dumps(counts))
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
