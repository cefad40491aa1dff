"""The EV2 secure channel, held to every published handshake, command and answer."""

from __future__ import annotations

import pytest

from cardkit.card.aes import encrypt_cbc, unpad
from cardkit.card.secure import COUNTER_MAX, CommMode, Handshake, SecureChannel, session_keys
from cardkit.errors import Bug, CardAnswerInvalid
from tests.purse_cards import VECTORS, Vector, vector_id

MODES = {"plain": CommMode.PLAIN, "mac": CommMode.MAC, "full": CommMode.FULL}
FULL_WRITE = next(v for v in VECTORS["command"] if v["id"] == "T32.WriteRecord.Full")
FULL_ANSWER = next(v for v in VECTORS["response"] if v["id"] == "T35")


def channel(vector: Vector, counter: int) -> SecureChannel:
    """A channel in the state that the vector starts from."""
    return SecureChannel(
        enc_key=bytes.fromhex(vector["ses_enc"]),
        mac_key=bytes.fromhex(vector["ses_mac"]),
        ti=bytes.fromhex(vector["ti"]),
        counter=counter,
    )


def begun(vector: Vector) -> Handshake:
    """The handshake after the card's challenge."""
    return Handshake.begin(
        key=bytes.fromhex(vector["key"]),
        rnd_a=bytes.fromhex(vector["rnda"]),
        enc_rnd_b=bytes.fromhex(vector["enc_rndb"]),
    )


def wrapped(vector: Vector) -> bytes:
    """What we send for a command vector."""
    return channel(vector, vector["cmd_ctr"]).wrap(
        int(vector["ins"], 16),
        header=bytes.fromhex(vector["header"]),
        data=bytes.fromhex(vector["data"]),
        mode=MODES[vector["mode"]],
    )


@pytest.mark.parametrize("vector", VECTORS["auth_ev2_first"], ids=vector_id)
def test_handshake(vector: Vector) -> None:
    """Our half of AuthenticateEV2First and both session keys are the published ones."""
    handshake = begun(vector)
    assert handshake.rnd_b == bytes.fromhex(vector["rndb"])
    assert handshake.host_token() == bytes.fromhex(vector["host_token"])
    opened = handshake.finish(bytes.fromhex(vector["card_token"]))
    assert repr(opened) == f"SecureChannel(ti={vector['ti'].lower()}, counter=0)"
    assert session_keys(key=handshake.key, rnd_a=handshake.rnd_a, rnd_b=handshake.rnd_b) == (
        bytes.fromhex(vector["ses_auth_enc"]),
        bytes.fromhex(vector["ses_auth_mac"]),
    )


@pytest.mark.parametrize("vector", VECTORS["command"], ids=vector_id)
def test_command(vector: Vector) -> None:
    """Every published command, MAC and Full, is what we would have sent."""
    assert wrapped(vector) == bytes.fromhex(vector["wire_payload"])


def test_command_mac_is_over_the_ciphertext() -> None:
    """In Full mode the MAC covers what goes over the air (AN12343 table 32), not the plaintext."""
    assert wrapped(FULL_WRITE)[-8:] == bytes.fromhex("B5D409E07A0532F3")


@pytest.mark.parametrize("vector", VECTORS["response"], ids=vector_id)
def test_answer(vector: Vector) -> None:
    """Every published answer is believed, and decrypted where it was encrypted."""
    data = bytes.fromhex(vector["wire_data"])
    expected = (
        data if vector["plain_padded"] is None else unpad(bytes.fromhex(vector["plain_padded"]))
    )
    answer = data + bytes.fromhex(vector["mact"])
    opened = channel(vector, vector["cmd_ctr_after"])
    assert opened.unwrap(int(vector["rc"], 16), answer, MODES[vector["mode"]]) == expected


