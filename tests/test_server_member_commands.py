"""`clafoutis-server member`, `wave` and `rule`: what a coordinator types, from wave to exit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.server_process import server
from tests.test_server_commands import data

__all__ = ["data"]

BY = ("--by", "coordination")


@pytest.fixture
def seeded(data: Path) -> Path:
    """A small caisse."""
    assert server(data, "seed").returncode == 0
    return data


def done(data: Path, *arguments: str) -> str:
    """What a command says that does what it was asked."""
    made = server(data, *arguments)
    assert made.returncode == 0, made.stderr
    return made.stdout


def refused(data: Path, *arguments: str) -> str:
    """Why a command does nothing."""
    made = server(data, *arguments)
    assert (made.returncode, made.stdout) == (1, "")
    return made.stderr


def test_a_members_life_is_typed(seeded: Path) -> None:
    """Promise: from the waiting list to the exit, each step is shown before it is done."""
    for name in ("Ali Prévost", "Béatrice Lemoine"):
        done(seeded, "member", "add", name)
    shown = done(seeded, "wave", "draw", "--places", "1")
    assert re.search(r"^\+ +1 .*Ali Prévost$", shown, re.MULTILINE)
    assert done(seeded, "wave", "admit", "--places", "1", *BY) == shown
    promise = ("--from", "2099-01-01", *BY)
    done(seeded, "member", "commit", "Ali", "30", *promise)
    assert "liste d’attente" in refused(seeded, "member", "commit", "Béatrice", "30", *promise)
    assert "que baisser" in refused(seeded, "member", "change", "Ali", "--lower-to", "45", *promise)
    done(seeded, "member", "helper", "Ali", "Mme Tutrice", "--role", "guardian")
    told = json.loads(done(seeded, "member", "show", "Ali"))
    assert told["helpers"][0]["role"] == "guardian"
    leave = ("member", "leave", "Ali", "--card", "back")
    plan = done(seeded, *leave)
    assert "Ni cotisation ni crédit à partir du" in plan
    assert json.loads(done(seeded, "member", "show", "Ali"))["left_from"] is None
    assert done(seeded, *leave, "--write", *BY) == plan
    assert "déjà quitté" in refused(seeded, *leave)
    done(seeded, "member", "erase", "Ali", "--write", *BY)
    assert server(seeded, "member", "show", "Ali").returncode != 0
    done(seeded, "rebuild", "--check")


def test_a_vote_is_typed_with_its_minutes(seeded: Path) -> None:
    """Promise: a vote is printed with its unit and minutes; a refusal says what is expected."""
    vote = ("--from", "2099-01-01", "--voted-on", "2026-01-15", "--minutes", "Plafonds", *BY)
    assert "90,00\u00a0€" in done(seeded, "rule", "set", "sale_max_cents", "90", *vote)
    assert "par exemple 12,50" in refused(seeded, "rule", "set", "sale_max_cents", "x", *vote)
    assert "rule list" in refused(seeded, "rule", "set", "income", "1", *vote)
    english = done(seeded, "--language", "en", "rule", "list", "--on", "2099-01-02")
    assert "Ceiling per sale: €90.00, since 1 January 2099" in english
    assert "minutes of 15 January 2026" in english
