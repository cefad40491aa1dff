"""Wrong cards at the stall: each its own words at once, and no trace of it anywhere."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cardkit.allowance import Step
from cardkit.bodies import DeclinedEntry, EntryKind, Intent
from cardkit.card.apdu import Ins
from cardkit.card.keys import TRAINING_SYSTEM_ID
from cardkit.card.kinds import CardKind
from cardkit.card.session import PurseSession
from cardkit.errors import CardForeign, KeyStoreError
from cardkit.pairing import CardMaster, CardMasters
from cardkit.permit import MerchantGrant, Permit, sign_permit
from cardkit.signing import SigningKey
from provisioning.keystore import new_keys
from simulator.field import Field
from simulator.issued import demo_keys, demo_master
from simulator.plastic import Plastic
from simulator.strangers import STRANGERS, training_card
from terminal.keyring import read_keyring, write_keyring
from terminal.line_mode import LineMode
from terminal.outcomes import Green, Refused
from terminal.till import Till
from terminal.words import Words
from tests.terminal_world import (
    CAISSE,
    LIFE,
    MERCHANT,
    TERMINAL,
    Member,
    World,
    debits_cents,
    kinds,
)

EXCHANGE_MS = 18.5
"""What one exchange takes with a slow reader (desfire.md 8): the worst that is modelled."""
SHOWN_WITHIN_MS = 500
HEADLINE_CHARACTERS_MAX = 48
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
LONG_AFTER = datetime(2035, 1, 1, tzinfo=UTC)

KIND_OF = {
    "another caisse": CardKind.ANOTHER_CAISSE,
    "training": CardKind.TRAINING,
    "blank": CardKind.BLANK_DESFIRE,
    "ev1": CardKind.DESFIRE_EV1,
    "purse on ev1": CardKind.DESFIRE_EV1,
    "desfire of others": CardKind.DESFIRE_OTHER,
    "random uid": CardKind.RANDOM_UID,
    "ntag": CardKind.TAG,
    "classic": CardKind.MIFARE_CLASSIC,
    "bank": CardKind.BANK_CARD,
    "phone": CardKind.PHONE,
    "wallet": CardKind.PHONE,
    "transit": CardKind.TRANSIT,
    "identity": CardKind.IDENTITY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One text of the till, with what had happened on the reader when it was shown."""

    text: str
    exchanges: int
    uid: bytes


def talk(till: Till, card: Plastic, *lines: str, language: str = "fr") -> list[Said]:
    """Type lines at a till on whose reader a card lies whenever one is waited for."""
    reader = Field(
        while_waiting=lambda _: reader.place(card) if reader.card is None else reader.lift()
    )
    said = list[Said]()
    left = iter(lines)
    LineMode(
        till,
        reader,
        merchant=MERCHANT,
        words=Words(language),
        read_line=lambda: next(left, None),
        write=lambda text: said.append(Said(text=text, exchanges=reader.exchanges, uid=card.uid)),
    ).run()
    return said


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse with an empty directory."""
    world = World.make(tmp_path)
    world.publish()
    return world


def train(world: World, till: Till) -> None:
    """Give a till the permit of those who learn."""
    grant = MerchantGrant(
        merchant=MERCHANT, name="École", convention_from=LONG_AGO, convention_until=LONG_AFTER
    )
    permit = Permit(
        epoch=world.epoch,
        version=world.permit_version + 1,
        terminal=TERMINAL,
        issued_at=world.now,
        valid_until=world.now + LIFE,
        merchants=(grant,),
        caps=world.caps,
        refund_days=30,
        training=True,
    )
    till.store.accept_permit(sign_permit(world.issuer, permit).encoded)
    till.rest()


def traces(root: Path, uid: bytes) -> list[str]:
    """The files of a terminal in which a UID stands, raw or in hex."""
    forms = (uid, uid.hex().encode(), uid.hex().upper().encode())
    files = (path for path in root.rglob("*") if path.is_file())
    return [path.name for path in files if any(form in path.read_bytes() for form in forms)]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_gets_its_own_words_at_once_and_leaves_no_trace(
    world: World, name: str, language: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Promise: each wrong card is named within half a second, in a line that can be read at arm's
    length, and neither journal, files nor log remember that it was there.
    """
    till, card = world.till(), STRANGERS[name]()
    till.rest()
    head = till.journal.head
    with caplog.at_level(logging.NOTSET + 1):
        for line in ("12,50", "solde"):
            *_, shown = talk(till, card, line, language=language)
            words = Words(language).stranger(KIND_OF[name])
            assert shown.text == words
            headline, what_to_do = words.split("\n")
            assert len(headline) <= HEADLINE_CHARACTERS_MAX
            assert what_to_do.startswith({"fr": "Rien n’a été débité.", "en": "Nothing"}[language])
            assert shown.exchanges * EXCHANGE_MS < SHOWN_WITHIN_MS
            for uid in (shown.uid, bytes.fromhex("04E1A2B3C4D5E9")):
                assert uid.hex() not in caplog.text.lower().replace(" ", "")
                assert traces(world.data().root, uid) == []
    assert till.journal.head == head
    till.stop()


def test_no_two_strangers_share_their_words() -> None:
    """Promise: whoever reads the line knows what lies there."""
    for language in ("fr", "en"):
        headlines = [Words(language).stranger(kind).split("\n")[0] for kind in CardKind]
        assert len(set(headlines)) == len(CardKind)
        assert max(map(len, headlines)) <= HEADLINE_CHARACTERS_MAX
    assert set(KIND_OF.values()) == set(CardKind) - {
        CardKind.REAL,
        CardKind.MIFARE_PLUS,
        CardKind.UNKNOWN,
    }


