"""What a stranger's card is, from what it shows and from a few harmless questions."""

from __future__ import annotations

import logging

import pytest

from cardkit.card.apdu import MemoryFailed
from cardkit.card.connection import Activation
from cardkit.card.keys import TRAINING_SYSTEM_ID, CardUse, TerminalCardKeys
from cardkit.card.kinds import (
    Answers,
    Application,
    CardKind,
    kind_at_first_sight,
    kind_of_stranger,
)
from cardkit.card.session import PurseSession
from cardkit.card.stranger import QUESTIONS_MAX, ask_what_it_is
from cardkit.errors import CardAnswerInvalid, CardError, CardForeign
from simulator.field import Field, FieldConnection
from simulator.issued import DEMO_SYSTEM_ID, DF_NAME, demo_master, issued_card
from simulator.plastic import Plastic
from simulator.strangers import (
    STRANGERS,
    Stranger,
    bank_card,
    mifare_classic_1k,
    ntag216,
    training_card,
)

UID = bytes.fromhex("04A1B2C3D4E5F6")
RANDOM_UID = bytes.fromhex("08A1B2C3")
KEYS = TerminalCardKeys(DEMO_SYSTEM_ID, {1: demo_master("terminal")})


def on_reader(card: Plastic) -> tuple[Field, FieldConnection]:
    """A card in a field, and the connection to it."""
    field = Field()
    field.place(card)
    connection = field.wait_for_card(0)
    assert connection is not None
    return field, connection


@pytest.mark.parametrize(
    ("sak", "kind"),
    [
        (0x00, CardKind.TAG),
        (0x08, CardKind.MIFARE_CLASSIC),
        (0x09, CardKind.MIFARE_CLASSIC),
        (0x18, CardKind.MIFARE_CLASSIC),
        (0x88, CardKind.MIFARE_CLASSIC),
        (0x10, CardKind.MIFARE_PLUS),
        (0x11, CardKind.MIFARE_PLUS),
        (0x40, CardKind.PHONE),
        (0x01, CardKind.UNKNOWN),
        (0x20, None),
        (0x28, None),
        (0x60, None),
        (None, None),
    ],
)
def test_the_select_acknowledge_tells_who_speaks_no_apdu(
    sak: int | None, kind: CardKind | None
) -> None:
    """Promise: a card that can't be ours costs no exchange; one that can is always asked."""
    assert kind_at_first_sight(Activation(uid=UID, sak=sak)) is kind


@pytest.mark.parametrize(
    ("atr", "kind"),
    [
        ("3B8F8001804F0CA000000306030001000000006A", CardKind.MIFARE_CLASSIC),
        ("3B8F8001804F0CA0000003060300020000000069", CardKind.MIFARE_CLASSIC),
        ("3B8F8001804F0CA00000030603FF88000000001C", CardKind.MIFARE_CLASSIC),
        ("3B8F8001804F0CA0000003060300030000000068", CardKind.TAG),
        ("3B8F8001804F0CA00000030603003A0000000051", CardKind.TAG),
        ("3B8F8001804F0CA000000306030036000000005D", CardKind.MIFARE_PLUS),
        ("3B8F8001804F0CA0000003060B00350000000056", CardKind.UNKNOWN),
        ("3B8F8001804F0CA0000003060300", CardKind.UNKNOWN),
        ("3B8180018080", None),
        ("3B8680010675778102800" + "0", None),
        ("3B888001000000009171710098", None),
    ],
    ids=[
        "Classic 1K",
        "Classic 4K",
        "Infineon 1K",
        "Ultralight",
        "Ultralight C",
        "Plus",
        "ISO 15693",
        "cut",
        "DESFire",
        "DESFire on an ACR122U",
        "Calypso on type B",
    ],
)
def test_a_pcsc_reader_tells_as_much_in_its_atr(atr: str, kind: CardKind | None) -> None:
    """Promise: the same at first sight through pcscd, which passes on no SAK."""
    assert kind_at_first_sight(Activation(uid=UID, atr=bytes.fromhex(atr))) is kind


EV2, EV3 = bytes.fromhex("04010112001805"), bytes.fromhex("04010133001805")
EV1, LIGHT = bytes.fromhex("04010101001805"), bytes.fromhex("04080130001305")
PLUS, NTAG424 = bytes.fromhex("04020211001605"), bytes.fromhex("04040230001105")
PHONE_DESFIRE, XL = bytes.fromhex("04A10133001805"), bytes.fromhex("04010122001805")


