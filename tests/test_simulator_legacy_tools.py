"""The factory card before the tools of others: libnfc's reader driver and libfreefare's commands.

They were written without us, for real cards, so what they accept is not our own reading of D40.
Of the programs, `mifare-desfire-format` goes through; those that make DES applications or set the
card's configuration over a legacy channel end where the virtual card's model does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from cardkit.card.desfire import PICC_AID, PICC_MASTER_KEY, Desfire
from simulator.card import KeyKind, VirtualCard
from simulator.desfire.memory import Key
from simulator.field import Field
from simulator.pn532 import VirtualPn532
from tests.desfire_host import UID, Host, aes_blank
from tests.freefare import freefare_tag
from tests.purse_cards import connect

AES_KEY = bytes(range(16))
VERSION = 7
TOOL_TIMEOUT_S = 30.0
MORE, AUTHENTICATION_ERROR = 0xAF, bytes.fromhex("91AE")
PARAMETER_ERROR, ILLEGAL_COMMAND = "919e", "911c"


@pytest.fixture
def reader() -> Iterator[VirtualPn532]:
    """A PN532 with nothing on it."""
    with VirtualPn532() as chip:
        yield chip


@pytest.fixture
def card(reader: VirtualPn532) -> VirtualCard:
    """A card as delivered, on that reader."""
    made = VirtualCard(UID)
    reader.place(made)
    return made


def run(tool: str, *arguments: str, reader: VirtualPn532) -> subprocess.CompletedProcess[str]:
    """One of Debian's programs, on the virtual reader."""
    if shutil.which(tool) is None:
        pytest.skip(f"Debian's libfreefare-bin is not installed: no {tool}")
    environment = {**os.environ, "LIBNFC_DEFAULT_DEVICE": f"pn532_uart:{reader.path}"}
    return subprocess.run(
        [tool, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TOOL_TIMEOUT_S,
        check=False,
    )


def test_libfreefare_makes_the_factory_key_aes_and_des_again(
    reader: VirtualPn532, card: VirtualCard
) -> None:
    """Both cryptograms, both checksums and both session keys are somebody else's driver's."""
    with freefare_tag(reader.path) as tag:
        factory, ours = tag.des_key(bytes(8)), tag.aes_key(AES_KEY, VERSION)
        assert tag.authenticate(factory)
        assert tag.change_key(ours)
        assert card.memory.root.keys == [Key(AES_KEY, VERSION, KeyKind.AES)]
        assert not tag.authenticate(factory)
        assert tag.authenticate_aes(ours)
        assert tag.change_key(factory)
        assert card.memory.root.keys == [Key(kind=KeyKind.DES)]
        assert tag.authenticate(factory)


def test_libfreefare_does_not_open_with_another_key(
    reader: VirtualPn532, card: VirtualCard
) -> None:
    """The card tells right from wrong, and stays as it was."""
    before = card.snapshot()
    with freefare_tag(reader.path) as tag:
        assert not tag.authenticate(tag.des_key(b"\x02" * 8))
        assert reader.trace[-1].command[1] == MORE
        assert reader.trace[-1].answer == AUTHENTICATION_ERROR
        assert not tag.authenticate_aes(tag.aes_key(bytes(16), 0))
    assert card.snapshot() == before


def test_libfreefare_believes_every_mac_of_an_ev1_session(
    reader: VirtualPn532, card: VirtualCard
) -> None:
    """One chain through plain and enciphered commands: a wrong vector breaks all that follow."""
    with freefare_tag(reader.path) as tag:
        ours = tag.aes_key(AES_KEY, VERSION)
        assert tag.authenticate(tag.des_key(bytes(8)))
        assert tag.change_key(ours)
        assert tag.authenticate_aes(ours)
        assert tag.key_version() == VERSION
        assert tag.key_settings() == (0x0F, 1)
        assert tag.change_key_settings(0x0B)
        assert tag.key_settings() == (0x0B, 1)
        assert tag.format()
    assert card.memory.root.key_settings == 0x0B


def test_a_card_that_libfreefare_keyed_speaks_ev2_to_us(
    reader: VirtualPn532, card: VirtualCard
) -> None:
    """What another driver wrote as an AES key is the key that our own driver then opens with."""
    with freefare_tag(reader.path) as tag:
        assert tag.authenticate(tag.des_key(bytes(8)))
        assert tag.change_key(tag.aes_key(AES_KEY, VERSION))
    field = Field()
    field.place(card)
    desfire = Desfire(connect(field))
    desfire.select_application(PICC_AID)
    desfire.authenticate_ev2_first(PICC_MASTER_KEY, AES_KEY)
    assert desfire.get_key_version(PICC_MASTER_KEY) == VERSION


def test_mifare_desfire_format_empties_a_factory_card(
    reader: VirtualPn532, card: VirtualCard
) -> None:
    """The whole program: DES authentication, enciphered settings, format."""
    made = aes_blank()
    host = Host(made.transmit)
    host.plain(0x5A, bytes(3))
    host.authenticate(0, bytes(16))
    host.mac(0xCA, bytes.fromhex("C3B2A10F85"))
    card.memory.applications = made.memory.applications
    card.memory.root.key_settings = 0x0B
    done = run("mifare-desfire-format", "-y", reader=reader)
    assert done.returncode == 0, done.stderr
    assert UID.hex() in done.stdout
    assert card.memory.applications == {}
    assert card.memory.root.key_settings == 0x0F


@pytest.mark.parametrize(
    ("tool", "last_command", "status"),
    [
        ("mifare-desfire-access", 0xCA, PARAMETER_ERROR),
        ("mifare-desfire-create-ndef -y", 0xCA, PARAMETER_ERROR),
        ("mifare-desfire-ev1-configure-ats -y", 0x5C, ILLEGAL_COMMAND),
    ],
)
def test_other_programs_authenticate_and_end_where_the_model_ends(
    reader: VirtualPn532, card: VirtualCard, tool: str, last_command: int, status: str
) -> None:
    """A DES application and a configuration over D40 are refused, and nothing is half done."""
    before = card.snapshot()
    done = run(*tool.split(), reader=reader)
    last = reader.trace[-1]
    assert done.returncode != 0
    assert last.command[1] == last_command
    assert last.answer is not None
    assert last.answer.hex() == status
    assert card.snapshot() == before
