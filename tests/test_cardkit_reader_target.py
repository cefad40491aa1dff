"""What a PN53x chip says of cards, and what an ATS allows, to the byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.errors import CardCollision
from cardkit.reader.target import Ats, parse_targets

UID = bytes.fromhex("04C1AF00000180")
ATS = bytes.fromhex("067577810280")
DESFIRE = bytes.fromhex("01 01 0344 20 07") + UID + ATS


def test_a_desfire() -> None:
    """One target: number, ATQA (MSB first), SAK, UID and ATS (UM0701-02, 7.3.5)."""
    found = parse_targets(DESFIRE)
    assert found is not None
    assert (found.uid, found.atqa, found.sak, found.ats) == (UID, b"\x03\x44", 0x20, ATS)
    assert found.bit_rate_kbps == 106
    assert found.speaks_apdus


def test_a_sticker() -> None:
    """A card that stops at ISO/IEC 14443-3 has no ATS, and is a card all the same."""
    found = parse_targets(bytes.fromhex("01 01 0044 00 07") + UID)
    assert found is not None
    assert (found.uid, found.ats, found.speaks_apdus) == (UID, None, False)


@pytest.mark.parametrize(
    "answer", [b"", b"\x00", DESFIRE[:13], *(DESFIRE[:n] for n in range(1, 6))]
)
def test_what_is_not_whole_is_not_there(answer: bytes) -> None:
    """A card at the edge of the field, whose ATS did not come, is looked for again."""
    assert parse_targets(answer) is None


def test_two_targets_are_told_whatever_follows() -> None:
    """The number of targets decides, because an ATS that did not come makes the rest ambiguous."""
    with pytest.raises(CardCollision, match="2 cards"):
        parse_targets(b"\x02" + DESFIRE[1:])
    with pytest.raises(CardCollision):
        parse_targets(b"\x02")


@given(st.binary(max_size=40))
def test_no_answer_of_a_chip_is_a_crash(answer: bytes) -> None:
    """What a broken line makes of it is nothing, a card, or two."""
    try:
        found = parse_targets(answer)
    except CardCollision:
        return
    if found is not None and found.ats is not None:
        Ats.unpack(found.ats)


@pytest.mark.parametrize(
    ("ats", "frame_bytes", "to_card_kbps", "from_card_kbps"),
    [
        ("067577810280", 64, 424, 424),
        ("0678F7810280", 256, 424, 424),  # 848 as well, and the same both ways
        ("067821810280", 256, 212, 424),
        ("0678A1810280", 256, 106, 106),
        ("01", 32, 106, 106),
        ("0208", 256, 106, 106),
        ("020F", 256, 106, 106),  # reserved: as the highest
        ("", 32, 106, 106),
        ("05788070", 256, 106, 106),  # TL promises more than there is
        ("067888810280", 256, 106, 106),  # only what a PN53x can't do
    ],
)
def test_what_an_ats_allows(
    ats: str, frame_bytes: int, to_card_kbps: int, from_card_kbps: int
) -> None:
    """Frame size and bit rates (ISO/IEC 14443-4, 5.2.3 and 5.2.4), with the defaults."""
    allowed = Ats.unpack(bytes.fromhex(ats))
    assert allowed.frame_bytes == frame_bytes
    assert allowed.rates.to_card_kbps == to_card_kbps
    assert allowed.rates.from_card_kbps == from_card_kbps


@pytest.mark.parametrize(
    ("ats", "wait_ms"),
    [
        ("067577810280", 77.3),
        ("0578807000", 38.7),
        ("01", 4.8),  # no TB: FWI 4
        ("0560F000", 4.8),  # FWI 15 is reserved
        ("0330E0", 4.8),  # TA alone where TB is promised
        ("0320E0", 4949.0),
    ],
)
def test_how_long_a_card_may_take(ats: str, wait_ms: float) -> None:
    """The frame waiting time (ISO/IEC 14443-4, 7.2)."""
    assert Ats.unpack(bytes.fromhex(ats)).frame_wait_s * 1000 == pytest.approx(wait_ms, abs=0.5)
