"""The log of one sale at the TRAFFIC level: what somebody who knows DESFire wants, and no key."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from cardkit.card import tmac
from cardkit.card.aes import decrypt_cbc
from cardkit.card.apdu import Ins
from cardkit.card.secure import session_keys
from cardkit.logging import TRAFFIC
from simulator.issued import demo_keys, demo_master
from terminal.keyring import Keyring, read_keyring
from terminal.outcomes import Green
from tests.terminal_world import CAISSE, World

SALE: Final = [
    ("ISO_SELECT", "Plain", "ISO_OK"),
    ("AUTHENTICATE_EV2_FIRST", "Plain", "ADDITIONAL_FRAME"),
    ("ADDITIONAL_FRAME", "Plain", "OK"),
    ("READ_DATA", "MAC", "OK"),
    ("GET_VALUE", "Full", "OK"),
    ("DEBIT", "Full", "OK"),
    ("WRITE_RECORD", "MAC", "OK"),
    ("COMMIT_READER_ID", "MAC", "OK"),
    ("COMMIT_TRANSACTION", "MAC", "OK"),
]
"""docs/protocol.md, 1.1: command, mode and status of the nine exchanges."""
ROLES: Final = ("picc", "app_master", "terminal", "tmac", "closed")
VALUE_AT_ISSUE: Final = "FFFFFF7F"


@dataclass(frozen=True, slots=True)
class Logged:
    """What was logged while a card paid, and the secrets that were at work."""

    traffic: list[str]
    everything: str
    secrets: dict[str, bytes]


@pytest.fixture
def logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Logged:
    """One sale and a good end, with every logger as talkative as it can be."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    with caplog.at_level(1):
        till = world.till()
        world.field.trace.clear()
        outcome = world.sell(till, card, 12_50)
        till.rest()
        till.stop()
    assert isinstance(outcome, Green)
    traffic = [it.getMessage() for it in caplog.records if it.levelno == TRAFFIC]
    keyring = read_keyring(world.data().keys, caisse=CAISSE)
    secrets = session_secrets(world, card.uid) | lasting_secrets(card.uid, keyring)
    return Logged(traffic, caplog.text, secrets)


def session_secrets(world: World, uid: bytes) -> dict[str, bytes]:
    """Nonces and session keys, opened with key 1 from what went over the air."""
    key = demo_keys(uid).terminal
    exchanges = {it.command[1]: it for it in world.field.trace}
    challenge = exchanges[Ins.AUTHENTICATE_EV2_FIRST].answer
    token = exchanges[Ins.ADDITIONAL_FRAME].command[5:37]
    assert challenge is not None
    rnd_a, rnd_b = decrypt_cbc(key, token)[:16], decrypt_cbc(key, challenge[:16])
    enc_key, mac_key = session_keys(key=key, rnd_a=rnd_a, rnd_b=rnd_b)
    return {
        "RndA": rnd_a,
        "RndB": rnd_b,
        "encrypted RndB": challenge[:16],
        "token": token,
        "session key": enc_key,
        "session MAC key": mac_key,
    }


def lasting_secrets(uid: bytes, keyring: Keyring) -> dict[str, bytes]:
    """Keys of card, caisse and terminal, and those of the one transaction."""
    card, scalar = demo_keys(uid), keyring.journal.key.private_numbers().private_value
    transaction = tmac.session_keys(card.tmac, uid=uid, tmc=2)
    return {
        **{f"the card's {role}": getattr(card, role) for role in ROLES},
        **{f"the master of {role}": demo_master(role) for role in ROLES},
        "SesTMMAC": transaction.mac,
        "SesTMENC": transaction.enc,
        "token key": keyring.token,
        "journal key": scalar.to_bytes(32),
    }


def test_a_sale_can_be_read_from_its_log(logged: Logged) -> None:
    """Promise: nine commands by their names, each with its mode, and the status that came back."""
    sent = [line.split() for line in logged.traffic if line.startswith(">")]
    received = [line.split() for line in logged.traffic if line.startswith("<")]
    assert [line[0] for line in logged.traffic] == [">", "<"] * len(SALE)
    assert [
        (command[1], command[2], status[1]) for command, status in zip(sent, received, strict=True)
    ] == SALE
    text = "\n".join(logged.traffic)
    for meaning in ("key 1", "file 0F, 12 bytes from 0", "file 03", "file 01", "TMC 2"):
        assert meaning in text


def test_no_key_is_in_any_log_of_a_sale(logged: Logged) -> None:
    """Promise: whoever is given a log learns no key, at no level and in no spelling."""
    assert len(logged.secrets) == 20
    text = logged.everything
    found = {
        name
        for name, secret in logged.secrets.items()
        for spelling in (secret.hex(), secret.hex(" "), repr(secret)[2:-1])
        if spelling.lower() in text.lower()
    }
    assert found == set()


def test_what_a_card_says_in_secret_is_not_in_the_log(logged: Logged) -> None:
    """Promise: the balance of a card went over the air encrypted, and stays so in the log."""
    assert VALUE_AT_ISSUE not in logged.everything.upper()
    assert str(0x7FFFFFFF) not in logged.everything


@pytest.mark.parametrize(
    ("flags", "level"),
    [([], logging.WARNING), (["-v"], logging.DEBUG), (["-vv"], TRAFFIC), (["-vvv"], TRAFFIC)],
)
@pytest.mark.parametrize("program", ["terminal.__main__", "provisioning.cli"])
def test_only_who_is_asked_twice_logs_the_traffic(
    program: str, flags: list[str], level: int
) -> None:
    """Promise: -vv and nothing less shows what goes over the air, and never in a library's words.

    nfcpy would print whole frames, and with them what our own log leaves out.
    """
    script = (
        f"import logging, sys; from {program} import cli;"
        "cli.main([*sys.argv[1:], '--help'], standalone_mode=False);"
        "names = ('cardkit.card.desfire', 'nfc.clf.transport', 'smartcard', '');"
        "print(*(logging.getLogger(name).getEffectiveLevel() for name in names))"
    )
    group = {"terminal.__main__": "journal", "provisioning.cli": "keys"}[program]
    done = subprocess.run(
        [sys.executable, "-c", script, *flags, group], capture_output=True, text=True, check=True
    )
    ours, *libraries = map(int, done.stdout.splitlines()[-1].split())
    assert ours == level
    assert min(libraries) >= logging.WARNING
