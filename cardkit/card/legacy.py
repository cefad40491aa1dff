"""The key of a card as delivered: DES, all zero, until the workshop makes it an AES key.

Only this needs DES: a session of AuthenticateLegacy (0Ah, "D40") that carries one ChangeKey, after
which the card speaks EV2. Its traces are public and its driver in libfreefare is what our virtual
card is held to; the newer ways to a DES key (1Ah, and EV1 messaging over it) would add a CMAC
of 8-byte blocks for nothing. Why DES is no loss here: the key is known to everybody anyway.

Bytes: D40 (MF3ICD40) sections 3 and 4; libfreefare `mifare_desfire.c`, `mifare_desfire_crypto.c`;
Proxmark3 `desfirecore.c` (DesfireChangeKey). CRC_A: ISO/IEC 14443-3, 6.2.4.
"""

from __future__ import annotations

import os
from hmac import compare_digest

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

from cardkit.card.aes import KEY_BYTES
from cardkit.card.apdu import AuthenticationRefused, Ins, StatusRefused, StatusWord, refusal
from cardkit.card.desfire import PICC_MASTER_KEY, Desfire, RandomBytes
from cardkit.errors import must

DES_BLOCK_BYTES = 8
FACTORY_KEY = bytes(DES_BLOCK_BYTES)
"""The PICC master key of every DESFire as delivered, a DES key."""

_AES_PICC_KEY = 0x80  # the new key's kind in bits 6 and 7 of KeyNo, at PICC level only
_KEY_KIND = 0xC0  # the same bits in the second byte of GetKeySettings
_DES_KIND = 0x00
_ZERO_IV = bytes(DES_BLOCK_BYTES)
_CRC_PRESET = 0x6363
_CRC_POLYNOMIAL = 0x8408


def has_des_key(card: Desfire) -> bool:
    """Whether the card's master key is a DES key; ask at PICC level, outside a session.

    A card that lists nothing to strangers has been closed by somebody: its key is no factory key.
    """
    try:
        _, kind_and_count = card.get_key_settings()
    except StatusRefused:
        return False
    return kind_and_count & _KEY_KIND == _DES_KIND


def opens_with_factory_key(card: Desfire, random: RandomBytes = os.urandom) -> bool:
    """Whether the card's DES key is the factory's; select anew afterwards, which ends the session.

    Ask only a card that has a DES key. Nothing is changed.
    """
    try:
        _authenticate(card, random)
    except AuthenticationRefused:
        return False
    return True


def make_master_key_aes(
    card: Desfire, new: bytes, *, version: int, random: RandomBytes = os.urandom
) -> None:
    """Replace the factory's DES key by an AES key; the card is left at PICC level, in no session.

    Raises AuthenticationRefused when the DES key is not the factory's.
    """
    must(len(new) == KEY_BYTES, "an AES-128 key has 16 bytes")
    session_key = _authenticate(card, random)
    body = new + bytes([version])
    cryptogram = encipher_for_card(session_key, _padded(body + crc_a(body)))
    key_no = bytes([_AES_PICC_KEY | PICC_MASTER_KEY])
    _, status = card.exchange(Ins.CHANGE_KEY, key_no + cryptogram)
    if status != StatusWord.OK:
        raise refusal(Ins.CHANGE_KEY, status)


def restore_factory_key(card: Desfire) -> None:
    """Give the card back its DES key, in a session of the AES one, which ends; for test cards."""
    card.change_own_key(PICC_MASTER_KEY, 2 * FACTORY_KEY, version=None)


def _authenticate(card: Desfire, random: RandomBytes) -> bytes:
    """AuthenticateLegacy with the factory key; answers the session's DES key."""
    enc_rnd_b, status = card.exchange(Ins.AUTHENTICATE_LEGACY, bytes([PICC_MASTER_KEY]))
    if status != StatusWord.ADDITIONAL_FRAME:
        raise refusal(Ins.AUTHENTICATE_LEGACY, status)
    if len(enc_rnd_b) != DES_BLOCK_BYTES:
        card.distrust(f"a challenge of {len(enc_rnd_b)} bytes")
    rnd_a, rnd_b = random(DES_BLOCK_BYTES), _decipher(FACTORY_KEY, enc_rnd_b)
    token = encipher_for_card(FACTORY_KEY, rnd_a + _rotated(rnd_b))
    answer, status = card.exchange(Ins.ADDITIONAL_FRAME, token)
    if status != StatusWord.OK:
        raise refusal(Ins.AUTHENTICATE_LEGACY, status)
    if len(answer) != DES_BLOCK_BYTES:
        card.distrust(f"a card token of {len(answer)} bytes")
    if not compare_digest(_decipher(FACTORY_KEY, answer), _rotated(rnd_a)):
        card.distrust("the card does not know the key")
    return rnd_a[:4] + rnd_b[:4]


def encipher_for_card(key: bytes, data: bytes) -> bytes:
    """The D40 "send mode": a host deciphers chained blocks, and the card enciphers to read them.

    C = D(P XOR the C before), the first one zero (D40 3.2; libfreefare `MCD_SEND, MCO_DECYPHER`).
    """
    must(len(data) % DES_BLOCK_BYTES == 0, "DES takes whole blocks")
    before, sent = _ZERO_IV, b""
    for start in range(0, len(data), DES_BLOCK_BYTES):
        block = data[start : start + DES_BLOCK_BYTES]
        before = _decipher(key, bytes(a ^ b for a, b in zip(block, before, strict=True)))
        sent += before
    return sent


def crc_a(data: bytes) -> bytes:
    """CRC_A, preset 6363, least significant byte first."""
    crc = _CRC_PRESET
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_CRC_POLYNOMIAL if crc & 1 else 0)
    return crc.to_bytes(2, "little")


def _decipher(key: bytes, block: bytes) -> bytes:
    """One block under a single DES key; three times the same key is DES."""
    decryptor = Cipher(TripleDES(key * 3), CBC(_ZERO_IV)).decryptor()
    return decryptor.update(block) + decryptor.finalize()


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % DES_BLOCK_BYTES)


def _rotated(nonce: bytes) -> bytes:
    return nonce[1:] + nonce[:1]
