"""EV2 secure messaging as pure state, without I/O: what to send and what to believe.

AN12343 section 6 (AuthenticateEV2First) and section 7 (MAC and Full). The channel counts
commands; any error status ends it at the card, so its owner must drop it then.
"""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum, unique
from hmac import compare_digest

from cardkit.card.aes import (
    BLOCK_BYTES,
    KEY_BYTES,
    MAC_BYTES,
    TruncatedMac,
    cmac,
    decrypt_cbc,
    encrypt_cbc,
    pad,
    unpad,
)
from cardkit.errors import CardAnswerInvalid, must
from cardkit.frozen import dataclass

COUNTER_MAX = 0xFFFF
TI_BYTES = 4
NONCE_BYTES = 16
CAPABILITIES_BYTES = 6

_SV1 = bytes.fromhex("A55A00010080")
_SV2 = bytes.fromhex("5AA500010080")
_IV_COMMAND = bytes.fromhex("A55A")
_IV_RESPONSE = bytes.fromhex("5AA5")


@unique
class CommMode(IntEnum):
    """How a command is protected; the value is CommSettings in a file option."""

    PLAIN = 0
    MAC = 1
    FULL = 3


@dataclass(frozen=True, slots=True)
class Handshake:
    """The host between the two frames of AuthenticateEV2First (AN12343 section 6)."""

    key: bytes = field(repr=False)
    rnd_a: bytes = field(repr=False)
    rnd_b: bytes = field(repr=False)

    @classmethod
    def begin(cls, *, key: bytes, rnd_a: bytes, enc_rnd_b: bytes) -> Handshake:
        """Read the card's challenge. Raises CardAnswerInvalid when it is not 16 bytes."""
        must(len(key) == KEY_BYTES, "an AES-128 key has 16 bytes")
        must(len(rnd_a) == NONCE_BYTES, "RndA has 16 bytes")
        if len(enc_rnd_b) != NONCE_BYTES:
            raise CardAnswerInvalid(f"a challenge of {len(enc_rnd_b)} bytes")
        return cls(key=key, rnd_a=rnd_a, rnd_b=decrypt_cbc(key, enc_rnd_b))

    def host_token(self) -> bytes:
        """What the second frame carries: E(RndA ‖ RndB rotated left), 32 bytes."""
        return encrypt_cbc(self.key, self.rnd_a + _rotated(self.rnd_b))

    def finish(self, card_token: bytes) -> SecureChannel:
        """Believe the card, or not: E(TI ‖ RndA rotated ‖ PDcap2 ‖ PCDcap2), 32 bytes.

        Raises CardAnswerInvalid when the card did not know the key, or did not echo the empty
        capabilities that we sent.
        """
        if len(card_token) != 2 * BLOCK_BYTES:
            raise CardAnswerInvalid(f"a card token of {len(card_token)} bytes")
        plain = decrypt_cbc(self.key, card_token)
        ti, rnd_a = plain[:TI_BYTES], plain[TI_BYTES : TI_BYTES + NONCE_BYTES]
        if not compare_digest(rnd_a, _rotated(self.rnd_a)):
            raise CardAnswerInvalid("the card does not know the key")
        if any(plain[-CAPABILITIES_BYTES:]):
            raise CardAnswerInvalid("the card echoes capabilities that were not sent")
        enc_key, mac_key = session_keys(key=self.key, rnd_a=self.rnd_a, rnd_b=self.rnd_b)
        return SecureChannel(enc_key=enc_key, mac_key=mac_key, ti=ti)


class SecureChannel:
    """Session keys, transaction identifier and command counter of one EV2 session."""

    __slots__ = ("_counter", "_enc_key", "_mact", "_ti")

    def __init__(self, *, enc_key: bytes, mac_key: bytes, ti: bytes, counter: int = 0) -> None:
        must(len(ti) == TI_BYTES, "TI has 4 bytes")
        self._enc_key = enc_key
        self._mact = TruncatedMac(mac_key)
        self._ti = ti
        self._counter = counter

    def __repr__(self) -> str:
        return f"SecureChannel(ti={self._ti.hex()}, counter={self._counter})"

    def wrap(self, ins: int, *, header: bytes, data: bytes, mode: CommMode) -> bytes:
        """The payload to send, and one step of the counter.

        `header` always stays clear; in Full mode `data` is encrypted, if there is any. The MAC is
        over what goes over the air, so over the ciphertext (AN12343 section 7).
        """
        must(self._counter < COUNTER_MAX, "the command counter never wraps")
        if mode is CommMode.FULL and data:
            data = encrypt_cbc(self._enc_key, pad(data), iv=self._iv(_IV_COMMAND))
        payload = header + data
        mac = b"" if mode is CommMode.PLAIN else self._mac(ins, payload)
        self._counter += 1
        return payload + mac

    def unwrap(self, status: int, response: bytes, mode: CommMode) -> bytes:
        """The answer's plain data, once its MAC is right; `status` is the low byte of the word.

        Raises CardAnswerInvalid when MAC or padding is wrong.
        """
        if mode is CommMode.PLAIN:
            return response
        data, mac = response[:-MAC_BYTES], response[-MAC_BYTES:]
        if not compare_digest(mac, self._mac(status, data)):
            raise CardAnswerInvalid("the MAC of an answer is wrong")
        return self._decrypted(data) if mode is CommMode.FULL and data else data

    def _decrypted(self, data: bytes) -> bytes:
        if len(data) % BLOCK_BYTES:
            raise CardAnswerInvalid("an encrypted answer is no whole number of blocks")
        plain = unpad(decrypt_cbc(self._enc_key, data, iv=self._iv(_IV_RESPONSE)))
        if plain is None:
            raise CardAnswerInvalid("the padding of an answer is wrong")
        return plain

    def _mac(self, first: int, payload: bytes) -> bytes:
        return self._mact.of(bytes([first]) + self._count + self._ti + payload)

    def _iv(self, label: bytes) -> bytes:
        return encrypt_cbc(self._enc_key, label + self._ti + self._count + bytes(8))

    @property
    def _count(self) -> bytes:
        return self._counter.to_bytes(2, "little")


def session_keys(*, key: bytes, rnd_a: bytes, rnd_b: bytes) -> tuple[bytes, bytes]:
    """SesAuthENCKey and SesAuthMACKey from the two session vectors (AN12343 section 6)."""
    mixed = bytes(a ^ b for a, b in zip(rnd_a[2:8], rnd_b[:6], strict=True))
    context = rnd_a[:2] + mixed + rnd_b[6:] + rnd_a[8:]
    return cmac(key, _SV1 + context), cmac(key, _SV2 + context)


def _rotated(nonce: bytes) -> bytes:
    return nonce[1:] + nonce[:1]
