"""The factory card's older channels: a real card's printed trace, and what they do not open."""

from __future__ import annotations

import pytest

from simulator.card import KeyKind, Model, VirtualCard
from simulator.crc import crc_a
from simulator.desfire.crypto import decrypt, encrypt, jamcrc, rotated
from simulator.desfire.des import key_version
from simulator.desfire.status import Status
from simulator.issued import issued_card
from tests.desfire_host import KEYS, RND_A, UID, ZERO_KEY, Host, aes_blank, apdu, scripted

D40, EV1_AES, EV2_FIRST, MORE = 0x0A, 0xAA, 0x71, 0xAF
CHANGE_KEY, SET_CONFIGURATION, CARD_UID = 0xC4, 0x5C, 0x51
FORMAT = "90FC000000"
# What somebody's real EV1 with the factory's key answered (mifare.net forum, reply 18844,
# 12 October 2016); RndB is the card's, deciphered.
PRINTED_RND_B = "F6B033394EC6E8CF"
PRINTED = (
    ("900A0000010000", "63C54DCF6F3A6FC991AF"),
    ("90AF000010491E890DE9ACE9329C5C6D55D9FA36D700", "B7D1DA7CE0DD986B9100"),
    ("9054000008CB643FD030E687DA00", "9100"),
)


def printed_card() -> VirtualCard:
    """The card of that trace."""
    return VirtualCard(UID, random=scripted(PRINTED_RND_B))


def ask(card: VirtualCard, command: str) -> str:
    """One APDU and its answer in hex."""
    answer = card.transmit(bytes.fromhex(command))
    assert answer is not None
    return answer.hex().upper()


def opened_as_printed() -> VirtualCard:
    """The card after the printed authentication."""
    card = printed_card()
    for command, answer in PRINTED[:2]:
        assert ask(card, command) == answer
    return card


def test_a_real_cards_trace_is_replayed_byte_for_byte() -> None:
    """Fed what that host sent, our factory card answers what the real one did."""
    card = printed_card()
    card.memory.root.key_settings = 0x0B
    assert [ask(card, command) for command, _ in PRINTED] == [answer for _, answer in PRINTED]
    assert card.memory.root.key_settings == 0x0F


def test_a_garbled_cryptogram_is_found_by_its_checksum() -> None:
    """1E, the session is gone, and nothing has changed."""
    card = opened_as_printed()
    assert ask(card, "9054000008CB643FD030E687DB00") == "911E"
    assert ask(card, FORMAT) == "91AE"
    assert card.memory.root.key_settings == 0x0F


def test_a_wrong_token_opens_nothing() -> None:
    """Who does not know the key, although everybody does, gets AE."""
    card = printed_card()
    ask(card, PRINTED[0][0])
    assert ask(card, "90AF000010491E890DE9ACE9329C5C6D55D9FA36D800") == "91AE"
    assert ask(card, FORMAT) == "91AE"


@pytest.mark.parametrize(
    ("kind", "wrong"), [(KeyKind.DES, (EV1_AES, EV2_FIRST)), (KeyKind.AES, (D40,))]
)
def test_a_key_opens_only_the_channels_of_its_kind(kind: KeyKind, wrong: tuple[int, ...]) -> None:
    """A factory card speaks no EV2 before its key is AES, and no DES after."""
    for ins in wrong:
        card = VirtualCard(UID, picc_key=kind)
        payload = b"\x00\x00" if ins == EV2_FIRST else b"\x00"
        assert Host(card.transmit).status(ins, payload) == Status.AUTHENTICATION_ERROR


@pytest.mark.parametrize(("kind", "told"), [(KeyKind.DES, "0F01"), (KeyKind.AES, "0F81")])
def test_key_settings_tell_the_kind_of_the_master_key(kind: KeyKind, told: str) -> None:
    """A workshop sees a factory card without trying a key (D40 4.3.2)."""
    card = VirtualCard(UID, picc_key=kind)
    assert ask(card, "9045000000") == told + "9100"


@pytest.mark.parametrize("model", list(Model))
def test_a_factory_card_is_blank_whatever_its_model(model: Model) -> None:
    """The state of the datasheets: DES, zero, version 0."""
    (key,) = VirtualCard(UID, model=model).memory.root.keys
    assert (key.kind, key.value, key.version) == (KeyKind.DES, ZERO_KEY, 0)


def test_no_file_and_no_configuration_is_reached_from_an_old_channel() -> None:
    """What is modelled is the card's own level; the rest is refused, and not half done."""
    for ins, payload in ((SET_CONFIGURATION, b"\x00" + bytes(8)), (CARD_UID, b"")):
        card = opened_as_printed()
        assert Host(card.transmit).status(ins, payload) == Status.ILLEGAL_COMMAND
        assert card.memory.configuration == {}


def ev1_session(card: VirtualCard, key_no: int, key: bytes) -> bytes:
    """Open an EV1 session by AA and return its key."""
    host = Host(card.transmit)
    question = host.raw(apdu(EV1_AES, bytes([key_no])))[:-2]
    rnd_b = decrypt(key, question)
    token = encrypt(key, RND_A + rotated(rnd_b), question)
    answer = host.raw(apdu(MORE, token))
    assert decrypt(key, answer[:-2], token[-16:]) == rotated(RND_A)
    return RND_A[:4] + rnd_b[:4] + RND_A[12:] + rnd_b[12:]


def test_an_aes_key_becomes_a_des_key_in_an_ev1_session() -> None:
    """What `make it a factory card again` needs: no version byte, KeyNo 00, CRC-32 over it all."""
    card = aes_blank()
    session_key = ev1_session(card, 0, ZERO_KEY)
    new = bytes.fromhex("0101010101010101") * 2
    data = new + jamcrc(bytes([CHANGE_KEY, 0]) + new)
    cryptogram = encrypt(session_key, data + bytes(12))
    assert Host(card.transmit).raw(apdu(CHANGE_KEY, b"\x00" + cryptogram)) == b"\x91\x00"
    (key,) = card.memory.root.keys
    assert (key.kind, key.value, key.version) == (KeyKind.DES, new, 0xFF)


def test_two_halves_that_differ_are_no_des_key() -> None:
    """2K3DES is not modelled, and said so by 9E."""
    card = aes_blank()
    session_key = ev1_session(card, 0, ZERO_KEY)
    new = bytes(8) + b"\x10" * 8
    data = new + jamcrc(bytes([CHANGE_KEY, 0]) + new)
    cryptogram = encrypt(session_key, data + bytes(12))
    status = Host(card.transmit).status(CHANGE_KEY, b"\x00" + cryptogram)
    assert status == Status.PARAMETER_ERROR


def test_an_issued_card_lets_ev1_authenticate_and_nothing_more() -> None:
    """Its keys are AES; its files know EV2 only."""
    card = issued_card(UID)
    card.transmit(bytes.fromhex("00A404000B") + b"\xf0CLAFOUTIS\x01")
    ev1_session(card, 1, KEYS.terminal)
    assert Host(card.transmit).status(0x6C, b"\x03") == Status.ILLEGAL_COMMAND


def test_checksum_and_key_version_of_the_documents() -> None:
    """CRC_A of ISO/IEC 14443-3 annex B (its own examples), and D40's version bits, first on top."""
    assert crc_a(b"\x00\x00") == bytes.fromhex("A01E")
    assert crc_a(b"\x12\x34") == bytes.fromhex("26CF")
    assert key_version(bytes.fromhex("0001000100010001")) == 0x55
