"""The day's digest, what a journal that was told of it proves, and the keys that it sets free."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cardkit.acts import ProofKeysPublished
from cardkit.bodies import Acknowledged
from cardkit.digest import NO_DIGEST, accept_digest
from cardkit.sync import SyncAnswer
from server_stub.models import ActRow, CardTransaction
from server_stub.services import acts, directory, proof_keys
from server_stub.services.behind import Lock, lock
from tests.service_world import ServiceWorld, Stall


@pytest.fixture
def world(db: None) -> ServiceWorld:
    """A caisse with a card."""
    return ServiceWorld.make()


def tell(stall: Stall, answer: SyncAnswer, **lies: object) -> SyncAnswer:
    """Let a stall journal what it was told, and send that."""
    told = Acknowledged(
        up_to_seq=answer.up_to_seq,
        head=answer.head,
        epoch=answer.epoch,
        answered_at=answer.answered_at,
        answer=bytes(32),
        acts_seq=answer.acts_seq,
        acts_head=answer.acts_head,
    )
    for name, value in lies.items():
        object.__setattr__(told, name, value)
    stall.append(told)
    return stall.sync()


def published(world: ServiceWorld) -> list[ProofKeysPublished]:
    """All acts that publish keys."""
    bodies = (act.body for act in acts.log(world.caisse, using=world.caisse.using))
    return [body for body in bodies if isinstance(body, ProofKeysPublished)]


def test_one_digest_a_day_and_each_names_the_one_before(world: ServiceWorld) -> None:
    """Promise 6: a till is told one history a day, and each day's stands on the day before."""
    stall = world.stall()
    first, again = stall.sync(), stall.sync()
    assert first.digest is not None
    assert again.digest == first.digest
    world.clock.pass_time(timedelta(days=1))
    next_day = stall.sync()
    assert next_day.digest is not None
    trust = world.caisse.ring.trust
    held = accept_digest(first.digest, trust, held=None)
    new = accept_digest(next_day.digest, trust, held=held)
    assert (held.digest.previous, new.digest.previous) == (NO_DIGEST, held.hash)
    own = new.digest.head_of(stall.terminal)
    assert own is not None
    assert (next_day.acts_seq, next_day.acts_head) == (new.digest.acts_seq, new.digest.acts_head)


@pytest.mark.parametrize(
    "lie",
    [{"acts_seq": 9_999}, {"acts_head": bytes(32)}],
    ids=["a longer log", "another log"],
)
def test_books_that_were_put_back_sign_no_second_day(
    world: ServiceWorld, lie: dict[str, object]
) -> None:
    """Promise 10: who was put back and has not said so is found out before it contradicts itself.

    A till would keep the second digest of a day as evidence of a lie, and nobody has lied.
    """
    stall = world.stall()
    answer = tell(stall, stall.sync())
    assert lock(world.caisse) is None
    assert tell(stall, answer, **lie).digest is None
    assert lock(world.caisse) is Lock.SUSPECTED


def test_what_an_earlier_epoch_was_told_locks_nothing(world: ServiceWorld) -> None:
    """Promise 10: acts that a declared restore forgot are told for long, and mean nothing."""
    stall = world.stall()
    answer = stall.sync()
    tell(stall, answer, epoch=answer.epoch - 1, acts_seq=9_999)
    assert lock(world.caisse) is None


def test_keys_wait_until_a_journal_bears_witness(world: ServiceWorld) -> None:
    """Promise 6: anybody can prove a sale again, once no forged twin can take its place."""
    card, stall = world.card(), world.stall()
    stall.sync()
    for cents in (3_00, 4_00):
        stall.sell(card, cents)
        stall.sync()
    assert proof_keys.publish_due(world.caisse) == 0, "nobody was told of a digest after them"
    directory.publish(world.caisse)
    world.clock.pass_time(timedelta(days=1))
    answer = stall.sync()
    assert proof_keys.publish_due(world.caisse) == 0, "the digest was given, and not yet witnessed"
    tell(stall, answer)
    assert proof_keys.publish_due(world.caisse) == 2
    assert proof_keys.publish_due(world.caisse) == 0, "each key is published once"
    (body,) = published(world)
    sold = CardTransaction.objects.filter(card=world.row(card))
    assert [one.tmc for one in body.keys] == [one.tmc for one in sold.order_by("tmc")]
    assert len({one.key for one in body.keys}) == 2, "each transaction has its own"


def test_a_head_that_nobody_signed_frees_no_key(world: ServiceWorld) -> None:
    """Promise 3: a thief's till that says it was told of all there is learns no key by that."""
    card, stall, thief = world.card(), world.stall(), world.stall(5)
    stall.sync()
    stall.sell(card, 3_00)
    stall.sync()
    directory.publish(world.caisse)
    last = ActRow.objects.order_by("-seq").first()
    assert last is not None
    tell(thief, thief.sync(), acts_seq=last.seq + 50, acts_head=bytes(32))
    tell(thief, thief.sync(), acts_seq=last.seq, acts_head=bytes(32))
    assert proof_keys.publish_due(world.caisse) == 0
    assert published(world) == []
