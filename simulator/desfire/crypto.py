"""AES primitives of the card: CBC, CMAC, paddings, session keys, key diversification."""

from __future__ import annotations

import zlib

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC

from simulator.desfire.status import Status, require

BLOCK = 16
MAC_BYTES = 8
ZERO_BLOCK = bytes(BLOCK)


def encrypt(key: bytes, data: bytes, iv: bytes = ZERO_BLOCK) -> bytes:
    """AES-CBC over whole blocks, no padding."""
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def decrypt(key: bytes, data: bytes, iv: bytes = ZERO_BLOCK) -> bytes:
    """Undo `encrypt`."""
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def cmac(key: bytes, message: bytes) -> bytes:
    """AES-CMAC, 16 bytes (RFC 4493)."""
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


def short_mac(key: bytes, message: bytes) -> bytes:
    """MACt: the 8 bytes of the CMAC at odd 0-based positions (AN12343 section 6)."""
    return cmac(key, message)[1::2]


def pad(data: bytes) -> bytes:
    """Append 80 00.. up to a whole block, always at least the 80 (ISO/IEC 9797-1 method 2)."""
    return data + b"\x80" + bytes(-(len(data) + 1) % BLOCK)


def padded_bytes(size: int) -> int:
    """Length of `pad(data)` for data of `size` bytes."""
    return (size // BLOCK + 1) * BLOCK


def unpad(data: bytes) -> bytes:
    """Undo `pad`; raises Fault INTEGRITY_ERROR when the padding is not there."""
    body = data.rstrip(b"\x00")
    require(body.endswith(b"\x80") and len(data) - len(body) < BLOCK, Status.INTEGRITY_ERROR)
    return body[:-1]


def zero_padded(data: bytes) -> bytes:
    """Append the least number of 00 bytes that fill a block (LIGHT-DS 10.3.4: ZeroPadding)."""
    return data + bytes(-len(data) % BLOCK)


def xor(left: bytes, right: bytes) -> bytes:
    """Exclusive or of two strings of equal length."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def rotated(data: bytes) -> bytes:
    """Rotate left by one byte."""
    return data[1:] + data[:1]


def jamcrc(data: bytes) -> bytes:
    """CRC-32 without the final inversion, LSB first: proves a new key in ChangeKey."""
    return (zlib.crc32(data) ^ 0xFFFFFFFF).to_bytes(4, "little")


def session_keys(key: bytes, rnd_a: bytes, rnd_b: bytes) -> tuple[bytes, bytes]:
    """SesAuthENCKey and SesAuthMACKey of an EV2 session (AN12343 tables 7 and 16)."""
    context = rnd_a[:2] + xor(rnd_a[2:8], rnd_b[:6]) + rnd_b[6:] + rnd_a[8:]
    return (
        cmac(key, bytes.fromhex("A55A00010080") + context),
        cmac(key, bytes.fromhex("5AA500010080") + context),
    )


def transaction_keys(key: bytes, tmc: int, uid: bytes) -> tuple[bytes, bytes]:
    """SesTMENCKey and SesTMMACKey of the transaction that makes the counter `tmc`.

    The formula lines of LIGHT-DS 10.3.2.3 (labels A5 and 5A), not its prose (31 and 32).
    """
    diversifier = bytes.fromhex("00010080") + tmc.to_bytes(4, "little") + uid
    return cmac(key, b"\xa5" + diversifier), cmac(key, b"\x5a" + diversifier)


def diversified(master: bytes, message: bytes) -> bytes:
    """AN10922 AES-128 key for a diversification input of 1 to 31 bytes.

    Exactly two blocks whatever the length: a short input is padded to 32 bytes, where the
    ordinary CMAC would stop after one.
    """
    subject = b"\x01" + message
    if len(subject) > BLOCK:
        return cmac(master, subject)
    top = int.from_bytes(encrypt(master, ZERO_BLOCK), "big")
    for _ in range(2):
        top = (top << 1) ^ (0x87 if top >> 127 else 0)
        top &= (1 << 128) - 1
    filled = (subject + b"\x80").ljust(2 * BLOCK, b"\x00")
    last = xor(filled[BLOCK:], top.to_bytes(BLOCK, "big"))
    return encrypt(master, filled[:BLOCK] + last)[BLOCK:]
