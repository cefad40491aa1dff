"""The diagnostics folder: what it tells, and what it tells nobody."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.clock import ClockTrust
from cardkit.errors import StickGone
from cardkit.stick import StickFolder
from terminal.diagnosis import Cause, Diagnosis
from terminal.diagnostics import gather, read_log, scrubbed, write_diagnostics
from terminal.mounts import Stick
from terminal.power import Power, Throttled
from terminal.sync_state import SyncState
from terminal.till import Till
from terminal.words import Words
from tests.terminal_world import CAISSE, MERCHANT, SOFTWARE, TERMINAL, World

PIN = "4821"
NAME = f"Ferme {MERCHANT}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse with two cards, of which one buys."""
    world = World.make(tmp_path)
    for _ in range(2):
        world.new_card(50_00)
    world.publish()
    return world


@pytest.fixture
def till(world: World) -> Iterator[Till]:
    """A till with a sale, a declined one, and a document that it refused."""
    till = world.till()
    card = next(iter(world.members.values())).card
    world.sell(till, card, 12_50)
    world.sell(till, card, 99_00)
    (world.data().inbox / "0000000001.cbor").write_bytes(b"no answer of anybody")
    till.consume_inbox()
    yield till
    till.close()


def secrets(world: World) -> list[bytes]:
    """Every key of a terminal, and every card's number."""
    files = sorted(world.data().keys.iterdir())
    contents = [path.read_bytes() for path in files]
    lines = [line for content in contents for line in content.split(b"\n") if len(line) > 20]
    binary = [
        content[at : at + 16]
        for path, content in zip(files, contents, strict=True)
        if path.suffix != ".pem"
        for at in range(0, len(content) - 15, 16)
    ]
    return [*lines, *binary, *world.members]


def log_of(world: World) -> str:
    """A log in which somebody has written everything that must not leave."""
    written = [f"2026-10-01T10:02:03+02:00 caisse till[412]: sale of {NAME} at 10:02:03"]
    for secret in secrets(world):
        written += [secret.hex(), secret.hex(":").upper(), secret.hex(" "), f"uid=0x{secret.hex()}"]
    return "\n".join(written)


def files_of(world: World, till: Till, log: str = "") -> Mapping[str, str]:
    """What would be written."""
    answer = f"HTTP 302 from {NAME} about {next(iter(world.members)).hex()}"
    return gather(
        till,
        sync=SyncState(failures=2, diagnosis=Diagnosis(cause=Cause.PORTAL, detail=answer)),
        power=Power(throttled=Throttled.UNDERVOLTAGE_SEEN, temperature_c=71, disk_free_mb=900),
        software=SOFTWARE,
        log=log,
        words=Words("fr"),
    )


def test_no_key_no_card_no_name_and_no_pin(world: World, till: Till) -> None:
    """Promise: who finds the stick learns nothing of keys, members, producers or codes.

    The log is given everything that could ever be written into it by mistake; a PIN is known
    nowhere here, so none can be written.
    """
    whole = "\n".join(files_of(world, till, log_of(world)).values())
    flat = re.sub("[^0-9a-z]", "", whole.lower())
    for secret in secrets(world):
        assert secret not in whole.encode()
        assert secret.hex() not in flat
        assert base64.b64encode(secret).decode() not in whole
    for grant in till.store.permit.permit.merchants:
        assert grant.name.lower() not in whole.lower()
    assert PIN not in whole
    assert "2026-10-01T10:02:03" in whole, "when something happened is still to be read"


def test_what_the_coordinator_needs(world: World, till: Till) -> None:
    """Promise: versions, counts, the last refusals, why the sync fails, how the board is."""
    files = files_of(world, till)
    state = json.loads(files["state.json"])
    assert (state["terminal"], state["caisse"]) == (TERMINAL, CAISSE)
    assert state["clock"] == ClockTrust.RTC.name
    assert state["software"]["version"] == SOFTWARE.version
    assert state["journal"]["head"] == till.journal.head.seq
    assert state["journal"]["unsent_cents"] == 12_50
    assert state["journal"]["newest_kinds"]["DECLINED"] == 1
    assert [it["content_type"] for it in state["refused"]] == ["clafoutis/answer"]
    assert state["sync"]["cause"] == "portal"
    assert (state["board"]["throttled"], state["board"]["temperature_c"]) == ("0x10000", 71)
    assert state["documents"]["cards"] == 2
    assert "coordinatrice" in files["LISEZMOI.txt"]


def test_it_lies_where_the_coordinator_looks(world: World, till: Till, tmp_path: Path) -> None:
    """Promise: beside the requests of this terminal, whole, and in place of the one before."""
    path = tmp_path / "stick"
    path.mkdir()
    stick = Stick(path=path, medium="sda1 test", device=path.stat().st_dev)
    folder = StickFolder(stick=path, caisse=CAISSE, terminal=TERMINAL)
    for files in (files_of(world, till, "first"), files_of(world, till, "second")):
        written = write_diagnostics(stick, folder, files)
        assert {it.name: it.read_text() for it in written.iterdir()} == files
    assert written == path / "CLAFOUTIS" / f"{CAISSE}-{TERMINAL}" / "diagnostics"
    gone = Stick(path=path, medium="sda1 test", device=stick.device + 1)
    with pytest.raises(StickGone):
        write_diagnostics(gone, folder, {})


def test_the_log_is_read_where_there_is_one(tmp_path: Path) -> None:
    """Promise: without a journal, or the right to read it, the folder is written all the same."""
    assert read_log(str(tmp_path / "absent")) == f"{tmp_path}/absent: FileNotFoundError\n"
    program = tmp_path / "journalctl"
    program.write_text('#!/bin/sh\necho "$@"\necho "No journal files were opened" >&2\nexit 1\n')
    program.chmod(0o755)
    told = read_log(str(program))
    assert "--unit=clafoutis-terminal --unit=clafoutis-terminal-sync" in told
    assert told.endswith("No journal files were opened\n")


@given(st.binary(min_size=4, max_size=64), st.sampled_from(["", ":", " "]), st.booleans())
def test_bytes_in_hex_are_hidden(content: bytes, between: str, is_upper: bool) -> None:
    """Promise: a card's number and a key are hidden in every way that a program writes them."""
    text = content.hex(between) if between else content.hex()
    text = text.upper() if is_upper else text
    assert text not in scrubbed(f"read {text}, then nothing", [])


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-01T10:02:03+0200 till[412]: entry 57 of 1250 cents",
        "HTTP 503 from 192.168.1.10:443 after 60 s",
        "clafoutis/permit version 12 refused: older",
    ],
)
def test_what_helps_is_left(text: str) -> None:
    """Promise: hours, numbers of entries, amounts and addresses are still to be read."""
    assert scrubbed(text, ["", "Ferme des Prés"]) == text


def test_a_name_is_hidden_however_it_is_written() -> None:
    """Promise: the longer of two names that begin alike is hidden whole."""
    hidden = scrubbed("FERME DES PRÉS et Ferme", ["Ferme", "Ferme des Prés"])
    assert hidden == "▒▒▒ et ▒▒▒"
