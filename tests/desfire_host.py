"""The smallest host that can talk to a DESFire card: what tests of the virtual card speak with."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import cycle

from simulator.card import Behaviour, KeyKind, VirtualCard
from simulator.desfire.crypto import (
    decrypt,
    encrypt,
    pad,
    rotated,
    session_keys,
    short_mac,
    unpad,
)
from simulator.desfire.memory import Key, ValueFile
from simulator.issued import AID, DF_NAME, demo_keys, issued_card

UID = bytes.fromhex("04112233445566")
KEYS = demo_keys(UID)
ZERO_KEY = bytes(16)
READER = bytes.fromhex("0000000700000001") + bytes(8)
GET_VALUE, DEBIT, CREDIT, LIMITED_CREDIT = 0x6C, 0xDC, 0x0C, 0x1C
READ, WRITE, READ_RECORDS, WRITE_RECORD, UPDATE_RECORD, CLEAR = 0xAD, 0x8D, 0xAB, 0x8B, 0xBA, 0xEB
COMMIT, ABORT, READER_ID = 0xC7, 0xA7, 0xC8
TERMINAL_KEY = 1
RND_A = bytes.fromhex("A567D39787A1C05400F46613985411A5")
OK = 0x00


def scripted(*answers: str) -> Callable[[int], bytes]:
    """A source of randomness that gives these hex strings in turn, for ever."""
    values = cycle([bytes.fromhex(answer) for answer in answers])

    def draw(size: int) -> bytes:
        value = next(values)
        assert len(value) == size
        return value

    return draw


def apdu(ins: int, payload: bytes = b"") -> bytes:
    """A wrapped native command."""
    length = bytes([len(payload)]) if payload else b""
    return bytes([0x90, ins, 0, 0]) + length + payload + b"\x00"


def select_apdu(df_name: bytes = DF_NAME) -> bytes:
    """ISOSelectFile by DF name, no FCI wanted."""
    return bytes([0x00, 0xA4, 0x04, 0x0C, len(df_name)]) + df_name + b"\x00"


class Refused(Exception):
    """The card answered with an error status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:02X}")
        self.status = status


class Host:
    """Speaks to one card; inside a session it protects commands and checks every answer.

    `transmit` is a `VirtualCard`'s, or any other way to one.
    """

    def __init__(self, transmit: Callable[[bytes], bytes | None]) -> None:
        self.transmit = transmit
        self.enc_key = self.mac_key = self.ti = b""
        self.counter = 0

    def raw(self, command: bytes) -> bytes:
        """One APDU, which must be answered."""
        answer = self.transmit(command)
        assert answer is not None
        return answer

    def status(self, ins: int, payload: bytes = b"") -> int:
        """Status of a command sent as it stands."""
        return self.raw(apdu(ins, payload))[-1]

    def plain(self, ins: int, payload: bytes = b"") -> bytes:
        """A command sent as it stands, frames collected; raises Refused."""
        answer = self.raw(apdu(ins, payload))
        data = answer[:-2]
        while answer[-1] == 0xAF:
            answer = self.raw(apdu(0xAF))
            data += answer[:-2]
        if answer[-1] not in (OK, 0x90):
            raise Refused(answer[-1])
        return data

    def select(self, df_name: bytes = DF_NAME) -> None:
        """Select the purse by name."""
        assert self.raw(select_apdu(df_name)) == bytes.fromhex("9000")

    def authenticate(self, key_no: int, key: bytes, *, first: bool = True) -> None:
        """AuthenticateEV2First, or NonFirst; raises Refused."""
        begin = apdu(0x71, bytes([key_no, 0])) if first else apdu(0x77, bytes([key_no]))
        question = self.raw(begin)
        if question[-1] != 0xAF:
            raise Refused(question[-1])
        rnd_b = decrypt(key, question[:-2])
        answer = self.raw(apdu(0xAF, encrypt(key, RND_A + rotated(rnd_b))))
        if answer[-1] != OK:
            raise Refused(answer[-1])
        plain = decrypt(key, answer[:-2])
        if first:
            self.ti, plain, self.counter = plain[:4], plain[4:], 0
            assert plain[16:] == bytes(12)
        assert plain[:16] == rotated(RND_A)
        self.enc_key, self.mac_key = session_keys(key, RND_A, rnd_b)

    def mac(self, ins: int, payload: bytes = b"") -> bytes:
        """A command and an answer in CommMode.MAC; raises Refused."""
        return self._checked(self.plain(ins, self.maced(ins, payload)))

    def full(self, ins: int, header: bytes = b"", data: bytes = b"") -> bytes:
        """A command and an answer in CommMode.Full; raises Refused."""
        answer = self._checked(self.plain(ins, self.sealed(ins, header, data)))
        return unpad(decrypt(self.enc_key, answer, self._iv(b"\x5a\xa5"))) if answer else b""

    def maced(self, ins: int, payload: bytes) -> bytes:
        """The payload of a command in CommMode.MAC."""
        return payload + self._mac(ins, payload)

    def sealed(self, ins: int, header: bytes, data: bytes) -> bytes:
        """The payload of a command in CommMode.Full."""
        if data:
            data = encrypt(self.enc_key, pad(data), self._iv(b"\xa5\x5a"))
        return self.maced(ins, header + data)

    def _mac(self, code: int, data: bytes) -> bytes:
        counter = self.counter.to_bytes(2, "little")
        return short_mac(self.mac_key, bytes([code]) + counter + self.ti + data)

    def _checked(self, answer: bytes) -> bytes:
        self.counter += 1
        data, received = answer[:-8], answer[-8:]
        assert received == self._mac(OK, data)
        return data

    def _iv(self, label: bytes) -> bytes:
        counter = self.counter.to_bytes(2, "little")
        return encrypt(self.enc_key, label + self.ti + counter + bytes(8))


