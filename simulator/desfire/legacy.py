"""The two older channels, as far as a card's own level and the tools of others need them.

D40 (AuthenticateLegacy 0A, DES) is how a factory card is opened for the first time; EV1
(AuthenticateAES AA) is what libfreefare speaks. Files are reached through EV2 only.
Sources: D40 sections 3 and 4; libfreefare's `mifare_desfire_crypto.c` and Proxmark3's
`desfiresecurechan.c` where D40 ends.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from simulator.crc import CRC_BYTES, crc_a
from simulator.desfire.channel import Channel, Session
from simulator.desfire.crypto import (
    BLOCK,
    MAC_BYTES,
    ZERO_BLOCK,
    cmac,
    decrypt,
    encrypt,
    jamcrc,
    rotated,
)
from simulator.desfire.des import DES_BLOCK, DES_KEY_BYTES, encipher, read_deciphered
from simulator.desfire.level import KEY_NO_MASK
from simulator.desfire.memory import KeyKind
from simulator.desfire.state import CardState
from simulator.desfire.status import Mode, Status, require
from simulator.desfire.transaction import Transaction

INS_D40, INS_EV1_AES = 0x0A, 0xAA
KIND_OF_KEY = {INS_D40: KeyKind.DES, INS_EV1_AES: KeyKind.AES}
# Select, version, memory, applications, format, and keys: nothing that touches a file.
COMMANDS_OF_OLD = frozenset({0x5A, 0x60, 0x6E, 0xCA, 0xDA, 0x6A, 0xFC, 0x45, 0x54, 0x64, 0xC4})
CRC32_BYTES = 4


@dataclass(frozen=True, slots=True)
class LegacyHandshake:
    """A challenge of 0A (8 bytes) or AA (16 bytes) on its way, and its ciphertext."""

    ins: int
    key_no: int
    key: bytes = field(repr=False)
    rnd_b: bytes = field(repr=False)
    question: bytes


@dataclass(slots=True)
class D40Session:
    """A session under a DES key: only what is enciphered is protected at all."""

    key_no: int
    key: bytes = field(repr=False)

    def wire_bytes(self, mode: Mode, header_bytes: int, data_bytes: int) -> int:
        """Enciphered data carries CRC_A and zeros up to a whole block."""
        if mode is Mode.FULL and data_bytes:
            data_bytes = _filled(data_bytes + CRC_BYTES, DES_BLOCK)
        return header_bytes + data_bytes

    def unwrap(self, ins: int, payload: bytes, *, header_bytes: int, mode: Mode) -> bytes:
        """Decipher and check the CRC; raises Fault INTEGRITY_ERROR. The CRC is of the data only."""
        del ins
        header, data = payload[:header_bytes], payload[header_bytes:]
        if mode is not Mode.FULL or not data:
            return payload
        plain = read_deciphered(self.key, data)
        for end in _ends(plain, CRC_BYTES, DES_BLOCK):
            crc, zeros = plain[end : end + CRC_BYTES], plain[end + CRC_BYTES :]
            if hmac.compare_digest(crc, crc_a(plain[:end])) and not any(zeros):
                return header + plain[:end]
        require(False, Status.INTEGRITY_ERROR)
        return b""

    def wrap(self, status: Status, data: bytes, *, mode: Mode) -> bytes:
        """Answers of the commands of old are plain."""
        del status, mode
        return data


@dataclass(slots=True)
class Ev1Session:
    """A session under an AES key: one chain of CMACs and ciphertexts through every command."""

    key_no: int
    key: bytes = field(repr=False)
    vector: bytes = field(default=ZERO_BLOCK, repr=False)

    def wire_bytes(self, mode: Mode, header_bytes: int, data_bytes: int) -> int:
        """Enciphered data carries a CRC-32 and zeros up to a whole block; the rest is plain."""
        if mode is Mode.FULL and data_bytes:
            data_bytes = _filled(data_bytes + CRC32_BYTES, BLOCK)
        return header_bytes + data_bytes

    def unwrap(self, ins: int, payload: bytes, *, header_bytes: int, mode: Mode) -> bytes:
        """Decipher and check the CRC, or carry on the chain; raises Fault INTEGRITY_ERROR."""
        header, data = payload[:header_bytes], payload[header_bytes:]
        if mode is not Mode.FULL or not data:
            self.vector = self._chained(bytes([ins]) + payload)
            return payload
        plain = decrypt(self.key, data, self.vector)
        self.vector = data[-BLOCK:]
        for end in _ends(plain, CRC32_BYTES, BLOCK):
            crc, zeros = plain[end : end + CRC32_BYTES], plain[end + CRC32_BYTES :]
            expected = jamcrc(bytes([ins]) + header + plain[:end])
            if hmac.compare_digest(crc, expected) and not any(zeros):
                return header + plain[:end]
        require(False, Status.INTEGRITY_ERROR)
        return b""

    def wrap(self, status: Status, data: bytes, *, mode: Mode) -> bytes:
        """Append the first 8 bytes of the CMAC over data and status."""
        del mode
        self.vector = self._chained(data + bytes([status]))
        return data + self.vector[:MAC_BYTES]

    def _chained(self, message: bytes) -> bytes:
        """A CMAC that starts from the vector: the block that enciphers to it stands in front."""
        return cmac(self.key, decrypt(self.key, self.vector) + message)


def is_of_old(channel: Channel | None) -> bool:
    """Whether a session speaks one of the older channels."""
    return channel is not None and not isinstance(channel, Session)


def legacy_challenge(state: CardState, ins: int, body: bytes) -> tuple[LegacyHandshake, bytes]:
    """Answer the first frame of 0A or AA with E(RndB); the session before is gone.

    Raises Fault AUTHENTICATION_ERROR when the key is of another kind.
    """
    require(len(body) == 1, Status.LENGTH_ERROR)
    key_no = body[0] & KEY_NO_MASK
    key = state.app.key(key_no)
    require(key.kind is KIND_OF_KEY[ins], Status.AUTHENTICATION_ERROR)
    state.session, state.transaction = None, Transaction()
    if ins == INS_D40:
        value, rnd_b = key.value[:DES_KEY_BYTES], state.random(DES_BLOCK)
        question = encipher(value, rnd_b)
    else:
        value, rnd_b = key.value, state.random(BLOCK)
        question = encrypt(value, rnd_b)
    return LegacyHandshake(ins, key_no, value, rnd_b, question), question


def legacy_answer(state: CardState, handshake: LegacyHandshake, token: bytes) -> bytes:
    """Check RndB', open the session and answer RndA'; raises Fault AUTHENTICATION_ERROR."""
    size, key = len(handshake.rnd_b), handshake.key
    require(len(token) == 2 * size, Status.LENGTH_ERROR)
    is_d40 = handshake.ins == INS_D40
    plain = read_deciphered(key, token) if is_d40 else decrypt(key, token, handshake.question)
    rnd_a, proof = plain[:size], plain[size:]
    proven = hmac.compare_digest(proof, rotated(handshake.rnd_b))
    require(proven, Status.AUTHENTICATION_ERROR)
    # D40 3.4 and its continuation for AES: the first and, with AES, the last four bytes of each.
    first = rnd_a[:4] + handshake.rnd_b[:4]
    if is_d40:
        state.session = D40Session(handshake.key_no, first)
        return encipher(key, rotated(rnd_a))
    state.session = Ev1Session(handshake.key_no, first + rnd_a[12:] + handshake.rnd_b[12:])
    return encrypt(key, rotated(rnd_a), token[-BLOCK:])


def _ends(plain: bytes, crc_bytes: int, block: int) -> range:
    """Where the data may end, before its CRC and less than a block of zeros."""
    last = len(plain) - crc_bytes
    return range(max(1, last - block + 1), last + 1)


def _filled(size: int, block: int) -> int:
    return (size + block - 1) // block * block
