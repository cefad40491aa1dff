"""The tear tests see what they are there to see: planted bugs, each caught by the case named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.recovery_mutants import RECOVERY, Mutant

TREE: Final = Path(__file__).resolve().parent.parent
COPIED: Final = ("cardkit", "terminal", "server_stub", "provisioning", "simulator", "tests")
TESTS_FAILED: Final = 1
PATIENCE_S: Final = 120


def broken_copy(mutant: Mutant, into: Path) -> None:
    """Copy the tree and plant the bug in it."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        shutil.copytree(TREE / name, into / name, ignore=ignored)
    shutil.copy(TREE / "pyproject.toml", into)
    path = into / mutant.file
    text = path.read_text()
    for old, new in mutant.edits:
        assert text.count(old) == 1, f"{mutant.file} has it once: {old}"
        text = text.replace(old, new)
    path.write_text(text)


@pytest.mark.parametrize("mutant", RECOVERY, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_caught(tmp_path: Path, mutant: Mutant) -> None:
    """Promise: with any of these bugs in the code, the case named beside it turns red."""
    broken_copy(mutant, tmp_path)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutant.caught_by],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ran.returncode == TESTS_FAILED, ran.stdout + ran.stderr
    assert mutant.says in ran.stdout, "caught by what it asserts, and not by chance"
