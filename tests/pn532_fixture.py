"""A virtual PN532 for a test, a host of it that speaks in bytes, and a card that says little."""

from __future__ import annotations

import os
import select
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from simulator.pn532 import VirtualPn532
from simulator.pn532_frame import ACK, Body, FrameReader, Signal, framed
from tests.desfire_host import UID, select_apdu

TIMEOUT_S = 10.0
READ_BYTES = 4096
# How long a wrong answer is waited for, where there must be none.
SILENCE_S = 0.03
OTHER_UID = bytes.fromhex("04AABBCCDDEEF0")
ATQA_SAK_AND_LENGTH = "03442007"
ATS = "067577810280"
SELECT = select_apdu().hex()
# Host commands: a search that ends, and no RATS by the chip itself.
FIND_ONCE, NO_RATS = "3205000001", "1200"


def listed(number: int, uid: bytes = UID, ats: str = ATS) -> str:
    """Target data of a DESFire."""
    return f"{number:02X}{ATQA_SAK_AND_LENGTH}{uid.hex()}{ats}".upper()


@dataclass(slots=True)
class Echo:
    """A card that answers with what it was told, and with long answers if it was told 2 bytes."""

    uid: bytes = bytes.fromhex("04112233445566")
    atqa: bytes = bytes.fromhex("0344")
    sak: int = 0x20
    ats: bytes | None = bytes.fromhex("0278")
    executed: int = 0
    resets: int = 0

    def reset(self) -> None:
        """Nothing is forgotten, but counted."""
        self.resets += 1

    def transmit(self, command: bytes) -> bytes:
        """Two bytes are a length."""
        self.executed += 1
        if len(command) == 2:
            return bytes(place & 0xFF for place in range(int.from_bytes(command, "big")))
        return command


class ByteHost:
    """A host without a driver: it sends what it is told, and shows what came back."""

    def __init__(self, path: str, baud_bps: int = 115_200) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._fd)
        self._reader = FrameReader()
        self._received: list[Body | Signal] = []
        self.set_baud(baud_bps)

    def set_baud(self, baud_bps: int) -> None:
        """Set this end of the line to a speed."""
        attributes = termios.tcgetattr(self._fd)
        attributes[4] = attributes[5] = getattr(termios, f"B{baud_bps}")
        termios.tcsetattr(self._fd, termios.TCSANOW, attributes)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        os.write(self._fd, data)

    def ask(self, command: str) -> None:
        """Send a command (its code first, in hex), and see it acknowledged."""
        self.send(framed(b"\xd4" + bytes.fromhex(command)))
        assert self.receive() is Signal.ACK

    def command(self, command: str) -> str:
        """Send a command and return what follows the answer's code, both in hex."""
        self.ask(command)
        return self.answer(command)

    def answer(self, command: str) -> str:
        """Wait for the answer to a command that was acknowledged."""
        received = self.receive()
        assert isinstance(received, Body), received
        assert received.data[:2] == bytes([0xD5, bytes.fromhex(command)[0] + 1])
        return received.data[2:].hex().upper()

    def receive(self) -> Body | Signal:
        """Wait for the next frame of the chip."""
        while not self._received:
            self._received += self._reader.feed(self.receive_bytes())
        return self._received.pop(0)

    def receive_bytes(self) -> bytes:
        """Wait for some bytes of the chip."""
        readable, _, _ = select.select([self._fd], [], [], TIMEOUT_S)
        assert readable, "the chip says nothing"
        return os.read(self._fd, READ_BYTES)

    def is_in_step(self) -> bool:
        """Whether the next thing that comes is the answer to the next command."""
        return self.command("000049") == "0049"

    def is_silent(self) -> bool:
        """Whether nothing has arrived, and nothing does for a while."""
        return not self._received and not select.select([self._fd], [], [], SILENCE_S)[0]

    def acknowledge(self) -> None:
        """Send the host's ACK, which ends what the chip is at."""
        self.send(ACK)

    def close(self) -> None:
        """Let go of the line."""
        os.close(self._fd)


@contextmanager
def byte_host(path: str) -> Iterator[ByteHost]:
    """A host in bytes while the context lasts."""
    host = ByteHost(path)
    try:
        yield host
    finally:
        host.close()


@pytest.fixture
def pn532() -> Iterator[VirtualPn532]:
    """A reader with nothing on it."""
    with VirtualPn532() as reader:
        yield reader
