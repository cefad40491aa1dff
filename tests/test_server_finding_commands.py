"""`clafoutis-server finding`, `dispute` and `carnet`: what a coordinator types, and is told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from cardkit.clock import PARIS
from tests.server_process import python, server, with_keys

TODAY = datetime.now(PARIS).date().isoformat()
SECOND = (
    "import django; django.setup();"
    "from django.contrib.auth.models import User; User.objects.create_user('benoit')"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded caisse with a second person."""
    directory = with_keys(tmp_path_factory.mktemp("server"))
    assert server(directory, "seed").returncode == 0
    python(directory, "-c", SECOND)
    return directory


def test_a_slip_goes_through_two_pairs_of_hands(data: Path) -> None:
    """Promise 2: what one person typed pays nothing, and each refusal is a sentence."""
    by, other = ("--by", "coordination"), ("--by", "benoit")
    assert server(data, "carnet", "hand-out", "4", "1", "151", "200", *by).returncode == 0
    enter = ("carnet", "enter", "4", "151", "--day", TODAY, "--card", "04 C1", "--initials")
    assert server(data, *enter, "--amount-cents", "1200", *by).returncode == 0
    again = server(data, *enter, "--amount-cents", "1200", *by)
    assert (again.returncode, "déjà été saisi" in again.stderr) == (1, True)
    assert "n’est pas de cette caisse" in server(data, "carnet", "list").stdout
    confirm = ("carnet", "confirm", "4", "151", "--amount-cents", "1200")
    alone = server(data, *confirm, *by)
    assert (alone.returncode, "deux personnes" in alone.stderr) == (1, True)
    doubtful = server(data, "--language", "en", *confirm, *other)
    assert doubtful.returncode == 1
    assert "Something speaks against this slip" in doubtful.stderr
    assert "none of this caisse" in doubtful.stderr
    paid = server(data, *confirm, "--all-the-same", *other)
    assert (paid.returncode, "acte n°" in paid.stderr) == (0, True)
    assert "12,00" in server(data, "owed").stdout
    act = paid.stderr.split("n° ")[1].split(".")[0]
    first = server(data, "finding", "undo", act, *by)
    assert (first.returncode, "deuxième personne" in first.stderr) == (0, True)
    assert "12,00" in server(data, "owed").stdout
    assert server(data, "finding", "undo", act, *other).returncode == 0
    assert "12,00" not in server(data, "owed").stdout
    assert server(data, "rebuild", "--check").returncode == 0


def test_an_empty_list_says_so(data: Path) -> None:
    """Promise: nothing to do is a sentence; what is not there is one too, and never a traceback."""
    assert server(data, "finding", "list").stdout == "Rien à faire : tout se recoupe.\n"
    assert "everything matches" in server(data, "--language", "en", "finding", "list").stdout
    for command in (
        ("finding", "show", "7"),
        ("finding", "pay", "7", "--by", "benoit"),
        ("finding", "undo", "99999", "--by", "benoit"),
        ("dispute", "decide", "ab", "--reject", "--by", "benoit"),
    ):
        done = server(data, *command)
        assert done.returncode == 1, command
        assert done.stderr.startswith("clafoutis-server: Aucun"), done.stderr
    unknown = server(data, "dispute", "open", "04C1", "3", "--by", "benoit")
    assert "aucune vente prouvée" in unknown.stderr
