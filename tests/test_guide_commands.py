"""Every command that a guide tells a person to type exists, with just those options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from provisioning.cli import cli as workshop
from server_stub.__main__ import cli as service

GUIDE = Path(__file__).parent.parent / "docs" / "guide"
PROGRAMS: dict[str, click.Command] = {
    "clafoutis-server": service,
    "clafoutis-provision": workshop,
}
ACCIDENTS = ("Traceback (most", "site-packages", "Error:", '.py", line')
TYPED = re.compile(r"(?:^|`)\s*((?:clafoutis-server|clafoutis-provision) [^`#\n]*)", re.MULTILINE)


def typed() -> Iterator[tuple[str, str]]:
    """Yield page and command of everything that a guide has typed, in blocks and in sentences."""
    for page in sorted(GUIDE.rglob("*.md")):
        text = page.read_text("utf-8").replace("\\\n", " ")
        for found in TYPED.findall(text):
            yield page.name, " ".join(found.split())


def wrong_with(line: str) -> str:
    """Say what is wrong with a command; empty where nothing is."""
    program, *words = shlex.split(line.replace("…", "x"))
    command: click.Command | None = PROGRAMS.get(program)
    if command is None:
        return "no such program"
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        command = command.get_command(context, name)
        if command is None:
            return f"no command {name}"
    known = {"--help"} | {name for it in command.params for name in (*it.opts, *it.secondary_opts)}
    told = {word.partition("=")[0] for word in words if word.startswith("--")}
    return ", ".join(sorted(told - known))


@pytest.mark.parametrize(("page", "line"), list(typed()))
def test_what_a_guide_tells_to_type_can_be_typed(page: str, line: str) -> None:
    """Promise: who stands at a burnt server, page in hand, types nothing that does not exist."""
    assert wrong_with(line) == "", page


@pytest.mark.parametrize("page", sorted(GUIDE.rglob("*.md")), ids=lambda page: page.name)
def test_no_guide_shows_an_accident(page: Path) -> None:
    """Promise: what a guide shows as output is what a command says, not how one went wrong."""
    text = page.read_text("utf-8")
    assert [word for word in ACCIDENTS if word in text] == []


def test_the_guides_tell_to_type_something() -> None:
    """The search above finds what it is for, and tells right from wrong."""
    assert len(list(typed())) > 20
    assert wrong_with("clafoutis-server settle papers R1-0001 --into x --by anne") == ""
    assert wrong_with("clafoutis-server settle paper") == "no command paper"
    assert wrong_with("clafoutis-server settle papers R1-0001 --to x") == "--to"
