"""Every promise of the README has a living test, and whatever it does not promise is explained."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.living_tests import TREE, LivingTests, chosen, living_tests, runs_of

_ROW: Final = re.compile(r"^\| (\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
_BULLET: Final = re.compile(r"^- (.+(?:\n  .+)*)", re.MULTILINE)
FEWEST_REQUIREMENTS: Final = 40
_PROMISES: Final = "What it promises"
_NO_PROMISES: Final = "What it does not promise"


@pytest.fixture(scope="module")
def living() -> LivingTests:
    """The tests of this tree."""
    return living_tests()


def section(text: str, title: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def broken_promises(readme: str, living: LivingTests) -> Iterator[str]:
    """Yield a sentence for each promise that has lost a test, or never had one."""
    for number, promise, tests in _ROW.findall(section(readme, _PROMISES)):
        named = re.findall(r"`([^`]+)`", tests)
        if not named:
            yield f"Promise {number} ({promise}) names no test."
        for name in named:
            trouble = living.trouble(name)
            if trouble:
                yield f"Promise {number} ({promise}) has lost a test: {trouble}."


def unexplained(readme: str, model: str) -> Iterator[str]:
    """Yield a sentence for each thing not promised that the threat model does not speak of."""
    told = plain(section(model, "What we do not promise"))
    for bullet in _BULLET.findall(section(readme, _NO_PROMISES)):
        claim = re.split(r"[:;.](?: |$)", plain(bullet))[0]
        if claim not in told:
            yield f'docs/threat-model.md does not say under "What we do not promise": {claim}.'


def plain(text: str) -> str:
    """Words without emphasis and line ends."""
    return " ".join(text.replace("*", "").replace("`", "").split())


def test_every_promise_has_a_living_test(living: LivingTests) -> None:
    """Promise: no promise of the README outlives the test that backs it."""
    readme = (TREE / "README.md").read_text("utf-8")
    assert len(_ROW.findall(section(readme, _PROMISES))) >= 8
    assert not list(broken_promises(readme, living))


def test_what_is_not_promised_is_explained() -> None:
    """Promise: what the README declines to promise stands in the threat model, word for word."""
    readme = (TREE / "README.md").read_text("utf-8")
    assert len(_BULLET.findall(section(readme, _NO_PROMISES))) >= 7
    assert not list(unexplained(readme, (TREE / "docs" / "threat-model.md").read_text("utf-8")))


_READABLE: Final = """
import pytest
def test_sells(): ...
@pytest.mark.skip(reason="later")
def test_skipped(): ...
@pytest.mark.xfail
def test_fails(): ...
@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2])
def test_takes_long(n): ...
def test_leaves():
    '''Says why.'''
    pytest.skip("not here")
def helper(): ...
@pytest.mark.parametrize("n", [1, 2])
@story
async def test_is_played(n): ...
@pytest.mark.skip
@story
async def test_is_not_played(): ...
async def test_nobody_awaits(): ...
"""
_ON_POSTGRESQL: Final = "import pytest\npytestmark = [pytest.mark.postgres]\ndef test_same(): ...\n"
_MAKEFILE: Final = "test: lint ## all\n\t$(BIN)/pytest -q $(ARGS)\n\nlint:\n\truff\n"
_CHECK: Final = "\ncheck: ## more\n\t$(BIN)/pytest -q -m slow\n"


def small_tree(folder: Path, *, makefile: str) -> LivingTests:
    """A tree of two files of tests, and what lives in it."""
    (folder / "tests").mkdir()
    (folder / "tests" / "test_till.py").write_text(_READABLE)
    (folder / "tests" / "test_base.py").write_text(_ON_POSTGRESQL)
    (folder / "Makefile").write_text(makefile)
    options = '[tool.pytest.ini_options]\naddopts = ["-q", "-m", "not slow"]\n'
    (folder / "pyproject.toml").write_text(options)
    return living_tests(folder)


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("test_till.py", None),
        ("tests/test_till.py::test_sells", None),
        ("test_base.py", None),
        ("test_till.py::test_takes_long", None),
        ("test_gone.py", "test_gone.py does not exist"),
        ("test_till.py::test_renamed", "test_till.py has no test_renamed"),
        ("test_till.py::helper", "test_till.py::helper is no name of a test"),
        ("test_till.py::test_is_played", None),
        ("test_till.py::test_is_not_played", "test_till.py::test_is_not_played is marked skip"),
        ("test_till.py::test_nobody_awaits", "test_till.py has no test_nobody_awaits"),
        ("test_till.py::test_skipped", "test_till.py::test_skipped is marked skip"),
        ("test_till.py::test_fails", "test_till.py::test_fails is marked xfail"),
        ("test_till.py::test_leaves", "test_till.py::test_leaves is marked skip"),
    ],
)
def test_what_lives_is_told_from_what_does_not(
    name: str, trouble: str | None, tmp_path: Path
) -> None:
    """Promise: a test that was renamed, deleted, skipped or expected to fail backs nothing."""
    living = small_tree(tmp_path, makefile=_MAKEFILE + _CHECK)
    assert living.trouble(name) == trouble
    readme = f"## What it promises\n\n| 1 | Green is money | `{name}` |\n\n## Next\n"
    told = [f"Promise 1 (Green is money) has lost a test: {trouble}."] if trouble else []
    assert list(broken_promises(readme, living)) == told


def test_a_slow_test_lives_while_a_command_runs_it(tmp_path: Path) -> None:
    """Promise: a slow test backs a promise only as long as the Makefile runs slow tests."""
    living = small_tree(tmp_path, makefile=_MAKEFILE)
    trouble = living.trouble("test_till.py::test_takes_long")
    assert trouble == "test_till.py::test_takes_long is run by none of make test, make check"
    assert list(runs_of(_MAKEFILE + _CHECK, "not slow")) == ["not slow", "slow"]
    assert chosen("not slow and not postgres", frozenset({"slow"})) is False
    with pytest.raises(ValueError, match="fast"):
        chosen("fast", frozenset())


def test_a_promise_without_a_test_is_none(tmp_path: Path) -> None:
    """Promise: a row whose cell of tests is empty turns red, and says which promise it is."""
    living = small_tree(tmp_path, makefile=_MAKEFILE)
    readme = "## What it promises\n| 7 | Nobody is shamed | soon |\n"
    assert list(broken_promises(readme, living)) == ["Promise 7 (Nobody is shamed) names no test."]


def test_what_the_model_keeps_quiet_about_is_told() -> None:
    """Promise: a line added to what is not promised turns red until the model explains it."""
    readme = "## What it does not promise\n\n- A till **can**\n  charge more: look at it.\n"
    model = "## What we do not promise\n\nA till can\ncharge more.\n\n## What comes after\n"
    assert not list(unexplained(readme, model))
    [told] = unexplained(readme, model.replace("charge more", "charge less"))
    assert "A till can charge more" in told
    assert list(unexplained(readme, f"## Elsewhere\n{model.split(chr(10), 1)[1]}"))


def test_each_security_requirement_has_its_test(living: LivingTests) -> None:
    """Promises 4 and 7: what OWASP's ASVS asks where money and entry are at stake can be seen red.

    Requirements are numbered as in ASVS 4.0.3; what they say here is ours.
    """
    with (TREE / "docs" / "asvs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lost = [trouble for row in rows if (trouble := living.trouble(row["test"]))]
    assert lost == []
    assert len(rows) >= FEWEST_REQUIREMENTS
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", row["requirement"]) for row in rows)
