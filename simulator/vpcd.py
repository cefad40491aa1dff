"""A card in a slot of vpcd, the virtual reader that a real pcscd believes in.

vpcd listens, the card connects. Each message is a length (2 bytes, MSB first) and a body: one
byte of body is a control code, anything longer a C-APDU (vsmartcard, `vpcd.h`).
"""

from __future__ import annotations

import functools
import logging
import operator
import socket
import threading
from dataclasses import dataclass
from enum import IntEnum, unique
from types import TracebackType
from typing import Self

from cardkit.errors import ReaderMissing, must
from simulator.plastic import Plastic

logger = logging.getLogger(__name__)

# What a PC/SC reader shows (PC/SC part 3, 3.1.3.2.3): the historical bytes of a card that speaks
# APDUs, or the registered name and kind of a memory card; T=0 and T=1.
ATR_HEAD = bytes.fromhex("8001")
ATR_MEMORY_CARD = bytes.fromhex("804F0CA00000030603")
MEMORY_CARDS = {0x08: 0x0001, 0x18: 0x0002, 0x00: 0x0003}  # Classic 1K, 4K, Ultralight
# Readers answer GET DATA (UID) themselves; vpcd passes it on, so this end plays the reader.
GET_UID = bytes.fromhex("FFCA000000")
CONNECT_TIMEOUT_S = 5.0
JOIN_TIMEOUT_S = 5.0


@unique
class Control(IntEnum):
    """One-byte messages of vpcd; only GET_ATR wants an answer."""

    OFF = 0x00
    ON = 0x01
    RESET = 0x02
    GET_ATR = 0x04


@dataclass(slots=True)
class _Tears:
    """Numbers of APDUs, counted from the first, with which the card leaves."""

    before: int | None = None
    after: int | None = None
    garbled: int | None = None


class VpcdSlot:
    """One slot: `insert` and `remove` cards, and tear them out in the middle of an APDU.

    A thread of its own serves the card; it ends when the card leaves. APDUs that the reader
    answers itself are not counted.
    """

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._tears = _Tears()
        self.exchanges = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def is_occupied(self) -> bool:
        """Whether a card is in the slot; a torn one is not."""
        return self._thread is not None and self._thread.is_alive()

    def insert(self, card: Plastic) -> None:
        """Put a card into the empty slot; raises ReaderMissing when no vpcd listens there."""
        must(not self.is_occupied, "one card at a time is in the slot")
        self.remove()
        try:
            link = socket.create_connection(self._address, CONNECT_TIMEOUT_S)
        except OSError as error:
            host, port = self._address
            raise ReaderMissing(f"no vpcd listens on {host}:{port}: {error}") from error
        link.settimeout(None)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        card.reset()
        self._socket = link
        self._thread = threading.Thread(
            target=self._serve, args=(link, card), name=f"vpcd slot {self._address[1]}", daemon=True
        )
        self._thread.start()

    def remove(self) -> None:
        """Take the card out, wherever it was in its work; an empty slot stays empty."""
        if self._socket is not None:
            _hang_up(self._socket)
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT_S)
            must(not self._thread.is_alive(), "a card whose link is closed stops being served")
        self._socket = self._thread = None

    def wait_until_left(self, timeout_s: float | None = None) -> bool:
        """Wait until the card is out: removed, torn, or given up by a vpcd that ended."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.is_occupied

    def tear_before(self, number: int) -> None:
        """Let the n-th APDU from now (1 is the next) be lost before the card receives it."""
        with self._lock:
            self._tears.before = self._numbered(number)

    def tear_after(self, number: int) -> None:
        """Let the answer to the n-th APDU from now be lost: the card has executed it."""
        with self._lock:
            self._tears.after = self._numbered(number)

    def garble(self, number: int) -> None:
        """Flip a bit in the answer to the n-th APDU from now; the card stays."""
        with self._lock:
            self._tears.garbled = self._numbered(number)

    def _numbered(self, number: int) -> int:
        must(number >= 1, "APDUs are counted from 1, the next one")
        return self.exchanges + number

    def _serve(self, link: socket.socket, card: Plastic) -> None:
        """Answer messages until the link ends; a mute card ends it too, as a timeout would."""
        try:
            while (message := _receive(link)) is not None:
                if len(message) > 1:
                    answer = self._answer(card, message)
                    if answer is None:
                        break
                    _send(link, answer)
                elif message == bytes([Control.GET_ATR]):
                    _send(link, atr_of(card))
                else:
                    card.reset()
        except OSError as error:
            logger.debug("the link to vpcd ended: %s", error)
        finally:
            card.reset()
            _hang_up(link)
            link.close()

    def _answer(self, card: Plastic, command: bytes) -> bytes | None:
        if command == GET_UID:
            return card.uid + b"\x90\x00"
        with self._lock:
            self.exchanges += 1
            if self.exchanges == self._tears.before:
                return None
            answer = card.transmit(command)
            if self.exchanges == self._tears.after:
                return None
            if answer and self.exchanges == self._tears.garbled:
                answer = bytes([answer[0] ^ 0x01]) + answer[1:]
            return answer


def atr_of(card: Plastic) -> bytes:
    """The ATR that a contactless reader makes of a card (PC/SC part 3, 3.1.3.2.3)."""
    if card.ats is None:
        kind = MEMORY_CARDS.get(card.sak, 0)
        historical = ATR_MEMORY_CARD + kind.to_bytes(2, "big") + bytes(4)
    else:
        historical = _historical(card.ats)
    body = bytes([0x80 | len(historical)]) + ATR_HEAD + historical
    return b"\x3b" + body + bytes([functools.reduce(operator.xor, body)])


def _historical(ats: bytes) -> bytes:
    """What follows TL, T0 and the interface bytes that T0 announces (ISO/IEC 14443-4, 5.2)."""
    interface = 0 if len(ats) < 2 else (ats[1] >> 4 & 0x07).bit_count()
    return ats[2 + interface :]


def _receive(link: socket.socket) -> bytes | None:
    """One message, or None when the other end has gone."""
    header = _receive_exactly(link, 2)
    if header is None:
        return None
    return _receive_exactly(link, int.from_bytes(header, "big"))


def _receive_exactly(link: socket.socket, size: int) -> bytes | None:
    """So many bytes, or None when the link ends before.

    vpcd 3.3 sends length and body apart and without TCP_NODELAY: unless each receipt is
    acknowledged at once, every APDU takes 44 ms. The option does not stick, so it is set anew.
    """
    received = b""
    while len(received) < size:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        chunk = link.recv(size - len(received))
        if not chunk:
            return None
        received += chunk
    return received


def _send(link: socket.socket, body: bytes) -> None:
    must(len(body) > 0, "an empty answer would hang pcscd")
    link.sendall(len(body).to_bytes(2, "big") + body)


def _hang_up(link: socket.socket) -> None:
    try:
        link.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        logger.debug("the link to vpcd was closed already: %s", error)
