"""Who may do what on the virtual card: sessions, rights, issuing, framing, and nonsense."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.card import KeyKind, Model, VirtualCard
from simulator.desfire.memory import DataFile
from simulator.desfire.status import Status
from simulator.issued import AID, VALUE_AT_ISSUE, issued_card
from tests.desfire_host import (
    COMMIT,
    CREDIT,
    DEBIT,
    GET_VALUE,
    KEYS,
    LIMITED_CREDIT,
    READ,
    READER,
    READER_ID,
    TERMINAL_KEY,
    UID,
    Host,
    Refused,
    aes_blank,
    apdu,
    number,
    opened,
    refused,
    select_apdu,
    span,
    value_of,
    with_value_rights,
)

# --- the session


def test_without_a_session_the_purse_says_nothing() -> None:
    """AE for every file command: reading, debiting, the reader's name."""
    host = Host(issued_card(UID).transmit)
    host.select()
    assert host.status(GET_VALUE, b"\x03") == Status.AUTHENTICATION_ERROR
    assert host.status(READ, span(0x0F, 0, 0)) == Status.AUTHENTICATION_ERROR
    assert host.status(DEBIT, b"\x03" + number(1, 4)) == Status.AUTHENTICATION_ERROR
    assert host.status(READER_ID, READER) == Status.AUTHENTICATION_ERROR


def test_wrong_key_opens_nothing() -> None:
    """AE after the second frame, and no session behind it."""
    card = issued_card(UID)
    host = Host(card.transmit)
    host.select()
    with pytest.raises(Refused, match="AE"):
        host.authenticate(TERMINAL_KEY, bytes(16))
    assert host.status(GET_VALUE, b"\x03") == Status.AUTHENTICATION_ERROR


def test_command_without_its_mac_ends_the_session() -> None:
    """7E, and the next protected command finds no session."""
    host = opened(issued_card(UID))
    assert host.status(COMMIT, b"\x01") == Status.LENGTH_ERROR
    assert host.status(GET_VALUE, b"\x03") == Status.AUTHENTICATION_ERROR


def test_wrong_mac_ends_session_and_transaction() -> None:
    """1E for a forged MAC; the debit before it never happens."""
    card = issued_card(UID)
    host = opened(card)
    host.full(DEBIT, b"\x03", number(500, 4))
    assert host.status(READER_ID, READER + bytes(8)) == Status.INTEGRITY_ERROR
    host.authenticate(TERMINAL_KEY, KEYS.terminal)
    assert refused(host, COMMIT, b"\x01") == Status.NO_CHANGES
    assert value_of(opened(card)) == VALUE_AT_ISSUE


def test_replayed_command_is_refused() -> None:
    """The counter is in every MAC: the same bytes twice are 1E."""
    card = issued_card(UID)
    host = opened(card)
    answers: list[bytes] = []
    sent: list[bytes] = []

    def recording(command: bytes) -> bytes | None:
        sent.append(command)
        answer = card.transmit(command)
        answers.append(answer or b"")
        return answer

    host.transmit = recording
    host.full(DEBIT, b"\x03", number(500, 4))
    assert card.transmit(sent[-1]) == bytes([0x91, Status.INTEGRITY_ERROR])


@pytest.mark.parametrize(
    ("ins", "header", "data"),
    [
        (CREDIT, b"\x03", number(1, 4)),
        (LIMITED_CREDIT, b"\x03", number(1, 4)),
        (0x5F, b"\x03", bytes.fromhex("03EEEE")),
    ],
)
def test_terminal_key_can_only_debit(ins: int, header: bytes, data: bytes) -> None:
    """After issue nobody credits the spent counter or changes its rights: 9D, session lost."""
    host = opened(issued_card(UID))
    assert refused(host, ins, header, full=data) == Status.PERMISSION_DENIED
    assert host.status(GET_VALUE, b"\x03") == Status.AUTHENTICATION_ERROR


