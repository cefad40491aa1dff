"""nfcpy's own PN532 driver and tag code on the virtual PN532, unchanged: the till's UART path."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import termios
from collections.abc import Callable

import nfc.clf
import nfc.clf.pn532
import nfc.clf.transport
import nfc.tag
import pytest
from nfc.tag.tt4 import Type4TagCommandError

from simulator.card import VirtualCard
from simulator.isodep import BitRate
from simulator.issued import VALUE_AT_ISSUE, issued_card
from simulator.pn532 import DEFAULT_BAUD_BPS, VirtualPn532
from tests.desfire_host import (
    COMMIT,
    DEBIT,
    KEYS,
    READER,
    READER_ID,
    TERMINAL_KEY,
    UID,
    Host,
    number,
    pay,
    select_apdu,
)
from tests.nfcpy_host import NFCPY_BAUD_BPS, nfcpy_frontend, nfcpy_tag, opened_nfcpy, transmit_of
from tests.pn532_fixture import ByteHost, Echo, byte_host

OTHER_UID = bytes.fromhex("04AABBCCDDEEF0")
SPENT_FILE = b"\x03"
PROCESS_TIMEOUT_S = 20
# Opens the driver, says so, and waits to be killed.
OPEN_AND_WAIT = """
import sys
import nfc.clf.pn532, nfc.clf.transport
device = nfc.clf.pn532.init(nfc.clf.transport.TTY(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""

Mishap = Callable[[VirtualPn532, int], None]


@pytest.fixture
def card(pn532: VirtualPn532) -> VirtualCard:
    """An issued card on the reader."""
    card = issued_card(UID)
    pn532.place(card)
    return card


def session(frontend: nfc.clf.ContactlessFrontend) -> Host:
    """A session with the purse on the reader."""
    host = Host(transmit_of(nfcpy_tag(frontend)))
    host.select()
    host.authenticate(TERMINAL_KEY, KEYS.terminal)
    return host


# --- opening, finding, paying


def test_driver_opens_the_reader_and_raises_its_speed(pn532: VirtualPn532) -> None:
    """Line test, analog settings and 921600 baud; closing brings the speed back."""
    with nfcpy_frontend(pn532.path) as frontend:
        assert frontend.device.chipset_name == "PN532v1.6"
        assert pn532.baud_bps == NFCPY_BAUD_BPS
    assert pn532.baud_bps == DEFAULT_BAUD_BPS
    with nfcpy_frontend(pn532.path):
        assert pn532.baud_bps == NFCPY_BAUD_BPS


def test_driver_finds_what_anticollision_shows(pn532: VirtualPn532, card: VirtualCard) -> None:
    """UID, ATQA and SAK, and behind RATS the card's frame size and waiting time."""
    with nfcpy_frontend(pn532.path) as frontend:
        target = frontend.sense(nfc.clf.RemoteTarget("106A"))
        assert (bytes(target.sdd_res), bytes(target.sel_res)) == (UID, b"\x20")
        assert bytes(target.sens_res) == bytes.fromhex("4403")
        tag = nfc.tag.activate(frontend, target)
        assert str(tag) == "Type4ATag MIU=61 FWT=0.077329"


def test_driver_sees_an_empty_field(pn532: VirtualPn532) -> None:
    """Nothing there is None, for type B and FeliCa too, and again and again."""
    with nfcpy_frontend(pn532.path) as frontend:
        for _ in range(3):
            kinds = [nfc.clf.RemoteTarget(kind) for kind in ("106A", "106B", "212F")]
            assert frontend.sense(*kinds) is None


def test_driver_finds_a_card_without_apdus_and_then_ours(pn532: VirtualPn532) -> None:
    """An NTAG makes the driver switch the CRC off; the next card must not suffer from it."""
    ntag = Echo(OTHER_UID, bytes.fromhex("0044"), 0x00, None)
    with nfcpy_frontend(pn532.path) as frontend:
        pn532.place(ntag)
        target = frontend.sense(nfc.clf.RemoteTarget("106A"))
        assert bytes(target.sel_res) == b"\x00"
        pn532.lift(ntag)
        pn532.place(issued_card(UID))
        assert session(frontend).counter == 0


def test_a_sale_through_the_driver(pn532: VirtualPn532, card: VirtualCard) -> None:
    """The same sale as in-process, to the cent and to the transaction MAC."""
    with nfcpy_frontend(pn532.path) as frontend:
        counter, tmv = pay(session(frontend), 1250)
    assert (counter, tmv) == (1, card.history[0].tmv)
    assert card.history[0].value_change(SPENT_FILE[0]).after == VALUE_AT_ISSUE - 1250


def test_long_commands_and_answers_through_the_driver(pn532: VirtualPn532) -> None:
    """The driver chains above 61 bytes, the card above what the driver said."""
    pn532.place(Echo(ats=bytes.fromhex("067577810280")))
    with nfcpy_frontend(pn532.path) as frontend:
        transmit = transmit_of(nfcpy_tag(frontend))
        command = bytes(range(256))
        assert transmit(command) == command
        assert transmit(b"\x03\xe8") == bytes(place & 0xFF for place in range(1000))
    assert pn532.exchanges == 2


@pytest.mark.parametrize("rate", [BitRate.KBIT_212, BitRate.KBIT_424])
def test_driver_goes_on_at_higher_bit_rates(
    pn532: VirtualPn532, card: VirtualCard, rate: BitRate
) -> None:
    """PPS by hand, and then every block at the new rate; the next card begins at 106 again."""
    with nfcpy_frontend(pn532.path) as frontend:
        tag = nfcpy_tag(frontend)
        pps = bytes([0xD0, 0x11, rate << 2 | rate])
        assert frontend.exchange(pps, 0.1) == b"\xd0"
        with pytest.raises(nfc.clf.TimeoutError):
            frontend.exchange(b"\xb2", 0.1)
        frontend.target.brty = f"{106 << rate}A"
        assert transmit_of(tag)(select_apdu()) == bytes.fromhex("9000")
        pay(session(frontend), 100)


# --- two cards


def test_driver_lists_two_cards(pn532: VirtualPn532, card: VirtualCard) -> None:
    """MaxTg 2 through the driver's own command; a plain search picks one of them."""
    pn532.place(issued_card(OTHER_UID))
    with nfcpy_frontend(pn532.path) as frontend:
        listed = bytes(frontend.device.chipset.command(0x4A, b"\x02\x00", timeout=1.0))
        assert listed[0] == 2
        assert UID in listed
        assert OTHER_UID in listed
        target = frontend.sense(nfc.clf.RemoteTarget("106A"))
        assert bytes(target.sdd_res) == UID
        assert pay(session(frontend), 100)[0] == 1
    assert len(card.history) == 1


# --- what the air loses


@pytest.mark.parametrize("frame", range(1, 6))
@pytest.mark.parametrize(
    ("mishap", "more_frames"),
    [
        (VirtualPn532.lose_frame, 2),
        (VirtualPn532.lose_answer, 1),
        (VirtualPn532.distort_answer, 1),
    ],
)
def test_a_lost_frame_is_repaired_and_the_debit_done_once(
    pn532: VirtualPn532, card: VirtualCard, mishap: Mishap, more_frames: int, frame: int
) -> None:
    """Lost command, lost answer and wrong CRC, of each of a sale's five exchanges."""
    with nfcpy_frontend(pn532.path) as frontend:
        host = session(frontend)
        before = pn532.frames
        mishap(pn532, frame)
        pay(host, 300)
        assert pn532.frames == before + 5 + more_frames
    assert [entry.value_change(SPENT_FILE[0]).after for entry in card.history] == [
        VALUE_AT_ISSUE - 300
    ]


def test_a_card_that_needs_time_gets_it_from_the_driver(
    pn532: VirtualPn532, card: VirtualCard
) -> None:
    """S(WTX) before the answer to the commit."""
    with nfcpy_frontend(pn532.path) as frontend:
        host = session(frontend)
        pn532.ask_for_time(5)
        assert pay(host, 300)[0] == 1


@pytest.mark.parametrize(
    ("tear", "executed"), [(VirtualPn532.tear_before, 0), (VirtualPn532.tear_after, 1)]
)
def test_a_torn_commit_looks_the_same_before_and_after(
    pn532: VirtualPn532, card: VirtualCard, tear: Mishap, executed: int
) -> None:
    """The driver can't tell; the card knows, and a new session works."""
    with nfcpy_frontend(pn532.path) as frontend:
        host = session(frontend)
        host.full(DEBIT, SPENT_FILE, number(300, 4))
        host.mac(READER_ID, READER)
        tear(pn532, 1)
        with pytest.raises(Type4TagCommandError, match="timeout"):
            host.mac(COMMIT, b"\x01")
        assert frontend.sense(nfc.clf.RemoteTarget("106A")) is None
        assert len(card.history) == executed
        pn532.place(card)
        pay(session(frontend), 100)
    assert len(card.history) == executed + 1


def test_a_garbled_answer_fails_its_mac(pn532: VirtualPn532, card: VirtualCard) -> None:
    """The bit flips above the CRC, as a faulty reader would do it."""
    with nfcpy_frontend(pn532.path) as frontend:
        host = session(frontend)
        host.full(DEBIT, SPENT_FILE, number(300, 4))
        host.mac(READER_ID, READER)
        pn532.garble(1)
        with pytest.raises(AssertionError):
            host.mac(COMMIT, b"\x01")
    assert len(card.history) == 1


# --- what becomes of the line


def test_an_unplugged_reader_is_an_error_of_the_driver(
    pn532: VirtualPn532, card: VirtualCard
) -> None:
    """What a seam has to translate: `termios.error` is no OSError, and closing raises it too."""
    frontend = opened_nfcpy(pn532.path)
    tag = nfcpy_tag(frontend)
    pn532.unplug()
    with pytest.raises(termios.error):
        tag.transceive(select_apdu())
    with pytest.raises(termios.error):
        frontend.close()


def killed_at_high_speed(path: str) -> None:
    """Let a process open the driver, and kill it."""
    command = [sys.executable, "-c", OPEN_AND_WAIT, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait(PROCESS_TIMEOUT_S) == -signal.SIGKILL


def test_a_killed_driver_leaves_the_chip_at_its_speed(pn532: VirtualPn532) -> None:
    """The next one gets no answer at 115200 baud, until somebody speaks to the chip at 921600."""
    killed_at_high_speed(pn532.path)
    assert pn532.baud_bps == NFCPY_BAUD_BPS
    with pytest.raises(OSError, match=r".") as caught:
        nfc.clf.pn532.init(nfc.clf.transport.TTY(pn532.path))
    assert caught.value.errno == errno.ETIMEDOUT
    with byte_host(pn532.path) as host:
        brought_back(host)
    with nfcpy_frontend(pn532.path):
        assert pn532.baud_bps == NFCPY_BAUD_BPS


def brought_back(host: ByteHost) -> None:
    """Bring the chip back to 115200 baud."""
    host.set_baud(NFCPY_BAUD_BPS)
    host.send(bytes(10))
    assert host.command("1004") == ""
    host.acknowledge()
    host.set_baud(DEFAULT_BAUD_BPS)
    assert host.command("02") == "32010607"
