"""`connection`, `wifi` and `stick`, as a person types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.field import Field
from terminal.__main__ import cli
from terminal.context import Context, Exit
from terminal.diagnosis import Cause
from terminal.sync_state import SyncState, read_state, want_exchange
from terminal.words import Words
from tests.terminal_world import CAISSE, TERMINAL, World

NOBODY = "http://127.0.0.1:1"
NMCLI = """\
#!/bin/sh
case "$*" in
    *"wifi list"*) printf ' :81:WPA2:Bar de la Place\\n*:40::mairie\\n' ;;
    *"connection up"*) grep -q 'psk:tomme\\\\ de' || {
        echo 'Error: Connection activation failed: (7) Secrets were required' >&2; exit 4; } ;;
    *"device show"*) printf 'GENERAL.DEVICE:usb0\\nGENERAL.TYPE:ethernet\\n'
        printf 'GENERAL.DRIVER:rndis_host\\nGENERAL.STATE:100 (connected)\\n' ;;
    *"connection show"*) printf '802-11-wireless:u-1:maison\\n' ;;
esac
"""


class Desk:
    """A terminal's command line, on a computer with a scripted nmcli."""

    def __init__(self, world: World, programs: Path) -> None:
        self.world = world
        self.programs = programs
        self.context = Context(world.data(), "field:", Words("fr"), world.clock, lambda _: Field())

    def run(self, *arguments: str, typed: str = "") -> Result:
        """Run one command with this on its standard input."""
        group, *rest = arguments
        return CliRunner(env={"PATH": f"{self.programs}:/usr/bin:/bin"}).invoke(
            cli.named(group), rest, obj=self.context, input=typed
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A paired terminal."""
    world = World.make(tmp_path / "world")
    world.path.mkdir()
    world.enrol()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "nmcli").write_text(NMCLI)
    (programs / "nmcli").chmod(0o755)
    return Desk(world, programs)


def test_a_connection_that_fails_says_what_to_do(desk: Desk) -> None:
    """Promise: a sentence for the person, the cause for the log, and the service's status."""
    done = desk.run("connection", "--url", NOBODY)
    assert done.exit_code == Exit.SERVICE
    assert "La caisse est injoignable par ce réseau." in done.stdout
    assert "(connect: " in done.stderr


def test_the_timer_leaves_while_a_failure_is_waited_out(desk: Desk) -> None:
    """Promise: --if-due is quiet during the pause, and a person's own command is not."""
    state = desk.context.data.sync_state
    assert isinstance(desk.run("sync", "--if-due", "--url", NOBODY).exception, Exception)
    assert read_state(state).diagnosis.cause is Cause.CONNECT
    quiet = desk.run("sync", "--if-due", "--url", NOBODY)
    assert (quiet.exit_code, quiet.output) == (0, "")
    assert read_state(state).failures == 1
    want_exchange(desk.context.data)
    for arguments in (("--if-due",), ()):
        assert desk.run("sync", "--url", NOBODY, *arguments).exit_code != 0
    assert read_state(state).failures == 3
    assert read_state(state) != SyncState()


def test_networks_are_listed_joined_and_forgotten(desk: Desk) -> None:
    """Promise: the password is asked for, echoed nowhere, and a wrong one is said to be wrong."""
    listed = desk.run("wifi", "list").stdout.splitlines()
    assert listed == ["*  40 %  mairie  (ouvert)", "   81 %  Bar de la Place  (avec mot de passe)"]
    assert desk.run("wifi", "saved").stdout == "u-1  maison\n"
    joined = desk.run("wifi", "join", "Bar de la Place", typed="tomme de vache\n")
    assert joined.stdout == "Connecté à Bar de la Place.\n"
    assert "tomme" not in joined.output
    wrong = desk.run("wifi", "join", "Bar de la Place", typed="fromage blanc\n")
    assert (wrong.exit_code, wrong.stdout) == (Exit.TROUBLE, "")
    assert "Le réseau refuse ce mot de passe." in wrong.stderr
    assert desk.run("wifi", "join", "ailleurs").exit_code == Exit.TROUBLE
    assert desk.run("wifi", "forget", "u-1").exit_code == 0
    assert desk.run("wifi", "state").stdout == "Téléphone : usb0\n"


def test_a_stick_is_exchanged_and_diagnosed(desk: Desk, tmp_path: Path) -> None:
    """Promise: both commands say where things lie, and that the stick may be pulled out."""
    stick = tmp_path / "stick"
    stick.mkdir()
    done = desk.run("stick", "exchange", "--at", str(stick))
    assert done.exit_code == 0, done.output
    assert "Vous pouvez la retirer." in done.stdout
    place = stick / "CLAFOUTIS" / f"{CAISSE}-{TERMINAL}"
    assert len(list((place / "requests").iterdir())) == 1
    told = desk.run("stick", "diagnostics", "--at", str(stick))
    assert f"CLAFOUTIS/{CAISSE}-{TERMINAL}/diagnostics" in told.stdout
    assert {path.name for path in (place / "diagnostics").iterdir()} == {
        "state.json",
        "log.txt",
        "LISEZMOI.txt",
    }


def test_a_locked_stick_is_a_sentence(desk: Desk, tmp_path: Path) -> None:
    """Promise: trouble with a stick is a sentence and status 1, and no traceback."""
    stick = tmp_path / "stick"
    (stick / "CLAFOUTIS").mkdir(parents=True)
    (stick / "CLAFOUTIS" / f"{CAISSE}-{TERMINAL}").write_text("a file where a folder should be")
    done = desk.run("stick", "exchange", "--at", str(stick))
    assert done.exit_code == Exit.TROUBLE
    assert "Rien n’est perdu" in done.stderr