@pytest.mark.parametrize("vector", VECTORS["response"], ids=vector_id)
def test_no_changed_answer_is_believed(vector: Vector) -> None:
    """One bit, another status, another counter or a missing MAC: each makes an answer invalid."""
    answer = bytes.fromhex(vector["wire_data"] + vector["mact"])
    counter, mode = vector["cmd_ctr_after"], MODES[vector["mode"]]
    for position in range(len(answer)):
        changed = bytearray(answer)
        changed[position] ^= 0x40
        with pytest.raises(CardAnswerInvalid):
            channel(vector, counter).unwrap(0x00, bytes(changed), mode)
    for broken, count, status in [
        (answer, counter - 1, 0x00),
        (answer, counter, 0x90),
        (answer[:-1], counter, 0x00),
        (b"", counter, 0x00),
    ]:
        with pytest.raises(CardAnswerInvalid):
            channel(vector, count).unwrap(status, broken, mode)


def test_a_rightly_macced_answer_still_needs_blocks_and_padding() -> None:
    """A MAC does not excuse a malformed ciphertext."""
    opened = channel(FULL_ANSWER, FULL_ANSWER["cmd_ctr_after"])
    unpadded = encrypt_cbc(opened._enc_key, bytes(16), iv=opened._iv(b"\x5a\xa5"))
    for data in (b"no block", unpadded):
        with pytest.raises(CardAnswerInvalid):
            opened.unwrap(0x00, data + opened._mac(0x00, data), CommMode.FULL)


def test_a_plain_command_is_counted_too() -> None:
    """The card counts every command of a session (AN12343 section 7), so do we."""
    vector = next(v for v in VECTORS["command"] if v["id"] == "T24.ReadData.MAC")
    opened = channel(vector, 0)
    assert opened.wrap(0x6C, header=b"\x03", data=b"", mode=CommMode.PLAIN) == b"\x03"
    assert opened.unwrap(0x00, b"any", CommMode.PLAIN) == b"any"
    read = opened.wrap(0xAD, header=bytes.fromhex(vector["header"]), data=b"", mode=CommMode.MAC)
    assert read == bytes.fromhex(vector["wire_payload"])


def test_the_counter_never_wraps() -> None:
    """A reused counter would let an old answer be replayed."""
    opened = channel(FULL_WRITE, COUNTER_MAX)
    with pytest.raises(Bug):
        opened.wrap(0xC7, header=b"\x01", data=b"", mode=CommMode.MAC)


def test_a_card_without_the_key_is_not_believed() -> None:
    """The card has to prove itself as well: another token, or one of another length, is none."""
    handshake = begun(VECTORS["auth_ev2_first"][0])
    for token in (bytes(32), bytes(16)):
        with pytest.raises(CardAnswerInvalid):
            handshake.finish(token)
    with pytest.raises(CardAnswerInvalid):
        Handshake.begin(key=bytes(16), rnd_a=bytes(16), enc_rnd_b=bytes(15))


def test_capabilities_that_were_not_sent_are_refused() -> None:
    """PCDcap2 echoes what we sent, or somebody stands between us and the card."""
    vector = VECTORS["auth_ev2_first"][0]
    handshake = begun(vector)
    rotated = handshake.rnd_a[1:] + handshake.rnd_a[:1]
    token = bytes.fromhex(vector["ti"]) + rotated + bytes(6) + b"\x01" + bytes(5)
    with pytest.raises(CardAnswerInvalid):
        handshake.finish(encrypt_cbc(handshake.key, token))


def test_no_key_is_ever_printed() -> None:
    """Neither a handshake nor a channel shows its keys in a log or a traceback."""
    vector = VECTORS["auth_ev2_first"][1]
    shown = repr(begun(vector)) + repr(channel(FULL_WRITE, 0))
    for secret in (vector["key"], vector["rnda"], FULL_WRITE["ses_enc"], FULL_WRITE["ses_mac"]):
        assert secret.lower() not in shown.lower()
        assert repr(bytes.fromhex(secret)) not in shown
