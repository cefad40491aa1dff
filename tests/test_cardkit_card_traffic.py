"""One line for each APDU: what can be heard at the antenna, named, and nothing that makes a key."""

from __future__ import annotations

import pytest

from cardkit.card.apdu import Ins, iso_select, native
from cardkit.card.secure import CommMode
from cardkit.card.traffic import received, sent

MAC = bytes.fromhex("A1A2A3A4A5A6A7A8")
BLOCK = bytes.fromhex("B0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF")


@pytest.mark.parametrize(
    ("command", "mode", "line"),
    [
        (
            native(Ins.READ_DATA, bytes.fromhex("0F0000000C0000") + MAC),
            CommMode.MAC,
            "> READ_DATA MAC 0F0000000C0000 mac A1A2A3A4A5A6A7A8 file 0F, 12 bytes from 0",
        ),
        (
            native(Ins.READ_RECORDS, bytes.fromhex("01010000070000") + MAC),
            CommMode.MAC,
            "> READ_RECORDS MAC 01010000070000 mac A1A2A3A4A5A6A7A8 file 01, 7 records from 1",
        ),
        (
            native(Ins.DEBIT, b"\x03" + BLOCK + MAC),
            CommMode.FULL,
            f"> DEBIT Full 03 enc {BLOCK.hex().upper()} mac A1A2A3A4A5A6A7A8 file 03",
        ),
        (
            native(Ins.GET_VALUE, b"\x03" + MAC),
            CommMode.FULL,
            "> GET_VALUE Full 03 mac A1A2A3A4A5A6A7A8 file 03",
        ),
        (native(Ins.GET_CARD_UID, MAC), CommMode.FULL, "> GET_CARD_UID Full mac A1A2A3A4A5A6A7A8"),
        (native(Ins.GET_VERSION), CommMode.PLAIN, "> GET_VERSION Plain"),
        (native(Ins.ADDITIONAL_FRAME), CommMode.PLAIN, "> ADDITIONAL_FRAME Plain"),
        (
            native(Ins.SELECT_APPLICATION, bytes.fromhex("AFC1F4")),
            CommMode.PLAIN,
            "> SELECT_APPLICATION Plain AFC1F4 AID F4C1AF",
        ),
        (iso_select(b"\xf0AB"), CommMode.PLAIN, "> ISO_SELECT Plain F04142 by DF name"),
        (native(0x99, b"\x01"), CommMode.PLAIN, "> 99 Plain 01"),
    ],
)
def test_a_command_is_named(command: bytes, mode: CommMode, line: str) -> None:
    """Promise: name, mode, clear bytes, ciphertext and MAC of a command can be told apart."""
    assert sent(command, mode).split() == line.split()


@pytest.mark.parametrize(
    ("ins", "answer", "mode", "line"),
    [
        (
            Ins.COMMIT_TRANSACTION,
            bytes.fromhex("05000000") + MAC + MAC + b"\x91\x00",
            CommMode.MAC,
            "< OK MAC 05000000A1A2A3A4A5A6A7A8 mac A1A2A3A4A5A6A7A8 TMC 5, then its TMV",
        ),
        (
            Ins.GET_VALUE,
            BLOCK + MAC + b"\x91\x00",
            CommMode.FULL,
            f"< OK Full enc {BLOCK.hex().upper()} mac A1A2A3A4A5A6A7A8",
        ),
        (Ins.DEBIT, b"\x91\xbe", CommMode.FULL, "< BOUNDARY_ERROR Full"),
        (Ins.COMMIT_TRANSACTION, b"\x91\x0c", CommMode.MAC, "< NO_CHANGES MAC"),
        (Ins.GET_VERSION, b"\x04\x91\xaf", CommMode.PLAIN, "< ADDITIONAL_FRAME Plain 04"),
        (Ins.ADDITIONAL_FRAME, b"\x04\x91\x00", CommMode.PLAIN, "< OK Plain 04"),
        (Ins.GET_VALUE, b"\x6f\x42", CommMode.FULL, "< 6F42 Full"),
        (Ins.GET_VALUE, b"", CommMode.FULL, "< 0000 Full"),
    ],
)
def test_an_answer_is_named(ins: int, answer: bytes, mode: CommMode, line: str) -> None:
    """Promise: a status has its name, or its number, also in an answer that was cut short."""
    assert received(native(ins), answer, mode).split() == line.split()


@pytest.mark.parametrize("ins", [Ins.AUTHENTICATE_EV2_FIRST, Ins.AUTHENTICATE_LEGACY])
def test_a_handshake_is_counted_and_not_shown(ins: Ins) -> None:
    """Promise: a log and key 1, both stolen, do not open the sessions that were logged."""
    token = native(Ins.ADDITIONAL_FRAME, BLOCK + BLOCK)
    lines = [
        received(native(ins, b"\x01\x00"), BLOCK + b"\x91\xaf", CommMode.PLAIN),
        sent(token, CommMode.PLAIN),
        received(token, BLOCK + BLOCK + b"\x91\x00", CommMode.PLAIN),
    ]
    assert not any(BLOCK[:4].hex().upper() in line for line in lines)
    assert [line.split()[3] for line in lines] == ["16", "32", "32"]


@pytest.mark.parametrize("ins", [Ins.CHANGE_KEY, Ins.CREATE_TRANSACTION_MAC_FILE])
@pytest.mark.parametrize("mode", [CommMode.FULL, CommMode.PLAIN])
def test_what_carries_a_key_is_not_shown(ins: Ins, mode: CommMode) -> None:
    """Promise: under a session key that everybody can know, ciphertext is the key."""
    line = sent(native(ins, b"\x01" + BLOCK + BLOCK + MAC), mode)
    assert BLOCK[:4].hex().upper() not in line
    assert "40 bytes that carry a key" in line