def test_a_stranger_does_not_hold_up_a_terminal_with_many_masters(world: World) -> None:
    """Promise: half a second also in the week in which masters change."""
    data = world.enrol()
    old = demo_master("terminal")
    masters = (*(CardMaster(version=v, key=bytes([v]) * 16) for v in range(2, 7)),)
    write_keyring(
        data.keys,
        journal=SigningKey.from_scalar(2000 + TERMINAL, caisse=CAISSE),
        transport=SigningKey.from_scalar(3000 + TERMINAL, caisse=CAISSE),
        token=bytes(32),
        cards=CardMasters(
            system_id=b"CLAF-FLERS", masters=(CardMaster(version=1, key=old), *masters)
        ),
    )
    till = world.till()
    *_, shown = talk(till, STRANGERS["another caisse"](), "5")
    assert shown.text == Words("fr").stranger(CardKind.ANOTHER_CAISSE)
    assert shown.exchanges * EXCHANGE_MS < SHOWN_WITHIN_MS
    till.stop()


# Training


def test_training_debits_no_member(world: World) -> None:
    """Promise: where one trains, a member's card is named as one, and neither read nor debited."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    train(world, till)
    head = till.journal.head
    *_, shown = talk(till, card, "12,50")
    assert shown.text == Words("fr").stranger(CardKind.REAL)
    with pytest.raises(CardForeign):
        world.tap(card, till.inspect)
    world.field.trace.clear()
    with pytest.raises(CardForeign):
        world.sell(till, card, 1_00)
    asked = {exchange.command[1] for exchange in world.field.trace if exchange.command[0] == 0x90}
    assert asked == {Ins.AUTHENTICATE_EV2_FIRST, Ins.ADDITIONAL_FRAME}
    assert till.journal.head == head
    assert debits_cents(card) == []
    till.stop()


def test_a_training_card_pays_where_one_trains(world: World) -> None:
    """Promise: training is the whole sale with a card of its own, and moves no money."""
    uid = bytes.fromhex("04EC01E0000007")
    card = training_card(uid)
    world.members[uid] = Member(card, (Step(LONG_AGO, 50_00),), LONG_AFTER)
    world.publish()
    till = world.till()
    with pytest.raises(CardForeign) as caught:
        world.sell(till, card, 1_00)
    assert caught.value.kind is CardKind.TRAINING
    train(world, till)
    assert isinstance(world.sell(till, card, 12_50), Green)
    sale = till.journal.last(EntryKind.SALE)
    assert sale is not None
    assert sale.envelope.training
    assert till.journal.head.perpetual_cents == 0
    assert debits_cents(card) == [12_50]
    till.stop()


def test_no_caisse_is_called_as_training_is(world: World) -> None:
    """Promise: no ceremony and no key file makes members' cards pass for training cards."""
    with pytest.raises(KeyStoreError):
        new_keys("ecole", now=world.now, step_max_cents=100_00)
    data = world.enrol()
    write_keyring(
        data.keys,
        journal=SigningKey.from_scalar(1, caisse=CAISSE),
        transport=SigningKey.from_scalar(2, caisse=CAISSE),
        token=bytes(32),
        cards=CardMasters(
            system_id=TRAINING_SYSTEM_ID, masters=(CardMaster(version=1, key=bytes(16)),)
        ),
    )
    with pytest.raises(KeyStoreError):
        read_keyring(data.keys, caisse=CAISSE)


# Blocked and replaced


@pytest.mark.parametrize(
    ("language", "headline"),
    [("fr", "Carte bloquée ou remplacée."), ("en", "This card is blocked or replaced.")],
)
def test_a_blocked_card_is_told_so_and_journalled(
    world: World, language: str, headline: str
) -> None:
    """Promise: a stall never learns why; the journal says which card it was (protocol.md 5)."""
    card = world.new_card(50_00)
    world.members[card.uid].blocked = True
    world.publish()
    till = world.till()
    head = till.journal.head.seq
    *_, shown = talk(till, card, "5", language=language)
    assert shown.text.startswith(headline)
    assert kinds(till, head) == [EntryKind.EVIDENCE, EntryKind.DECLINED]
    declined = till.journal.last(EntryKind.DECLINED)
    assert declined is not None
    assert isinstance(declined.body, DeclinedEntry)
    assert declined.body.uid == card.uid
    assert debits_cents(card) == []
    till.stop()


def test_the_card_that_replaces_it_pays_before_the_list_knows_it(world: World) -> None:
    """Promise: an offline stall serves the new card from what it carries, and goes on refusing the
    old one from the day it hears of the block.
    """
    lost = world.new_card(50_00)
    world.publish()
    till = world.till()
    new = world.new_card(20_00)
    session = PurseSession.open_with_key(world.connect(new), demo_keys(new.uid).terminal)
    session.write_allowance(0, world.allowance(new))
    world.field.lift()
    assert isinstance(world.sell(till, new, 12_50), Green)
    intent = till.journal.last(EntryKind.INTENT)
    assert intent is not None
    assert isinstance(intent.body, Intent)
    assert intent.body.uid == new.uid
    world.members[lost.uid].blocked = True
    world.publish()
    world.deliver(till)
    assert isinstance(world.sell(till, lost, 1_00), Refused)
    assert isinstance(world.sell(till, new, 7_50), Green)
    assert debits_cents(lost) == []
    till.stop()


def test_a_worn_out_card_is_no_stranger(world: World) -> None:
    """Promise: a card of ours at the end of its counter is to be replaced, not tapped again."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    (application,) = card.memory.applications.values()
    assert application.tmac is not None
    application.tmac.tmc_limit = application.tmac.tmc
    *_, shown = talk(till, card, "5")
    assert shown.text == "Cette carte est usée. La caisse la remplace."
    till.stop()
