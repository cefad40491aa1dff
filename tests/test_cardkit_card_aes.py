"""AES, CMAC and padding, against RFC 4493."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.card.aes import BLOCK_BYTES, cmac, decrypt_cbc, encrypt_cbc, mac_truncated, pad, unpad
from cardkit.errors import Bug
from tests.purse_cards import VECTORS, Vector, vector_id


@pytest.mark.parametrize("vector", VECTORS["aes_cmac"], ids=vector_id)
def test_cmac_of_rfc_4493(vector: Vector) -> None:
    """Every key and MAC of the card rests on this CMAC."""
    key, message = bytes.fromhex(vector["key"]), bytes.fromhex(vector["msg"])
    assert cmac(key, message) == bytes.fromhex(vector["cmac"])
    assert mac_truncated(key, message) == bytes.fromhex(vector["cmac"])[1::2]


@given(st.binary(max_size=64))
def test_padding_always_adds_and_comes_off(data: bytes) -> None:
    """Full mode pads always, so that unpadding is never a guess."""
    padded = pad(data)
    assert len(padded) % BLOCK_BYTES == 0
    assert len(padded) > len(data)
    assert unpad(padded) == data


@pytest.mark.parametrize("block", [bytes(16), b"\x01" * 16, b"\x80" + bytes(16), b""])
def test_what_is_no_padding_is_refused(block: bytes) -> None:
    """A decrypted answer without its padding is no answer."""
    assert unpad(block) is None


def test_cbc_takes_whole_blocks_and_reverses() -> None:
    """A cut block is our bug and never reaches the cipher."""
    key, iv, data = bytes(16), bytes(range(16)), bytes(range(32))
    assert decrypt_cbc(key, encrypt_cbc(key, data, iv=iv), iv=iv) == data
    with pytest.raises(Bug):
        encrypt_cbc(key, b"short")
    with pytest.raises(Bug):
        decrypt_cbc(key, b"short")
