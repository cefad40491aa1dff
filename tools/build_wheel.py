"""Builds the wheel of one role from this tree: a till gets cardkit and terminal, nothing else.

`python -m tools.build_wheel terminal` writes `dist/clafoutis-0.1.0+terminal-py3-none-any.whl`.
All roles keep the one distribution name, so that installing a second role replaces the first
instead of mixing with it, and the version says what a machine is. The same tree gives the same
bytes (docs/adr/0006-what-is-installed-on-a-till.md).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import click

TREE = Path(__file__).resolve().parent.parent
# Zip files can't hold an earlier date; any constant will do.
SOURCE_DATE_EPOCH = "315532800"


def roles() -> list[str]:
    """The roles that pyproject.toml knows."""
    return sorted(_pyproject()["tool"]["clafoutis"]["roles"])


def build_wheel(role: str, out: Path) -> Path:
    """Build the wheel of `role` into `out` and return its path; needs no network."""
    with tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch) / "stage"
        wheels = Path(scratch) / "wheels"
        _stage(role, stage)
        offline = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "wheel",
                *offline,
                "--wheel-dir",
                str(wheels),
                str(stage),
            ],
            check=True,
            env=_build_environment(),
        )
        (built,) = wheels.iterdir()
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(built, out))


def _stage(role: str, stage: Path) -> None:
    """Copy what the role consists of: a file that is not copied can't be in the wheel."""
    stage.mkdir()
    for package in _packages(role):
        shutil.copytree(
            TREE / package, stage / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(TREE / "LICENSE", stage)
    (stage / "pyproject.toml").write_text(_role_pyproject(role), encoding="utf-8")


def _packages(role: str) -> list[str]:
    return ["cardkit", *_pyproject()["tool"]["clafoutis"]["roles"][role]["packages"]]


def _role_pyproject(role: str) -> str:
    """The tree's project table cut down to one role; JSON strings and lists are valid TOML."""
    tree = _pyproject()
    project = tree["project"]
    chosen = tree["tool"]["clafoutis"]["roles"][role]
    scripts = {name: project["scripts"][name] for name in chosen["scripts"]}
    tables: dict[str, dict[str, Any]] = {
        "build-system": tree["build-system"],
        "project": {
            "name": project["name"],
            "version": f"{project['version']}+{role}",
            "description": f"{project['description']} ({role})",
            "requires-python": project["requires-python"],
            "license": project["license"],
            "license-files": project["license-files"],
            "dependencies": project["dependencies"] + project["optional-dependencies"][role],
        },
        "project.scripts": scripts,
        "tool.setuptools": {"include-package-data": False},
        "tool.setuptools.packages.find": {
            "include": [f"{package}*" for package in _packages(role)],
            "namespaces": False,
        },
        "tool.setuptools.package-data": tree["tool"]["setuptools"]["package-data"],
    }
    lines: list[str] = []
    for table, values in tables.items():
        lines.append(f"[{table}]")
        lines += [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _build_environment() -> dict[str, str]:
    """The build is not our code: its warnings are not our errors."""
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"}
    return {**inherited, "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH}


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))


@click.command()
@click.argument("chosen", metavar="ROLE...", nargs=-1, required=True, type=click.Choice(roles()))
@click.option("--out", type=click.Path(path_type=Path), default=Path("dist"), show_default=True)
def main(chosen: tuple[str, ...], out: Path) -> None:
    """Build the wheel of each ROLE."""
    for role in chosen:
        click.echo(build_wheel(role, out))


if __name__ == "__main__":
    main()
