"""Hosts of a virtual PN532: one that speaks in bytes, and nfcpy's own driver."""

from __future__ import annotations

import os
import select
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import nfc.clf
import nfc.clf.pn532
import nfc.clf.transport
import nfc.tag.tt4

from simulator.pn532_frame import ACK, Body, FrameReader, Signal, frame

TIMEOUT_S = 10.0
READ_BYTES = 4096
NFCPY_BAUD_BPS = 921_600


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
        self.send(frame(b"\xd4" + bytes.fromhex(command)))
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

    def is_silent(self, seconds: float = 0.0) -> bool:
        """Whether nothing has arrived, and nothing does for a while."""
        return not self._received and not select.select([self._fd], [], [], seconds)[0]

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


@contextmanager
def nfcpy_frontend(path: str) -> Iterator[nfc.clf.ContactlessFrontend]:
    """Nfcpy's frontend on this line, as `cardkit.reader.nfc` must open it: by path."""
    device = nfc.clf.pn532.init(nfc.clf.transport.TTY(path))
    device._path = path
    frontend = nfc.clf.ContactlessFrontend()
    frontend.device = device
    try:
        yield frontend
    finally:
        frontend.close()


def nfcpy_tag(frontend: nfc.clf.ContactlessFrontend) -> nfc.tag.tt4.Type4ATag:
    """Sense the card and activate it, as nfcpy does."""
    target = frontend.sense(nfc.clf.RemoteTarget("106A"))
    assert target is not None
    tag = nfc.tag.activate(frontend, target)
    assert isinstance(tag, nfc.tag.tt4.Type4ATag)
    return tag


def transmit_of(tag: nfc.tag.tt4.Type4ATag) -> Callable[[bytes], bytes]:
    """What `tests.desfire_host.Host` speaks through."""

    def transmit(command: bytes) -> bytes:
        return bytes(tag.transceive(command))

    return transmit
