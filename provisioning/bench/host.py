"""A host that takes every status as an answer, and the time of every exchange.

Tills speak through `cardkit.card.desfire`, where an error status is an exception. Here it is what
was asked for. Bytes: AN12343 sections 6 and 7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, unique
from hmac import compare_digest

from cardkit.card import apdu
from cardkit.card.aes import decrypt_cbc, encrypt_cbc
from cardkit.card.apdu import StatusWord, refusal
from cardkit.card.connection import CardConnection
from cardkit.card.secure import NONCE_BYTES, TI_BYTES, CommMode, SecureChannel, session_keys
from cardkit.errors import CardAnswerInvalid, must

_FRAMES_MAX = 16
_SUCCESSES = frozenset({StatusWord.OK, StatusWord.ISO_OK})
_CAPABILITIES_AT = TI_BYTES + NONCE_BYTES
_CAPABILITIES_BYTES = 6


@unique
class Cmd(IntEnum):
    """Every native command that the bench sends."""

    SELECT_APPLICATION = 0x5A
    AUTHENTICATE_FIRST = 0x71
    AUTHENTICATE_NON_FIRST = 0x77
    ADDITIONAL_FRAME = 0xAF
    FREE_MEM = 0x6E
    GET_APPLICATION_IDS = 0x6A
    DELETE_APPLICATION = 0xDA
    FORMAT_PICC = 0xFC
    GET_KEY_VERSION = 0x64
    GET_FILE_SETTINGS = 0xF5
    CHANGE_FILE_SETTINGS = 0x5F
    CREATE_TRANSACTION_MAC_FILE = 0xCE
    DELETE_FILE = 0xDF
    READ_DATA = 0xAD
    WRITE_DATA = 0x8D
    READ_RECORDS = 0xAB
    WRITE_RECORD = 0x8B
    WRITE_RECORD_NATIVE = 0x3B
    GET_VALUE = 0x6C
    DEBIT = 0xDC
    CREDIT = 0x0C
    LIMITED_CREDIT = 0x1C
    COMMIT_READER_ID = 0xC8
    COMMIT_TRANSACTION = 0xC7
    ABORT_TRANSACTION = 0xA7


@dataclass(frozen=True, slots=True)
class Reply:
    """Status word and plain data; the MAC was right where there had to be one."""

    status: int
    data: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the card did what was asked."""
        return self.status in _SUCCESSES

    @property
    def code(self) -> str:
        """The second status byte in hex, as the documents name it."""
        return f"{self.status & 0xFF:02X}"


