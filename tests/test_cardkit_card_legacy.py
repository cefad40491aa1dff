"""A factory card's DES key becomes an AES key, and again a DES key; every tear is survived."""

from __future__ import annotations

import logging

import pytest

from cardkit.card.apdu import AuthenticationRefused
from cardkit.card.desfire import PICC_AID, PICC_MASTER_KEY, Desfire
from cardkit.card.issuing import ZERO_KEY, personalise, wipe
from cardkit.card.legacy import (
    crc_a,
    encipher_for_card,
    has_des_key,
    make_master_key_aes,
    restore_factory_key,
)
from cardkit.errors import CardAnswerInvalid, CardLost
from cardkit.logging import TRAFFIC
from simulator.card import KeyKind, VirtualCard
from simulator.field import Field
from tests.purse_cards import UID, Transcript, card_keys, connect, issue, issued

NEW = bytes(range(16))
VERSION = 7
# A real card's trace, printed in the mifare.net forum (reply 18844, 12 October 2016).
PRINTED_QUESTION = bytes.fromhex("63C54DCF6F3A6FC991AF")
PRINTED_ANSWER = bytes.fromhex("B7D1DA7CE0DD986B9100")
PRINTED_RND_A = bytes(range(8))
PRINTED_TOKEN = "90af000010491e890de9ace9329c5c6d55d9fa36d700"
EXCHANGES_OF_THE_CHANGE = 5


def factory() -> tuple[Field, VirtualCard]:
    """A field with a card as delivered."""
    field, card = Field(), VirtualCard(UID)
    field.place(card)
    return field, card


def at_picc(field: Field) -> Desfire:
    """The card in the field, at its own level."""
    card = Desfire(connect(field))
    card.select_application(PICC_AID)
    return card


def changed(field: Field) -> None:
    """Make the key AES."""
    card = at_picc(field)
    assert has_des_key(card)
    make_master_key_aes(card, NEW, version=VERSION)


def test_the_des_key_becomes_the_aes_key_that_was_asked_for() -> None:
    """After one ChangeKey the card speaks EV2 under the new key, and tells its version."""
    field, card = factory()
    changed(field)
    desfire = at_picc(field)
    assert not has_des_key(desfire)
    desfire.authenticate_ev2_first(PICC_MASTER_KEY, NEW)
    assert desfire.get_key_version(PICC_MASTER_KEY) == VERSION
    assert card.memory.root.keys[0].kind is KeyKind.AES


def test_the_factory_key_comes_back() -> None:
    """A test card is given back as it came: DES, zero, and again to be made AES."""
    field, card = factory()
    before = card.snapshot()
    changed(field)
    desfire = at_picc(field)
    desfire.authenticate_ev2_first(PICC_MASTER_KEY, NEW)
    restore_factory_key(desfire)
    assert card.snapshot() == before
    changed(field)


def test_the_host_says_what_a_real_host_said() -> None:
    """RndA given, the token is the printed one; so are the deciphered settings and their CRC."""
    transcript = Transcript(PRINTED_QUESTION, PRINTED_ANSWER, b"\x91\x00")
    make_master_key_aes(
        Desfire(transcript), NEW, version=VERSION, random=lambda size: PRINTED_RND_A[:size]
    )
    assert transcript.sent[1].hex() == PRINTED_TOKEN
    assert crc_a(b"\x0f") == bytes.fromhex("09A9")
    session_key = bytes.fromhex("00010203F6B03339")
    settings = encipher_for_card(session_key, bytes.fromhex("0F09A90000000000"))
    assert settings == bytes.fromhex("CB643FD030E687DA")


def test_a_card_that_does_not_know_the_key_is_not_believed() -> None:
    """Somebody in between who only repeats what cards say gets no new key."""
    transcript = Transcript(PRINTED_QUESTION, PRINTED_ANSWER)
    with pytest.raises(CardAnswerInvalid):
        make_master_key_aes(Desfire(transcript), NEW, version=VERSION)
    assert len(transcript.sent) == 2


@pytest.mark.parametrize("answers", [("63C54D91AF",), ("63C54DCF6F3A6FC991AF", "B7D1DA9100")])
def test_an_answer_of_another_length_is_not_believed(answers: tuple[str, ...]) -> None:
    """Nothing is padded or cut until it fits."""
    transcript = Transcript(*(bytes.fromhex(answer) for answer in answers))
    with pytest.raises(CardAnswerInvalid, match="bytes"):
        make_master_key_aes(Desfire(transcript), NEW, version=VERSION)


def test_another_des_key_is_refused() -> None:
    """Somebody else's card is not taken over."""
    field, card = factory()
    card.memory.root.keys[0].value = b"\x10" * 16
    with pytest.raises(AuthenticationRefused):
        changed(field)


def test_a_closed_card_is_no_factory_card() -> None:
    """An issued card lists nothing to strangers; that is an answer, and no error."""
    field, _ = issued()
    assert not has_des_key(at_picc(field))


@pytest.mark.parametrize("exchange", range(1, EXCHANGES_OF_THE_CHANGE + 1))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_torn_anywhere_the_card_is_issued_the_second_time(exchange: int, moment: str) -> None:
    """ChangeKey is atomic, so a torn card has the one key or the other, and both are accepted."""
    field, card = factory()
    tear = field.tear_before if moment == "before" else field.tear_after
    tear(exchange)
    with pytest.raises(CardLost):
        changed_to_zero(field)
    field.place(card)
    assert issue(field, card_keys()).tmc == 1


def changed_to_zero(field: Field) -> None:
    """What issuing does first."""
    card = at_picc(field)
    assert has_des_key(card)
    make_master_key_aes(card, ZERO_KEY, version=0)


@pytest.mark.parametrize("kind", list(KeyKind))
def test_both_kinds_of_blank_card_are_issued_and_wiped(kind: KeyKind) -> None:
    """As delivered, or prepared by whoever sold it: the workshop makes a purse of both."""
    field, card = Field(), VirtualCard(UID, picc_key=kind)
    field.place(card)
    assert personalise(connect(field), card_keys(), originality=None).tmc == 1
    wipe(connect(field), card_keys())
    assert not card.memory.applications


def test_the_new_key_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Under a key that everybody knows, the cryptogram is the key."""
    caplog.set_level(TRAFFIC, logger="cardkit")
    field, _ = factory()
    changed(field)
    sent = next(e.command for e in field.trace if e.command[1] == 0xC4)
    logged = caplog.text.lower()
    assert logging.getLevelName(TRAFFIC) in caplog.text
    assert sent[6:-1].hex() not in logged
    assert NEW.hex() not in logged