def test_debit_stops_at_the_lower_limit() -> None:
    """BE below zero, whatever was debited before in the same transaction."""
    card = with_value_rights("FF1F")
    host = opened(card)
    host.full(DEBIT, b"\x03", number(1000, 4))
    assert refused(host, DEBIT, b"\x03", full=number(1, 4)) == Status.BOUNDARY_ERROR


def test_free_access_is_plain_and_counts() -> None:
    """A right held by everybody is used in plain, with and without a session."""
    card = with_value_rights("FFEF")
    host = Host(card.transmit)
    host.select()
    assert host.plain(GET_VALUE, b"\x03") == number(1000, 4)
    host = opened(card)
    assert host.plain(GET_VALUE, b"\x03") == number(1000, 4)
    host.counter += 1
    host.mac(READ, span(0x0F, 0, 0))


def test_free_get_value_flag_opens_only_get_value() -> None:
    """Bit 1 of the creation flags lets anybody read, and nobody debit."""
    host = Host(with_value_rights("FFFF", flags=0x02).transmit)
    host.select()
    assert host.plain(GET_VALUE, b"\x03") == number(1000, 4)
    assert host.status(DEBIT, b"\x03" + number(1, 4)) == Status.AUTHENTICATION_ERROR


def test_selection_ends_the_session() -> None:
    """Both ways of selecting drop authentication and transaction."""
    for again in (select_apdu(), apdu(0x5A, AID[::-1])):
        host = opened(issued_card(UID))
        host.raw(again)
        assert host.status(GET_VALUE, b"\x03") == Status.AUTHENTICATION_ERROR


# --- framing


@pytest.mark.parametrize("model", Model)
def test_get_version_comes_in_three_frames(model: Model) -> None:
    """7, 7 and 14 bytes; the models differ in hardware and software version."""
    host = Host(VirtualCard(UID, model=model).transmit)
    frames = [host.raw(apdu(ins)) for ins in (0x60, 0xAF, 0xAF)]
    assert [len(frame) - 2 for frame in frames] == [7, 7, 14]
    assert frames[0][3:5] == model.value[1]
    assert frames[2][:7] == UID


def test_lost_power_ends_a_chain_of_frames() -> None:
    """After a reset nothing of the half-read answer comes any more."""
    card = VirtualCard(UID)
    assert Host(card.transmit).status(0x60) == Status.ADDITIONAL_FRAME
    card.reset()
    assert Host(card.transmit).status(0xAF) == Status.ILLEGAL_COMMAND


def test_get_version_inside_a_session_carries_a_mac() -> None:
    """One command in several frames is one count, and one MAC at its end."""
    host = opened(issued_card(UID))
    assert host.mac(0x60)[14:21] == UID
    assert value_of(host) == VALUE_AT_ISSUE


def test_long_reads_and_writes_in_native_frames() -> None:
    """BD answers in frames of 59 bytes; 3D takes its data in several."""
    card = issued_card(UID)
    data = card.memory.applications[AID].files[0x00]
    assert isinstance(data, DataFile)
    data.rights, data.option = bytes.fromhex("EEEE"), 0x00
    host = Host(card.transmit)
    host.select()
    assert host.raw(apdu(0x3D, span(0, 0, 200) + b"a" * 100)) == bytes.fromhex("91AF")
    assert host.raw(apdu(0xAF, b"b" * 100)) == bytes.fromhex("9100")
    assert host.plain(0xBD, span(0, 0, 0)) == b"a" * 100 + b"b" * 100 + bytes(56)
    host.raw(apdu(0xBD, span(0, 0, 0)))
    assert host.status(0xF5, b"\x00") == Status.COMMAND_ABORTED


