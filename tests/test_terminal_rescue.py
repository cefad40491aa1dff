"""The board is dead, its memory card is not: what it sold comes back, and nothing is continued."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from cardkit.bodies import Sale
from cardkit.entries import open_entry
from cardkit.errors import JournalDamaged
from cardkit.stick import StickFolder, open_request
from terminal.__main__ import cli
from terminal.config import DataDirectory
from terminal.keyring import read_keyring, read_transport_key
from terminal.software import Software
from terminal.wiring import open_till
from tests.terminal_world import CAISSE, MERCHANT, SOFTWARE, TERMINAL, World

HERE = Software(SOFTWARE.digest, "0.0.0", b"\x01" * 32)
ELSEWHERE = Software(SOFTWARE.digest, "0.0.0", b"\x02" * 32)
SOLD_CENTS = (12_50, 3_00)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse and its stalls."""
    return World.make(tmp_path)


@pytest.fixture
def copy(world: World, tmp_path: Path) -> DataDirectory:
    """What lies on the memory card of a board that sold, and then died under a coffee."""
    card = world.new_card(50_00)
    world.publish()
    data = world.enrol(board_serial=HERE.board_serial)
    till = open_till(data, clock=world.clock, software=HERE)
    till.start()
    for cents in SOLD_CENTS:
        world.tap(card, partial(till.sell, amount_cents=cents, merchant=MERCHANT))
    till.close()
    made = DataDirectory(tmp_path / "copy")
    shutil.copytree(data.root, made.root)
    return made


def rescue(copy: DataDirectory, stick: Path) -> str:
    """Type the command in the workshop."""
    command = ["--data", str(copy.root), "stick", "rescue", "--at", str(stick)]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_sales_of_a_dead_board_are_written_to_a_stick(
    world: World, copy: DataDirectory, tmp_path: Path
) -> None:
    """Promise: terminal dead, memory card alive: every unsent sale reaches the service by stick.

    What lies there is signed by that terminal, as if it had written its stick itself.
    """
    with pytest.raises(JournalDamaged, match="another board"):
        open_till(copy, clock=world.clock, software=ELSEWHERE)
    stick = tmp_path / "stick"
    stick.mkdir()
    assert rescue(copy, stick).startswith(f"{len(SOLD_CENTS)} ")
    folder = StickFolder(stick=stick, caisse=CAISSE, terminal=TERMINAL)
    key = read_transport_key(copy.keys, caisse=CAISSE).public
    (path,) = folder.requests.glob("*.cbor")
    request = open_request(path.read_bytes(), key=key, caisse=CAISSE, terminal=TERMINAL)
    signer = read_keyring(copy.keys, caisse=CAISSE).journal.public
    entries = (open_entry(it, signer, caisse=CAISSE, terminal=TERMINAL) for it in request.entries)
    sales = tuple(it.body.amount_cents for it in entries if isinstance(it.body, Sale))
    assert sales == SOLD_CENTS


def test_a_dead_board_s_chain_is_not_continued(
    world: World, copy: DataDirectory, tmp_path: Path
) -> None:
    """Promise: a board that wakes up after all finds that nobody has told another story."""
    stick = tmp_path / "stick"
    stick.mkdir()

    def head() -> object:
        till = open_till(copy, clock=world.clock, software=ELSEWHERE, any_board=True)
        try:
            return till.journal.head
        finally:
            till.close()

    before = head()
    assert rescue(copy, stick) == rescue(copy, stick)
    assert head() == before
