"""The virtual card behind a real pcscd, read by programs that are not ours."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from smartcard import scard

from cardkit.errors import ReaderMissing
from simulator.card import VirtualCard
from simulator.issued import VALUE_AT_ISSUE, issued_card
from simulator.pcscd import PrivatePcscd, listening_ports
from simulator.vpcd import VpcdSlot
from tests.desfire_host import KEYS, TERMINAL_KEY, UID, Host, Refused, apdu, pay, select_apdu

ATR = bytes.fromhex("3B8180018080")  # of a DESFire: one historical byte, T=0 and T=1
LOCALHOST = "127.0.0.1"
TIMEOUT_S = 20
PRESENCE_TIMEOUT_MS = 5_000
GET_UID = bytes.fromhex("FFCA000000")
GET_VERSION = ("9060000000", "90AF000000", "90AF000000")


class CardGone(Exception):
    """PC/SC reported an error where an answer was expected."""


class Client:
    """One program's PC/SC context, straight on the C interface."""

    def __init__(self, reader: str) -> None:
        result, self.context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        assert result == scard.SCARD_S_SUCCESS
        self.reader = reader
        self.handle: int | None = None

    def close(self) -> None:
        """Let go of card and daemon."""
        self.disconnect(scard.SCARD_UNPOWER_CARD)
        scard.SCardReleaseContext(self.context)

    def wait(self, *, present: bool) -> bytes:
        """Wait for a card to come or go; its ATR."""
        known = scard.SCARD_STATE_UNAWARE
        while True:
            result, states = scard.SCardGetStatusChange(
                self.context, PRESENCE_TIMEOUT_MS, [(self.reader, known)]
            )
            assert result == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(result)
            _, known, atr = states[0]
            if bool(known & scard.SCARD_STATE_PRESENT) is present:
                return bytes(atr)

    def connect(self) -> Client:
        """Connect to the card, once it is there."""
        self.wait(present=True)
        result, self.handle, _ = scard.SCardConnect(
            self.context, self.reader, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_T1
        )
        assert result == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(result)
        return self

    def disconnect(self, disposition: int) -> None:
        """Let go of the card."""
        if self.handle is not None:
            scard.SCardDisconnect(self.handle, disposition)
            self.handle = None

    def transmit(self, command: bytes) -> bytes:
        """One APDU; raises CardGone."""
        result, answer = scard.SCardTransmit(self.handle, scard.SCARD_PCI_T1, list(command))
        if result != scard.SCARD_S_SUCCESS or len(answer) < 2:
            raise CardGone(scard.SCardGetErrorMessage(result))
        return bytes(answer)


@pytest.fixture
def slot(virtual_pcscd: PrivatePcscd) -> Iterator[VpcdSlot]:
    """The first slot of the session's daemon, empty."""
    with VpcdSlot(LOCALHOST, virtual_pcscd.port) as slot:
        yield slot


@pytest.fixture
def client(virtual_pcscd: PrivatePcscd, slot: VpcdSlot) -> Iterator[Client]:
    """A PC/SC client of that slot, which is empty again behind it."""
    client = Client(virtual_pcscd.reader_names[0])
    client.wait(present=False)
    yield client
    slot.remove()
    client.wait(present=False)
    client.close()


@pytest.fixture
def card(slot: VpcdSlot) -> VirtualCard:
    """An issued card in the slot."""
    card = issued_card(UID)
    slot.insert(card)
    return card


