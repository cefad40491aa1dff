"""The virtual PN532 byte by byte: what a host sends down the line, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.errors import Bug
from simulator.card import VirtualCard
from simulator.issued import issued_card
from simulator.pn532 import VirtualPn532
from simulator.pn532_frame import ACK, ERROR, Body, Signal, framed
from tests.desfire_host import UID
from tests.pn532_fixture import (
    FIND_ONCE,
    NO_RATS,
    OTHER_UID,
    SELECT,
    TIMEOUT_S,
    ByteHost,
    Echo,
    byte_host,
    listed,
)

FIRMWARE = "32010607"
FIND_FOR_EVER = "32050001FF"


@pytest.fixture
def host(pn532: VirtualPn532) -> Iterator[ByteHost]:
    """A host on its line, for whom a search without result ends."""
    with byte_host(pn532.path) as host:
        host.command(FIND_ONCE)
        yield host


@pytest.fixture
def card(pn532: VirtualPn532) -> VirtualCard:
    """An issued card on the reader."""
    card = issued_card(UID)
    pn532.place(card)
    return card


# --- the line


def test_command_is_acknowledged_and_answered(host: ByteHost) -> None:
    """GetFirmwareVersion to the byte, as in every driver's first lines."""
    host.send(bytes.fromhex("0000FF02FED4022A00"))
    received = b""
    while len(received) < 19:
        received += host.receive_bytes()
    assert received.hex().upper() == "0000FF00FF000000FF06FAD50332010607E800"


def test_line_test_is_echoed_up_to_the_longest_frame(host: ByteHost) -> None:
    """Nfcpy's diagnosis fills an extended frame; libnfc's says its name."""
    assert host.command("00006C69626E6663") == "006C69626E6663"
    longest = "00" + bytes(place & 0xFF for place in range(262)).hex().upper()
    assert host.command("00" + longest) == longest
    assert host.command("0001") == host.command("0002") == "00"


def test_broken_frame_is_not_acknowledged(host: ByteHost) -> None:
    """A host that hears no ACK sends again: the command runs once."""
    broken = bytearray(framed(bytes.fromhex("D402")))
    broken[6] ^= 0x01
    host.send(bytes(broken))
    assert host.is_in_step()


def test_nack_fetches_the_last_answer_again(host: ByteHost) -> None:
    """A host that could not read an answer asks for it, and nothing is executed twice."""
    assert host.command("02") == FIRMWARE
    host.send(bytes.fromhex("0000FFFF0000"))
    assert host.answer("02") == FIRMWARE
    assert host.is_in_step()


@pytest.mark.parametrize(
    "command",
    [
        "FE",
        "8C00",
        "",
        "0200",
        "0063",
        "06",
        "0663",
        "086302",
        "1009",
        "1405",
        "16",
        "3201",
        "320201",
        "3299",
        "40",
        "44",
        "4A0300",
        "4A0105",
        "4E0103",
        "4E010300",
        "54",
        "600000",
        "6001",
    ],
)
def test_command_without_its_form_gets_the_error_frame(host: ByteHost, command: str) -> None:
    """Unknown commands and wrong parameters: acknowledged, then 7F, and the chip goes on."""
    host.send(framed(b"\xd4" + bytes.fromhex(command)))
    assert host.receive() is Signal.ACK
    assert host.receive() == Body(ERROR[5:6])
    assert host.command("02") == FIRMWARE


def test_frames_for_somebody_else_are_ignored(host: ByteHost) -> None:
    """Only TFI D4 is for the chip."""
    host.send(framed(bytes.fromhex("D502")))
    assert host.is_in_step()


def test_sleeping_chip_loses_what_wakes_it(host: ByteHost) -> None:
    """After PowerDown a bare command is lost; zeros or 55s before it wake the chip in time."""
    command = framed(bytes.fromhex("D402"))
    for preamble in (bytes(10), bytes.fromhex("5555000000")):
        assert host.command("16F0") == "00"
        host.send(command)
        assert host.command("16F0") == "00"
        host.send(preamble + command)
        assert host.receive() is Signal.ACK
        assert host.answer("02") == FIRMWARE
        assert host.is_in_step()


def test_chip_sleeps_on_when_the_line_may_not_wake_it(host: ByteHost) -> None:
    """WakeUpEnable without the serial line is a chip that nobody reaches."""
    assert host.command("1620") == "00"
    host.send(bytes(10) + framed(bytes.fromhex("D402")))
    assert host.is_silent()


# --- the speed of the line


