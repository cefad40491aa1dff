"""The PC/SC reader against a real pcscd, with a virtual card in its virtual slot.

libpcsclite remembers where its daemon is for the life of a process. So tests in which the daemon
comes and goes run the reader in a process of its own, which finds the daemon behind a link.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from cardkit.card.desfire import Desfire
from cardkit.errors import (
    CardForeign,
    CardLost,
    ReaderBusy,
    ReaderError,
    ReaderForbidden,
    ReaderLost,
    ReaderMissing,
)
from cardkit.reader import open_reader
from cardkit.reader.pcsc import PcscConnection, PcscReader, reader_names
from simulator.card import KeyKind, VirtualCard
from simulator.pcscd import PrivatePcscd
from simulator.plastic import Plastic
from simulator.vpcd import VpcdSlot
from tests.purse_cards import UID

SOON_S = 10.0
GET_VERSION = bytes.fromhex("9060000000")
OTHER_UID = bytes.fromhex("04C1AF00000280")


@pytest.fixture
def slot(virtual_pcscd: PrivatePcscd) -> Iterator[VpcdSlot]:
    """The first virtual slot, empty before and after."""
    with VpcdSlot("127.0.0.1", virtual_pcscd.port) as slot:
        yield slot


@pytest.fixture
def reader(virtual_pcscd: PrivatePcscd, slot: VpcdSlot) -> Iterator[PcscReader]:
    """The reader of that slot, which has noticed that it is empty."""
    reader = PcscReader(virtual_pcscd.reader_names[0])
    assert reader.wait_for_removal(SOON_S)
    yield reader
    slot.remove()
    assert reader.wait_for_removal(SOON_S)
    reader.close()


def present(reader: PcscReader) -> PcscConnection:
    """The card that is, or is about to be, in the field."""
    connection = reader.wait_for_card(SOON_S)
    assert connection is not None
    return connection


def test_a_reader_is_found_by_a_part_of_its_name(virtual_pcscd: PrivatePcscd) -> None:
    """`pcsc:` is the first reader, `pcsc:NAME` the first of that name."""
    first, second = virtual_pcscd.reader_names
    for address, name in (("pcsc:", first), ("pcsc:Virtual", first), (f"pcsc:{second}", second)):
        reader = open_reader(address)
        assert reader.name == name
        reader.close()


def test_a_reader_that_is_not_there_is_missing(virtual_pcscd: PrivatePcscd) -> None:
    """The name that was looked for is in the message."""
    for address in ("pcsc:Nonesuch", "nonesuch:"):
        with pytest.raises(ReaderMissing, match=r"(?i)nonesuch"):
            open_reader(address)


def test_a_card_in_the_field_is_connected(reader: PcscReader, slot: VpcdSlot) -> None:
    """The UID comes from the reader, and APDUs go through whole."""
    slot.insert(VirtualCard(UID))
    card = present(reader)
    assert card.uid == UID
    assert card.transceive(GET_VERSION)[-2:] == bytes.fromhex("91AF")
    card.close()
    card.close()


def test_no_card_in_time_is_none(reader: PcscReader) -> None:
    """An empty field is no error, with patience or without."""
    assert reader.wait_for_card(0) is None
    assert reader.wait_for_card(0.02) is None


def test_a_card_that_comes_ends_the_wait(reader: PcscReader, slot: VpcdSlot) -> None:
    """A tap is felt while waiting; nothing polls the card itself."""
    assert reader.wait_for_card(0) is None
    tap = threading.Timer(0.05, slot.insert, [VirtualCard(UID)])
    tap.start()
    assert present(reader).uid == UID
    tap.join()


def test_removal_is_noticed_with_the_connection_open(reader: PcscReader, slot: VpcdSlot) -> None:
    """After green the till asks for the card to go, and knows when it has."""
    slot.insert(VirtualCard(UID))
    card = present(reader)
    assert not reader.wait_for_removal(0)
    slot.remove()
    assert reader.wait_for_removal(SOON_S)
    with pytest.raises(CardLost):
        card.transceive(GET_VERSION)


def test_a_card_let_go_of_is_returned_again_and_has_lost_its_session(
    reader: PcscReader, slot: VpcdSlot
) -> None:
    """Closing powers the card off: no half-done transaction outlives a connection."""
    slot.insert(VirtualCard(UID, picc_key=KeyKind.AES))
    first = present(reader)
    Desfire(first).authenticate_ev2_first(0, bytes(16))
    first.close()
    with pytest.raises(CardLost):
        first.transceive(GET_VERSION)
    second = present(reader)
    assert second.uid == UID
    assert second.transceive(bytes.fromhex("9051000000"))[-2:] == bytes.fromhex("91AE")


@pytest.mark.parametrize("tear", [VpcdSlot.tear_before, VpcdSlot.tear_after])
def test_after_a_tear_a_handle_is_never_trusted(
    reader: PcscReader, slot: VpcdSlot, tear: Callable[[VpcdSlot, int], None]
) -> None:
    """PC/SC would go on talking to whatever card lies there next; this connection does not."""
    slot.insert(VirtualCard(UID))
    torn = present(reader)
    tear(slot, 1)
    with pytest.raises(CardLost):
        torn.transceive(GET_VERSION)
    assert slot.wait_until_left(SOON_S)
    slot.insert(VirtualCard(OTHER_UID))
    with pytest.raises(CardLost):
        torn.transceive(GET_VERSION)
    assert present(reader).uid == OTHER_UID


def test_a_card_held_by_another_program_is_busy(
    reader: PcscReader, slot: VpcdSlot, virtual_pcscd: PrivatePcscd
) -> None:
    """Exclusive means that nobody can slip a command into a sale."""
    slot.insert(VirtualCard(UID))
    held = present(reader)
    with contextlib.closing(PcscReader(virtual_pcscd.reader_names[0])) as other:
        with pytest.raises(ReaderBusy):
            other.wait_for_card(SOON_S)
        held.close()
        present(other).close()


class ContactSlot(VpcdSlot):
    """A reader that has no UID to give, as for a chip card in its other slot."""

    def _answer(self, card: Plastic, command: bytes) -> bytes | None:  # noqa: ARG002
        return bytes.fromhex("6A81")


def test_a_card_without_a_uid_is_foreign(reader: PcscReader, virtual_pcscd: PrivatePcscd) -> None:
    """A bank card in a contact slot is no fault, and not ours."""
    with ContactSlot("127.0.0.1", virtual_pcscd.port) as slot:
        slot.insert(VirtualCard(UID))
        with pytest.raises(CardForeign):
            reader.wait_for_card(SOON_S)


# The daemon comes and goes


def watch(found: Connection, address: str) -> None:
    """Play a till in a process of its own: tell what each wait of it ends with."""
    os.environ["PCSCLITE_CSOCK_NAME"] = address
    try:
        reader = PcscReader("")
    except ReaderError as error:
        found.send(type(error).__name__)
        return
    found.send(reader.name)
    while (timeout_s := found.recv()) is not None:
        try:
            card = reader.wait_for_card(timeout_s)
        except ReaderError as error:
            found.send(type(error).__name__)
        else:
            found.send(card and card.uid)
            if card:
                card.close()
    reader.close()


class Till:
    """The other process, asked to wait for a card."""

    def __init__(self, address: Path) -> None:
        self._pipe, other = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=watch, args=(other, str(address)), daemon=True)
        self._process.start()
        other.close()
        self.opened = self.told()

    def ask(self, timeout_s: float) -> None:
        """Let it wait for a card."""
        self._pipe.send(timeout_s)

    def told(self) -> object:
        """What it found."""
        assert self._pipe.poll(3 * SOON_S)
        return self._pipe.recv()

    def end(self) -> None:
        """Let it finish by itself."""
        self._pipe.send(None)
        self._process.join(SOON_S)
        assert self._process.exitcode == 0
        self._pipe.close()


def point(link: Path, daemon: PrivatePcscd) -> None:
    """Let clients of `link` find this daemon."""
    link.unlink(missing_ok=True)
    link.symlink_to(daemon.environment["PCSCLITE_CSOCK_NAME"])


def test_the_wait_survives_a_restart_of_the_daemon(tmp_path: Path) -> None:
    """A till left alone over an upgrade of pcscd goes on by itself."""
    link = tmp_path / "pcscd"
    with PrivatePcscd(fastpoll=True) as daemon:
        point(link, daemon)
        till = Till(link)
        assert till.opened == daemon.reader_names[0]
        till.ask(2 * SOON_S)
    with PrivatePcscd(fastpoll=True) as daemon, VpcdSlot("127.0.0.1", daemon.port) as slot:
        slot.insert(VirtualCard(UID))
        point(link, daemon)
        assert till.told() == UID
        till.end()


def test_a_reader_that_stays_away_is_lost_and_found_again(tmp_path: Path) -> None:
    """The till says so on its screen, and the same reader works once it is back."""
    link = tmp_path / "pcscd"
    with PrivatePcscd(fastpoll=True) as daemon:
        point(link, daemon)
        till = Till(link)
    till.ask(0.1)
    assert till.told() == ReaderLost.__name__
    with PrivatePcscd(fastpoll=True) as daemon, VpcdSlot("127.0.0.1", daemon.port) as slot:
        slot.insert(VirtualCard(UID))
        point(link, daemon)
        till.ask(SOON_S)
        assert till.told() == UID
        till.end()


def test_without_a_daemon_a_reader_is_missing(tmp_path: Path) -> None:
    """The first start on a machine without pcscd says what is wrong."""
    assert Till(tmp_path / "nobody").opened == ReaderMissing.__name__


# Two readers


def test_two_readers_have_a_card_each(virtual_pcscd: PrivatePcscd) -> None:
    """A name chooses between them, and what happens on one is nothing to the other."""
    first_name, second_name = virtual_pcscd.reader_names
    with (
        VpcdSlot("127.0.0.1", virtual_pcscd.port) as first_slot,
        VpcdSlot("127.0.0.1", virtual_pcscd.port + 1) as second_slot,
        contextlib.closing(PcscReader(first_name)) as first,
        contextlib.closing(PcscReader(second_name)) as second,
    ):
        first_slot.insert(VirtualCard(UID))
        second_slot.insert(VirtualCard(OTHER_UID))
        here, there = present(first), present(second)
        assert (here.uid, there.uid) == (UID, OTHER_UID)
        first_slot.remove()
        assert first.wait_for_removal(SOON_S)
        assert not second.wait_for_removal(0)
        assert there.transceive(GET_VERSION)[-2:] == bytes.fromhex("91AF")
        second_slot.remove()
        assert second.wait_for_removal(SOON_S)


def test_all_readers_are_named(virtual_pcscd: PrivatePcscd) -> None:
    """The order is the daemon's: the first of them is what `pcsc:` means."""
    assert reader_names() == virtual_pcscd.reader_names


