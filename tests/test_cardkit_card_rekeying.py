"""A newer key 1 on an issued card: nothing else moves, and no tear leaves it to nobody."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import pytest

from cardkit.card.apdu import Ins
from cardkit.card.connection import Activation, CardConnection
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.rekeying import Rekeyed, rekey
from cardkit.card.session import PurseSession
from cardkit.card.token import ReaderId, SaleRecord
from cardkit.errors import CardError, CardForeign, CardNotIssuable
from cardkit.logging import TRAFFIC
from simulator.card import VirtualCard
from simulator.desfire.memory import Key, Memory
from simulator.field import Field
from simulator.issued import IssuedKeys, issued_card
from tests.purse_cards import (
    KEY_VERSION,
    OLD_TERMINAL_MASTER,
    SYSTEM_ID,
    TERMINAL_KEYS,
    UID,
    card_keys,
    connect,
)

OLD_VERSION = 1
OLD_KEYS = TerminalCardKeys(SYSTEM_ID, {OLD_VERSION: OLD_TERMINAL_MASTER})
KEYS = replace(card_keys(terminal_master=OLD_TERMINAL_MASTER), version=OLD_VERSION)
AMOUNT_CENTS = 12_50
EXCHANGES = 17
"""Two keys tried 6, read 2, key 0 and change 3, version 1, new key 3, read back 2."""


def sold() -> tuple[Field, VirtualCard]:
    """A card under the old key that has paid once."""
    field = Field()
    card = issued_card(
        UID,
        IssuedKeys(
            picc=KEYS.picc_master,
            app_master=KEYS.app_master,
            terminal=KEYS.terminal,
            tmac=KEYS.tmac,
            closed=KEYS.closed,
        ),
    )
    field.place(card)
    purse = PurseSession.open(connect(field), OLD_KEYS)
    state = purse.tmac()
    record = SaleRecord(
        terminal=3,
        seq=9,
        amount_cents=AMOUNT_CENTS,
        spent0_cents=purse.spent_cents(),
        tmv0=state.tmv,
        token=bytes(8),
    )
    purse.debit(AMOUNT_CENTS)
    purse.write_record(record)
    purse.commit_reader_id(ReaderId(terminal=3, seq=9, token=bytes(8)))
    purse.commit()
    return field, card


def rekeyed(connection: CardConnection) -> Rekeyed:
    """Re-key the card of a connection."""
    return rekey(connection, app_master=KEYS.app_master, terminal_keys=TERMINAL_KEYS)


def key_1(card: VirtualCard) -> Key:
    """Key 1 in the card's own memory."""
    return card.memory.applications[CLAF_PURSE_1.aid].keys[CLAF_PURSE_1.terminal_key_no]


def without_key_1(card: VirtualCard) -> Memory:
    """All that must not move."""
    memory = copy.deepcopy(card.memory)
    memory.applications[CLAF_PURSE_1.aid].keys[CLAF_PURSE_1.terminal_key_no] = Key(bytes(16), 0)
    return memory


def test_only_key_1_moves() -> None:
    """Promise: purse, counter, records, TMAC key and every other key stay what they are."""
    field, card = sold()
    before, history = without_key_1(card), card.history
    done = rekeyed(connect(field))
    assert (done.uid, done.version_before, done.version) == (UID, OLD_VERSION, KEY_VERSION)
    assert (done.tmac.tmc, done.spent_cents) == (1, AMOUNT_CENTS)
    assert without_key_1(card) == before
    assert card.history == history
    assert key_1(card) == Key(card_keys().terminal, KEY_VERSION)
    assert PurseSession.open(connect(field), TERMINAL_KEYS).key_version == KEY_VERSION
    with pytest.raises(CardForeign):
        PurseSession.open(connect(field), OLD_KEYS)


def test_a_second_time_changes_nothing() -> None:
    """Promise: the same call on a card that has the key asks for no change of keys."""
    field, card = sold()
    rekeyed(connect(field))
    before = copy.deepcopy(card.memory)
    field.trace.clear()
    again = rekeyed(connect(field))
    assert again.version_before == again.version == KEY_VERSION
    assert Ins.CHANGE_KEY not in [exchange.command[1] for exchange in field.trace]
    assert card.memory == before


