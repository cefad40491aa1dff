"""ISO/IEC 14443-4 on both sides: whatever the air loses, a command is executed exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.isodep import (
    FRAME_BYTES,
    AirFault,
    Ats,
    BitRate,
    Block,
    Distortion,
    Kind,
    Pcd,
    Picc,
    ProtocolFault,
    Silence,
    State,
)

DESFIRE_ATS = bytes.fromhex("067577810280")
FSD_256, FSD_16 = 0x80, 0x00
FSC_BYTES = 64
HALT = bytes.fromhex("5000")


@dataclass(slots=True)
class Parrot:
    """A card that answers what it was told, backwards, and counts; an empty command mutes it."""

    ats: bytes | None = DESFIRE_ATS
    uid: bytes = bytes.fromhex("04112233445566")
    atqa: bytes = bytes.fromhex("0344")
    sak: int = 0x20
    resets: int = 0
    executed: list[bytes] = field(default_factory=list)

    def reset(self) -> None:
        """Count that the field was gone."""
        self.resets += 1

    def transmit(self, command: bytes) -> bytes | None:
        """Answer one command."""
        self.executed.append(command)
        return command[::-1] or None


def selected(card: Parrot) -> Picc:
    """A card behind anticollision."""
    picc = Picc(card)
    picc.select()
    return picc


def activated(card: Parrot, parameter: int = FSD_256) -> Picc:
    """A card that has answered RATS."""
    picc = selected(card)
    assert picc.receive(bytes([0xE0, parameter])) == card.ats
    return picc


def hexed(picc: Picc, frame: str) -> str | None:
    """One frame and its answer, in hex."""
    answer = picc.receive(bytes.fromhex(frame))
    return None if answer is None else answer.hex()


# --- what an ATS says


@pytest.mark.parametrize(
    ("ats", "expected"),
    [
        ("067577810280", Ats(64, 0x77, 8, supports_cid=True)),
        ("067777710280", Ats(128, 0x77, 7, supports_cid=True)),
        ("01", Ats(32, 0, 4, supports_cid=True)),
        ("0278", Ats(256, 0, 4, supports_cid=True)),
        ("0348C0", Ats(256, 0, 4, supports_cid=False)),
        ("0320E0", Ats(16, 0, 14, supports_cid=True)),
    ],
)
def test_ats_is_read_with_its_defaults(ats: str, expected: Ats) -> None:
    """A missing interface byte means what the standard says; a byte too few is missing."""
    assert Ats.parse(bytes.fromhex(ats)) == expected


def test_frame_waiting_time_of_a_desfire() -> None:
    """FWI 8 is 77.3 ms: a reader in real time waits as long."""
    assert Ats.parse(DESFIRE_ATS).fwt_s == pytest.approx(0.0773, abs=0.0001)


# --- blocks


@given(
    st.sampled_from(Kind),
    st.integers(0, 1),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 14)),
    st.binary(max_size=253),
)
def test_a_block_is_read_as_it_was_written(
    kind: Kind, number: int, more: bool, cid: int | None, data: bytes
) -> None:
    """Kind, number, chaining and CID are all in the PCB, and none is mistaken for another."""
    is_numbered = kind in (Kind.I, Kind.R_ACK, Kind.R_NAK)
    body = {Kind.I: data, Kind.S_WTX: b"\x01"}.get(kind, b"")
    block = Block(kind, number if is_numbered else 0, more and kind is Kind.I, cid, body)
    assert Block.parse(block.to_bytes()) == block


@pytest.mark.parametrize(
    "frame",
    ["", "00", "0600", "0A", "A0", "A203", "B2FF", "C0", "C200", "F2", "F20101", "E080", "D011"],
)
def test_what_is_no_block_is_none(frame: str) -> None:
    """NAD, missing fixed bits, and data where none may be."""
    assert Block.parse(bytes.fromhex(frame)) is None


# --- the card: activation


def test_rats_is_answered_once_and_only_by_an_active_card() -> None:
    """A second RATS, one before anticollision and one with the CID 15 are ignored (5.6.1.2)."""
    picc = Picc(Parrot())
    assert hexed(picc, "E080") is None
    picc.select()
    assert hexed(picc, "E08F") is None
    assert hexed(picc, "E08000") is None
    assert hexed(picc, "E080") == DESFIRE_ATS.hex()
    assert hexed(picc, "E080") is None
    assert hexed(picc, "0290") == "0290"


def test_a_card_without_ats_is_mute_above_anticollision() -> None:
    """An NTAG hears RATS and blocks, and says nothing."""
    card = Parrot(ats=None, sak=0x00)
    picc = selected(card)
    assert hexed(picc, "E080") is None
    assert hexed(picc, "0290") is None
    assert card.executed == []


def test_bit_rates_change_right_after_the_ats_or_never() -> None:
    """PPS is answered before the first block only, and the new rates are both ways' (5.6.1.2)."""
    picc = activated(Parrot())
    assert hexed(picc, "D0110A") == "d0"
    assert (picc.to_card, picc.to_reader) == (BitRate.KBIT_424, BitRate.KBIT_424)
    assert hexed(picc, "D01100") is None
    late = activated(Parrot())
    assert hexed(late, "0290") == "0290"
    assert hexed(late, "D01105") is None
    assert late.to_card is BitRate.KBIT_106


