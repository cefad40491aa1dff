"""Bugs as people make them, planted one at a time in a copy of the tree: each must be noticed.

    python -m tests.mutants                     # all of them; exit status 1 when one lives
    python -m tests.mutants "green before"      # those whose names begin so

The bugs stand in tests/mutants/*.toml: a name, the file, texts that stand there exactly once with
what takes their place, the killer (a command that must end in failure) and what it must say.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
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
WORLDS: Final = "-m simulator.demo simulate --seeds 60 --seed 1 --no-shrink"
"""What kills a bug when nothing else is named: the first worlds of all."""


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
    """Arguments of Python; the command fails when it sees the bug."""
    says: str
    """What it says then, so that it does not fail for another reason."""

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
    said: str


def mutants() -> tuple[Mutant, ...]:
    """Every planted bug, in the order of files and lines."""
    return tuple(_mutants())


def kill(mutant: Mutant) -> Death:
    """Plant a bug in a fresh copy of the tree and let its killer look for it."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clafoutis-mutant-") as folder:
        tree = Path(folder)
        copy(tree)
        mutant.plant(tree)
        done = subprocess.run(
            [sys.executable, *mutant.killer.split()],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    said = done.stdout + done.stderr
    dead = done.returncode == 1 and mutant.says in said
    return Death(mutant, dead, round(time.monotonic() - began), said)


def copy(into: Path) -> None:
    """Copy what a killer needs of the tree."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        if (TREE / name).exists():
            shutil.copytree(TREE / name, into / name, ignore=ignored)
    shutil.copy(TREE / "pyproject.toml", into)


def _mutants() -> Iterator[Mutant]:
    for path in sorted(BUGS.glob("*.toml")):
        for table in tomllib.loads(path.read_text("utf-8"))["mutant"]:
            yield Mutant(
                name=table["name"],
                part=path.stem,
                edits=tuple(_edit(table, edit) for edit in table["edits"]),
                killer=table.get("killer", WORLDS),
                says=table.get("says", "violation"),
            )


def _edit(table: dict[str, Any], edit: dict[str, str]) -> Edit:
    return Edit(file=edit.get("file", table["file"]), old=edit["old"], new=edit["new"])


@click.command()
@click.argument("names", nargs=-1)
@click.option("--jobs", default=2, show_default=True)
@click.option("--seed", default=0, hidden=True, help="The same bugs, whatever it is.")
@click.option("--verbose", is_flag=True, help="Show what the killers of survivors said.")
def main(*, names: Sequence[str], jobs: int, seed: int, verbose: bool) -> None:
    """Plant bugs, and see each of them die."""
    chosen = [one for one in mutants() if not names or one.name.startswith(tuple(names))]
    survivors: list[str] = []
    with ThreadPoolExecutor(jobs) as pool:
        for death in pool.map(kill, chosen):
            word = "dead" if death.dead else "ALIVE"
            click.echo(f"{word} after {death.seconds:3} s  {death.mutant.name}", err=True)
            if not death.dead:
                survivors.append(death.mutant.name)
                if verbose:
                    click.echo(death.said, err=True)
    for name in survivors:
        click.echo(f"alive: {name}")
    dead = len(chosen) - len(survivors)
    click.echo(json.dumps({"mutants": len(chosen), "dead": dead, "violations": len(survivors)}))
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