@pytest.mark.parametrize("verb", ["tear_before", "tear_after", "garble"])
def test_torn_anywhere_it_answers_to_one_of_two_keys(verb: str) -> None:
    """Promise: after any exchange a till with both keys opens the card, and the call finishes."""
    field, card = sold()
    start, snapshot, history = field.exchanges, card.snapshot(), card.history
    rekeyed(connect(field))
    assert field.exchanges - start == EXCHANGES
    found = set[int]()
    for number in range(1, EXCHANGES + 1):
        card.restore(snapshot)
        untouched = without_key_1(card)
        connection = connect(field)
        getattr(field, verb)(number)
        with suppress(CardError):
            rekeyed(connection)
            assert verb == "garble", "a wrong challenge of a key that is wrong anyway harms nobody"
        field.lift()
        field.place(card)
        version = PurseSession.open(connect(field), TERMINAL_KEYS).key_version
        assert version == key_1(card).version
        found.add(version)
        done = rekeyed(connect(field))
        assert (done.version_before, done.version) == (version, KEY_VERSION)
        assert without_key_1(card) == untouched
        assert card.history == history
    assert found == {OLD_VERSION, KEY_VERSION}


@pytest.mark.parametrize(
    "key",
    [Key(KEYS.terminal, KEY_VERSION), Key(card_keys().terminal, OLD_VERSION)],
    ids=["new version, old key", "old version, new key"],
)
def test_a_version_byte_is_not_believed(key: Key) -> None:
    """Promise: which key a card has is found out by authenticating, whatever its version says."""
    field, card = sold()
    card.memory.applications[CLAF_PURSE_1.aid].keys[CLAF_PURSE_1.terminal_key_no] = key
    rekeyed(connect(field))
    assert key_1(card) == Key(card_keys().terminal, KEY_VERSION)


def test_another_key_0_or_another_card_is_left_alone() -> None:
    """Promise: a card that is not this caisse's is told apart and stays as it is."""
    field, card = sold()
    before = copy.deepcopy(card.memory)
    with pytest.raises(CardForeign, match="another key 0"):
        rekey(connect(field), app_master=bytes(16), terminal_keys=TERMINAL_KEYS)
    stranger = TerminalCardKeys(b"CLAF-OTHER", {1: bytes(16)})
    with pytest.raises(CardForeign):
        rekey(connect(field), app_master=KEYS.app_master, terminal_keys=stranger)
    assert card.memory == before


@dataclass
class Meddling:
    """A connection beside which a card does something after its key was changed."""

    inner: CardConnection
    meddle: Callable[[], None]

    @property
    def uid(self) -> bytes:
        """The card's."""
        return self.inner.uid

    @property
    def activation(self) -> Activation:
        """The card's."""
        return self.inner.activation

    def transceive(self, command: bytes) -> bytes:
        """Pass everything on."""
        answer = self.inner.transceive(command)
        if command[1] == Ins.CHANGE_KEY:
            self.meddle()
        return answer

    def close(self) -> None:
        """Let go."""
        self.inner.close()


def test_what_the_card_became_is_read_back() -> None:
    """Promise: a key, a version or a purse that is not what it should be is no success."""
    for words, meddle in (
        ("version", lambda card: setattr(key_1(card), "version", OLD_VERSION)),
        ("new key", lambda card: setattr(key_1(card), "value", KEYS.terminal)),
        ("purse", lambda card: setattr(tmac_of(card), "tmc", 7)),
    ):
        field, card = sold()
        connection = Meddling(connect(field), partial(meddle, card))
        with pytest.raises(CardNotIssuable, match=words):
            rekeyed(connection)


def tmac_of(card: VirtualCard) -> object:
    """The card's TMAC file."""
    return card.memory.applications[CLAF_PURSE_1.aid].tmac


def test_no_key_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Promise: logs at the most talkative level give neither key away, nor what carries one."""
    field, _ = sold()
    field.trace.clear()
    with caplog.at_level(TRAFFIC):
        rekeyed(connect(field))
    changed = [one.command for one in field.trace if one.command[1] == Ins.CHANGE_KEY]
    assert len(changed) == 1
    for secret in (KEYS.app_master, KEYS.terminal, card_keys().terminal, changed[0][5:]):
        assert secret.hex() not in caplog.text.lower()
