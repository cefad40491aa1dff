"""The search for the form of a Transaction MAC Input finds the one that was used, or none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cardkit.card.tmac import session_mac_key, tmv
from provisioning.bench.answers import Said
from provisioning.bench.host import Cmd
from provisioning.bench.tmi import (
    READER_FORM,
    Committed,
    Trace,
    amount,
    content,
    either_command,
    filled,
    found,
    reader_id,
)
from tests.purse_cards import VECTORS

KEY, UID, TMC = bytes(range(16)), bytes.fromhex("04C1AF00000180"), 9
HEADER, DATA = bytes.fromhex("8B020000001400 00"), bytes(range(1, 21))
READER = reader_id(Cmd.COMMIT_READER_ID, b"\x11" * 16, b"\x22" * 16)
TRACES: tuple[Callable[[], Trace], ...] = (
    lambda: amount(Cmd.DEBIT, 3, 250),
    lambda: content(HEADER, DATA),
    lambda: either_command(0x3B, 0x8B, HEADER[1:], DATA),
)


def committed(message: bytes) -> Committed:
    """A commit of a card whose input was this."""
    mac_key = session_mac_key(KEY, uid=UID, tmc=TMC)
    return Committed(TMC, tmv(mac_key, filled(message)), READER)


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("reader", ["both", "alone"])
def test_every_form_is_told_from_the_others(trace: Callable[[], Trace], reader: str) -> None:
    """Whatever the card has put together, and then either form of its ReaderID, is named."""
    made = trace()
    for name, part in made.forms.items():
        message = part + READER.forms[reader]
        assert found([made], committed(message), key=KEY, uid=UID) == (name, reader)


def test_a_form_that_nobody_thought_of_is_no_form() -> None:
    """The bench does not take the nearest."""
    message = amount(Cmd.DEBIT, 3, 251).forms[Said.ONE_BLOCK.value]
    assert found([amount(Cmd.DEBIT, 3, 250)], committed(message), key=KEY, uid=UID) == ()


def test_the_published_transaction_is_found() -> None:
    """AN12343 table 32: the one record of 16 bytes and the ReaderID that NXP printed."""
    vector = VECTORS["transaction_mac"][0]
    tmi = bytes.fromhex(vector["tmi"])
    record = content(tmi[:8], tmi[16:32])
    reader = reader_id(Cmd.COMMIT_READER_ID, tmi[33:49], tmi[49:65])
    commit = Committed(vector["tmc_after_commit"], bytes.fromhex(vector["tmv"]), reader)
    key, uid = bytes.fromhex(vector["tmac_key"]), bytes.fromhex(vector["uid"])
    assert found([record], commit, key=key, uid=uid) == (Said.EACH_FILLED.value, READER_FORM)
