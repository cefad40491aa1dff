"""The commands that people are told to type exist, and are the ones that are run for us."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

TREE = Path(__file__).parent.parent
CI = TREE / ".ci" / "run"


def text_of(name: str) -> str:
    """The text of a file of the tree."""
    return (TREE / name).read_text(encoding="utf-8")


def make_targets(text: str) -> set[str]:
    """Targets that a text tells to make: in code, or on a line of their own."""
    return set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE))


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """Promise: what a newcomer is told to run is what decides whether a change is good."""
    assert "make test" in re.findall(r"^make \w+", text_of("README.md"), re.MULTILINE)
    assert "\nmake test\n" in text_of(".ci/run")
    assert os.access(CI, os.X_OK)


def test_every_target_that_is_named_exists() -> None:
    """Promise: no page sends a person to a command that is not there."""
    pages = ["README.md", "CONTRIBUTING.md", ".ci/run", "docs/architecture.md"]
    named = {target for page in pages for target in make_targets(text_of(page))}
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_the_tests_that_the_readme_names_are_there() -> None:
    """Promise: each promise of the README leads to tests that exist."""
    named = set(re.findall(r"`(test_\w+\.py)`", text_of("README.md")))
    assert len(named) > 8
    assert all((TREE / "tests" / name).exists() for name in named)


def test_every_role_gets_scripts_that_exist() -> None:
    """Promise: the roles of pyproject.toml name real commands and real folders."""
    pyproject = tomllib.loads(text_of("pyproject.toml"))
    scripts = pyproject["project"]["scripts"]
    for role in pyproject["tool"]["clafoutis"]["roles"].values():
        for script in role["scripts"]:
            assert scripts[script].split(".")[0] in role["packages"]
        assert all((TREE / package / "__init__.py").exists() for package in role["packages"])


def test_locks_hold_hashes_and_name_no_place() -> None:
    """Promise: both locks pin by hash, agree on versions, and say nothing of who made them."""
    whole, till = (pins(name) for name in ("requirements.lock", "requirements-terminal.lock"))
    assert till.items() <= whole.items()
    assert "django" in whole
    assert "django" not in till
    for name in ("requirements.lock", "requirements-terminal.lock"):
        assert not re.search(r"://|^#|^--|file:", text_of(name), re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    """Package to version; every package of a lock has at least one hash."""
    entries = re.split(r"\n(?=\S)", text_of(lock).strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text_of(lock), re.MULTILINE))
