"""A till keeps the service's daily digest, and the evidence when two of them contradict."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cardkit.bodies import Acknowledged, DocumentRefused, EntryKind
from cardkit.digest import NO_DIGEST, Digest, JournalHead, sign_digest
from cardkit.signing import ContentType
from cardkit.sync import SyncAnswer, sign_answer
from terminal.documents import Document
from terminal.till import Till
from tests.terminal_world import TERMINAL, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse without cards."""
    world = World.make(tmp_path)
    world.publish()
    return world


def give(world: World, till: Till, digest: Digest) -> None:
    """Let the service answer with a digest, and the till take the answer in."""
    world.clock.pass_time(timedelta(minutes=1))
    head = till.journal.head
    answer = SyncAnswer(
        terminal=TERMINAL,
        up_to_seq=head.seq,
        head=head.digest,
        epoch=1,
        answered_at=world.now,
        acts_seq=digest.acts_seq,
        acts_head=digest.acts_head,
        digest=sign_digest(world.service, digest).encoded,
    )
    path = world.data().inbox / "0000000001.cbor"
    path.write_bytes(sign_answer(world.service, answer).encoded)
    till.consume_inbox()


def digest_of(world: World, till: Till, **changes: object) -> Digest:
    """The digest that an honest service would sign now."""
    head = till.journal.head
    honest = Digest(
        epoch=1,
        day=world.now.date(),
        made_at=world.now,
        acts_seq=30,
        acts_head=bytes([1]) * 32,
        previous=NO_DIGEST,
        journals=(JournalHead(terminal=TERMINAL, up_to_seq=head.seq, head=head.digest),),
    )
    return replace(honest, **changes)  # type: ignore[arg-type]  # fields by name


def test_a_digest_is_kept_and_witnessed(world: World) -> None:
    """Promise 6: a till's own signed journal says what log it was told of, for whoever audits."""
    till = world.till()
    given = digest_of(world, till)
    give(world, till, given)
    held = till.store.digest
    assert held is not None
    assert held.digest == given
    told = till.journal.last(EntryKind.ACKNOWLEDGED)
    assert told is not None
    assert isinstance(told.body, Acknowledged)
    assert (told.body.acts_seq, told.body.acts_head) == (30, given.acts_head)


@pytest.mark.parametrize(
    "lie",
    [
        {"acts_head": bytes([2]) * 32},
        {"journals": (JournalHead(terminal=TERMINAL, up_to_seq=1, head=bytes(32)),)},
    ],
    ids=["another log on the same day", "another entry of ours"],
)
def test_a_contradiction_is_refused_and_kept(world: World, lie: dict[str, object]) -> None:
    """Promise 6: two histories leave evidence on every till that was told both; it sells on."""
    till = world.till()
    honest = digest_of(world, till)
    give(world, till, honest)
    give(world, till, digest_of(world, till, **lie))
    refused = till.journal.last(EntryKind.DOCUMENT_REFUSED)
    assert refused is not None
    assert isinstance(refused.body, DocumentRefused)
    assert refused.body.content_type == ContentType.DIGEST.value
    held = till.store.digest
    assert held is not None
    assert held.digest == honest, "the first one stays"
    assert till.store.documents.content(Document.CONTRADICTION) is not None
    assert till.journal.is_running


def test_the_same_contradiction_is_journalled_once(world: World) -> None:
    """Promise 18: a service that repeats its lie with every answer fills no journal."""
    till = world.till()
    give(world, till, digest_of(world, till))
    lie = digest_of(world, till, acts_head=bytes([2]) * 32)
    for _ in range(3):
        give(world, till, lie)
    entries = [till.journal.entry(seq) for seq in range(1, till.journal.head.seq + 1)]
    refused = [one for one in entries if one and isinstance(one.body, DocumentRefused)]
    assert len(refused) == 1