# A daemon that refuses


class RefusingDaemon:
    """A pcscd that answers as one does whose polkit says no (pcsc-lite, winscard_msg.h)."""

    ESTABLISH_CONTEXT = 0x01
    SECURITY_VIOLATION = 0x8010006A

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client:
                    self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        """Each message is a length, a command and its structure, whose last word is the result."""
        while len(header := client.recv(8, socket.MSG_WAITALL)) == 8:
            size, command = struct.unpack("=II", header)
            body = client.recv(size, socket.MSG_WAITALL)
            result = self.SECURITY_VIOLATION if command == self.ESTABLISH_CONTEXT else 0
            client.sendall(body[:-4] + struct.pack("=I", result))

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(SOON_S)


def test_a_refusal_by_polkit_is_named(tmp_path: Path) -> None:
    """The workshop forgot the rule: the till says that it is refused, not that nothing is there."""
    with contextlib.closing(RefusingDaemon(tmp_path / "pcscd")):
        assert Till(tmp_path / "pcscd").opened == ReaderForbidden.__name__


# The reader's own beep


class Acr122Slot(VpcdSlot):
    """A slot that plays an ACR122U: it takes the command about its buzzer as an APDU."""

    silenced = 0
    says = bytes.fromhex("9000")

    def _answer(self, card: Plastic, command: bytes) -> bytes | None:
        if command == bytes.fromhex("FF00520000"):
            self.silenced += 1
            return self.says
        return super()._answer(card, command)


