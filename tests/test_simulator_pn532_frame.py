"""The frames of the PN532: as the manual prints them, in whatever pieces they arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.pn532_frame import (
    ACK,
    BODY_BYTES_MAX,
    NACK,
    Body,
    Frame,
    FrameReader,
    Signal,
    framed,
)

BODIES = st.binary(min_size=1, max_size=BODY_BYTES_MAX)
# Wake-up bytes and zeros stand before a frame; neither may be taken for its beginning.
PREAMBLES = st.sampled_from([b"", bytes(10), bytes.fromhex("5555000000")])


def parts(data: bytes, cuts: list[int]) -> list[bytes]:
    """The same bytes, cut at these places."""
    places = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
    return [data[start:end] for start, end in pairwise(places)]


def read(data: bytes) -> list[Frame]:
    """The frames in these bytes."""
    return FrameReader().feed(data)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("D402", "0000FF02FED4022A00"),
        ("D50332010607", "0000FF06FAD50332010607E800"),
        ("D4140100", "0000FF04FCD41401001700"),
    ],
)
def test_frames_are_those_that_drivers_have_in_their_sources(body: str, expected: str) -> None:
    """GetFirmwareVersion, its answer, and SAMConfiguration, to the byte."""
    assert framed(bytes.fromhex(body)).hex().upper() == expected
    assert read(bytes.fromhex(expected)) == [Body(bytes.fromhex(body))]


def test_a_frame_too_long_for_a_normal_one_is_extended() -> None:
    """255 bytes fit one byte of length, 256 do not; 265 is what nfcpy's line test sends."""
    assert framed(bytes(255))[:5].hex() == "0000ffff01"
    assert framed(bytes(256))[:8].hex() == "0000ffffff0100ff"
    assert read(framed(bytes(265))) == [Body(bytes(265))]


@given(st.lists(st.tuples(PREAMBLES, BODIES), max_size=4), st.lists(st.integers(0, 2000)))
def test_frames_are_found_in_any_pieces(sent: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    """A serial line delivers as it likes; nothing is lost, doubled or changed."""
    stream = b"".join(preamble + framed(body) for preamble, body in sent)
    reader = FrameReader()
    found = [each for part in parts(stream, cuts) for each in reader.feed(part)]
    assert found == [Body(body) for _, body in sent]


def test_signals_are_told_apart_from_frames() -> None:
    """ACK and NACK are the lengths 00 and FF that no frame has."""
    stream = ACK + NACK + framed(b"\xd4\x02") + ACK
    assert read(stream) == [Signal.ACK, Signal.NACK, Body(b"\xd4\x02"), Signal.ACK]


@pytest.mark.parametrize("index", range(3, 8))
def test_a_wrong_byte_is_never_a_command(index: int) -> None:
    """A wrong length or a wrong sum makes a broken frame, and the next one is understood."""
    sent = bytearray(framed(b"\xd4\x02"))
    sent[index] ^= 0x10
    found = read(bytes(sent) + bytes(300) + framed(b"\xd4\x00"))
    assert Body(b"\xd4\x02") not in found
    assert Signal.BROKEN in found
    assert found[-1] == Body(b"\xd4\x00")


def test_an_extended_frame_with_a_wrong_or_impossible_length_is_broken() -> None:
    """A chip that waited for 65 535 bytes would never answer again."""
    wrong = bytes.fromhex("0000FFFFFF010000")
    impossible = bytes.fromhex("0000FFFFFFFFFF02")
    for head in (wrong, impossible):
        assert read(head + framed(b"\xd4\x02")) == [Signal.BROKEN, Body(b"\xd4\x02")]


def test_noise_is_forgotten() -> None:
    """A line full of noise does not fill the memory, and the next frame is found."""
    reader = FrameReader()
    for _ in range(10):
        assert reader.feed(b"\x55" * 1000) == []
    assert len(reader._buffer) <= 1
    assert reader.feed(framed(b"\xd4\x02")) == [Body(b"\xd4\x02")]


def test_a_half_frame_is_forgotten_when_the_line_says_so() -> None:
    """What a dead driver has begun is not the beginning of the next one's command."""
    reader = FrameReader()
    reader.feed(framed(bytes(200))[:100])
    reader.clear()
    assert reader.feed(framed(b"\xd4\x02")) == [Body(b"\xd4\x02")]