@pytest.mark.parametrize(
    ("ta", "pps1", "accepted"),
    [
        (0x77, 0x0F, True),
        (0x77, 0x06, True),
        (0x00, 0x05, False),
        (0x00, 0x00, True),
        (0x11, 0x05, True),
        (0x11, 0x0A, False),
        (0xF7, 0x06, False),
        (0xF7, 0x0A, True),
    ],
)
def test_only_offered_bit_rates_are_accepted(ta: int, pps1: int, accepted: bool) -> None:
    """TA(1) lists them, and says whether both ways have to be the same (5.2.4)."""
    picc = activated(Parrot(ats=bytes([0x03, 0x15, ta])))
    assert hexed(picc, f"D011{pps1:02X}") == ("d0" if accepted else None)


def test_losing_the_field_ends_everything() -> None:
    """Rates, numbers and activation are of one activation; the card is told that it lost power."""
    card = Parrot()
    picc = activated(card)
    hexed(picc, "D0110A")
    before = card.resets
    picc.power_up()
    assert card.resets == before + 1
    assert hexed(picc, "0290") is None
    picc.select()
    assert picc.to_card is BitRate.KBIT_106
    assert hexed(picc, "E080") == DESFIRE_ATS.hex()


def test_halted_cards_hear_wake_up_and_no_request() -> None:
    """S(DESELECT) and HLTA leave a card that only WUPA wakes; it has forgotten its session."""
    card = Parrot()
    picc = activated(card)
    before = card.resets
    assert hexed(picc, "C2") == "c2"
    assert (picc.state, card.resets) == (State.HALT, before + 1)
    assert hexed(picc, "C2") is None
    assert not picc.request()
    assert picc.wake_up()
    picc.select()
    assert picc.receive(HALT) is None
    assert picc.state is State.HALT


def test_an_active_card_falls_idle_at_a_request_and_answers_the_next() -> None:
    """ISO/IEC 14443-3, 6.3: a request in the wrong state is answered by silence, once."""
    picc = selected(Parrot())
    assert not picc.request()
    assert picc.request()


def test_an_activated_card_hears_no_request() -> None:
    """A card in the middle of a transaction is not lost to somebody else's anticollision."""
    picc = activated(Parrot())
    assert not picc.request()
    assert not picc.wake_up()
    assert hexed(picc, "0290") == "0290"


# --- the card: blocks


def test_commands_are_answered_with_the_number_of_their_block() -> None:
    """Rules C, D and 10."""
    card = Parrot()
    picc = activated(card)
    assert [hexed(picc, frame) for frame in ("020102", "030304", "020506")] == [
        "020201",
        "030403",
        "020605",
    ]
    assert card.executed == [b"\x01\x02", b"\x03\x04", b"\x05\x06"]


def test_a_command_in_parts_is_executed_when_it_is_whole() -> None:
    """Rule 2: each part is acknowledged, and the card sees one command."""
    card = Parrot()
    picc = activated(card)
    assert hexed(picc, "1201") == "a2"
    assert hexed(picc, "1302") == "a3"
    assert card.executed == []
    assert hexed(picc, "0203") == "02030201"
    assert card.executed == [b"\x01\x02\x03"]


def test_an_answer_in_parts_fits_the_readers_frames() -> None:
    """Rule 13: FSD 16 leaves 13 bytes a block, and R(ACK) fetches the next."""
    picc = activated(Parrot(), FSD_16)
    command = bytes(range(30))
    parts = [picc.receive(b"\x02" + command), hexed(picc, "A3"), hexed(picc, "A2")]
    answer = command[::-1].hex()
    assert parts == [bytes.fromhex("12" + answer[:26]), "13" + answer[26:52], "02" + answer[52:]]
    assert hexed(picc, "A3") is None


def test_a_lost_answer_is_said_again_and_not_done_again() -> None:
    """Rule 11: R(NAK) with the card's own number means that its last block did not arrive."""
    card = Parrot()
    picc = activated(card)
    assert hexed(picc, "020102") == "020201"
    assert hexed(picc, "B2") == "020201"
    assert hexed(picc, "B2") == "020201"
    assert len(card.executed) == 1