def listen(heard: Connection, address: str) -> None:
    """Tell what is known of the beep, before the first card and with each of two."""
    os.environ["PCSCLITE_CSOCK_NAME"] = address
    with contextlib.closing(PcscReader("ACR122")) as reader:
        for _ in range(3):
            heard.send(reader.beep.name)
            heard.recv()
            with contextlib.closing(present(reader)):
                pass


@pytest.mark.parametrize(("says", "then"), [("9000", "MUTED"), ("6300", "AUDIBLE")])
def test_a_beep_is_muted_through_the_first_card(tmp_path: Path, says: str, then: str) -> None:
    """Debian's driver lets no command through to a reader, but an ACR122U takes it as an APDU.

    It is asked once: a tap does not grow longer for a reader that refuses. Until then nobody is
    told that the beep cannot be muted.
    """
    pipe, other = multiprocessing.Pipe()
    name = "ACS ACR122U PICC Interface"
    with (
        PrivatePcscd(fastpoll=True, slot_name=name) as daemon,
        Acr122Slot("127.0.0.1", daemon.port) as slot,
    ):
        slot.says = bytes.fromhex(says)
        point(tmp_path / "pcscd", daemon)
        context = multiprocessing.get_context("spawn")
        till = context.Process(target=listen, args=(other, str(tmp_path / "pcscd")), daemon=True)
        till.start()
        slot.insert(VirtualCard(UID))
        heard = []
        for _ in range(3):
            assert pipe.poll(3 * SOON_S)
            heard.append(pipe.recv())
            pipe.send(None)
        till.join(SOON_S)
        assert heard == ["UNKNOWN", then, then]
        assert slot.silenced == 1


class HangingCard(VirtualCard):
    """A card that answers nothing sensible until its power was off, and reset counts that."""

    def __init__(self, uid: bytes) -> None:
        super().__init__(uid)
        self.resets = 0

    def reset(self) -> None:
        """Count, as well."""
        super().reset()
        self.resets += 1


class HangingSlot(VpcdSlot):
    """A slot whose card hangs from the first APDU on, until the next reset."""

    hung_at: int | None = None

    def _answer(self, card: Plastic, command: bytes) -> bytes | None:
        assert isinstance(card, HangingCard)
        self.hung_at = self.hung_at or card.resets
        return b"\x00" if card.resets == self.hung_at else super()._answer(card, command)


def test_a_card_that_hangs_is_powered_off(tmp_path: Path) -> None:
    """A link that got stuck heals by itself while the card lies there; nobody has to lift it.

    At pcscd's own rate: polled faster, it powers an unused card off before we have to.
    """
    link = tmp_path / "pcscd"
    with PrivatePcscd() as daemon, HangingSlot("127.0.0.1", daemon.port) as slot:
        slot.insert(HangingCard(UID))
        point(link, daemon)
        till = Till(link)
        till.ask(SOON_S)
        assert till.told() == UID
        till.end()
