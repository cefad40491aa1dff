"""AES-128 as DESFire uses it: CBC without a padding of its own, and CMAC in two lengths."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC

from cardkit.errors import must

BLOCK_BYTES = 16
KEY_BYTES = 16
MAC_BYTES = 8
ZERO_IV = bytes(BLOCK_BYTES)


def encrypt_cbc(key: bytes, data: bytes, *, iv: bytes = ZERO_IV) -> bytes:
    """The ciphertext of whole blocks; one block with the zero IV is AES-ECB."""
    must(len(data) % BLOCK_BYTES == 0, "AES-CBC takes whole blocks")
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def decrypt_cbc(key: bytes, data: bytes, *, iv: bytes = ZERO_IV) -> bytes:
    """The plaintext of whole blocks."""
    must(len(data) % BLOCK_BYTES == 0, "AES-CBC takes whole blocks")
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def cmac(key: bytes, message: bytes) -> bytes:
    """The 16-byte AES-CMAC of RFC 4493."""
    state = CMAC(AES(key))
    state.update(message)
    return state.finalize()


def mac_truncated(key: bytes, message: bytes) -> bytes:
    """The 8-byte MACt: the CMAC's bytes at odd positions, counted from 0 (AN12343 section 7)."""
    return cmac(key, message)[1::2]


class TruncatedMac:
    """`mac_truncated` under one key, whose schedule is computed once."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed = CMAC(AES(key))

    def of(self, message: bytes) -> bytes:
        """The 8-byte MACt of a message."""
        state = self._keyed.copy()
        state.update(message)
        return state.finalize()[1::2]


def pad(data: bytes) -> bytes:
    """Data followed by 80 00..00 up to a whole block, a full block when it was aligned."""
    return data + b"\x80" + bytes(-(len(data) + 1) % BLOCK_BYTES)


def unpad(padded: bytes) -> bytes | None:
    """What `pad` was given, or None when this is no padding."""
    data, marker, zeros = padded.rpartition(b"\x80")
    return data if marker and not any(zeros) and len(zeros) < BLOCK_BYTES else None
