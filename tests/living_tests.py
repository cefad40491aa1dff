"""Which tests live: they are collected, nothing skips them, and one of our runs takes them.

Read from syntax trees, so that asking costs a second and loads nobody's fixtures.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeGuard

TREE: Final = Path(__file__).parent.parent
NAME: Final = re.compile(r"(?:tests/)?(?P<file>test_\w+\.py)(?:::(?P<test>test_\w+))?")
TARGETS: Final = ("test", "check")
"""The targets of the Makefile that decide about a change, as CI runs them."""
_DEAD: Final = frozenset({"skip", "skipif", "xfail"})
_LEAVES: Final = frozenset({"skip", "xfail", "importorskip"})
_RUNNER: Final = "story"
"""The decorator of `tests.screen_world` that makes a test of a coroutine."""
_MARKS_OF_RUNS: Final = frozenset({"slow", "postgres"})

Files = Mapping[str, Mapping[str, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class LivingTests:
    """What stands in a folder of tests, and which marks our runs choose.

    files: file name to test name to marks.
    runs: one mark expression for each run of pytest, such as `not slow`.
    """

    files: Files
    runs: tuple[str, ...]

    def trouble(self, name: str) -> str | None:
        """Say why a name, `test_x.py` or `test_x.py::test_y`, is no living test; or None."""
        found = NAME.fullmatch(name)
        if found is None:
            return f"{name} is no name of a test"
        tests = self.files.get(found["file"])
        if tests is None:
            return f"{found['file']} does not exist"
        if found["test"] is None:
            reasons = [self._dead(marks) for marks in tests.values()]
            return None if None in reasons else f"no test of {name} lives"
        marks = tests.get(found["test"])
        if marks is None:
            return f"{found['file']} has no {found['test']}"
        reason = self._dead(marks)
        return reason and f"{name} {reason}"

    def _dead(self, marks: frozenset[str]) -> str | None:
        dead = marks & _DEAD
        if dead:
            return f"is marked {', '.join(sorted(dead))}"
        if not any(chosen(run, marks) for run in self.runs):
            return f"is run by none of {', '.join(f'make {target}' for target in TARGETS)}"
        return None


def living_tests(tree: Path = TREE) -> LivingTests:
    """Read the tests of a tree, its Makefile and the default of its pyproject.toml."""
    files = {
        path.name: dict(tests_of(ast.parse(path.read_text("utf-8"))))
        for path in sorted((tree / "tests").glob("test_*.py"))
    }
    pytest = tomllib.loads((tree / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]
    options = pytest["ini_options"]["addopts"]
    default = options[options.index("-m") + 1] if "-m" in options else ""
    return LivingTests(files, tuple(runs_of((tree / "Makefile").read_text("utf-8"), default)))


def runs_of(makefile: str, default: str) -> Iterator[str]:
    """Yield the mark expression of every pytest of the targets that CI runs."""
    for target in TARGETS:
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)*)", makefile, re.MULTILINE)
        for line in recipe[1].splitlines() if recipe else ():
            if "/pytest " in line:
                marks = re.search(r""" -m (?:"([^"]+)"|'([^']+)'|(\S+))""", line)
                yield next(filter(None, marks.groups())) if marks else default


def chosen(expression: str, marks: frozenset[str]) -> bool:
    """Whether a run takes a test: `slow`, `not slow`, and such terms with `and` between."""
    terms = [term.split() for term in expression.split(" and ") if term]
    for *negation, mark in terms:
        if negation not in ([], ["not"]) or mark not in _MARKS_OF_RUNS:
            raise ValueError(expression)
    return all((mark in marks) is not bool(negation) for *negation, mark in terms)


def tests_of(module: ast.Module) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each test function with its own marks and those of its file."""
    common = frozenset(_marks(_pytestmark(module))) | frozenset(_left(module.body))
    for node in module.body:
        if _is_test(node) and node.name.startswith("test_"):
            own = frozenset(_marks(node.decorator_list)) | frozenset(_left(node.body))
            yield node.name, common | own


def _is_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    """A coroutine is a test where something runs it: pytest alone would not."""
    if isinstance(node, ast.AsyncFunctionDef):
        return any(ast.unparse(it) == _RUNNER for it in node.decorator_list)
    return isinstance(node, ast.FunctionDef)


def _pytestmark(module: ast.Module) -> Iterator[ast.expr]:
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            yield node.value


def _marks(expressions: Iterable[ast.expr]) -> Iterator[str]:
    """Marks that are on the whole test; those of one parameter leave the others alone."""
    for expression in expressions:
        if isinstance(expression, ast.List | ast.Tuple):
            yield from _marks(expression.elts)
            continue
        mark = expression.func if isinstance(expression, ast.Call) else expression
        found = re.fullmatch(r"pytest\.mark\.(\w+)", ast.unparse(mark))
        if found:
            yield found[1]


def _left(body: Iterable[ast.stmt]) -> Iterator[str]:
    """A test that leaves by itself, on no condition, is skipped as surely as by a mark."""
    for node in body:
        value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
        if isinstance(value, ast.Call):
            found = re.fullmatch(r"pytest\.(\w+)", ast.unparse(value.func))
            if found and found[1] in _LEAVES:
                yield "skip"
