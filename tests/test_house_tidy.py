"""The house style as tests: what the linters can't say.

Each rule is a pure function from a file's syntax tree to complaints, and each is shown a bad
example, so that a rule that no longer sees anything turns red.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

TREE = Path(__file__).parent.parent
FOLDERS = (
    "cardkit",
    "terminal",
    "server_stub",
    "provisioning",
    "auditor",
    "simulator",
    "tests",
    "tools",
    "benchmarks",
)
PROGRAMS = ("cardkit/*", "terminal/*", "server_stub/*", "provisioning/*", "auditor/*")
TESTS = ("tests/*",)
MONEY = (
    "cardkit/money.py",
    "cardkit/entries.py",
    "cardkit/allowance.py",
    "cardkit/decide.py",
    "server_stub/rules/*",
    "auditor/*",
)

LINES_PER_FILE_MAX = 500
LINES_PER_FUNCTION_MAX = 70
SECRET_NAME = re.compile(r"(^|_)(mac|hmac|secret|password|passphrase)$")

Complaint = tuple[int, str]
Rule = Callable[[ast.Module], Iterator[Complaint]]


def short_functions(module: ast.Module) -> Iterator[Complaint]:
    """A function fits on one screen."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LINES_PER_FUNCTION_MAX:
                yield node.lineno, f"{node.name} has {lines} lines"


def no_float_money(module: ast.Module) -> Iterator[Complaint]:
    """Money is integer cents: where it is computed there is no float and no true division."""
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno, "float"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"a float, {node.value}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node.lineno, "true division gives a float"


def injected_clock(module: ast.Module) -> Iterator[Complaint]:
    """Only cardkit/clock.py reads the time of day: everything else is given a clock."""
    readers = re.compile(
        r"(.*\.)?(datetime\.(now|utcnow|today)|date\.today|timezone\.now|time\.time)"
    )
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and readers.fullmatch(ast.unparse(node.func)):
            yield node.lineno, f"{ast.unparse(node.func)}() where a clock should be injected"


def secrets_compared_in_constant_time(module: ast.Module) -> Iterator[Complaint]:
    """A MAC or secret is compared by hmac.compare_digest, which takes as long when it is wrong."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Compare):
            continue
        if not any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops):
            continue
        for side in (node.left, *node.comparators):
            name = ast.unparse(side).rpartition(".")[2]
            if SECRET_NAME.search(name):
                yield node.lineno, f"{name} compared with == or !="


def no_sleep(module: ast.Module) -> Iterator[Complaint]:
    """A test waits for what it waits for, never for a while."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}:
            yield node.lineno, "sleeps"


RULES: tuple[tuple[Rule, tuple[str, ...], tuple[str, ...], str], ...] = (
    (short_functions, ("*",), (), "def long():\n" + "    pass\n" * LINES_PER_FUNCTION_MAX),
    (no_float_money, MONEY, (), "half = amount_cents / 2"),
    (injected_clock, PROGRAMS, ("cardkit/clock.py",), "import datetime\ndatetime.datetime.now()"),
    (secrets_compared_in_constant_time, PROGRAMS, (), "if answer.token_mac != expected: pass"),
    (no_sleep, TESTS, (), "import time\ntime.sleep(1)"),
)
"""Rule, the files it holds for, the files it exempts, and an example that it must reject."""

RULE_NAMES = [rule.__name__ for rule, *_ in RULES]


def sources() -> list[Path]:
    """Every Python file of the project, generated migrations aside."""
    found = [path for folder in FOLDERS for path in (TREE / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def name_of(path: Path) -> str:
    """A file's name inside the tree."""
    return path.relative_to(TREE).as_posix()


@pytest.mark.parametrize(("rule", "held", "exempt", "_bad"), RULES, ids=RULE_NAMES)
def test_house_style_holds(
    rule: Rule, held: tuple[str, ...], exempt: tuple[str, ...], _bad: str
) -> None:
    """Promise: the style that keeps money, time and secrets safe holds in every file."""
    complaints = [
        f"{name_of(path)}:{line}: {complaint}"
        for path in sources()
        if any(fnmatch(name_of(path), glob) for glob in held) and name_of(path) not in exempt
        for line, complaint in rule(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert complaints == []


@pytest.mark.parametrize(("rule", "_held", "_exempt", "bad"), RULES, ids=RULE_NAMES)
def test_each_rule_sees_its_bad_example(
    rule: Rule, _held: tuple[str, ...], _exempt: tuple[str, ...], bad: str
) -> None:
    """Promise: a rule that has gone blind is noticed."""
    assert list(rule(ast.parse(bad)))


def test_files_stay_small() -> None:
    """Promise: a newcomer can read any file in one sitting."""
    lines = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in sources()}
    assert {name: n for name, n in lines.items() if n > LINES_PER_FILE_MAX} == {}


def test_tests_are_flat() -> None:
    """Promise: the test of a module is found by its name, in one folder."""
    nested = [name_of(path) for path in (TREE / "tests").rglob("*/*.py")]
    assert nested == []
