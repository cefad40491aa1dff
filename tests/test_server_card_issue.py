"""A card is issued when it has proven its keys, once, and to one account for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from cardkit import cbor
from cardkit.acts import ActKind
from cardkit.allowance import accept_allowance
from cardkit.card.issuing import OneCardKeys, personalise
from cardkit.errors import ServerRefused
from cardkit.httpsig import sign_post
from cardkit.keyfiles import ServiceKeys
from cardkit.schema import pack, unpack
from cardkit.sealing import SealingKey
from cardkit.signing import SigningKey
from cardkit.workshop import (
    CARD_BEGIN_PATH,
    CARD_KEYS_PURPOSE,
    CardBegin,
    CardBegun,
    CardFinish,
    CardKeys,
)
from provisioning.keystore import KeySet, new_keys
from server_stub.keys import KeyRing
from server_stub.models import ActRow, AllowanceIssued, Card, CardStatus
from server_stub.services.card_issue import CardRefusal, begin_card, finish_card
from simulator.clock import ManualClock
from tests.workshop_world import (
    ACCOUNT,
    NOW,
    OTHER_ACCOUNT,
    OTHER_UID,
    UID,
    URL,
    World,
    make_world,
    served,
)

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A fresh caisse, served in this process."""
    with served(make_world(KEYS, ManualClock(NOW))) as made:
        yield made


def begin(
    world: World, uid: bytes = UID, account: bytes = ACCOUNT, *, again: bool = False
) -> tuple[CardBegun, CardKeys]:
    """Ask for a card's keys and open them."""
    sealing = SealingKey.generate()
    begun = world.client.begin_card(
        CardBegin(uid=uid, account=account, sealing_key=sealing.public_bytes, again=again)
    )
    assert begun.sealed_keys is not None
    opened = sealing.open(begun.sealed_keys, purpose=CARD_KEYS_PURPOSE)
    return begun, unpack(CardKeys, cbor.decode(opened))


def born(world: World, uid: bytes, generation: int, keys: CardKeys) -> CardFinish:
    """Make a blank card with these keys and show what it proves."""
    world.field.place(world.maker.blank_card(uid))
    proof = personalise(
        world.laid(),
        OneCardKeys(
            picc_master=keys.picc_master,
            app_master=keys.app_master,
            terminal=bytes(range(16)),
            closed=keys.closed,
            tmac=keys.tmac,
        ),
        originality=world.maker.originality,
    )
    world.field.lift()
    return CardFinish(
        uid=uid,
        generation=generation,
        tmc=proof.tmc,
        tmv=proof.tmv,
        enc_tmri=proof.enc_tmri,
        spent_cents=proof.spent_cents,
    )


def kinds() -> list[ActKind]:
    """What the caisse put on record, rules and conventions aside."""
    acts = [ActKind(row.kind) for row in ActRow.objects.order_by("seq")]
    return [kind for kind in acts if kind not in {ActKind.RULE_SET, ActKind.CONVENTION_SIGNED}]


def test_a_proven_birth_issues_the_card_with_its_first_months(world: World) -> None:
    """Promise: the card is the account's, on record, and carries signed credit from now on."""
    begun, keys = begin(world)
    finished = world.client.finish_card(born(world, UID, begun.generation, keys))
    card = Card.objects.get(uid=UID)
    assert (card.status, card.generation, card.account.number) == (CardStatus.ACTIVE, 1, ACCOUNT)
    assert (card.proven_tmc, card.proven_spent_cents) == (1, 0)
    assert kinds() == [ActKind.CARD_ISSUED, ActKind.ALLOWANCE_ISSUED]
    assert finished.allowance is not None
    allowance = accept_allowance(finished.allowance, world.caisse.ring.trust)
    assert (allowance.uid, allowance.generation) == (UID, 1)
    assert allowance.available_cents(NOW, spent_cents=0, refunded_cents=0) == 100_00


def test_a_card_with_another_tmac_key_is_not_issued(world: World) -> None:
    """Promise: a card whose proofs the service could never verify gets no credit."""
    begun, keys = begin(world)
    finish = born(world, UID, begun.generation, replace(keys, tmac=bytes(16)))
    with pytest.raises(ServerRefused, match="did not prove") as refused:
        world.client.finish_card(finish)
    assert refused.value.status == 422
    assert Card.objects.get(uid=UID).status == CardStatus.ISSUING
    assert (kinds(), AllowanceIssued.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tmv": bytes(8)},
        {"tmc": 2},
        {"spent_cents": 1},
        {"enc_tmri": bytes(16)},
        {"generation": 2},
        {"uid": OTHER_UID},
    ],
    ids=lambda wrong: str(*wrong),
)
def test_a_birth_with_one_wrong_fact_is_refused(
    world: World, wrong: dict[str, int | bytes]
) -> None:
    """Promise: every fact of a birth is checked, and none is taken on trust."""
    begun, keys = begin(world)
    finish = replace(born(world, UID, begun.generation, keys), **wrong)  # type: ignore[arg-type]  # the cases above name its fields
    assert isinstance(finish_card(world.caisse, finish), CardRefusal)
    assert kinds() == []


def test_a_repeated_birth_changes_nothing_and_gets_the_same_answer(world: World) -> None:
    """Promise: a dropped answer costs a repetition, and never a second credit."""
    begun, keys = begin(world)
    finish = born(world, UID, begun.generation, keys)
    assert world.client.finish_card(finish) == world.client.finish_card(finish)
    assert kinds() == [ActKind.CARD_ISSUED, ActKind.ALLOWANCE_ISSUED]
    other = replace(finish, tmv=bytes(8))
    assert finish_card(world.caisse, other) is CardRefusal.BORN_OTHERWISE


