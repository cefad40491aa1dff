"""Tokens, reader ids and sale records."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.card.token import ReaderId, SaleRecord, token_mac, verify_token
from cardkit.errors import Bug

KEY = bytes(range(32))
UID = bytes.fromhex("04DE5F1EACC040")
SALE = {"tmc0": 3, "spent0_cents": 1250, "amount_cents": 475, "seq": 7}


def test_the_token_is_the_documented_hmac() -> None:
    """Byte for byte: "R", UID, then four integers of 4 bytes, most significant first."""
    message = b"R" + UID + bytes.fromhex("00000003000004E2000001DB00000007")
    token = token_mac(KEY, uid=UID, **SALE)
    assert token == hmac.new(KEY, message, hashlib.sha256).digest()[:8]
    assert token.hex() == "bbb365b4e7f2aedf"  # as openssl dgst -mac HMAC computes it


@pytest.mark.parametrize("field", sorted(SALE))
def test_every_fact_of_the_sale_is_in_the_token(field: str) -> None:
    """A token of another amount, purse state or number proves nothing about this sale."""
    token = token_mac(KEY, uid=UID, **SALE)
    assert verify_token(KEY, token, uid=UID, **SALE)
    assert not verify_token(KEY, token, uid=UID, **{**SALE, field: SALE[field] + 1})


def test_another_card_or_terminal_cannot_use_a_token() -> None:
    """Green on a torn sale needs this terminal's key and this card's UID."""
    token = token_mac(KEY, uid=UID, **SALE)
    assert not verify_token(KEY, token, uid=UID[::-1], **SALE)
    assert not verify_token(KEY[::-1], token, uid=UID, **SALE)
    assert not verify_token(KEY, token[:7], uid=UID, **SALE)
    with pytest.raises(Bug):
        token_mac(KEY[:8], uid=UID, **SALE)
    with pytest.raises(Bug):
        token_mac(KEY, uid=UID[:4], **SALE)


def test_reader_id_layout() -> None:
    """Terminal 4, seq 4, token 8: small numbers, so that a lost one can be searched for."""
    reader = ReaderId(terminal=0x01020304, seq=5, token=bytes(range(8)))
    assert reader.pack().hex() == "01020304" + "00000005" + "0001020304050607"
    assert ReaderId.unpack(reader.pack()) == reader


def test_sale_record_layout() -> None:
    """Terminal, seq, amount, spent0, TMV0, token: 32 bytes."""
    record = SaleRecord(
        terminal=1, seq=2, amount_cents=3, spent0_cents=4, tmv0=b"\xaa" * 8, token=b"\xbb" * 8
    )
    assert record.pack().hex() == "00000001000000020000000300000004" + "aa" * 8 + "bb" * 8


@given(st.binary(min_size=32, max_size=32).filter(any))
def test_any_32_bytes_but_zeros_are_a_record(packed: bytes) -> None:
    """Garbage that somebody wrote is read as a claim and never stops a till."""
    record = SaleRecord.unpack(packed)
    assert record is not None
    assert record.pack() == packed


def test_a_blank_record_is_none() -> None:
    """Zeros are no sale of terminal 0."""
    assert SaleRecord.unpack(bytes(32)) is None


def test_lengths_are_ours_to_keep() -> None:
    """Wrong lengths come from us, not from a card: its answers are measured before."""
    with pytest.raises(Bug):
        SaleRecord.unpack(bytes(31))
    with pytest.raises(Bug):
        ReaderId.unpack(bytes(15))
    with pytest.raises(Bug):
        ReaderId(terminal=1, seq=1, token=bytes(7)).pack()
    with pytest.raises(Bug):
        SaleRecord(
            terminal=1, seq=1, amount_cents=1, spent0_cents=1, tmv0=bytes(7), token=bytes(8)
        ).pack()