def test_another_speed_is_noise(pn532: VirtualPn532, host: ByteHost) -> None:
    """What a host says at the wrong speed is not heard, and spoils what it had begun to say."""
    host.send(framed(bytes.fromhex("D402")) + framed(bytes(100))[:50])
    assert host.receive() is Signal.ACK
    assert host.answer("02") == FIRMWARE
    host.set_baud(921_600)
    written = framed(bytes.fromhex("D408633D07"))
    before = pn532.bytes_heard
    host.send(written)
    assert pn532.wait_until_heard(before + len(written), TIMEOUT_S)
    host.set_baud(115_200)
    assert host.command("06633D") == "00"
    assert host.is_in_step()


def test_speed_changes_with_the_hosts_acknowledgement(pn532: VirtualPn532, host: ByteHost) -> None:
    """Not before: a host that does not acknowledge finds the chip where it was."""
    assert host.command("1007") == ""
    assert host.command("02") == FIRMWARE
    assert pn532.baud_bps == 115_200
    assert host.command("1007") == ""
    host.acknowledge()
    host.set_baud(921_600)
    assert host.command("02") == FIRMWARE
    assert pn532.baud_bps == 921_600
    assert host.command("1004") == ""
    host.acknowledge()
    host.set_baud(115_200)
    assert host.command("02") == FIRMWARE
    assert pn532.baud_bps == 115_200


def test_unplugging_ends_the_line(pn532: VirtualPn532, host: ByteHost) -> None:
    """A driver with the line open is told; unplugging twice is harmless."""
    pn532.unplug()
    pn532.unplug()
    with pytest.raises(OSError, match="Input/output error"):
        host.send(b"\x00")


def descriptors() -> int:
    """How many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_nothing_is_left_open() -> None:
    """A test session of thousands of readers does not run out of descriptors."""
    before = descriptors()
    for _ in range(3):
        with VirtualPn532():
            pass
    assert descriptors() == before


# --- registers and parameters


def test_registers_keep_what_was_written(host: ByteHost) -> None:
    """Several at once, as libnfc writes them back."""
    assert host.command("08630280630385") == ""
    assert host.command("06630363026338") == "858000"


# --- searching


def test_search_lists_what_anticollision_shows(host: ByteHost, card: VirtualCard) -> None:
    """With automatic RATS the ATS stands behind the UID, TL first; without it nothing does."""
    assert host.command("4A0100") == "01" + listed(1)
    host.command(NO_RATS)
    host.command("320100")
    assert host.command("4A0100") == "01" + listed(1, ats="")


@pytest.mark.parametrize("modulation", ["01", "02", "03", "04"])
def test_other_modulations_find_no_card_of_type_a(
    host: ByteHost, card: VirtualCard, modulation: str
) -> None:
    """FeliCa, type B and Jewel: no target, and no harm."""
    assert host.command("4A01" + modulation) == "00"
    assert host.command("4A0100") == "01" + listed(1)


def test_an_empty_field_leaves_the_request_in_the_fifo(host: ByteHost) -> None:
    """By this nfcpy tells an empty field from a Jewel."""
    assert host.command("4A0100") == "00"
    assert host.command("066339") == "26"


def test_two_cards_are_listed_together(pn532: VirtualPn532, host: ByteHost) -> None:
    """MaxTg 2 lists both, in the order of anticollision; each answers by its number."""
    pn532.place(issued_card(UID))
    pn532.place(Echo(OTHER_UID))
    assert host.command("4A0200") == "02" + listed(1) + listed(2, OTHER_UID, "0278")
    for _ in range(2):
        assert host.command("4001" + SELECT) == "009000"
        assert host.command("4002AABBCC") == "00AABBCC"
    assert host.command("4003AA") == "27"


def test_one_of_two_cards_is_picked(pn532: VirtualPn532, host: ByteHost) -> None:
    """MaxTg 1 finds one of them, the same whatever was placed first; the other one is not heard."""
    pn532.place(Echo(OTHER_UID))
    pn532.place(issued_card(UID))
    assert host.command("4A0100") == "01" + listed(1)
    assert host.command("4002AA") == "27"


def test_one_card_where_two_were_looked_for_is_ready(host: ByteHost, card: VirtualCard) -> None:
    """Looking for a second one must not leave the first one halted."""
    assert host.command("4A0200") == "01" + listed(1)
    assert host.command("42B2") == "00A3"


def test_a_card_is_found_by_its_uid(pn532: VirtualPn532, host: ByteHost) -> None:
    """UID with cascade tag, as libfreefare asks; a halted card hears it, and another one not."""
    pn532.place(issued_card(UID))
    pn532.place(Echo(OTHER_UID))
    assert host.command("4A010088" + OTHER_UID.hex()) == "01" + listed(1, OTHER_UID, "0278")
    assert host.command("4400") == "00"
    assert host.command("4A020088" + OTHER_UID.hex()) == "01" + listed(1, OTHER_UID, "0278")
    assert host.command("4A01008804000000000000") == "00"


def test_a_deselected_card_is_not_found_until_the_field_was_off(
    host: ByteHost, card: VirtualCard
) -> None:
    """REQA does not wake a halted card: this is how nfc-list finds the second one."""
    assert host.command("4A0100") == "01" + listed(1)
    assert host.command("4400") == "00"
    assert host.command("4A0100") == "00"
    host.command("320100")
    assert host.command("4A0100") == "01" + listed(1)


def test_endless_search_answers_when_a_card_comes(pn532: VirtualPn532, host: ByteHost) -> None:
    """MxRtyPassiveActivation FF: nothing until somebody taps."""
    host.command(FIND_FOR_EVER)
    host.ask("4A0100")
    assert host.is_silent()
    pn532.place(issued_card(UID))
    assert host.answer("4A0100") == "01" + listed(1)


def test_hosts_acknowledgement_ends_a_search(pn532: VirtualPn532, host: ByteHost) -> None:
    """The card that comes later is nobody's answer any more."""
    host.command(FIND_FOR_EVER)
    host.ask("4A0100")
    before = pn532.bytes_heard
    host.acknowledge()
    assert pn532.wait_until_heard(before + len(ACK), TIMEOUT_S)
    pn532.place(issued_card(UID))
    assert host.is_silent()