def run(daemon: PrivatePcscd, *command: str, stdin: str | None = None) -> str:
    """Output of a program that finds the daemon."""
    done = subprocess.run(
        command,
        env=os.environ | daemon.environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def purse(client: Client) -> Host:
    """A session with the purse through PC/SC."""
    host = Host(client.connect().transmit)
    host.select()
    host.authenticate(TERMINAL_KEY, KEYS.terminal)
    return host


# --- programs of others


def test_opensc_lists_and_reads_the_card(
    client: Client, card: VirtualCard, virtual_pcscd: PrivatePcscd
) -> None:
    """`opensc-tool` sees a card, its ATR, and the three frames of GetVersion with the UID."""
    client.wait(present=True)
    assert "Yes" in run(virtual_pcscd, "opensc-tool", "-l")
    atr = run(virtual_pcscd, "opensc-tool", "--reader", "0", "-a")
    assert atr.strip() == ATR.hex(":")
    sends = [argument for command in GET_VERSION for argument in ("-s", command)]
    version = run(virtual_pcscd, "opensc-tool", "-r", "0", "-c", "default", *sends)
    assert "04 01 01 33 00 18 05" in version
    assert UID.hex(" ").upper() in version


def test_opensc_probing_does_no_harm(
    client: Client, card: VirtualCard, slot: VpcdSlot, virtual_pcscd: PrivatePcscd
) -> None:
    """The dozens of APDUs with which opensc looks for a card it knows all get an answer."""
    client.wait(present=True)
    run(virtual_pcscd, "opensc-tool", "-r", "0", "-n")
    assert slot.exchanges > 20
    assert pay(purse(client), 100)[0] == 1


def test_pcsc_scan_names_both_slots(virtual_pcscd: PrivatePcscd) -> None:
    """`pcsc_scan` finds the readers under the names that `reader_names` promises."""
    listed = run(virtual_pcscd, "pcsc_scan", "-r")
    assert all(name in listed for name in virtual_pcscd.reader_names)


def test_scriptor_speaks_with_the_card(
    client: Client, card: VirtualCard, virtual_pcscd: PrivatePcscd
) -> None:
    """`scriptor` resets the card and walks through GetVersion."""
    client.wait(present=True)
    script = "reset\n" + "".join(f"{bytes.fromhex(line).hex(' ')}\n" for line in GET_VERSION)
    answers = run(virtual_pcscd, "scriptor", "-r", virtual_pcscd.reader_names[0], stdin=script)
    assert f"OK: {ATR.hex(' ').upper()}" in answers
    assert f"{UID.hex(' ').upper()}" in answers


# --- our card through PC/SC


def test_a_sale_through_pcscd(client: Client, card: VirtualCard) -> None:
    """The same sale as in-process; the UID comes from the reader, not from the card."""
    assert client.wait(present=True) == ATR
    host = purse(client)
    assert client.transmit(GET_UID) == UID + bytes.fromhex("9000")
    pay(host, 1250)
    assert card.history[0].value_change(0x03).after == VALUE_AT_ISSUE - 1250


def test_power_and_reset_end_the_session(client: Client, card: VirtualCard) -> None:
    """Whichever way a program lets go of the card, the next one has to authenticate."""
    for disposition in (scard.SCARD_UNPOWER_CARD, scard.SCARD_RESET_CARD):
        host = purse(client)
        client.disconnect(disposition)
        client.connect()
        with pytest.raises(Refused):
            host.full(0x6C, b"\x03")
        client.disconnect(disposition)


@pytest.mark.parametrize(("hook", "executed"), [("tear_before", 0), ("tear_after", 1)])
def test_torn_commit_looks_the_same_and_is_not(
    client: Client, card: VirtualCard, slot: VpcdSlot, hook: str, executed: int
) -> None:
    """A commit lost before or after the card did it: one error to the reader, two truths."""
    host = purse(client)
    host.full(0xDC, b"\x03", (100).to_bytes(4, "little"))
    host.mac(0xC8, bytes(16))
    getattr(slot, hook)(1)
    with pytest.raises(CardGone):
        host.mac(0xC7, b"\x01")
    assert slot.wait_until_left(TIMEOUT_S)
    assert len(card.history) == executed
    client.disconnect(scard.SCARD_LEAVE_CARD)
    client.wait(present=False)
    slot.insert(card)
    value = purse(client).full(0x6C, b"\x03")
    assert int.from_bytes(value, "little") == VALUE_AT_ISSUE - 100 * executed


def test_mute_card_leaves_instead_of_hanging_the_daemon(
    client: Client, card: VirtualCard, slot: VpcdSlot
) -> None:
    """A card that never answers would block every client; the slot gives it up."""
    host = purse(client)
    card.cut_power_in_next_write(1)
    with pytest.raises(CardGone):
        host.mac(0x8D, bytes.fromhex("00000000020000") + b"ab")
    assert slot.wait_until_left(TIMEOUT_S)


def test_removed_card_is_noticed(client: Client, card: VirtualCard, slot: VpcdSlot) -> None:
    """`remove` is seen as a removal, and the slot takes the next card."""
    client.connect()
    slot.remove()
    with pytest.raises(CardGone):
        client.transmit(select_apdu())
    client.disconnect(scard.SCARD_LEAVE_CARD)
    client.wait(present=False)
    other = bytes.fromhex("04000000000001")
    slot.insert(VirtualCard(other))
    assert client.connect().transmit(GET_UID)[:7] == other


def test_an_exchange_takes_no_forty_milliseconds(client: Client, card: VirtualCard) -> None:
    """Nagle against delayed acknowledgement costs 44 ms an APDU unless the card's end cures it."""
    client.connect()
    durations = []
    for _ in range(20):
        begun = time.perf_counter()
        client.transmit(apdu(0x64, b"\x00"))
        durations.append(time.perf_counter() - begun)
    assert statistics.median(durations) < 0.02


# --- the daemon and the program


def test_two_daemons_live_side_by_side(virtual_pcscd: PrivatePcscd) -> None:
    """Each has its own socket, ports and readers, at the real polling rate too."""
    with PrivatePcscd() as other, VpcdSlot(LOCALHOST, other.port + 1) as slot:
        assert other.port != virtual_pcscd.port
        slot.insert(VirtualCard(UID))
        deadline = time.monotonic() + TIMEOUT_S
        while "Yes" not in (listed := run(other, "opensc-tool", "-l")):
            assert time.monotonic() < deadline, listed
        assert "Yes" not in run(virtual_pcscd, "opensc-tool", "-l")


def test_a_port_of_somebody_else_is_no_reader_of_ours() -> None:
    """A daemon that lost its port lives on without readers: it is not taken for up."""
    with (
        socket.create_server((LOCALHOST, 0)) as other,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE) as bystander,
    ):
        port = other.getsockname()[1]
        assert port in listening_ports(os.getpid())
        assert port not in listening_ports(bystander.pid)