def test_an_interrupted_issue_gets_the_same_keys_again(world: World) -> None:
    """Promise: a torn card can be opened again, because its keys are given out again."""
    assert begin(world)[1] == begin(world)[1]
    assert Card.objects.count() == 1


def test_a_card_never_moves_to_another_account(world: World) -> None:
    """Promise: nobody's card becomes somebody else's; before its birth it is nobody's."""
    begin(world, account=OTHER_ACCOUNT)
    begun, keys = begin(world, account=ACCOUNT)
    world.client.finish_card(born(world, UID, begun.generation, keys))
    for again in (False, True):
        with pytest.raises(ServerRefused, match="another account"):
            begin(world, account=OTHER_ACCOUNT, again=again)
    with pytest.raises(ServerRefused, match="no such account"):
        begin(world, uid=OTHER_UID, account=bytes(16))


def test_an_issued_card_is_left_alone_until_a_person_says_again(world: World) -> None:
    """Promise: keys of an issued card are given out for a new life only, and only on purpose."""
    begun, keys = begin(world)
    world.client.finish_card(born(world, UID, begun.generation, keys))
    sealing = SealingKey.generate()
    asked = CardBegin(uid=UID, account=ACCOUNT, sealing_key=sealing.public_bytes)
    assert world.client.begin_card(asked).sealed_keys is None
    again, new = begin(world, again=True)
    assert again.generation == 2
    assert new.tmac != keys.tmac
    assert new.picc_master == keys.picc_master


def test_a_new_life_ends_the_old_one_and_doubles_no_credit(world: World) -> None:
    """Promise: making a card anew neither leaves two purses nor signs a month twice."""
    begun, keys = begin(world)
    world.client.finish_card(born(world, UID, begun.generation, keys))
    again, new = begin(world, again=True)
    assert Card.objects.get(uid=UID, generation=1).status == CardStatus.ACTIVE
    finished = world.client.finish_card(born(world, UID, again.generation, new))
    statuses = dict(Card.objects.values_list("generation", "status"))
    assert statuses == {1: CardStatus.BLOCKED, 2: CardStatus.ACTIVE}
    assert finished.allowance is None
    assert AllowanceIssued.objects.count() == 1


def test_the_proof_of_an_earlier_life_is_none_of_the_next(world: World) -> None:
    """Promise: what a card proved before it was made anew can't be shown again."""
    begun, keys = begin(world)
    first = born(world, UID, begun.generation, keys)
    world.client.finish_card(first)
    begin(world, again=True)
    replayed = finish_card(world.caisse, replace(first, generation=2))
    assert replayed is CardRefusal.NOT_PROVEN


def test_a_new_life_under_new_masters_opens_with_the_old_card_key(world: World) -> None:
    """Promise: after a re-keying the workshop can still empty a card of before."""
    begun, keys = begin(world)
    world.client.finish_card(born(world, UID, begun.generation, keys))
    rekeyed = replace(world, caisse=replace(world.caisse, ring=_with_version_2(KEYS)))
    sealing = SealingKey.generate()
    asked = CardBegin(uid=UID, account=ACCOUNT, sealing_key=sealing.public_bytes, again=True)
    answer = begin_card(rekeyed.caisse, asked)
    assert isinstance(answer, CardBegun)
    assert answer.sealed_keys is not None
    opened = sealing.open(answer.sealed_keys, purpose=CARD_KEYS_PURPOSE)
    theirs = unpack(CardKeys, cbor.decode(opened))
    assert answer.key_version == 2
    assert theirs.picc_before == keys.picc_master
    assert theirs.picc_master != keys.picc_master


def _with_version_2(keys: KeySet) -> KeyRing:
    old = keys.service.newest()
    new = replace(old, version=2, picc=bytes(16), application=bytes(16), closed=bytes(16))
    held: ServiceKeys = replace(keys.service, masters=(old, new))
    return KeyRing(keys.public, held)


def test_only_the_workshop_is_obeyed(world: World) -> None:
    """Promise: without the workshop's certified key nobody gets a card's keys."""
    sealing = SealingKey.generate()
    asked = CardBegin(uid=UID, account=ACCOUNT, sealing_key=sealing.public_bytes)
    for stranger in (SigningKey.generate(caisse="flers"), KEYS.service.issuer_key("flers")):
        with pytest.raises(ServerRefused, match="not the workshop") as refused:
            world.client_of(stranger).begin_card(asked)
        assert refused.value.status == 401
    body, url = cbor.encode(pack(asked)), f"{URL}{CARD_BEGIN_PATH}"
    key = KEYS.workshop.signing_key("flers")
    as_terminal = sign_post(url, body, key=key, key_id="terminal-1", created=NOW)
    assert world.line.post(url, body, as_terminal).status == 401
    unsigned = world.line.post(url, body, {"Content-Type": "application/cbor"})
    assert unsigned.status == 401
    world.clock.pass_time(timedelta(days=4 * 365))
    with pytest.raises(ServerRefused, match="not the workshop"):
        world.client.begin_card(asked)
    assert Card.objects.count() == 0


def test_a_signed_request_that_is_no_request_is_said_to_be_none(world: World) -> None:
    """Promise: what the service can't read is refused with a reason, and is no crash."""
    other = CardFinish(
        uid=UID, generation=1, tmc=1, tmv=bytes(8), enc_tmri=bytes(16), spent_cents=0
    )
    with pytest.raises(ServerRefused, match="CardBegin") as refused:
        world.client._post(CARD_BEGIN_PATH, other, CardBegun)
    assert refused.value.status == 400
