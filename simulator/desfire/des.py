"""DES as the first DESFire used it: the card only ever enciphers, and the host deciphers.

D40 section 3.2: "send mode" of the host deciphers each block after chaining it, so that a card
without a deciphering unit reads it by enciphering.
"""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

from simulator.desfire.crypto import xor

DES_BLOCK = 8
DES_KEY_BYTES = 8


def encipher(key: bytes, block: bytes) -> bytes:
    """One block under a single DES key of 8 bytes; its parity bits count for nothing."""
    encryptor = Cipher(TripleDES(key * 3), CBC(bytes(DES_BLOCK))).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def read_deciphered(key: bytes, data: bytes) -> bytes:
    """The plaintext of what a host sent in its send mode: P = E(C) XOR the C before, first zero."""
    blocks = [data[start : start + DES_BLOCK] for start in range(0, len(data), DES_BLOCK)]
    before = [bytes(DES_BLOCK), *blocks[:-1]]
    return b"".join(
        xor(encipher(key, block), previous) for block, previous in zip(blocks, before, strict=True)
    )


def key_version(key: bytes) -> int:
    """The version that stands in the lowest bits of a DES key's 8 bytes, the first on top."""
    return sum((byte & 1) << (7 - index) for index, byte in enumerate(key[:DES_KEY_BYTES]))
