"""Cards, keys and vectors that the tests of the card's driver share; nobody's secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cardkit.card.connection import Activation
from cardkit.card.issuing import BirthProof, OneCardKeys, personalise
from cardkit.card.keys import TerminalCardKeys, diversify
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.errors import CardLost
from simulator.card import Behaviour, VirtualCard
from simulator.field import Field, FieldConnection

UID = bytes.fromhex("04C1AF00000180")
SYSTEM_ID = b"CLAF-TEST"
KEY_VERSION = 2
TERMINAL_MASTER = bytes(range(0x10, 0x20))
OLD_TERMINAL_MASTER = bytes(range(0x30, 0x40))
TERMINAL_KEYS = TerminalCardKeys(SYSTEM_ID, {1: OLD_TERMINAL_MASTER, KEY_VERSION: TERMINAL_MASTER})

Vector = dict[str, Any]

VECTORS: dict[str, list[Vector]] = json.loads(
    (Path(__file__).parent / "vectors" / "desfire_vectors.json").read_text()
)
"""Traces of AN12343, AN12196, AN10922 and RFC 4493; each names its source."""


def vector_id(vector: Vector) -> str:
    """What a test of this vector is called."""
    return str(vector.get("id", vector["source"]))


def card_keys(uid: bytes = UID, *, terminal_master: bytes = TERMINAL_MASTER) -> OneCardKeys:
    """All keys of one card, each from another master."""

    def derived(master: bytes) -> bytes:
        return diversify(master, uid=uid, aid=CLAF_PURSE_1.aid, system_id=SYSTEM_ID)

    return OneCardKeys(
        picc_master=derived(b"\xa0" * 16),
        app_master=derived(b"\xa1" * 16),
        terminal=derived(terminal_master),
        closed=derived(b"\xa2" * 16),
        tmac=derived(b"\xa3" * 16),
        version=KEY_VERSION,
    )


def issue(field: Field, keys: OneCardKeys, *, allowance: bytes | None = None) -> BirthProof:
    """Issue the blank card in the field; a virtual chip is signed by nobody."""
    connection = connect(field)
    try:
        return personalise(connection, keys, originality=None, allowance=allowance)
    finally:
        connection.close()


def issued(
    uid: bytes = UID, *, keys: OneCardKeys | None = None, behaviour: Behaviour | None = None
) -> tuple[Field, VirtualCard]:
    """A field with an issued card in it."""
    field, card = Field(), VirtualCard(uid, behaviour=behaviour)
    field.place(card)
    issue(field, keys or card_keys(uid))
    return field, card


def connect(field: Field) -> FieldConnection:
    """A connection to the card in the field."""
    connection = field.wait_for_card(0)
    assert connection is not None
    return connection


class Transcript:
    """A card that answers from a published trace, and is lost where the trace ends."""

    def __init__(self, *answers: bytes, uid: bytes = UID) -> None:
        self.uid = uid
        self.activation = Activation(uid=uid)
        self.sent: list[bytes] = []
        self._answers = list(answers)

    def transceive(self, command: bytes) -> bytes:
        """Note the command and give the next answer."""
        self.sent.append(command)
        if not self._answers:
            raise CardLost("the transcript ends here")
        return self._answers.pop(0)

    def close(self) -> None:
        """Nothing to let go of."""
