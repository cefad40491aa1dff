"""A PN532 v1.6 at the end of a serial line, which is a pty: real drivers open it and believe it.

To a driver it is bytes: frames, acknowledgements, wake-up and bit rates (NXP UM0701-02). To a
test it is the world, with the verbs of `simulator.field`: cards are placed and lifted, exchanges
are torn. A mute card's time is not waited for, unless `in_real_time` asks for it.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from types import TracebackType
from typing import Self

from cardkit.errors import must
from simulator.field import Exchange
from simulator.plastic import Plastic
from simulator.pn532_antenna import Antenna
from simulator.pn532_chip import Chip
from simulator.pn532_frame import (
    ACK,
    ERROR,
    TO_CHIP,
    TO_HOST,
    Body,
    Frame,
    FrameReader,
    Signal,
    framed,
)
from simulator.pn532_initiator import SyntaxFault, Waiting
from simulator.pn532_line import PtyLine

logger = logging.getLogger(__name__)

DEFAULT_BAUD_BPS = 115_200
JOIN_TIMEOUT_S = 5.0
# Rising edges on the line that wake a sleeping chip (data sheet PN532/C1, wake-up by HSU); what
# comes until then is lost.
WAKING_EDGES = 5


class VirtualPn532:
    """One reader, served by a thread of its own while the context lasts.

    `path` is what a driver opens. The verbs of the world may be called from any thread; those
    about the n-th exchange count APDUs, those about the n-th frame what the air carries.
    """

    def __init__(self, *, in_real_time: bool = False) -> None:
        self._in_real_time = in_real_time
        self._lock = threading.RLock()
        self._heard = threading.Condition(self._lock)
        self._stopped = threading.Event()
        self._antenna = Antenna()
        self._chip = Chip(self._antenna, self._pause)
        self._frames = FrameReader()
        self._line = PtyLine(DEFAULT_BAUD_BPS)
        self._thread = threading.Thread(target=self._serve, name="virtual pn532", daemon=True)
        self._bytes_heard = 0
        self._deadline_s: float | None = None
        self._last_sent = b""
        self._edges = 0
        self._next_baud_bps: int | None = None
        self._baud_bps = DEFAULT_BAUD_BPS

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.unplug()

    @property
    def path(self) -> str:
        """The device file that a driver opens."""
        return self._line.path

    @property
    def baud_bps(self) -> int:
        """The speed at which the chip speaks; it stays when a driver is killed."""
        return self._baud_bps

    @property
    def cards(self) -> tuple[Plastic, ...]:
        """What lies in the field."""
        with self._lock:
            return self._antenna.cards

    @property
    def exchanges(self) -> int:
        """APDUs so far, lost ones included."""
        return self._antenna.exchanges

    @property
    def frames(self) -> int:
        """Frames that the reader has sent to cards so far."""
        return self._antenna.frames

    @property
    def bytes_heard(self) -> int:
        """Bytes from the host that the chip has looked at so far, noise included."""
        with self._lock:
            return self._bytes_heard

    @property
    def trace(self) -> tuple[Exchange, ...]:
        """The last APDUs, as the air saw them."""
        with self._lock:
            return tuple(self._antenna.trace)

    def place(self, card: Plastic) -> None:
        """Put one more card into the field."""
        with self._lock:
            must(not self._stopped.is_set(), "cards are placed on a reader that is plugged in")
            self._antenna.place(card)
            self._line.nudge()

    def lift(self, card: Plastic | None = None) -> None:
        """Take one card away, or all of them; an empty field stays empty."""
        with self._lock:
            self._antenna.lift(card)

    def tear_before(self, number: int) -> None:
        """Let the card leave with the n-th APDU from now (1 is the next) before it receives it."""
        with self._lock:
            self._antenna.tear_before(number)

    def tear_after(self, number: int) -> None:
        """Let the card leave when it has executed the n-th APDU from now; no answer arrives."""
        with self._lock:
            self._antenna.tear_after(number)

    def garble(self, number: int) -> None:
        """Flip a bit in the answer to the n-th APDU from now; the card stays."""
        with self._lock:
            self._antenna.garble(number)

    def ask_for_time(self, number: int) -> None:
        """Let the card send S(WTX) before its answer to the n-th APDU from now."""
        with self._lock:
            self._antenna.ask_for_time(number)

    def lose_frame(self, number: int) -> None:
        """Let the n-th frame from now never reach the card, which stays."""
        with self._lock:
            self._antenna.lose_frame(number)

    def lose_answer(self, number: int) -> None:
        """Let the answer to the n-th frame from now never reach the reader; the card stays."""
        with self._lock:
            self._antenna.lose_answer(number)

    def distort_answer(self, number: int) -> None:
        """Let the answer to the n-th frame from now have a wrong CRC; the card stays."""
        with self._lock:
            self._antenna.distort_answer(number)

    def wait_until_heard(self, count: int, timeout_s: float) -> bool:
        """Wait until `bytes_heard` is that much; a host may change its speed then."""
        with self._lock:
            return self._heard.wait_for(lambda: self._bytes_heard >= count, timeout_s)

    def unplug(self) -> None:
        """Pull the cable: the driver's end of the line is dead; a second time is harmless."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._line.nudge()
        if self._thread.ident is not None:
            self._thread.join(JOIN_TIMEOUT_S)
            must(not self._thread.is_alive(), "a line that is unplugged is not served any more")
        with self._lock:
            self._antenna.lift()
            self._line.close()

    def _serve(self) -> None:
        while not self._stopped.is_set():
            received = self._line.receive(self._patience_s())
            with self._lock:
                self._hear(received)
                if self._chip.is_waiting:
                    self._look_again()

    def _patience_s(self) -> float | None:
        if self._deadline_s is None or not self._chip.is_waiting:
            return None
        return max(0.0, self._deadline_s - time.monotonic())

    def _hear(self, received: bytes) -> None:
        """Bytes at another speed than the chip's are noise.

        Between SetSerialBaudRate and the host's ACK both speeds are right: a pty carries bytes
        in no time, so the host may have changed its end before they are looked at here.
        """
        self._bytes_heard += len(received)
        self._heard.notify_all()
        speed = self._line.host_baud_bps
        if speed not in (self._baud_bps, self._next_baud_bps):
            self._frames.clear()
            return
        if self._chip.is_asleep:
            received = self._wake(received)
        for frame in self._frames.feed(received):
            self._settle_baud(frame, speed)
            self._take(frame)

    def _wake(self, received: bytes) -> bytes:
        """What is left of the bytes when enough edges have woken the chip."""
        for index, byte in enumerate(received):
            self._edges += _rising_edges(byte)
            if self._edges >= WAKING_EDGES and self._chip.wakes_by_hsu:
                self._edges, self._chip.is_asleep = 0, False
                return received[index + 1 :]
        return b""

    def _settle_baud(self, frame: Frame, speed: int) -> None:
        """The host's ACK changes the speed; so does a frame at the new one, its ACK being lost."""
        if self._next_baud_bps is not None:
            if frame is Signal.ACK or speed == self._next_baud_bps:
                self._baud_bps = self._next_baud_bps
            self._next_baud_bps = None

    def _take(self, frame: Frame) -> None:
        match frame:
            case Body(data) if data[0] == TO_CHIP:
                self._send(ACK)
                self._run(data[1:])
            case Signal.ACK:
                self._chip.abort()
            case Signal.NACK:
                self._send(self._last_sent)
            case _:
                logger.debug("no frame for a PN532: %s", frame)

    def _run(self, command: bytes) -> None:
        try:
            outcome = self._chip.handle(command)
        except SyntaxFault:
            self._last_sent = ERROR
            self._send(ERROR)
            return
        if isinstance(outcome, Waiting):
            self._wait(outcome)
        else:
            self._answer(outcome)

    def _wait(self, waiting: Waiting) -> None:
        if waiting.timeout_s is not None and not self._in_real_time:
            self._answer(self._chip.give_up())
            return
        timeout_s = waiting.timeout_s
        self._deadline_s = None if timeout_s is None else time.monotonic() + timeout_s

    def _look_again(self) -> None:
        """A card may have come, or the time may be over."""
        outcome = self._chip.resume()
        if not isinstance(outcome, Waiting):
            self._answer(outcome)
        elif self._deadline_s is not None and time.monotonic() >= self._deadline_s:
            self._answer(self._chip.give_up())

    def _answer(self, answer: bytes) -> None:
        self._last_sent = framed(bytes([TO_HOST]) + answer)
        self._send(self._last_sent)
        self._next_baud_bps, self._chip.asked_baud_bps = self._chip.asked_baud_bps, None

    def _send(self, frame: bytes) -> None:
        """A host at another speed receives noise, which is nothing here."""
        if self._line.host_baud_bps in (self._baud_bps, self._next_baud_bps):
            self._line.send(frame)

    def _pause(self, seconds: float) -> None:
        if self._in_real_time:
            self._stopped.wait(seconds)


def _rising_edges(byte: int) -> int:
    """Edges from 0 to 1 of one byte on the line: start bit 0, LSB first, stop bit 1."""
    bits = [0, *(byte >> place & 1 for place in range(8)), 1]
    return sum(before < after for before, after in itertools.pairwise(bits))
