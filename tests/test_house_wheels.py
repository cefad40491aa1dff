"""What is installed on a machine of each role, proved on the wheels that are really built.

A till that could accept a virtual card is a till that one day does: so the wheel is installed
into an empty folder beside exactly the packages of the till's lock, and a bare interpreter
imports.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.markers import Marker

from tools.build_wheel import TREE, build_wheel

FOLDERS_OF_ROLE = {
    "terminal": {"cardkit", "terminal"},
    "server": {"cardkit", "server_stub"},
    "provisioning": {"cardkit", "provisioning"},
    "auditor": {"cardkit", "auditor"},
}
STRANGERS = (
    "simulator",
    "tests",
    "tools",
    "server_stub",
    "provisioning",
    "auditor",
    "django",
    "pytest",
)


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A till's site-packages: our wheel, and links to what its lock names and nothing more."""
    wheel = build_wheel("terminal", tmp_path_factory.mktemp("wheels"))
    site = tmp_path_factory.mktemp("till")
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *offline, "--target", str(site), str(wheel)],
        check=True,
    )
    for name in locked_names():
        for entry in distribution(name).files or ():
            top = entry.parts[0]
            installed, link = Path(str(distribution(name).locate_file(top))), site / top
            if top not in {"..", "__pycache__"} and installed.exists() and not link.exists():
                link.symlink_to(installed)
    return site


def locked_names() -> list[str]:
    """The packages of the till's lock that are for this platform."""
    lock = (TREE / "requirements-terminal.lock").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9-]+)==\S+(?: ; (.*))? \\$", lock, re.MULTILINE)
    return [name for name, marker in found if not marker or Marker(marker).evaluate()]


def run_on(site: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter that sees the standard library and one folder."""
    bare = [sys.executable, "-I", "-S", "-W", "error", "-c"]
    path = f"import sys; sys.path.insert(0, {str(site)!r}); "
    return subprocess.run(
        [*bare, path + code], check=False, cwd="/", capture_output=True, text=True
    )


def test_a_till_runs_on_its_own_wheel_and_lock(till: Path) -> None:
    """Promise: the till's lock is complete: its program starts with nothing else installed."""
    done = run_on(
        till,
        "import cardkit.card.layout, cardkit.reader.pcsc, terminal.__main__ as program;"
        "sys.argv = ['clafoutis-terminal', '--help']; program.main()",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "sell" in done.stdout


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_till_holds_no_strangers(till: Path, stranger: str) -> None:
    """Promise: neither the virtual card, nor tests, nor the service can be imported on a till."""
    done = run_on(till, f"import {stranger}")
    assert f"No module named '{stranger}'" in done.stderr


@pytest.mark.parametrize("role", sorted(FOLDERS_OF_ROLE))
def test_a_role_gets_its_folders_and_no_other(role: str, tmp_path: Path) -> None:
    """Promise: a wheel holds cardkit and its own program, the licence, and no other folder."""
    with ZipFile(build_wheel(role, tmp_path)) as wheel:
        names = wheel.namelist()
    folders = {name.split("/")[0] for name in names}
    (info,) = {folder for folder in folders if folder.endswith(".dist-info")}
    assert folders - {info} == FOLDERS_OF_ROLE[role]
    assert f"{info}/licenses/LICENSE" in names


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    """Promise: anyone can rebuild what a till runs and compare the hash."""
    first, second = (build_wheel("terminal", tmp_path / name) for name in ("one", "two"))
    assert digest(first) == digest(second)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
