"""The virtual card against what is published: handshakes, messages, the whole transaction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.card import Model, VirtualCard
from simulator.desfire import crypto
from simulator.desfire.channel import Session, wire_bytes
from simulator.desfire.memory import Application, Key, RecordFile, TmacFile
from simulator.desfire.status import Mode, Status
from simulator.desfire.transaction import Transaction
from tests.desfire_host import apdu, scripted

Vector = dict[str, Any]
VECTORS: dict[str, list[Vector]] = json.loads(
    (Path(__file__).parent / "vectors" / "desfire_vectors.json").read_text()
)
UID = bytes.fromhex("04DE5F1EACC040")
LIGHT_AID = bytes.fromhex("01DF00")


def vectors(kind: str) -> pytest.MarkDecorator:
    """Run a test once for each published vector of one kind."""
    chosen = VECTORS[kind]
    names = [str(vector.get("id", vector.get("source"))) for vector in chosen]
    return pytest.mark.parametrize("vector", chosen, ids=names)


def octets(vector: Vector, name: str) -> bytes:
    """One hex field of a vector."""
    return bytes.fromhex(vector[name])


def card_with_keys(keys: list[bytes], *random: str) -> VirtualCard:
    """A card in whose one application these keys stand from number 0 on, selected."""
    card = VirtualCard(UID, random=scripted(*random), model=Model.LIGHT)
    app = Application(LIGHT_AID, 0x0F, [Key(key) for key in keys])
    card.memory.applications[LIGHT_AID] = app
    assert card.transmit(apdu(0x5A, LIGHT_AID[::-1])) == bytes.fromhex("9100")
    return card


def session_of(vector: Vector, counter: int) -> Session:
    """The card's end of the session in which a vector was recorded."""
    keys = octets(vector, "ses_enc"), octets(vector, "ses_mac")
    return Session(0, *keys, octets(vector, "ti"), counter)


@vectors("aes_cmac")
def test_cmac_is_rfc_4493(vector: Vector) -> None:
    """Every MAC of the card rests on this one."""
    assert crypto.cmac(octets(vector, "key"), octets(vector, "msg")) == octets(vector, "cmac")


@vectors("an10922_aes128")
def test_keys_are_diversified_as_published(vector: Vector) -> None:
    """A demo card opens with the keys that any AN10922 implementation derives."""
    derived = crypto.diversified(octets(vector, "key"), octets(vector, "m"))
    assert derived == octets(vector, "derived")


@vectors("auth_ev2_first")
def test_handshake_answers_byte_for_byte(vector: Vector) -> None:
    """Both cryptograms of every published AuthenticateEV2First come out of the card."""
    card = card_with_keys([octets(vector, "key")], vector["rndb"], vector["ti"])
    question = card.transmit(apdu(0x71, b"\x00\x00"))
    assert question == octets(vector, "enc_rndb") + bytes.fromhex("91AF")
    answer = card.transmit(apdu(0xAF, octets(vector, "host_token")))
    assert answer == octets(vector, "card_token") + bytes.fromhex("9100")


@vectors("auth_ev2_first")
def test_session_keys_are_the_published_ones(vector: Vector) -> None:
    """The context string of the session keys is put together as AN12343 table 16 says."""
    keys = crypto.session_keys(
        octets(vector, "key"), octets(vector, "rnda"), octets(vector, "rndb")
    )
    assert keys == (octets(vector, "ses_auth_enc"), octets(vector, "ses_auth_mac"))


@vectors("command")
def test_published_commands_are_accepted_and_read(vector: Vector) -> None:
    """The card checks the MAC of, and decrypts, every published command."""
    header, data = octets(vector, "header"), octets(vector, "data")
    mode = Mode(vector["mode"])
    payload = octets(vector, "wire_payload")
    assert len(payload) == wire_bytes(mode, len(header), len(data))
    session = session_of(vector, vector["cmd_ctr"])
    body = session.unwrap(int(vector["ins"], 16), payload, header_bytes=len(header), mode=mode)
    assert body == header + data


@vectors("response")
def test_published_answers_are_given(vector: Vector) -> None:
    """MAC, encryption and counter of every published answer are the card's own."""
    mode, data = Mode(vector["mode"]), octets(vector, "wire_data")
    if vector["plain_padded"]:
        data = crypto.unpad(octets(vector, "plain_padded"))
    session = session_of(vector, vector["cmd_ctr_after"] - 1)
    answer = session.wrap(Status(int(vector["rc"], 16)), data, mode=mode)
    assert answer == octets(vector, "wire_data") + octets(vector, "mact")


@vectors("tm_session_keys")
def test_transaction_session_keys(vector: Vector) -> None:
    """The counter goes LSB first into the keys that prove a transaction."""
    keys = crypto.transaction_keys(
        octets(vector, "tmac_key"), vector["tmc_after_commit"], octets(vector, "uid")
    )
    assert keys == (octets(vector, "ses_tm_enc"), octets(vector, "ses_tm_mac"))


