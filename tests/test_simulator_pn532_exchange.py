"""The virtual PN532 as a reader: exchanges, their repair, tears, bit rates, frames by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from simulator.crc import crc_a
from simulator.field import Exchange
from simulator.issued import issued_card
from simulator.pn532 import VirtualPn532
from tests.desfire_host import UID, select_apdu
from tests.pn532_fixture import (
    ATS,
    FIND_ONCE,
    NO_RATS,
    OTHER_UID,
    SELECT,
    ByteHost,
    Echo,
    byte_host,
    listed,
)


@pytest.fixture
def host(pn532: VirtualPn532) -> Iterator[ByteHost]:
    """A host on its line, for whom a search without result ends."""
    with byte_host(pn532.path) as host:
        host.command(FIND_ONCE)
        yield host


# --- exchanging


def test_the_chip_runs_the_block_protocol(pn532: VirtualPn532, host: ByteHost) -> None:
    """InDataExchange: commands longer than the card's frame, answers in one."""
    card = issued_card(UID)
    pn532.place(card)
    host.command("4A0100")
    assert host.command("4001" + SELECT) == "009000"
    assert host.command("40019060000000").startswith("0004010133")
    name = bytes(range(100))
    assert host.command("4001" + select_apdu(name).hex()) == "006A82"
    assert [each.command for each in pn532.trace][-1] == select_apdu(name)


def test_long_answers_come_in_pieces(pn532: VirtualPn532, host: ByteHost) -> None:
    """262 bytes a frame, MI while there is more, and an empty command for the next piece."""
    pn532.place(Echo())
    host.command("4A0100")
    expected = bytes(place & 0xFF for place in range(600)).hex().upper()
    pieces = [host.command("40010258"), host.command("4001"), host.command("4001")]
    assert [piece[:2] for piece in pieces] == ["40", "40", "00"]
    assert "".join(piece[2:] for piece in pieces) == expected
    assert pn532.exchanges == 1


def test_long_commands_are_sent_in_pieces(pn532: VirtualPn532, host: ByteHost) -> None:
    """MI in the target number: the card sees one command when the last piece is there."""
    pn532.place(Echo())
    host.command("4A0100")
    first, second = bytes(200).hex(), "FF" * 200
    assert host.command("4041" + first) == "00"
    assert pn532.exchanges == 0
    answer = host.command("4001" + second) + host.command("4001")[2:]
    assert answer == ("40" + first + second).upper()
    assert pn532.exchanges == 1


def test_a_card_that_needs_time_gets_it(pn532: VirtualPn532, host: ByteHost) -> None:
    """S(WTX) is between chip and card; the host notices nothing."""
    pn532.place(issued_card(UID))
    host.command("4A0100")
    before = pn532.frames
    pn532.ask_for_time(1)
    assert host.command("4001" + SELECT) == "009000"
    assert pn532.frames == before + 2


@pytest.mark.parametrize(
    ("mishap", "frames"),
    [
        (VirtualPn532.lose_frame, 3),
        (VirtualPn532.lose_answer, 2),
        (VirtualPn532.distort_answer, 2),
    ],
)
def test_the_chip_repairs_what_the_air_loses(
    pn532: VirtualPn532, host: ByteHost, mishap: Callable[[VirtualPn532, int], None], frames: int
) -> None:
    """One lost frame is mended below the host, by R(NAK), and the card executes once."""
    pn532.place(issued_card(UID))
    host.command("4A0100")
    before = pn532.frames
    mishap(pn532, 1)
    assert host.command("4001" + SELECT) == "009000"
    assert pn532.frames == before + frames
    assert pn532.exchanges == 1


def test_a_torn_card_is_a_timeout(pn532: VirtualPn532, host: ByteHost) -> None:
    """Before and after execution look the same: 01, and the card is gone."""
    for tear, executed in ((pn532.tear_before, 1), (pn532.tear_after, 2)):
        card = Echo()
        pn532.place(card)
        host.command("4A0100")
        tear(2)
        assert host.command("4001AABBCC") == "00AABBCC"
        assert host.command("4001AABBCC") == "01"
        assert pn532.cards == ()
        assert pn532.trace[-1] == Exchange(bytes.fromhex("AABBCC"), None)
        assert host.command("4001AABBCC") == "01"
        assert card.executed == executed
        assert host.command("4A0100") == "00"


def test_a_garbled_answer_arrives(pn532: VirtualPn532, host: ByteHost) -> None:
    """One bit of the answer differs, and the next answer is right."""
    pn532.place(Echo())
    host.command("4A0100")
    pn532.garble(2)
    answers = [host.command("4001AABBCC") for _ in range(3)]
    assert answers == ["00AABBCC", "00ABBBCC", "00AABBCC"]


def test_a_lifted_card_has_lost_its_session(pn532: VirtualPn532, host: ByteHost) -> None:
    """It is told at once; put back, it answers only after it was found again."""
    card = Echo()
    pn532.place(card)
    host.command("4A0100")
    before = card.resets
    pn532.lift(card)
    assert card.resets == before + 1
    pn532.place(card)
    assert host.command("4001AABBCC") == "01"
    host.command("320100")
    assert host.command("4A0100") == "01" + listed(1, ats="0278")
    assert host.command("4001AABBCC") == "00AABBCC"


def test_one_of_two_cards_is_lifted(pn532: VirtualPn532, host: ByteHost) -> None:
    """The other one goes on where it was."""
    staying, leaving = Echo(UID), Echo(OTHER_UID)
    pn532.place(staying)
    pn532.place(leaving)
    host.command("4A0200")
    pn532.lift(leaving)
    assert host.command("4002AABBCC") == "01"
    assert host.command("4001AABBCC") == "00AABBCC"


