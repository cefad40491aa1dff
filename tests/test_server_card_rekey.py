"""Key 0 for the workshop, a card at a time; a version on record only once a card has proven it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cardkit import cbor
from cardkit.acts import ActKind, CardIssued, CardRekeyed
from cardkit.errors import DocumentError, ServerRefused
from cardkit.schema import unpack
from cardkit.sealing import SealingKey
from cardkit.signing import SigningKey
from cardkit.workshop import (
    CARD_KEY_0_PURPOSE,
    CARD_KEYS_PURPOSE,
    CardKeyZero,
    RekeyBegin,
    RekeyBegun,
    RekeyFinish,
)
from provisioning.keystore import new_keys
from server_stub.models import ActRow, Card, CardStatus
from server_stub.services import acts
from server_stub.services.rebuild import differences
from simulator.clock import ManualClock
from tests.service_books import payable_cents, state_of
from tests.service_world import ServiceWorld
from tests.workshop_world import NOW, UID, World, make_world, served

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A caisse with one card in use."""
    with served(make_world(KEYS, ManualClock(NOW))) as made:
        acts.record(made.caisse, _issued())
        yield made


def _issued() -> CardIssued:
    return CardIssued(
        uid=UID,
        generation=1,
        account=bytes(range(16)),
        profile="claf-purse/1",
        tmc=1,
        tmv=bytes(8),
        enc_tmri=bytes(16),
        spent_cents=0,
    )


def begin(world: World) -> tuple[RekeyBegun, SealingKey]:
    """Ask for key 0 as the workshop does."""
    sealing = SealingKey.generate()
    begun = world.client.begin_rekey(RekeyBegin(uid=UID, sealing_key=sealing.public_bytes))
    return begun, sealing


def finish(world: World, version: int, *, generation: int = 1) -> None:
    """Report that the card answered to a version."""
    world.client.finish_rekey(
        RekeyFinish(uid=UID, generation=generation, terminal_key_version=version)
    )


def rekeyings(world: World) -> list[CardRekeyed]:
    """What is on record about re-keyed cards."""
    kept = acts.log(world.caisse, using=world.caisse.using)
    return [act.body for act in kept if isinstance(act.body, CardRekeyed)]


def test_key_0_is_sealed_and_nothing_is_recorded_yet(world: World) -> None:
    """Promise: asking tells one card's key 0 to the workshop alone, and changes no row."""
    begun, sealing = begin(world)
    assert (begun.generation, begun.profile, begun.terminal_key_version) == (1, "claf-purse/1", 1)
    opened = sealing.open(begun.sealed_key, purpose=CARD_KEY_0_PURPOSE)
    masters = KEYS.service.newest()
    keys = masters.card_keys(
        uid=UID,
        generation=1,
        system_id=KEYS.public.system_id,
        profile=world.cards.profile,
    )
    key_zero = unpack(CardKeyZero, cbor.decode(opened))
    assert key_zero.app_master == keys.app_master
    assert repr(key_zero) == "CardKeyZero(…)"
    with pytest.raises(DocumentError):
        sealing.open(begun.sealed_key, purpose=CARD_KEYS_PURPOSE)
    assert Card.objects.get(uid=UID).terminal_key_version is None
    assert rekeyings(world) == []


def test_a_version_is_recorded_once_and_never_falls(world: World) -> None:
    """Promise: a repeated report is no second act, and an older one is refused."""
    for _ in range(2):
        finish(world, 2)
    assert [(act.generation, act.terminal_key_version) for act in rekeyings(world)] == [(1, 2)]
    assert begin(world)[0].terminal_key_version == 2
    with pytest.raises(ServerRefused, match="newer key") as refused:
        finish(world, 1)
    assert refused.value.status == 409
    card = Card.objects.get(uid=UID)
    assert (card.terminal_key_version, card.key_version) == (2, 1)
    assert ActRow.objects.filter(kind=ActKind.CARD_REKEYED).count() == 1


def test_a_card_that_is_not_in_use_keeps_its_key_0(world: World) -> None:
    """Promise: key 0 of a blocked card, of one that waits for its birth or of none, is not told."""
    with pytest.raises(ServerRefused) as refused:
        finish(world, 2, generation=2)
    assert refused.value.status == 404
    for status in (CardStatus.BLOCKED, CardStatus.ISSUING):
        Card.objects.all().update(status=status)
        with pytest.raises(ServerRefused, match="blocked, or waits") as refused:
            begin(world)
        assert refused.value.status == 409
    Card.objects.all().delete()
    with pytest.raises(ServerRefused, match="no such card") as refused:
        begin(world)
    assert refused.value.status == 404


def test_only_the_workshop_may_ask(world: World) -> None:
    """Promise: a request that another key signed learns no card's key 0."""
    stranger = world.client_of(SigningKey.generate(caisse="flers"))
    sealing = SealingKey.generate()
    with pytest.raises(ServerRefused) as refused:
        stranger.begin_rekey(RekeyBegin(uid=UID, sealing_key=sealing.public_bytes))
    assert refused.value.status == 401


@pytest.mark.django_db
def test_sales_count_under_either_key() -> None:
    """Promise: the key version of an intent decides nothing; the books can be rebuilt."""
    world = ServiceWorld.make()
    card = world.card()
    stall = world.stall()
    stall.sync()
    first = stall.sell(card, 10_00)
    acts.record(world.caisse, CardRekeyed(uid=card.uid, generation=1, terminal_key_version=2))
    second = stall.sell(card, 2_50)
    stall.key_version = 2
    third = stall.sell(card, 1_00)
    stall.sync()
    for seq in (first, second, third):
        assert state_of(stall.entries[seq - 1].digest) == ("payable", "")
    assert payable_cents(world) == 13_50
    assert differences(world.caisse) == []
