"""Re-keying at the card table: whatever slips, the same call finishes it, and tills still sell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from cardkit.card.apdu import Ins
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.session import PurseSession
from cardkit.errors import AnswerInvalid, CardError, CardForeign, KeyStoreError, ServerUnreachable
from cardkit.keyfiles import WorkshopKeys, write_bundle, write_public
from cardkit.pairing import CardMaster
from cardkit.workshop import CARD_REKEYED_PATH
from provisioning import cli
from provisioning.card_words import Issued
from provisioning.cards import CardWorkshop
from provisioning.client import ATTEMPTS, Reply
from provisioning.keystore import new_keys
from provisioning.wiring import Wiring
from server_stub.models import ActRow, Card
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import Field, FieldConnection
from tests.workshop_world import ACCOUNT, NOW, UID, URL, InProcess, World, make_world, served

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)
NEW_VERSION = 2
NEW_MASTER = CardMaster(version=NEW_VERSION, key=bytes(range(0x40, 0x50)))
RENEWED = replace(KEYS.workshop, masters=(*KEYS.workshop.masters, NEW_MASTER))
EXCHANGES = 17


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A caisse with one issued card on the reader of its workshop."""
    with served(make_world(KEYS, ManualClock(NOW))) as made:
        made.field.place(made.maker.blank_card(UID))
        assert isinstance(made.cards.issue(made.laid(), made.client, account=ACCOUNT), Issued)
        yield made


def table(world: World, keys: WorkshopKeys = RENEWED) -> CardWorkshop:
    """The card table once the workshop has a newer master."""
    return replace(world.cards, keys=keys)


def version_on_card(world: World, keys: WorkshopKeys = RENEWED) -> int | None:
    """Which key a till that has every master opens the card with."""
    masters = {master.version: master.key for master in keys.masters}
    terminal_keys = TerminalCardKeys(KEYS.public.system_id, masters)
    return PurseSession.open(world.laid(), terminal_keys).key_version


def version_on_record() -> int | None:
    """What the service has on record."""
    return Card.objects.get(uid=UID).terminal_key_version


def card_in(world: World) -> VirtualCard:
    """The card on the reader."""
    card = world.field.card
    assert isinstance(card, VirtualCard)
    return card


def test_a_card_gets_the_newest_key(world: World) -> None:
    """Promise: after one call a till with the new master sells to it, one without does not."""
    done = table(world).rekey(world.laid(), world.client)
    assert (done.uid, done.version_before, done.version) == (UID, 1, NEW_VERSION)
    assert (done.tmac.tmc, done.spent_cents) == (1, 0)
    assert version_on_card(world) == version_on_record() == NEW_VERSION
    with pytest.raises(CardForeign):
        version_on_card(world, KEYS.workshop)
    again = table(world).rekey(world.laid(), world.client)
    assert again.version_before == again.version == NEW_VERSION


@pytest.mark.parametrize("verb", ["tear_before", "tear_after"])
def test_torn_anywhere_it_can_be_run_again(world: World, verb: str) -> None:
    """Promise: a torn card buys under one of its two keys, and laying it down again finishes it."""
    issued, card, start = card_in(world).snapshot(), card_in(world), world.field.exchanges
    table(world).rekey(world.laid(), world.client)
    assert world.field.exchanges - start == EXCHANGES
    for number in range(1, EXCHANGES + 1):
        card.restore(issued)
        Card.objects.update(terminal_key_version=None)
        connection = world.laid()
        getattr(world.field, verb)(number)
        with pytest.raises(CardError):
            table(world).rekey(connection, world.client)
        assert version_on_record() is None, "nothing is recorded before the card has proven it"
        world.field.place(card)
        assert version_on_card(world) in {1, NEW_VERSION}
        table(world).rekey(world.laid(), world.client)
        assert version_on_card(world) == version_on_record() == NEW_VERSION


class DeafAtTheEnd(InProcess):
    """A line that loses every answer about a card that was re-keyed."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Deliver a POST; raises ServerUnreachable for the last step's answer."""
        self.drop_answers = int(url.endswith(CARD_REKEYED_PATH))
        return super().post(url, body, headers)


def test_a_service_that_goes_away_is_told_next_time(world: World) -> None:
    """Promise: when the last answer was lost, the same call ends well and records nothing twice."""
    deaf = replace(world, line=DeafAtTheEnd())
    with pytest.raises(ServerUnreachable):
        table(deaf).rekey(deaf.laid(), deaf.client)
    assert deaf.line.asked.count(CARD_REKEYED_PATH) == ATTEMPTS
    assert version_on_card(world) == version_on_record() == NEW_VERSION
    acts_before = ActRow.objects.count()
    table(world).rekey(world.laid(), world.client)
    assert version_on_record() == NEW_VERSION
    assert ActRow.objects.count() == acts_before


def test_a_workshop_that_lacks_the_cards_key_does_nothing(world: World) -> None:
    """Promise: a card is never brought back to an older key, nor touched by another profile."""
    table(world).rekey(world.laid(), world.client)
    before = world.field.exchanges
    with pytest.raises(KeyStoreError, match="version 2"):
        table(world, KEYS.workshop).rekey(world.laid(), world.client)
    other = replace(table(world), profile=replace(CLAF_PURSE_1, name="claf-purse/2"))
    with pytest.raises(AnswerInvalid, match="claf-purse/1"):
        other.rekey(world.laid(), world.client)
    assert world.field.exchanges == before


class Lent:
    """A reader that a command may close and the next one finds again (a `Reader`)."""

    def __init__(self, field: Field, card: VirtualCard) -> None:
        self._field, self._card = field, card
        self.name = field.name
        self.beep = field.beep

    def wait_for_card(self, timeout_s: float) -> FieldConnection | None:
        """The card is laid down again whenever it slipped off."""
        if self._field.card is None:
            self._field.place(self._card)
        return self._field.wait_for_card(timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """As the field does."""
        return self._field.wait_for_removal(timeout_s)

    def close(self) -> None:
        """Nothing: the field stays."""


def test_the_command_goes_on_after_a_slip(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise: `card rekey` says version and outcome in French, and a slip costs a second try."""
    tmp_path.chmod(0o700)
    write_bundle(tmp_path, RENEWED, caisse="flers", passphrase=None)
    write_public(tmp_path, KEYS.public)
    card = card_in(world)
    wiring = Wiring(
        open_reader=lambda _: Lent(world.field, card),
        open_transport=lambda: world.line,
        clock=world.clock,
        originality=world.maker.originality,
    )
    arguments = ["card", "rekey", "--service", URL, "--keys", str(tmp_path)]
    world.field.tear_after(11)
    assert cli.run(arguments, wiring) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{UID.hex().upper()} {NEW_VERSION}\n"
    assert "quitté" in printed.err
    assert "déjà" in printed.err, "the first try had changed the key"
    assert Ins.CHANGE_KEY in [exchange.command[1] for exchange in world.field.trace]
    assert version_on_card(world) == version_on_record() == NEW_VERSION