@vectors("transaction_mac")
def test_transaction_mac_of_a_tmi(vector: Vector) -> None:
    """The TMV that a commit leaves is the published function of key, counter, UID and TMI."""
    tmac = TmacFile(1, bytes.fromhex("FF1F"), Key(octets(vector, "tmac_key")))
    tmac.tmc = vector["tmc_after_commit"] - 1
    app = Application(LIGHT_AID, 0x0F, [Key()], files={0x0F: tmac})
    transaction = Transaction(tmi=octets(vector, "tmi"))
    committed = transaction.commit(app, octets(vector, "uid"), key_no=1, mixed_renews=True)
    assert committed.tmv == tmac.tmv == octets(vector, "tmv")
    assert committed.tmc == tmac.tmc == vector["tmc_after_commit"]


# AN12343 tables 4, 7, 32 and 42: one card, one transaction, as (sent, answered).
TRANSCRIPT = (
    ("9071000002010000", "D9BE1EF2A708B27A51098AA2A39C01DF91AF"),
    (
        "90AF0000202A34F282444D708D79B333D914D180E9F35CD9A83571760D0B9110A866102A6300",
        "BB9E94FCDBE27378CC0AEBFE2FF5E6FFD17FE46B5D4817405D4B0A9E99185F129100",
    ),
    (
        "908B00002F01000000100000721590E8D0C26E9F3394F33A131553788226661ABC3A6910AC3C7230ADF4D105"
        "B5D409E07A0532F300",
        "DB552FD9D33408EF9100",
    ),
    (
        "90C800001828BF1982BE086FBC60A22DAEB66613EEA706434973471F1E00",
        "A1963F1BB9FC916A8B15B2DC58002531B11FF6023DF464E09100",
    ),
    ("90C700000901E516751A0725A62400", "0400000094A3205E41588BA9F4697772DA9DDB829100"),
)
TRANSCRIPT_KEY = bytes.fromhex("01234567890123456789012345678901")
TRANSCRIPT_TMAC_KEY = bytes.fromhex("F7D23E0C44AFADE542BFDF2DC5C6AE02")
TRANSCRIPT_READER = bytes.fromhex("28BF1982BE086FBC60A22DAEB66613EE")


def card_of_the_transcript() -> VirtualCard:
    """The card of AN12343 as it stood before the transaction."""
    card = card_with_keys(
        [bytes(16), TRANSCRIPT_KEY], "F73DDCA1D53B403E7B0C693D0DF58B20", "2D0611EC"
    )
    tmac = TmacFile(0x01, bytes.fromhex("101F"), Key(TRANSCRIPT_TMAC_KEY), tmc=3)
    tmac.reader_id = TRANSCRIPT_READER
    records = RecordFile(0x03, bytes.fromhex("3011"), 16, 5, cyclic=True)
    card.memory.applications[LIGHT_AID].files = {0x01: records, 0x0F: tmac}
    return card


def test_published_transaction_replays_byte_for_byte() -> None:
    """Fed only what the host of AN12343 sent, the card gives all five published answers."""
    card = card_of_the_transcript()
    for sent, answered in TRANSCRIPT:
        answer = card.transmit(bytes.fromhex(sent))
        assert answer is not None
        assert answer.hex().upper() == answered


def test_published_transaction_is_in_the_history() -> None:
    """What the oracle of tests and demo reads is what the published TMI and TMV say."""
    card = card_of_the_transcript()
    for sent, _ in TRANSCRIPT:
        card.transmit(bytes.fromhex(sent))
    vector = VECTORS["transaction_mac"][0]
    (committed,) = card.history
    assert committed.tmi == octets(vector, "tmi")
    assert committed.tmv == octets(vector, "tmv")
    assert (committed.tmc, committed.key_no) == (4, 1)
    assert committed.tmri == TRANSCRIPT_READER
    assert committed.enc_tmri == octets(vector, "enc_tmri")


def test_published_change_of_another_key() -> None:
    """AN12343 table 39: the card accepts key 1 XORed with its CRC, and answers as printed."""
    handshake = next(v for v in VECTORS["auth_ev2_first"] if v["id"].startswith("T39"))
    command = next(v for v in VECTORS["command"] if v["id"].startswith("T39"))
    answer = next(v for v in VECTORS["response"] if v["id"] == "T39")
    card = card_with_keys([octets(handshake, "key"), bytes(16)], handshake["rndb"], handshake["ti"])
    card.transmit(apdu(0x71, b"\x00\x00"))
    card.transmit(apdu(0xAF, octets(handshake, "host_token")))
    assert card.transmit(octets(command, "capdu")) == octets(answer, "mact") + b"\x91\x00"
    changed = card.memory.applications[LIGHT_AID].keys[1]
    assert changed.value == bytes.fromhex("01234567890123456789012345678901")
