"""Gathers what a till is made of: its wheel, the wheels of its lock, and the files of its system.

`python -m tools.build_release` writes `dist/release-0.1.0-aarch64/`, which the coordinator then
signs (`clafoutis-provision release sign`). Wheels come from PyPI by the hashes of the lock, for
Debian 13's Python on the computer named; what has no wheel is built here when it is pure Python,
and left to Debian when it is not (docs/adr/0024-a-terminal-from-a-stock-image.md).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

import click

from cardkit.release import ABOUT_NAME
from terminal.fiscal.perimeter import perimeter_digest
from terminal.software import Source, hash_of, sources_below
from tools.build_wheel import build_wheel

TREE = Path(__file__).resolve().parent.parent
PYTHON = "3.13"
"""Debian 13's; its C library is 2.41."""
GLIBC_MINORS = (17, 27, 28, 31, 34, 35, 36, 39, 40, 41)
FROM_DEBIAN = frozenset({"pyscard", "lgpio"})
"""Compiled, and without a wheel for that Python: python3-pyscard, python3-lgpio."""
BUILT_HERE = frozenset({"pydes"})
"""Pure Python, and only a source archive on PyPI."""
NOT_FOR_LINUX = frozenset({"colorama"})
PACKAGES = ("till", "kiosk")
_PIN = re.compile(r"^([a-z0-9-]+)==", re.MULTILINE)


def build_release(out: Path, *, machine: str) -> Path:
    """Write a release that nobody has signed yet; needs PyPI. Returns its folder."""
    folder = out / f"release-{_version()}-{machine}"
    shutil.rmtree(folder, ignore_errors=True)
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    wheel = build_wheel("terminal", wheels)
    _download(wheels, machine)
    _copy_system(folder / "system")
    sources = sources_in(wheel)
    about = {
        "version": _version(),
        "machine": machine,
        "software": hash_of(sources).hex(),
        "perimeter": perimeter_digest(sources).hex(),
    }
    (folder / ABOUT_NAME).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return folder


def sources_in(wheel: Path) -> tuple[Source, ...]:
    """Return what a wheel's program is made of, as it will be hashed once it is installed."""
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(wheel) as archive:
        archive.extractall(scratch)
        return sources_below(Path(scratch))


def _download(wheels: Path, machine: str) -> None:
    """Fetch every pin of the till's lock that has a wheel, each held to its hash."""
    pins = _pins((TREE / "requirements-terminal.lock").read_text(encoding="utf-8"))
    pins = {name: pin for name, pin in pins.items() if name not in FROM_DEBIAN | NOT_FOR_LINUX}
    made_here = {name: pin for name, pin in pins.items() if name in BUILT_HERE}
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    platforms.append(f"manylinux2014_{machine}")
    options = ["--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp"]
    options += [part for it in platforms for part in ("--platform", it)]
    options += [part for it in ("cp313", "abi3", "none") for part in ("--abi", it)]
    fetched = [pin for name, pin in pins.items() if name not in BUILT_HERE]
    _pip("download", fetched, [*options, "--dest", str(wheels)])
    _pip("wheel", list(made_here.values()), ["--wheel-dir", str(wheels)])


def _pins(lock: str) -> dict[str, str]:
    """Return each pin of a lock with its hashes, without the condition on when it is for."""
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=[a-z0-9])", lock):
        match = _PIN.match(block)
        if match:
            found[match[1]] = re.sub(r" ;[^\\\n]*", "", block)
    return found


def _pip(verb: str, pins: list[str], options: list[str]) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(pins) + "\n")
        file.flush()
        command = [sys.executable, "-m", "pip", verb, "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*command, *options, "-r", file.name], check=True)


def _copy_system(system: Path) -> None:
    """Copy what stands around the program: units, rules, set-up, letters, names of packages."""
    shutil.copytree(
        TREE / "systemd",
        system,
        ignore=shutil.ignore_patterns("README.md", "clafoutis-server*", "caddy", "server"),
    )
    shutil.copytree(TREE / "terminal/fonts", system / "fonts", ignore=_all_but_fonts)
    shutil.copy(TREE / "terminal/slots.py", system)
    packages = _debian_packages((TREE / "tools/apt-packages.txt").read_text(encoding="utf-8"))
    (system / "packages.txt").write_text("\n".join(packages) + "\n", encoding="utf-8")


def _all_but_fonts(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith((".ttf", ".txt"))]


def _debian_packages(text: str) -> list[str]:
    """What a till with a screen needs of Debian: no compiler, as everything is compiled."""
    section, found = "", set()
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif section in {*PACKAGES, "image"} and line and not line.startswith("#"):
            found.add(line)
    return sorted(found - {"python3-dev", "gcc", "libpcsclite-dev"})


def _version() -> str:
    tree = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))
    return str(tree["project"]["version"])


@click.command()
@click.option("--machine", default="aarch64", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("dist"), show_default=True)
def main(machine: str, out: Path) -> None:
    """Write a till's release, unsigned."""
    click.echo(build_release(out, machine=machine))


if __name__ == "__main__":
    main()