def test_answer_that_no_short_apdu_can_hold_is_refused() -> None:
    """256 bytes of file and a MAC do not fit behind a one-byte Le: 7E, read it in two parts."""
    host = opened(issued_card(UID))
    assert refused(host, READ, span(0x00, 0, 0)) == Status.LENGTH_ERROR
    host = opened(issued_card(UID))
    assert len(host.mac(READ, span(0x00, 0, 128))) == 128


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("80CA9F7F00", "6E00"),
        ("00B0000000", "6D00"),
        ("00A4040007A000000003101000", "6A82"),
        ("00A40000023F0000", "9000"),
        ("9060010000", "6A86"),
        ("90600000", "6700"),
        ("9060", "6700"),
        ("9099000000", "911C"),
        ("90AF000000", "911C"),
        ("906C00000103", "6700"),
    ],
)
def test_what_is_no_desfire_command_gets_an_iso_status(command: str, answer: str) -> None:
    """Tools probe cards with anything; the card says no and lives."""
    card = issued_card(UID)
    response = card.transmit(bytes.fromhex(command))
    assert response is not None
    assert response.hex().upper() == answer


def test_originality_signature_answers_90() -> None:
    """Read_Sig ends with 9190, and its 56 bytes can be set."""
    card = VirtualCard(UID)
    card.sign(bytes(range(56)))
    assert card.transmit(apdu(0x3C, b"\x00")) == bytes(range(56)) + bytes.fromhex("9190")


KNOWN = [0x5A, 0x60, 0x71, 0x77, 0xAF, 0x51, 0xCA, 0xDA, 0xFC, 0x45, 0x54, 0x64, 0xC4, 0x5C, 0xCD]
KNOWN += [0xCC, 0xC0, 0xC1, 0xCE, 0xDF, 0x6F, 0x61, 0xF5, 0x5F, 0x6C, 0x0C, 0x1C, 0xDC, 0xAD, 0xBD]
KNOWN += [0x8D, 0x3D, 0xAB, 0xBB, 0x8B, 0x3B, 0xBA, 0xEB, 0xC7, 0xA7, 0xC8, 0x3C, 0x6E, 0x6A]
KNOWN += [0x0A, 0xAA]
small = st.binary(max_size=24).map(lambda data: bytes(byte & 0x1F for byte in data))
payloads = st.one_of(st.binary(max_size=40), small)
native = st.builds(apdu, st.sampled_from(KNOWN), payloads)
protected = st.tuples(st.sampled_from(KNOWN), payloads, st.sampled_from(["mac", "full"]))


@given(st.lists(st.one_of(st.binary(max_size=300), native), max_size=12), st.integers())
def test_no_apdu_crashes_the_card(commands: list[bytes], seed: int) -> None:
    """Whatever arrives, the card answers with a status word or stays mute."""
    draw = random.Random(seed).randbytes
    for card in (issued_card(UID, random=draw), VirtualCard(UID, random=draw)):
        card.transmit(select_apdu())
        for command in commands:
            answer = card.transmit(command)
            assert answer is None or len(answer) >= 2


@given(st.lists(protected, max_size=12), st.integers(), st.booleans())
def test_no_protected_command_crashes_the_card(
    commands: list[tuple[int, bytes, str]], seed: int, blank: bool
) -> None:
    """Behind a right MAC too, where the parsers of the commands lie open, nothing crashes."""
    draw = random.Random(seed).randbytes
    card = aes_blank(draw) if blank else issued_card(UID, random=draw)
    host = Host(card.transmit)
    level = card.memory.root if blank else card.memory.applications[AID]
    for ins, payload, mode in commands:
        if level.keys[0].kind is KeyKind.DES:
            break  # the last command made it one, and an EV2 session is no longer to be had
        card.reset()
        card.transmit(apdu(0x5A, bytes(3) if blank else AID[::-1]))
        host.authenticate(0, level.keys[0].value)
        maced, sealed = host.maced(ins, payload), host.sealed(ins, payload[:1], payload[1:])
        answer = card.transmit(apdu(ins, maced if mode == "mac" else sealed))
        assert answer is not None
        assert answer[-2] in (0x91, 0x67)