def test_a_lost_command_is_reported_and_not_executed() -> None:
    """Rule 12: R(NAK) with the other number means that the command never came."""
    card = Parrot()
    picc = activated(card)
    assert hexed(picc, "B2") == "a3"
    assert card.executed == []
    assert hexed(picc, "0201") == "0201"
    assert hexed(picc, "B3") == "a2"


def test_a_lost_part_of_an_answer_is_said_again() -> None:
    """Rule 11 for R(ACK): the same part, until the next one is asked for."""
    picc = activated(Parrot(), FSD_16)
    picc.receive(b"\x02" + bytes(range(30)))
    second = hexed(picc, "A3")
    assert hexed(picc, "A3") == second
    assert hexed(picc, "A2") != second


def test_a_mute_card_does_not_repeat_an_older_answer() -> None:
    """After a command without answer R(NAK) gets nothing: the older answer would be believed."""
    picc = activated(Parrot())
    assert hexed(picc, "020102") == "020201"
    assert hexed(picc, "03") is None
    assert hexed(picc, "B3") is None


def test_frames_longer_than_the_card_said_are_not_heard() -> None:
    """FSC counts PCB and CRC."""
    card = Parrot()
    picc = activated(card)
    assert picc.receive(b"\x02" + bytes(FSC_BYTES - 2)) is None
    assert card.executed == []
    assert picc.receive(b"\x02" + bytes(FSC_BYTES - 3)) is not None


def test_only_blocks_with_its_cid_are_for_the_card() -> None:
    """A card with the CID 3 hears neither 4 nor none, and answers with its own (7.1.1.2)."""
    card = Parrot()
    picc = activated(card, FSD_256 | 3)
    assert hexed(picc, "0A0401") is None
    assert hexed(picc, "0201") is None
    assert hexed(picc, "0A0301") == "0a0301"
    assert hexed(picc, "BA03") == "0a0301"
    assert card.executed == [b"\x01"]
    without = activated(Parrot(ats=bytes.fromhex("034500")))
    assert hexed(without, "0A0001") is None


def test_a_card_that_needs_time_asks_for_it() -> None:
    """Rule 9: S(WTX) first, the answer after the same S(WTX); R(NAK) repeats the question."""
    card = Parrot()
    picc = activated(card)
    picc.ask_for_time(5)
    assert hexed(picc, "0201") == "f205"
    assert hexed(picc, "B2") == "f205"
    assert hexed(picc, "F204") is None
    assert hexed(picc, "F205") == "0201"
    assert hexed(picc, "F205") is None
    assert len(card.executed) == 1
    assert hexed(picc, "0302") == "0302"


# --- the reader


def scripted(*lines: tuple[str, str | type[AirFault]]) -> Callable[[bytes], bytes]:
    """An air that expects these frames and answers as written."""
    left = iter(lines)

    def air(frame: bytes) -> bytes:
        expected, answer = next(left)
        assert frame.hex() == expected
        if isinstance(answer, str):
            return bytes.fromhex(answer)
        raise answer

    return air


def reader(air: Callable[[bytes], bytes], ats: str = "067577810280") -> Pcd:
    """The reader's end towards a card with this ATS."""
    return Pcd(air, Ats.parse(bytes.fromhex(ats)))


def test_reader_asks_again_for_a_lost_answer() -> None:
    """Rules 4 and B: R(NAK) with its own number, which moves on with the answer only."""
    pcd = reader(scripted(("0201", Silence), ("b2", "02AA"), ("0302", Distortion), ("b3", "03BB")))
    assert pcd.exchange(b"\x01") == b"\xaa"
    assert pcd.exchange(b"\x02") == b"\xbb"


def test_reader_repeats_a_lost_command() -> None:
    """Rule 6: R(ACK) with the other number asks for the block again."""
    pcd = reader(scripted(("0201", Silence), ("b2", "A3"), ("0201", "02AA")))
    assert pcd.exchange(b"\x01") == b"\xaa"


def test_reader_fetches_the_parts_of_an_answer_with_acknowledgements() -> None:
    """Rule 5: an error while the card chains is answered by R(ACK), never by R(NAK)."""
    pcd = reader(scripted(("0201", "12AA"), ("a3", Silence), ("a3", "13BB"), ("a2", "02CC")))
    assert pcd.exchange(b"\x01") == b"\xaa\xbb\xcc"