@dataclass(slots=True)
class BenchHost:
    """One connection; `timings_ns` has the duration of each exchange under its command's name."""

    connection: CardConnection
    ticks_ns: Callable[[], int]
    random: Callable[[int], bytes]
    timings_ns: dict[str, list[int]] = field(default_factory=dict)
    capabilities: bytes = b""
    _channel: SecureChannel | None = None
    _ti: bytes = b""
    _counter: int = 0

    def iso_select(self, df_name: bytes) -> Reply:
        """Select an application by name; session and transaction are gone."""
        self._channel = None
        _, status = self._exchange("SELECT", apdu.iso_select(df_name))
        return Reply(status)

    def select(self, aid: bytes) -> Reply:
        """Select by AID, most significant byte first; session and transaction are gone."""
        self._channel = None
        return self.send(Cmd.SELECT_APPLICATION, aid[::-1], mode=CommMode.PLAIN)

    def authenticate(self, key_no: int, key: bytes) -> Reply:
        """AuthenticateEV2First: a new transaction in a new session."""
        reply, plain, keys = self._handshake(Cmd.AUTHENTICATE_FIRST, bytes([key_no, 0]), key)
        if keys is not None:
            self._ti, self._counter = plain[:TI_BYTES], 0
            self.capabilities = plain[_CAPABILITIES_AT:][:_CAPABILITIES_BYTES]
            self._open(*keys)
        return reply

    def authenticate_non_first(self, key_no: int, key: bytes) -> Reply:
        """AuthenticateEV2NonFirst: new keys, the same identifier, counter and transaction."""
        reply, _, keys = self._handshake(Cmd.AUTHENTICATE_NON_FIRST, bytes([key_no]), key)
        if keys is not None:
            self._open(*keys)
        return reply

    def send(
        self, cmd: int, header: bytes = b"", data: bytes = b"", *, mode: CommMode = CommMode.MAC
    ) -> Reply:
        """One command, protected when there is a session; any error status ends that session.

        Raises CardLost, and CardAnswerInvalid when the answer's MAC is wrong.
        """
        channel = self._channel
        payload = header + data
        if channel is not None:
            payload = channel.wrap(cmd, header=header, data=data, mode=mode)
            self._counter += 1
        answer, status = self._frames(cmd, payload)
        if status not in _SUCCESSES and status != StatusWord.NO_CHANGES:
            self._channel = None
            return Reply(status)
        if channel is None or (status == StatusWord.NO_CHANGES and not answer):
            return Reply(status, answer)
        try:
            return Reply(status, channel.unwrap(status & 0xFF, answer, mode))
        except CardAnswerInvalid:
            self._channel = None
            raise

    def demand(
        self, cmd: int, header: bytes = b"", data: bytes = b"", *, mode: CommMode = CommMode.MAC
    ) -> bytes:
        """The data of a command that has to work; raises CardRefused when it does not."""
        reply = self.send(cmd, header, data, mode=mode)
        if not reply.ok:
            raise refusal(cmd, reply.status)
        return reply.data

    def raw(self, cmd: int, payload: bytes = b"") -> Reply:
        """A command as it stands, without the MAC that a session wants; the session is over."""
        self._channel = None
        answer, status = self._frames(cmd, payload)
        return Reply(status, answer)

    def forget_session(self) -> None:
        """Speak in plain from now on, as after an error."""
        self._channel = None

    def _open(self, enc_key: bytes, mac_key: bytes) -> None:
        self._channel = SecureChannel(
            enc_key=enc_key, mac_key=mac_key, ti=self._ti, counter=self._counter
        )

    def _handshake(
        self, cmd: Cmd, begin: bytes, key: bytes
    ) -> tuple[Reply, bytes, tuple[bytes, bytes] | None]:
        """Both frames; answers the decrypted token and the session keys when the card is right."""
        self._channel = None
        question, status = self._exchange(cmd.name, apdu.native(cmd, begin))
        if status != StatusWord.ADDITIONAL_FRAME:
            return Reply(status), b"", None
        if len(question) != NONCE_BYTES:
            raise CardAnswerInvalid(f"a challenge of {len(question)} bytes")
        rnd_a, rnd_b = self.random(NONCE_BYTES), decrypt_cbc(key, question)
        token = encrypt_cbc(key, rnd_a + _rotated(rnd_b))
        name = f"{cmd.name}, second frame"
        answer, status = self._exchange(name, apdu.native(Cmd.ADDITIONAL_FRAME, token))
        if status != StatusWord.OK:
            return Reply(status), b"", None
        is_first = cmd is Cmd.AUTHENTICATE_FIRST
        if len(answer) != (2 if is_first else 1) * NONCE_BYTES:
            raise CardAnswerInvalid(f"a card token of {len(answer)} bytes")
        plain = decrypt_cbc(key, answer)
        proof_at = TI_BYTES if is_first else 0
        if not compare_digest(plain[proof_at:][:NONCE_BYTES], _rotated(rnd_a)):
            raise CardAnswerInvalid("the card does not know the key")
        return Reply(status), plain, session_keys(key=key, rnd_a=rnd_a, rnd_b=rnd_b)

    def _frames(self, cmd: int, payload: bytes) -> tuple[bytes, int]:
        name = Cmd(cmd).name if cmd in set(Cmd) else f"{cmd:02X}"
        answer, status = self._exchange(name, apdu.native(cmd, payload))
        for _ in range(_FRAMES_MAX):
            if status != StatusWord.ADDITIONAL_FRAME:
                break
            more, status = self._exchange(name, apdu.native(Cmd.ADDITIONAL_FRAME))
            answer += more
        return answer, status

    def _exchange(self, name: str, command: bytes) -> tuple[bytes, int]:
        begun = self.ticks_ns()
        answer = self.connection.transceive(command)
        self.timings_ns.setdefault(name, []).append(self.ticks_ns() - begun)
        if len(answer) < 2:
            raise CardAnswerInvalid(f"an answer of {len(answer)} bytes")
        return answer[:-2], int.from_bytes(answer[-2:])


def _rotated(nonce: bytes) -> bytes:
    must(len(nonce) == NONCE_BYTES, "a nonce has 16 bytes")
    return nonce[1:] + nonce[:1]