@pytest.mark.parametrize(
    ("uid", "answers", "kind"),
    [
        (UID, Answers(hardware=EV3, has_applications=False), CardKind.BLANK_DESFIRE),
        (UID, Answers(hardware=EV2, has_applications=False), CardKind.BLANK_DESFIRE),
        (UID, Answers(hardware=EV3, has_applications=True), CardKind.DESFIRE_OTHER),
        (UID, Answers(hardware=EV3), CardKind.DESFIRE_OTHER),
        (UID, Answers(hardware=XL, has_applications=False), CardKind.DESFIRE_OTHER),
        (UID, Answers(hardware=LIGHT), CardKind.DESFIRE_OTHER),
        (UID, Answers(hardware=EV1, has_applications=False), CardKind.DESFIRE_EV1),
        (UID, Answers(hardware=PLUS), CardKind.MIFARE_PLUS),
        (UID, Answers(hardware=NTAG424), CardKind.TAG),
        (UID, Answers(hardware=PHONE_DESFIRE), CardKind.DESFIRE_OTHER),
        (RANDOM_UID, Answers(hardware=PHONE_DESFIRE), CardKind.PHONE),
        (RANDOM_UID, Answers(hardware=EV3, has_applications=False), CardKind.RANDOM_UID),
        (UID, Answers(application=Application.PAYMENT), CardKind.BANK_CARD),
        (b"\x8b\x0d\x4f\x49", Answers(application=Application.PAYMENT), CardKind.BANK_CARD),
        (RANDOM_UID, Answers(application=Application.PAYMENT), CardKind.PHONE),
        (UID, Answers(application=Application.CALYPSO), CardKind.TRANSIT),
        (RANDOM_UID, Answers(application=Application.TRAVEL_DOCUMENT), CardKind.IDENTITY),
        (RANDOM_UID, Answers(), CardKind.PHONE),
        (bytes.fromhex("01020304"), Answers(), CardKind.PHONE),
        (UID, Answers(), CardKind.UNKNOWN),
        (bytes(10), Answers(), CardKind.UNKNOWN),
    ],
)
def test_answers_tell_the_rest(uid: bytes, answers: Answers, kind: CardKind) -> None:
    """Promise: only a card that the workshop can issue is called blank, and so on for each kind."""
    assert kind_of_stranger(Activation(uid=uid, sak=0x20), answers) is kind


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_is_asked_a_bounded_number_of_questions(name: str) -> None:
    """Promise: nothing that lies on a reader holds it up."""
    field, connection = on_reader(STRANGERS[name]())
    ask_what_it_is(connection)
    assert field.exchanges <= QUESTIONS_MAX


class Babbler(Stranger):
    """A card that answers everything alike, and keeps what it heard."""

    def transmit(self, command: bytes) -> bytes | None:
        """Answer."""
        heard.append(command)
        return None if self.otherwise == b"mute" else self.otherwise


heard = list[bytes]()


@pytest.mark.parametrize("answer", [b"mute", b"", b"\x91", b"\x91\xaf", b"\x91\x00"])
def test_nonsense_is_an_unknown_card_and_no_fault(answer: bytes) -> None:
    """Promise: a card that falls silent, or answers rubbish, is a stranger like any other."""
    heard.clear()
    ats = bytes.fromhex("067577810280")
    card = Babbler(uid=UID, atqa=b"\x03\x44", sak=0x20, ats=ats, otherwise=answer)
    assert ask_what_it_is(on_reader(card)[1]) is CardKind.UNKNOWN
    assert 1 <= len(heard) <= QUESTIONS_MAX


@pytest.mark.parametrize("card", [ntag216(), mifare_classic_1k()], ids=["NTAG", "Classic"])
def test_what_activation_gives_away_is_sent_nothing(card: Plastic) -> None:
    """Promise: a tag is refused at first sight, without one exchange."""
    field, connection = on_reader(card)
    with pytest.raises(CardForeign) as caught:
        PurseSession.open(connection, KEYS)
    assert caught.value.kind in {CardKind.TAG, CardKind.MIFARE_CLASSIC}
    assert field.exchanges == 0


def test_a_card_that_selects_anything_is_a_stranger_too() -> None:
    """Promise: a wallet that says yes to every name, and to nothing else, is not tapped again."""
    wallet = Stranger(
        uid=UID, atqa=b"\x00\x44", sak=0x20, ats=b"\x05\x78\x80\x70\x00", selections={DF_NAME: b""}
    )
    with pytest.raises(CardForeign):
        PurseSession.open(on_reader(wallet)[1], KEYS)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [("91EE", MemoryFailed), ("91C1", MemoryFailed), ("9100", CardAnswerInvalid)],
)
def test_a_fault_of_our_own_card_makes_it_no_stranger(
    answer: str, trouble: type[CardError]
) -> None:
    """Promise: a worn-out card of ours is told to be replaced, and is asked nothing more."""
    heard.clear()
    card = Babbler(
        uid=UID, atqa=b"\x03\x44", sak=0x20, ats=b"\x02\x80", otherwise=bytes.fromhex(answer)
    )
    with pytest.raises(trouble):
        PurseSession.open(on_reader(card)[1], KEYS)
    assert len(heard) == 1


def test_training_and_real_cards_are_told_apart_by_one_master() -> None:
    """Promise: who sells opens no training card, who trains opens no member's, and says which."""
    real, training = issued_card(UID), training_card(UID)
    trains = KEYS.for_use(CardUse.TRAINING)
    for card, keys, kind in ((training, KEYS, CardKind.TRAINING), (real, trains, CardKind.REAL)):
        with pytest.raises(CardForeign) as caught:
            PurseSession.open(on_reader(card)[1], keys)
        assert caught.value.kind is kind
    assert PurseSession.open(on_reader(real)[1], KEYS).spent_cents() == 0
    assert PurseSession.open(on_reader(training)[1], trains).spent_cents() == 0
    assert TRAINING_SYSTEM_ID not in repr(KEYS).encode()


def test_what_a_bank_card_answers_is_not_even_in_the_traffic_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Promise: the names and numbers of other people's cards are kept nowhere."""
    with caplog.at_level(logging.NOTSET + 1):
        ask_what_it_is(on_reader(bank_card())[1])
    assert "A000000042" not in caplog.text.upper().replace(" ", "")