def test_no_vpcd_is_a_missing_reader() -> None:
    """A slot where nobody listens says so in the words of the project."""
    with socket.socket() as reserved:
        reserved.bind((LOCALHOST, 0))
        slot = VpcdSlot(LOCALHOST, reserved.getsockname()[1])
        with pytest.raises(ReaderMissing, match="no vpcd listens"):
            slot.insert(VirtualCard(UID))


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_command_serves_one_card_until_it_is_stopped(
    client: Client, virtual_pcscd: PrivatePcscd, stop: signal.Signals
) -> None:
    """`python -m simulator card --issued` says what it serves, serves it, and ends well."""
    command = [sys.executable, "-m", "simulator", "card", "--issued", "--uid", UID.hex()]
    command += ["--vpcd", f"{LOCALHOST}:{virtual_pcscd.port}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        try:
            assert program.stderr is not None
            said = program.stderr.readline()
            assert f"serving issued card {UID.hex().upper()}" in said
            assert pay(purse(client), 100)[0] == 1
            client.disconnect(scard.SCARD_UNPOWER_CARD)
        finally:
            program.send_signal(stop)
        assert program.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--vpcd", "nowhere"], "is not HOST:PORT"),
        (["--vpcd", f"{LOCALHOST}:1", "--uid", "04AB"], "is not 7 bytes in hex"),
        (["--vpcd", f"{LOCALHOST}:1"], "no vpcd listens"),
    ],
)
def test_command_says_what_is_wrong(arguments: list[str], complaint: str) -> None:
    """A wrong address, a wrong UID and a missing reader are sentences, not tracebacks."""
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "card", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode != 0
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
