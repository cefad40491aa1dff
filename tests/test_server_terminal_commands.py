"""`clafoutis-server terminal` and `merchant`: what a coordinator types, as processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server_process import python, server

FOUND = """
from pathlib import Path
import django
django.setup()
from django.core.management import call_command
from cardkit.clock import SystemClock
from cardkit.keyfiles import write_bundle, write_public
from server_stub.keys import KeyRing
from server_stub.services.caisse import Caisse
from server_stub.services.seed import seed
from simulator.clock import ManualClock
from tests.service_world import ServiceWorld, ceremony
keys = Path("keys")
keys.mkdir(mode=0o700)
write_public(keys, ceremony().public)
write_bundle(keys, ceremony().service, caisse="flers", passphrase=None)
call_command("migrate", verbosity=0)
clock = ManualClock(SystemClock().now().at.replace(microsecond=0))
caisse = Caisse(ring=KeyRing(ceremony().public, ceremony().service), clock=clock)
seed(caisse)
world = ServiceWorld(ceremony(), clock, caisse)
card, stall = world.card(), world.stall(3, merchants=(1,))
stall.sell(card, 12_50)
stall.sync()
stall.sell(card, 2_00)
stall.sync([])
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded caisse with one terminal, which has sold once and has not sent its second sale."""
    directory = tmp_path_factory.mktemp("server")
    made = python(directory, "-c", FOUND)
    assert made.returncode == 0, made.stderr
    return directory


def test_a_theft_is_one_command(data: Path) -> None:
    """Promise: the bound and what is owed are read before anything is done, and then what is next.

    A no changes nothing; a second theft of the same terminal is refused in a sentence.
    """
    stolen = ("terminal", "stolen", "3", "--by", "coordination")
    refused = server(data, *stolen, answer="n\n")
    assert refused.returncode == 1
    for words in ("au plus 3\u202f000,00\u00a0€", "dû 12,50\u00a0€", "reçues : 2"):
        assert words in refused.stdout, refused.stdout
    assert "C’est fait" not in refused.stdout
    assert "actif" in server(data, "terminal", "show", "3").stdout
    done = server(data, *stolen, answer="y\n")
    assert done.returncode == 0, done.stderr
    assert "clafoutis-provision card rekey" in done.stdout
    again = server(data, "--language", "en", *stolen, "--yes")
    assert (again.returncode, "declared stolen before" in again.stderr) == (1, True)
    assert server(data, "rebuild", "--check").returncode == 0
    assert "perdu" in server(data, "terminal", "list").stdout
    lent = server(data, "terminal", "loan", "3", "--by", "coordination")
    assert (lent.returncode, "appairez-en un autre" in lent.stderr) == (1, True)
    missing = server(data, "terminal", "missing")
    assert (missing.returncode, "manquent 4 à 5 (2)" in missing.stdout) == (1, True), missing.stdout
    assert "ce terminal" in server(data, "terminal", "missing", "99").stderr


def test_a_convention_is_signed_changed_and_shown(data: Path) -> None:
    """Promise: what was agreed is one command, an overlap and a distance are sentences."""
    number = server(data, "merchant", "add", "Moulin du Pont", "--grocery").stdout.strip()
    agreed = (
        "--km",
        "49",
        "--category",
        "Pain",
        "--category",
        "Épicerie=70",
        "--by",
        "coordination",
    )
    year = ("--from", "2026-01-01", "--last-day", "2099-12-31", "--signed-on", "2025-12-15")
    signed = server(data, "merchant", "sign", number, *year, *agreed, "--product", "Épicerie:Miel")
    assert signed.returncode == 0, signed.stderr
    twice = server(data, "merchant", "sign", number, *year, *agreed)
    assert (twice.returncode, "merchant change" in twice.stderr) == (1, True)
    far = ("--km", "900", "--category", "Pain", "--by", "coordination")
    after = ("--from", "2100-01-01", "--last-day", "2100-12-31", "--signed-on", "2025-12-15")
    beyond = server(data, "merchant", "sign", number, *after, *far)
    assert (beyond.returncode, "procès-verbal" in beyond.stderr) == (1, True)
    past = server(
        data, "merchant", "end", number, "--last-day", "2026-02-01", "--by", "coordination"
    )
    assert (past.returncode, "ne finit pas dans le passé" in past.stderr) == (1, True)
    deputy = server(
        data, "merchant", "deputy", number, "Jeanne", "--telephone", "06", "--by", "coordination"
    )
    shown = server(data, "merchant", "show", number).stdout
    for words in ("épicerie", "2099-12-31", "49 km", "Épicerie (70 %) : Miel", "Jeanne, 06"):
        assert words in shown, shown
    assert server(data, "merchant", "deputy-end", deputy.stdout.strip(), "--forget").returncode == 0
    assert "Jeanne" not in server(data, "merchant", "show", number).stdout
    assert "grocery" in server(data, "--language", "en", "merchant", "list").stdout
