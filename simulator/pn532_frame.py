"""The frames between a host and a PN532 (NXP UM0701-02, section 6.2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

START = bytes.fromhex("00FF")
ACK = bytes.fromhex("0000FF00FF00")
NACK = bytes.fromhex("0000FFFF0000")
# "Application level error", the only error frame: the command's syntax is wrong (6.2.1.5).
ERROR = bytes.fromhex("0000FF01FF7F8100")
TO_CHIP, TO_HOST = 0xD4, 0xD5
EXTENDED = b"\xff\xff"
NORMAL_BYTES_MAX = 255
# TFI and 264 bytes, all that the chip's buffer holds (6.2.1.2).
BODY_BYTES_MAX = 265


@unique
class Signal(Enum):
    """Frames without content, and `BROKEN`, a frame with a wrong checksum."""

    ACK = "ack"
    NACK = "nack"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Body:
    """What a frame carries: TFI first, checksums checked."""

    data: bytes


Frame = Signal | Body


def framed(body: bytes) -> bytes:
    """Wrap TFI and data, in an extended frame when a normal one can't hold them."""
    if len(body) <= NORMAL_BYTES_MAX:
        head = bytes([len(body), -len(body) & 0xFF])
    else:
        length = len(body).to_bytes(2, "big")
        head = EXTENDED + length + bytes([-sum(length) & 0xFF])
    return b"\x00" + START + head + body + bytes([-sum(body) & 0xFF, 0])


class FrameReader:
    """Finds frames in a stream of bytes, in whatever pieces it arrives.

    Anything before a start code is preamble: zeros, wake-up bytes, or noise, which is forgotten.
    So nothing is kept but the beginning of one frame.
    """

    def __init__(self) -> None:
        self._buffer = b""

    def clear(self) -> None:
        """Forget the beginning of a frame."""
        self._buffer = b""

    def feed(self, received: bytes) -> list[Frame]:
        """Add what arrived, and take out the frames that are complete."""
        self._buffer += received
        frames: list[Frame] = []
        while (found := self._take()) is not None:
            frames.append(found)
        return frames

    def _take(self) -> Frame | None:
        start = self._buffer.find(START)
        if start < 0:
            self._buffer = self._buffer[-1:]
            return None
        rest = self._buffer[start + len(START) :]
        measured = _measure(rest)
        if measured is None or len(rest) < measured[0] + measured[1]:
            self._buffer = self._buffer[start:]
            return None
        head, size = measured
        self._buffer = rest[head + size :]
        return _read(rest[:head], rest[head : head + size])


def _measure(rest: bytes) -> tuple[int, int] | None:
    """Bytes of the header behind the start code, and of what follows it; None: too early.

    A signal and a header with a wrong checksum are followed by nothing.
    """
    if len(rest) < 2:
        return None
    if rest[:2] in (b"\x00\xff", b"\xff\x00"):
        return 2, 0
    if rest[:2] == EXTENDED:
        if len(rest) < 5:
            return None
        length = int.from_bytes(rest[2:4], "big")
        is_sound = sum(rest[2:5]) & 0xFF == 0 and length <= BODY_BYTES_MAX
        return 5, length + 1 if is_sound else 0
    return 2, rest[0] + 1 if sum(rest[:2]) & 0xFF == 0 else 0


def _read(head: bytes, body: bytes) -> Frame:
    if head == b"\x00\xff":
        return Signal.ACK
    if head == b"\xff\x00":
        return Signal.NACK
    if len(body) < 2 or sum(body) & 0xFF:
        return Signal.BROKEN
    return Body(body[:-1])