def number(value: int, size: int) -> bytes:
    """An unsigned number LSB first."""
    return value.to_bytes(size, "little")


def span(file_no: int, offset: int, length: int) -> bytes:
    """Header of a read or write."""
    return bytes([file_no]) + number(offset, 3) + number(length, 3)


def aes_blank(random: Callable[[int], bytes] = secrets.token_bytes) -> VirtualCard:
    """A blank card whose PICC master key is AES already."""
    return VirtualCard(UID, random=random, picc_key=KeyKind.AES)


def opened(card: VirtualCard, key_no: int = TERMINAL_KEY, key: bytes = KEYS.terminal) -> Host:
    """A host in a session with the purse."""
    host = Host(card.transmit)
    host.select()
    host.authenticate(key_no, key)
    return host


def value_of(host: Host, file_no: int = 0x03) -> int:
    """GetValue in Full."""
    return int.from_bytes(host.full(GET_VALUE, bytes([file_no])), "little", signed=True)


def committed(host: Host) -> tuple[int, bytes]:
    """CommitReaderID and CommitTransaction; TMC and TMV."""
    host.mac(READER_ID, READER)
    answer = host.mac(COMMIT, b"\x01")
    return int.from_bytes(answer[:4], "little"), answer[4:]


def pay(host: Host, cents: int) -> tuple[int, bytes]:
    """A whole sale of the canonical shape."""
    value_of(host)
    host.full(DEBIT, b"\x03", number(cents, 4))
    host.mac(WRITE_RECORD, span(0x01, 0, 32) + number(cents, 32))
    return committed(host)


def refused(host: Host, ins: int, payload: bytes = b"", *, full: bytes | None = None) -> int:
    """Status with which a protected command is refused."""
    try:
        host.mac(ins, payload) if full is None else host.full(ins, payload, full)
    except Refused as refusal:
        return refusal.status
    raise AssertionError(f"{ins:02X} was accepted")


def with_value_rights(
    rights: str, flags: int = 0x00, behaviour: Behaviour | None = None
) -> VirtualCard:
    """An issued card whose spent counter has other rights, all keys being the terminal's."""
    card = issued_card(UID, behaviour=behaviour)
    app = card.memory.applications[AID]
    app.keys = [Key(KEYS.terminal) for _ in app.keys]
    value = app.files[0x03]
    assert isinstance(value, ValueFile)
    value.rights, value.flags, value.value = bytes.fromhex(rights), flags, 1000
    return card