def test_reader_sends_a_long_command_in_parts() -> None:
    """Rule 7, with parts as long as the card's frame allows."""
    pcd = reader(
        scripted(("12" + 13 * "11", "A2"), ("13" + 13 * "11", "A3"), ("0211", "02AA")),
        ats="0270",
    )
    assert pcd.exchange(27 * b"\x11") == b"\xaa"


def test_reader_grants_the_time_that_a_card_asks_for() -> None:
    """S(WTX) is answered by itself, as often as it comes."""
    pcd = reader(scripted(("0201", "F201"), ("f201", "F202"), ("f202", "02AA")))
    assert pcd.exchange(b"\x01") == b"\xaa"


def test_reader_gives_up_after_three_errors() -> None:
    """A card that is gone is not asked for ever."""
    pcd = reader(scripted(("0201", Silence), ("b2", Silence), ("b2", Silence)))
    with pytest.raises(Silence):
        pcd.exchange(b"\x01")


@pytest.mark.parametrize("answer", ["03AA", "A2", "C2", "0100"])
def test_reader_believes_no_block_that_may_not_come(answer: str) -> None:
    """An answer with the wrong number would be an older one's."""
    pcd = reader(scripted(("0201", answer), ("b2", answer), ("b2", answer)))
    with pytest.raises(ProtocolFault):
        pcd.exchange(b"\x01")


def test_reader_bounds_what_it_listens_to() -> None:
    """A card that asks for time for ever is left."""

    def endless(_frame: bytes) -> bytes:
        return b"\xf2\x01"

    with pytest.raises(ProtocolFault):
        reader(endless).exchange(b"\x01")


# --- both


Mishap = tuple[int, str]
LOST, UNHEARD, DISTORTED = "lost frame", "lost answer", "distorted answer"
# Two parts of a command, four of an answer: every kind of block comes up.
COMMAND = bytes(range(100))


class LossyAir:
    """Carries frames between both ends; frame n goes wrong as the mishaps say."""

    def __init__(self, picc: Picc, mishaps: tuple[Mishap, ...]) -> None:
        self._picc = picc
        self._mishaps = dict(mishaps)
        self.frames = 0

    def carry(self, frame: bytes) -> bytes:
        """One frame there and, unless something happens, one back."""
        self.frames += 1
        mishap = self._mishaps.get(self.frames)
        if mishap == LOST:
            raise Silence
        answer = self._picc.receive(frame)
        if mishap == UNHEARD or answer is None:
            raise Silence
        if mishap == DISTORTED:
            raise Distortion
        return answer


def mishaps() -> Iterator[tuple[Mishap, ...]]:
    """Every frame lost in every way, and every pair of them, over one exchange and its repair."""
    single = [(frame, how) for frame in range(1, 12) for how in (LOST, UNHEARD, DISTORTED)]
    yield from ((one,) for one in single)
    yield from (pair for pair in combinations(single, 2) if pair[0][0] != pair[1][0])


def test_every_command_is_executed_exactly_once_whatever_two_frames_are_lost() -> None:
    """The promise of the whole protocol, over all single and double losses of a long exchange.

    Two further commands behind it show that both ends still agree about the numbers.
    """
    cases = 0
    for case in mishaps():
        card = Parrot()
        picc = activated(card, parameter=0x20)
        pcd = Pcd(LossyAir(picc, case).carry, Ats.parse(DESFIRE_ATS))
        answers = [pcd.exchange(command) for command in (COMMAND, b"\x01\x02", b"\x03")]
        assert answers == [COMMAND[::-1], b"\x02\x01", b"\x03"], case
        assert card.executed == [COMMAND, b"\x01\x02", b"\x03"], case
        cases += 1
    assert cases == 33 + 33 * 30 // 2


@given(st.sampled_from(range(len(FRAME_BYTES))), st.binary(min_size=1, max_size=700))
def test_any_command_passes_frames_of_any_size(fsdi: int, command: bytes) -> None:
    """Both ends cut and join at the same places."""
    card = Parrot()
    pcd = Pcd(LossyAir(activated(card, fsdi << 4), ()).carry, Ats.parse(DESFIRE_ATS))
    assert pcd.exchange(command) == command[::-1]
    assert card.executed == [command]


def test_presence_is_asked_for_without_a_command() -> None:
    """R(NAK) between commands is answered by R(ACK), and changes nothing (diagnosis 06)."""
    card = Parrot()
    picc = activated(card)
    pcd = Pcd(LossyAir(picc, ()).carry, Ats.parse(DESFIRE_ATS))
    assert pcd.is_present()
    assert pcd.exchange(b"\x01") == b"\x01"
    assert pcd.is_present()
    assert pcd.exchange(b"\x02") == b"\x02"
    pcd.deselect()
    assert picc.state is State.HALT
    with pytest.raises(Silence):
        pcd.is_present()
