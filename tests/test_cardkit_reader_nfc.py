"""The reader that nfcpy drives, against a virtual PN532: what its contract does not already hold.

Lines that are held, silent, left fast by a killed process or full of rubbish; rates that card and
chip do not agree on; a reader that is closed from another thread.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cardkit.errors import (
    CardLost,
    ReaderBusy,
    ReaderForbidden,
    ReaderLost,
    ReaderMissing,
)
from cardkit.reader import open_reader
from cardkit.reader.nfc import (
    USB_DRIVERS,
    ChipLink,
    HostLink,
    MakeLink,
    is_at,
    open_serial,
)
from cardkit.reader.polled import Link, PolledConnection, PolledReader
from simulator.card import VirtualCard
from simulator.pn532 import DEFAULT_BAUD_BPS, VirtualPn532
from tests.purse_cards import UID
from tests.rights import as_nobody

SOON_S = 10.0
FAST_BPS = 921_600
GET_VERSION = bytes.fromhex("9060000000")
FIRST_FRAME = bytes.fromhex("91AF")
LINKS = pytest.mark.parametrize("make_link", [ChipLink, HostLink], ids=["chip", "host"])

OPEN_AND_WAIT = """
import sys
from cardkit.reader.nfc import open_serial
reader = open_serial(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def chip() -> Iterator[VirtualPn532]:
    """A PN532 on a pty."""
    with VirtualPn532() as chip:
        yield chip


@contextlib.contextmanager
def opened(chip: VirtualPn532, make_link: MakeLink = ChipLink) -> Iterator[PolledReader]:
    """A reader on it."""
    with contextlib.closing(open_serial(chip.path, make_link=make_link)) as reader:
        yield reader


def present(reader: PolledReader) -> PolledConnection:
    """The card that lies there."""
    connection = reader.wait_for_card(SOON_S)
    assert connection is not None
    return connection


def descriptors(path: str) -> int:
    """How often this process has a file open."""
    entries = Path("/proc/self/fd").iterdir()
    return sum(entry.is_symlink() and str(entry.readlink()) == path for entry in entries)


# The line


def test_a_chip_left_fast_by_a_killed_process_is_opened(chip: VirtualPn532) -> None:
    """A till that was killed is started again, and finds its reader at the speed it left it at."""
    command = [sys.executable, "-c", OPEN_AND_WAIT, chip.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as till:
        assert till.stdout is not None
        assert till.stdout.readline() == b"open\n"
        till.kill()
    assert chip.baud_bps == FAST_BPS
    chip.place(VirtualCard(UID))
    with opened(chip) as reader:
        assert present(reader).uid == UID
    assert chip.baud_bps == DEFAULT_BAUD_BPS


def test_one_line_has_one_owner(chip: VirtualPn532) -> None:
    """A second program is told so before it touches the line, and the first one goes on."""
    chip.place(VirtualCard(UID))
    with opened(chip) as reader:
        card = present(reader)
        with pytest.raises(ReaderBusy, match=chip.path):
            open_serial(chip.path)
        assert card.transceive(GET_VERSION)[-2:] == FIRST_FRAME
    with opened(chip) as reader:
        assert present(reader).uid == UID


def test_a_line_of_another_user_is_forbidden(chip: VirtualPn532) -> None:
    """The workshop forgot the group: the message names the line, not a traceback."""
    Path(chip.path).chmod(0)
    with as_nobody(), pytest.raises(ReaderForbidden, match=chip.path):
        open_serial(chip.path)


def test_a_line_with_nothing_on_it_is_missing(tmp_path: Path) -> None:
    """Silence, a file, no file, and a path that a shell would obey: each is no reader, soon."""
    master, slave = os.openpty()
    ordinary = tmp_path / "file"
    ordinary.touch()
    harm = tmp_path / "harm"
    try:
        silent = os.ttyname(slave)
        for path, said in (
            (silent, f"nothing on {silent} answers"),
            (str(ordinary), "is no serial line"),
            (str(tmp_path / "no"), "No such file"),
            (f"/dev/x;touch {harm}", "no path of a serial line"),
        ):
            began_s = time.monotonic()
            with pytest.raises(ReaderMissing, match=said):
                open_reader(f"pn532:{path}")
            assert time.monotonic() - began_s < SOON_S
    finally:
        os.close(master)
        os.close(slave)
    assert not harm.exists()


ACK = bytes.fromhex("0000FF00FF00")
VERSION = bytes.fromhex("0000FF06FAD50332010607E800")
SAM = bytes.fromhex("0000FF02FED5151600")
ERROR = bytes.fromhex("0000FF01FF7F8100")


@pytest.mark.parametrize(
    "answers",
    [
        (b"\x00",),
        (b"READY\r\n",),
        (ACK,),
        (ACK + VERSION, b"\x00\x00\xff"),
        (ACK + VERSION, ACK + SAM, ACK + ERROR),
        (ACK + VERSION, ACK + SAM, ACK, ACK + VERSION, ACK + ERROR),
    ],
    ids=["zeros", "printer", "acks", "short", "errors", "late"],
)
def test_what_is_no_pn532_is_no_reader(answers: tuple[bytes, ...]) -> None:
    """A ticket printer, a modem, a chip that hangs: whatever it says, it is no reader."""
    master, slave = os.openpty()
    tty.setraw(slave)

    def answer() -> None:
        left = list(answers)
        with contextlib.suppress(OSError):
            while os.read(master, 4096):
                os.write(master, left.pop(0) if len(left) > 1 else left[0])

    device = threading.Thread(target=answer, daemon=True)
    device.start()
    try:
        with pytest.raises(ReaderMissing):
            open_serial(os.ttyname(slave))
    finally:
        os.close(slave)
        device.join(SOON_S)
        os.close(master)


def test_a_line_is_opened_by_its_address(chip: VirtualPn532) -> None:
    """`pn532:PATH` is the PN532 on that line."""
    with contextlib.closing(open_reader(f"pn532:{chip.path}")) as reader:
        assert reader.name == f"PN532v1.6 ({chip.path})"


def test_a_failed_opening_lets_go_of_the_line(chip: VirtualPn532) -> None:
    """A chip that is lost while it is set up can be opened the next time."""

    def dead_on_arrival(driver: Any, **_: object) -> Link:
        raise ReaderLost("gone")

    before = descriptors(chip.path)
    with pytest.raises(ReaderMissing) as kept_alive:
        open_serial(chip.path, make_link=dead_on_arrival)
    assert descriptors(chip.path) == before, kept_alive
    with opened(chip) as reader:
        assert reader.wait_for_card(0) is None


# USB


def test_no_usb_reader_is_missing() -> None:
    """None of nfcpy's readers is plugged in here: the address is in the message."""
    for address in ("usb:ffff", "usb:054c:ffff", "usb:255:255", "usb:nonesuch"):
        with pytest.raises(ReaderMissing, match=address):
            open_reader(address)


def test_usb_addresses() -> None:
    """Four hex digits are a maker, three decimal ones a bus, and nothing is any reader."""
    reader = (0x054C, 0x06C3, 1, 23)
    right = ("", "054c", "054C:06c3", "1", "001", "001:023")
    wrong = ("04cc", "054c:06c1", "2", "001:024", "06c3", "054c:06c3:1", "x")
    assert [place for place in (*right, *wrong) if is_at(place, reader)] == list(right)
    assert USB_DRIVERS[0x054C, 0x06C3] == "rcs380"


# Waiting


@LINKS
def test_a_card_that_comes_ends_the_wait(chip: VirtualPn532, make_link: MakeLink) -> None:
    """A tap is felt while waiting."""
    with opened(chip, make_link) as reader:
        tap = threading.Timer(0.05, chip.place, [VirtualCard(UID)])
        tap.start()
        assert present(reader).uid == UID
        tap.join()


@LINKS
def test_closing_from_another_thread_ends_a_wait(chip: VirtualPn532, make_link: MakeLink) -> None:
    """A program that ends does not wait for a card that will not come."""
    with opened(chip, make_link) as reader:
        began_s = time.monotonic()
        end = threading.Timer(0.05, reader.close)
        end.start()
        assert reader.wait_for_card(3 * SOON_S) is None
        end.join()
        assert time.monotonic() - began_s < SOON_S
        assert reader.wait_for_card(0) is None
        assert reader.wait_for_removal(0)


def test_closing_from_another_thread_ends_a_tap(chip: VirtualPn532) -> None:
    """Closed in the middle of a tap: the exchange under way is whole, the next one is lost."""
    chip.place(VirtualCard(UID))
    with opened(chip) as reader:
        connection = present(reader)
        end = threading.Timer(0.05, reader.close)
        end.start()
        with pytest.raises(CardLost):
            all(iter(lambda: connection.transceive(GET_VERSION), b""))
        end.join()


# Bit rates


class Particular:
    """A card with an ATS of its own that answers every APDU backwards."""

    def __init__(self, ats: str) -> None:
        self.uid, self.atqa, self.sak = UID, bytes.fromhex("0344"), 0x20
        self.ats: bytes | None = bytes.fromhex(ats)

    def reset(self) -> None:
        """Nothing to forget."""

    def transmit(self, command: bytes) -> bytes:
        """The command backwards, and 9000."""
        return command[::-1] + b"\x90\x00"


@pytest.mark.parametrize(
    ("ats", "rate_kbps"),
    [
        ("067577810280", 424),
        ("067511810280", 212),
        ("067533810280", 424),
        ("067531810280", 212),  # 212 to the card, 424 from it
        ("067530810280", 106),  # 106 to the card
        ("0675B1810280", 212),  # the same both ways
        ("067500810280", 106),
        ("0578807000", 106),
        ("0100"[:2], 106),  # TL alone
    ],
)
def test_the_rate_is_the_best_that_both_can_do(
    chip: VirtualPn532, ats: str, rate_kbps: int
) -> None:
    """Whatever an ATS offers, the card understands what it is told, and we say how fast."""
    chip.place(Particular(ats))
    with opened(chip) as reader:
        card = present(reader)
        assert card.activation.bit_rate_kbps == rate_kbps
        assert card.transceive(GET_VERSION) == GET_VERSION[::-1] + b"\x90\x00"


@pytest.mark.parametrize("lose", [VirtualPn532.lose_frame, VirtualPn532.lose_answer])
def test_a_card_that_agrees_on_no_rate_is_read_slowly(
    chip: VirtualPn532, lose: Callable[[VirtualPn532, int], None]
) -> None:
    """Nobody knows whether it heard the proposal: it is found again, and goes on at 106 kbit/s."""
    with opened(chip) as reader:
        chip.place(VirtualCard(UID))
        present(reader)
        frames = chip.frames
        present(reader)
        frames = chip.frames - frames
        lose(chip, frames)  # PPS is the last one of an activation
        card = present(reader)
        assert card.activation.bit_rate_kbps == 106
        assert card.transceive(GET_VERSION)[-2:] == FIRST_FRAME


def tapped(chip: VirtualPn532, reader: PolledReader, *, is_torn: bool) -> int | None:
    """The bit rate of one whole tap, which ends with the card being lifted."""
    card = VirtualCard(UID)
    chip.place(card)
    connection = present(reader)
    if is_torn:
        chip.tear_before(1)
        with pytest.raises(CardLost):
            connection.transceive(GET_VERSION)
    else:
        assert connection.transceive(GET_VERSION)[-2:] == FIRST_FRAME
    connection.close()
    chip.lift()
    assert reader.wait_for_removal(SOON_S)
    return connection.activation.bit_rate_kbps


def test_an_antenna_that_is_not_good_enough_is_used_slowly(chip: VirtualPn532) -> None:
    """After two taps in a row lost at 424 kbit/s the next ones go at 106; one means nothing."""
    with opened(chip) as reader:
        taps = (True, False, True, True, False, False)
        rates = [tapped(chip, reader, is_torn=is_torn) for is_torn in taps]
    assert rates == [424, 424, 424, 424, 106, 106]


# Exchanges


@LINKS
@pytest.mark.parametrize("size", [260, 261, 262, 263, 600])
def test_apdus_longer_than_a_frame_of_the_host(
    chip: VirtualPn532, make_link: MakeLink, size: int
) -> None:
    """An extended APDU goes in several frames to the chip, and comes back in several."""
    chip.place(Particular("067577810280"))
    command = bytes.fromhex("00DA000000") + size.to_bytes(2, "big") + os.urandom(size)
    with opened(chip, make_link) as reader:
        card = present(reader)
        assert card.transceive(command) == command[::-1] + b"\x90\x00"
        assert card.transceive(GET_VERSION) == GET_VERSION[::-1] + b"\x90\x00"


@LINKS
def test_a_card_that_asks_for_time_gets_it(chip: VirtualPn532, make_link: MakeLink) -> None:
    """S(WTX) is between chip and card."""
    chip.place(VirtualCard(UID))
    with opened(chip, make_link) as reader:
        card = present(reader)
        chip.ask_for_time(1)
        assert card.transceive(GET_VERSION)[-2:] == FIRST_FRAME


class Counting(Particular):
    """The same, and it counts."""

    executed = 0

    def transmit(self, command: bytes) -> bytes:
        """Count, as well."""
        self.executed += 1
        return super().transmit(command)


@LINKS
@pytest.mark.parametrize(
    "lose", [VirtualPn532.lose_frame, VirtualPn532.lose_answer, VirtualPn532.distort_answer]
)
def test_a_frame_lost_on_the_air_never_makes_two_of_one(
    chip: VirtualPn532, make_link: MakeLink, lose: Callable[[VirtualPn532, int], None]
) -> None:
    """A command is executed once at most: it is answered, or the card is lost."""
    card = Counting("067577810280")
    chip.place(card)
    with opened(chip, make_link) as reader:
        connection = present(reader)
        lose(chip, 1)
        with contextlib.suppress(CardLost):
            assert connection.transceive(GET_VERSION) == GET_VERSION[::-1] + b"\x90\x00"
            assert card.executed == 1
    assert card.executed <= 1


# Rubbish from the chip


class NoisyLine:
    """nfcpy's transport, one of whose answers is spoilt."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self._spoil: Callable[[bytearray], bytearray] | None = None
        self._until = 0

    def spoil(self, number: int, how: Callable[[bytearray], bytearray]) -> None:
        """Spoil the n-th answer from now."""
        self._until, self._spoil = number, how

    def read(self, timeout: int) -> bytearray:
        """As the line does, but for the one answer."""
        answer: bytearray = self._line.read(timeout)
        self._until -= 1
        if self._until == 0 and self._spoil is not None:
            return self._spoil(answer)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)


def cut(size: int) -> Callable[[bytearray], bytearray]:
    """Leave so many bytes of an answer."""
    return lambda answer: answer[:size]


def flip(place: int) -> Callable[[bytearray], bytearray]:
    """Change one byte of an answer."""

    def spoil(answer: bytearray) -> bytearray:
        spoilt = bytearray(answer)
        spoilt[place % len(spoilt)] ^= 0x55
        return spoilt

    return spoil


def become(frame: str) -> Callable[[bytearray], bytearray]:
    """Have another answer in its place."""
    return lambda _: bytearray.fromhex(frame)


SPOILT = [
    *(cut(size) for size in (0, 1, 3, 6, 8)),
    *(flip(place) for place in (-2, 0, 3, 4, 6, 7)),
    become("0000FFFFFF"),
    become("0000FF01FF7F8100"),  # the chip's error frame
]


@LINKS
@pytest.mark.parametrize("number", [1, 4, 8])
def test_rubbish_from_the_chip_is_never_more_than_a_lost_card(
    chip: VirtualPn532, make_link: MakeLink, number: int
) -> None:
    """What comes out is an answer, CardLost or ReaderLost; and the reader heals by itself."""
    lines: list[NoisyLine] = []

    def on_a_noisy_line(driver: Any, **more: Any) -> Link:
        lines.append(NoisyLine(driver.chipset.transport))
        driver.chipset.transport = lines[-1]
        return make_link(driver, **more)

    chip.place(VirtualCard(UID))
    with opened(chip, on_a_noisy_line) as reader:
        for how in SPOILT:
            lines[-1].spoil(number, how)
            with contextlib.suppress(ReaderLost):
                connection = reader.wait_for_card(0)
                if connection is not None:
                    with contextlib.suppress(CardLost):
                        connection.transceive(GET_VERSION)
                    connection.close()
                reader.wait_for_removal(0)
            lines[-1].spoil(0, how)
            assert present(reader).transceive(GET_VERSION)[-2:] == FIRST_FRAME
