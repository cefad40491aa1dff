"""What importing really loads, seen from a fresh interpreter: the contracts' other half.

The import contracts in pyproject.toml read the source; a lazy or dynamic import shows here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parent.parent
SEAMS = {"cardkit/reader/pcsc.py", "cardkit/reader/nfc.py"}


def modules_of(folder: str) -> list[str]:
    """The modules of a folder, but for those that are a library's one seam."""
    paths = sorted((TREE / folder).rglob("*.py"))
    names = [path.relative_to(TREE) for path in paths if path.stem != "__main__"]
    dotted = [name.with_suffix("").parts for name in names if name.as_posix() not in SEAMS]
    return [".".join(parts).removesuffix(".__init__") for parts in dotted]


def loaded_by(modules: list[str]) -> set[str]:
    """Top-level names in sys.modules once all of `modules` are imported in a new process."""
    code = "\n".join(
        [
            "import sys",
            *(f"import {name}" for name in modules),
            "print(*sorted({name.split('.')[0] for name in sys.modules}))",
        ]
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, check=False, cwd=TREE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("folder", "strangers"),
    [
        ("cardkit", {"smartcard", "nfc", "django", "textual", "requests", "sqlite3", "tinydb"}),
        ("terminal", {"smartcard", "nfc", "django", "simulator", "server_stub", "provisioning"}),
        ("server_stub/rules", {"django", "sqlite3", "requests", "smartcard", "nfc"}),
        ("provisioning", {"django", "simulator", "server_stub", "terminal"}),
        ("auditor", {"django", "simulator", "server_stub", "terminal", "requests"}),
        ("simulator/desfire", {"cardkit", "terminal", "server_stub", "provisioning", "django"}),
    ],
)
def test_importing_a_folder_loads_no_stranger(folder: str, strangers: set[str]) -> None:
    """Promise: each folder works without the libraries and the programs that it must not know."""
    modules = modules_of(folder)
    assert modules
    assert loaded_by(modules) & strangers == set()


def test_a_stranger_would_be_seen() -> None:
    """Promise: this test can fail: what is imported is found."""
    assert {"sqlite3", "cardkit"} <= loaded_by(["sqlite3", "cardkit.money"])
