"""The Transaction MAC, held to the one complete published transaction."""

from __future__ import annotations

import dataclasses

import pytest

from cardkit.card.aes import cmac
from cardkit.card.apdu import Ins
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.tmac import (
    NO_TMRI,
    SaleFacts,
    TmacState,
    birth_tmi,
    decrypt_tmri,
    enc_tmri,
    session_keys,
    session_mac_key,
    tmi,
    tmv,
    verify_tmv,
)
from cardkit.errors import Bug
from tests.purse_cards import VECTORS, Vector, vector_id

PUBLISHED = VECTORS["transaction_mac"][0]
DEBITED = VECTORS["transaction_mac"][1]
UID = bytes.fromhex(PUBLISHED["uid"])
KEY = bytes.fromhex(PUBLISHED["tmac_key"])
FACTS = SaleFacts(
    spent0_cents=0,
    amount_cents=113,
    record=bytes.fromhex("11223344556677889900112233445566"),
    tmri=bytes.fromhex(PUBLISHED["tmri_cur"]),
    enc_tmri=bytes.fromhex(PUBLISHED["enc_tmri"]),
)


@pytest.mark.parametrize(
    "vector", [*VECTORS["tm_session_keys"], *VECTORS["transaction_mac"]], ids=vector_id
)
def test_session_keys(vector: Vector) -> None:
    """Keys of one transaction; the MAC key can be derived alone, for auditors."""
    key, uid = bytes.fromhex(vector["tmac_key"]), bytes.fromhex(vector["uid"])
    keys = session_keys(key, uid=uid, tmc=vector["tmc_after_commit"])
    assert keys.mac == bytes.fromhex(vector["ses_tm_mac"])
    assert keys.mac == session_mac_key(key, uid=uid, tmc=vector["tmc_after_commit"])
    if "ses_tm_enc" in vector:
        assert keys.enc == bytes.fromhex(vector["ses_tm_enc"])
    assert repr(keys) == "TransactionKeys()"


def test_tmc_is_least_significant_byte_first() -> None:
    """Counter 4 is 04000000 in the session vector and in the file, never 00000004."""
    state = TmacState.unpack(bytes.fromhex("0400000094A3205E41588BA9"))
    assert state == TmacState(tmc=4, tmv=bytes.fromhex(PUBLISHED["tmv"]))
    vector = bytes.fromhex("5A0001008004000000") + UID
    assert session_mac_key(KEY, uid=UID, tmc=state.tmc) == cmac(KEY, vector)


@pytest.mark.parametrize("vector", VECTORS["transaction_mac"], ids=vector_id)
def test_tmv(vector: Vector) -> None:
    """The TMV over each TMI is the published one, and over no other is."""
    message, published = bytes.fromhex(vector["tmi"]), bytes.fromhex(vector["tmv"])
    mac = bytes.fromhex(vector["ses_tm_mac"])
    assert tmv(mac, message) == published
    assert verify_tmv(mac, message, published)
    assert not verify_tmv(mac, message[:-1] + b"\x01", published)
    assert not verify_tmv(mac, message, published[:-1])


def test_tmv_is_the_odd_bytes_of_the_cmac() -> None:
    """The truncation takes bytes 1, 3 … 15, which AN12343 calls even."""
    mac, message = bytes.fromhex(PUBLISHED["ses_tm_mac"]), bytes.fromhex(PUBLISHED["tmi"])
    assert tmv(mac, message) == cmac(mac, message)[1::2] == bytes.fromhex("94A3205E41588BA9")


def test_the_published_transaction_is_rebuilt_from_its_facts() -> None:
    """WriteRecord and CommitReaderID are laid out as the card of AN12343 table 32 did."""
    profile = dataclasses.replace(CLAF_PURSE_1, sale_tmi=(Ins.WRITE_RECORD, Ins.COMMIT_READER_ID))
    assert tmi(profile, FACTS) == bytes.fromhex(PUBLISHED["tmi"])


def test_the_debit_block() -> None:
    """A debit is one block: DC, file, amount least significant first, zeros."""
    profile = dataclasses.replace(CLAF_PURSE_1, sale_tmi=(Ins.DEBIT,))
    assert tmi(profile, FACTS) == bytes.fromhex(DEBITED["tmi"])


def test_tmi_parts_are_in_canonical_order() -> None:
    """GetValue, Debit, WriteRecord, CommitReaderID: any other order has another TMV."""
    facts = dataclasses.replace(FACTS, spent0_cents=5, record=bytes(range(32)))
    assert tmi(CLAF_PURSE_1, facts) == (
        bytes.fromhex("6C03FAFFFF7F00000000000000000000")
        + bytes.fromhex("DC037100000000000000000000000000")
        + bytes.fromhex("8B01000000200000")
        + bytes(8)
        + bytes(range(32))
        + b"\xc8"
        + facts.tmri
        + facts.enc_tmri
        + bytes(15)
    )


def test_the_birth_transaction() -> None:
    """A card is born with GetValue and an empty reader id."""
    answered = bytes(range(16))
    assert birth_tmi(CLAF_PURSE_1, value=0x7FFFFFFF, tmri=NO_TMRI, enc_tmri=answered) == (
        bytes.fromhex("6C03FFFFFF7F") + bytes(10) + b"\xc8" + NO_TMRI + answered + bytes(15)
    )


def test_enc_tmri_names_the_reader_before() -> None:
    """EncTMRI is under SesTMENCKey, and not under the session's key as AN12343 prints it."""
    enc = bytes.fromhex(PUBLISHED["ses_tm_enc"])
    previous, encrypted = (bytes.fromhex(PUBLISHED[name]) for name in ("tmri_prev", "enc_tmri"))
    assert enc_tmri(enc, previous) == encrypted
    assert decrypt_tmri(enc, encrypted) == previous


def test_lengths_are_ours_to_keep() -> None:
    """Records that would need padding, foreign ids and a counter of zero are bugs."""
    with pytest.raises(Bug):
        tmi(CLAF_PURSE_1, dataclasses.replace(FACTS, record=bytes(31)))
    with pytest.raises(Bug):
        tmi(CLAF_PURSE_1, dataclasses.replace(FACTS, tmri=bytes(15)))
    with pytest.raises(Bug):
        session_mac_key(KEY, uid=UID, tmc=0)
    with pytest.raises(Bug):
        session_mac_key(KEY, uid=UID[:4], tmc=1)
    with pytest.raises(Bug):
        tmv(KEY, b"no block")