def test_selecting_and_releasing_targets(pn532: VirtualPn532, host: ByteHost) -> None:
    """InSelect wakes a deselected card; a released or unknown one is of the wrong context."""
    pn532.place(Echo(UID))
    pn532.place(Echo(OTHER_UID))
    host.command("4A0200")
    assert host.command("4401") == "00"
    assert host.command("5401") == "00"
    assert host.command("4001AABBCC") == "00AABBCC"
    assert host.command("5201") == "00"
    assert host.command("4001AABBCC") == "27"
    assert host.command("4002AABBCC") == "00AABBCC"
    assert host.command("5403") == host.command("4403") == host.command("5203") == "27"
    assert host.command("5200") == "00"
    assert host.command("4002AABBCC") == "27"


def test_status_tells_of_targets_and_their_rates(pn532: VirtualPn532, host: ByteHost) -> None:
    """GetGeneralStatus: no error, no foreign field, number of targets, and each one's rates."""
    assert host.command("04") == "00000000"
    pn532.place(issued_card(UID))
    host.command("4A0100")
    host.command("4E010201")
    assert host.command("04") == "0000010101020000"


def test_presence_is_asked_without_disturbing(pn532: VirtualPn532, host: ByteHost) -> None:
    """Diagnose 06 says whether the card is still there."""
    assert host.command("0006") == "01"
    pn532.place(Echo())
    host.command("4A0100")
    assert host.command("0006") == "00"
    assert host.command("4001AABBCC") == "00AABBCC"
    assert host.command("0006") == "00"
    pn532.lift()
    assert host.command("0006") == "01"


# --- bit rates


def test_higher_bit_rates_are_agreed_on(pn532: VirtualPn532, host: ByteHost) -> None:
    """InPSL to 424 kbit/s: exchanges go on, and a frame at 106 is not heard any more."""
    pn532.place(issued_card(UID))
    host.command("4A0100")
    assert host.command("4E010202") == "00"
    assert host.command("4001" + SELECT) == "009000"
    assert host.command("0663026303") == "A0A0"
    host.command("08630280630380")
    assert host.command("42B2") == "01"
    host.command("086302A06303A0")
    assert host.command("42B2") != "01"


def test_bit_rates_that_the_card_does_not_offer_are_refused(
    pn532: VirtualPn532, host: ByteHost
) -> None:
    """An ATS without TA(1) is a card of 106 kbit/s; it goes on at that."""
    pn532.place(Echo())
    host.command("4A0100")
    assert host.command("4E010101") == "26"
    assert host.command("4E020101") == "27"
    assert host.command("4001AABBCC") == "00AABBCC"


def test_bit_rates_can_only_change_before_the_first_command(
    pn532: VirtualPn532, host: ByteHost
) -> None:
    """The card does not listen to PPS any more; it goes on at 106."""
    pn532.place(issued_card(UID))
    host.command("4A0100")
    assert host.command("4001" + SELECT) == "009000"
    assert host.command("4E010202") == "01"
    assert host.command("4001" + SELECT) == "009000"


# --- frames by hand


def test_frames_by_hand_activate_a_card(pn532: VirtualPn532, host: ByteHost) -> None:
    """RATS, PPS to 424 kbit/s and blocks through InCommunicateThru, as nfcpy does it all."""
    pn532.place(issued_card(UID))
    host.command(NO_RATS)
    host.command("4A0100")
    assert host.command("42E080") == "00" + ATS
    assert host.command("42D0110A") == "00D0"
    assert host.command("4202" + SELECT) == "01"
    host.command("086302A06303A0")
    assert host.command("4202" + SELECT) == "00029000"
    assert host.command("42B2") == "00029000"
    assert pn532.exchanges == 1
    assert host.command("42C2") == "00C2"


def test_other_framings_do_not_reach_the_card(pn532: VirtualPn532, host: ByteHost) -> None:
    """Type B, FeliCa and split bytes are noise to a card of type A, and not its blocks."""
    pn532.place(issued_card(UID))
    host.command("4A0100")
    for registers in ("630283630383", "630282630382", "630280630380633D07"):
        host.command("08" + registers)
        assert host.command("42B2") == "01"
    assert pn532.frames == 1
    host.command("08630280630380633D00")
    assert host.command("42B2") == "00A3"


def test_host_may_make_the_crc_itself(pn532: VirtualPn532, host: ByteHost) -> None:
    """With the chip's CRC off the frame carries it both ways, and a wrong one is not heard."""
    pn532.place(issued_card(UID))
    host.command("4A0100")
    host.command("08630200630300")
    assert host.command("42B20000") == "01"
    assert host.command("42B267C7") == "00A36FC6"


@pytest.mark.parametrize(("data", "crc"), [("0000", "a01e"), ("1234", "26cf")])
def test_crc_is_that_of_the_standard(data: str, crc: str) -> None:
    """ISO/IEC 14443-3, annex B, prints these two."""
    assert crc_a(bytes.fromhex(data)).hex() == crc


def test_no_field_no_card(pn532: VirtualPn532, host: ByteHost) -> None:
    """RF off resets the card and nobody hears a frame; a search switches it on."""
    pn532.place(issued_card(UID))
    host.command("4A0100")
    host.command("320100")
    assert host.command("4001" + SELECT) == "01"
    assert host.command("42E050") == "01"
    assert host.command("4A0100") == "01" + listed(1)