def test_a_new_command_ends_a_search(pn532: VirtualPn532, host: ByteHost) -> None:
    """A host need not acknowledge first."""
    host.command(FIND_FOR_EVER)
    host.ask("4A0100")
    assert host.command("02") == FIRMWARE
    pn532.place(issued_card(UID))
    assert host.is_silent()


def test_a_card_of_part_three_is_listed_and_mute(pn532: VirtualPn532, host: ByteHost) -> None:
    """An NTAG: SAK 00, no ATS, and no answer to an APDU or to RATS."""
    pn532.place(Echo(UID, bytes.fromhex("0044"), 0x00, None))
    assert host.command("4A0100") == "010100440007" + UID.hex()
    assert host.command("4001" + SELECT) == "01"
    assert host.command("42E080") == "01"
    assert pn532.exchanges == 0


def test_polling_names_the_type_that_it_found(pn532: VirtualPn532, host: ByteHost) -> None:
    """InAutoPoll as nfc-poll asks: 14443-4 with ATS before Mifare; nothing found is 00."""
    assert host.command("6014022010") == "00"
    card = issued_card(UID)
    pn532.place(card)
    data = listed(1)
    assert host.command("6014022010") == f"0120{len(data) // 2:02X}" + data
    assert host.command("4001" + SELECT) == "009000"
    host.command("320100")
    assert host.command("60140210") == "00"
    pn532.lift()
    pn532.place(Echo(UID, bytes.fromhex("0044"), 0x08, None))
    data = "0100440807" + UID.hex()
    assert host.command("601402112010") == f"0110{len(data) // 2:02X}" + data
    assert host.command("60140220") == "00"


def test_polling_in_real_time_waits_for_a_card() -> None:
    """Ten minutes of polling end when somebody taps."""
    with VirtualPn532(in_real_time=True) as pn532, byte_host(pn532.path) as host:
        host.ask("60FE0F2000")
        pn532.place(issued_card(UID))
        assert host.answer("60").startswith("0120")


def test_polling_in_real_time_ends() -> None:
    """Without a card the answer comes when the time is over."""
    with VirtualPn532(in_real_time=True) as pn532, byte_host(pn532.path) as host:
        assert host.command("60010120") == "00"


# --- the world


def test_the_world_keeps_its_rules(pn532: VirtualPn532) -> None:
    """Plastic lies in one place, on a reader that is there; the next exchange is number 1."""
    card = issued_card(UID)
    pn532.place(card)
    with pytest.raises(Bug):
        pn532.place(card)
    with VirtualPn532() as other:
        other.unplug()
        with pytest.raises(Bug):
            other.place(issued_card(UID))
    for verb in (pn532.tear_before, pn532.tear_after, pn532.garble, pn532.lose_frame):
        with pytest.raises(Bug):
            verb(0)
    pn532.lift(card)
    pn532.lift()
    assert pn532.cards == ()
