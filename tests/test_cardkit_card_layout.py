"""The purse's layout: its bytes on the wire, and the allowance slots."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.card.apdu import Ins
from cardkit.card.files import (
    AccessRights,
    CyclicRecords,
    FileAccess,
    FileSettings,
    StdData,
    TransactionMac,
    Value,
    parse_settings,
)
from cardkit.card.layout import CLAF_PURSE_1, decode_slot, encode_slot, slot_length
from cardkit.card.profile import CardFile
from cardkit.card.secure import CommMode
from cardkit.errors import Bug, CardAnswerInvalid


@pytest.mark.parametrize(
    ("file", "packed"),
    [
        (CLAF_PURSE_1.value, "03FF1F"),
        (CLAF_PURSE_1.records, "01FF11"),
        (CLAF_PURSE_1.slots[0], "01F011"),
        (CLAF_PURSE_1.slots[1], "01F011"),
        (CLAF_PURSE_1.tmac, "011F1F"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"file {value.number:02X}",
)
def test_rights_after_issue(file: CardFile, packed: str) -> None:
    """No right that could credit the purse exists: RW and, on the value file, Write are never."""
    assert file.settings.access.pack() == bytes.fromhex(packed)


def test_names_and_numbers_of_claf_purse_1() -> None:
    """These bytes are on every card in the field (docs/protocol.md, "The card")."""
    profile = CLAF_PURSE_1
    assert profile.df_name == bytes.fromhex("F0434C41464F5554495301")
    assert profile.aid == bytes.fromhex("F4C1AF")
    assert profile.iso_fid == 0xC1AF
    assert [(file.number, file.iso_fid) for file in profile.files] == [
        (0x00, 0xE100),
        (0x04, 0xE104),
        (0x01, 0xE101),
        (0x03, None),
        (0x0F, None),
    ]
    assert (profile.keys, profile.app_master_key_no, profile.terminal_key_no) == (5, 0, 1)
    assert profile.initial_value == 0x7FFFFFFF
    assert (profile.record_bytes, profile.records_readable) == (32, 8)


def test_the_canonical_transaction_is_a_datum() -> None:
    """GetValue, Debit, WriteRecord, CommitReaderID and nothing else is what gets paid."""
    assert CLAF_PURSE_1.sale_tmi == (
        Ins.GET_VALUE,
        Ins.DEBIT,
        Ins.WRITE_RECORD,
        Ins.COMMIT_READER_ID,
    )
    assert bytes(CLAF_PURSE_1.sale_tmi).hex() == "6cdc8bc8"


def test_a_profile_without_a_record_file_is_a_bug() -> None:
    """A sale without a record could not be told from another stall's."""
    with pytest.raises(Bug):
        _ = dataclasses.replace(CLAF_PURSE_1, records=CLAF_PURSE_1.value).record_bytes


@given(st.binary(min_size=1, max_size=254))
def test_slots_keep_documents(document: bytes) -> None:
    """What was written is read, also when the reader leaves out the padding."""
    slot = encode_slot(document)
    assert len(slot) == 256
    assert slot_length(slot) == len(document)
    assert decode_slot(slot) == decode_slot(slot[: 2 + len(document)]) == document


@pytest.mark.parametrize(
    "slot", [b"", bytes(1), bytes(256), b"\x00\xff" + bytes(254), b"\xff" * 256, b"\x00\x05abcd"]
)
def test_empty_and_garbage_slots_hold_nothing(slot: bytes) -> None:
    """A blank, overwritten or cut slot is no document and no error: the other slot counts."""
    assert decode_slot(slot) is None


@pytest.mark.parametrize("document", [b"", bytes(255)])
def test_a_document_has_to_fit(document: bytes) -> None:
    """An allowance that does not fit is our bug, found before a card is touched."""
    with pytest.raises(Bug):
        encode_slot(document)


@given(st.binary(min_size=2, max_size=2))
def test_access_rights_reverse(packed: bytes) -> None:
    """Reading back compares all four nibbles."""
    assert AccessRights.unpack(packed).pack() == packed


def test_access_rights_of_the_published_example() -> None:
    """R=1, W=2, RW=3, Change=0 is 30 12 on the wire."""
    assert AccessRights(read=1, write=2, read_write=3, change=0).pack() == bytes.fromhex("3012")


@pytest.mark.parametrize(
    ("answer", "mode", "shape"),
    [
        ("0001F011000100", CommMode.MAC, StdData(size_bytes=256)),
        (
            "0203FF1F00000000FFFFFF7F0500000000",
            CommMode.FULL,
            Value(lower=0, upper=0x7FFFFFFF, credit_flags=0),
        ),
        ("0401FF11200000090000030000", CommMode.MAC, CyclicRecords(record_bytes=32, records_max=9)),
        ("05011F1F0201", CommMode.MAC, TransactionMac(key_version=1)),
        ("05011F1F0201FFFFFFFF", CommMode.MAC, TransactionMac(key_version=1)),
    ],
)
def test_settings_are_parsed(answer: str, mode: CommMode, shape: object) -> None:
    """GetFileSettings of each type, the TMAC file with and without its TMCLimit."""
    settings = parse_settings(bytes.fromhex(answer))
    assert settings.access.mode is mode
    assert settings.shape == shape


def test_unknown_option_bits_are_not_the_layout() -> None:
    """A file with additional access rights (bit 7) never passes for one without."""
    plain = parse_settings(bytes.fromhex("0001F011000100"))
    more = parse_settings(bytes.fromhex("0081F01100010001EEEE"))
    assert plain == CLAF_PURSE_1.slots[0].settings
    assert more != plain
    assert more.access == FileAccess(mode=CommMode.MAC, rights=plain.access.rights, flags=0x80)
    assert FileSettings(more.access, more.shape) == more


@pytest.mark.parametrize("answer", ["", "00", "000100", "0001F011", "0301F011000100", "0203FF1F00"])
def test_cut_or_unknown_settings_are_invalid(answer: str) -> None:
    """A malformed answer is the world's trouble, not a crash."""
    with pytest.raises(CardAnswerInvalid):
        parse_settings(bytes.fromhex(answer))
