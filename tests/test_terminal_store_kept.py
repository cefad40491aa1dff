"""What the store keeps of a tap for the next one: nothing that has changed in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from cardkit.certificates import Certificate, Role, certify
from cardkit.directory import CardStatus
from cardkit.errors import DocumentError
from simulator.card import VirtualCard
from terminal.store import Store
from tests.terminal_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse with one card."""
    return World.make(tmp_path)


@pytest.fixture
def card(world: World) -> VirtualCard:
    """A card of the directory."""
    card = world.new_card(50_00)
    world.publish()
    world.enrol()
    return card


@pytest.fixture
def store(world: World, card: VirtualCard) -> Iterator[Store]:
    """The store of a terminal with this directory."""
    store = Store.open(world.data())
    yield store
    store.close()


def revocation(world: World) -> bytes:
    """A certificate that takes the issuer's key away."""
    revoked = Certificate(
        role=Role.ISSUER,
        subject=1,
        valid_from=world.now,
        valid_until=world.now + timedelta(days=1),
    )
    return certify(world.root, revoked).encoded


def test_a_block_counts_from_the_next_question_on(
    world: World, card: VirtualCard, store: Store
) -> None:
    """Promise: a card that was asked about a moment ago is blocked as soon as a directory says."""
    before = store.row(card.uid)
    assert before is not None
    assert before.status is CardStatus.ACTIVE
    world.members[card.uid].blocked = True
    world.publish()
    store.accept_directory(world.directory, world.whole_delta(), refunded=frozenset())
    after = store.row(card.uid)
    assert after is not None
    assert after.status is CardStatus.BLOCKED


def test_each_card_has_its_own_row(world: World, card: VirtualCard, store: Store) -> None:
    """Promise: the row of one card is never taken for another's."""
    other = world.new_card(10_00)
    world.publish()
    store.accept_directory(world.directory, world.whole_delta(), refunded=frozenset())
    found = [store.row(uid) for uid in (card.uid, other.uid, card.uid, bytes(7))]
    assert [row.uid if row is not None else None for row in found] == [
        card.uid,
        other.uid,
        card.uid,
        None,
    ]


def test_an_allowance_is_verified_anew_when_its_key_is_revoked(
    world: World, card: VirtualCard, store: Store
) -> None:
    """Promise: having accepted a document once is no reason to accept it for ever."""
    content = world.allowance(card)
    assert store.allowance(content).uid == card.uid
    store.accept_certificates((revocation(world),))
    with pytest.raises(DocumentError):
        store.allowance(content)


def test_a_revocation_is_kept_whatever_came_with_it(
    world: World, card: VirtualCard, store: Store
) -> None:
    """Promise: a revoked key stays so over a restart, also when the next certificate is refused."""
    content = world.allowance(card)
    with pytest.raises(DocumentError):
        store.accept_certificates((revocation(world), b"rubbish"))
    with pytest.raises(DocumentError):
        store.allowance(content)
    store.close()
    with closing(Store.open(world.data())) as restarted, pytest.raises(DocumentError):
        restarted.allowance(content)


def test_an_altered_allowance_is_not_the_one_that_was_accepted(
    world: World, card: VirtualCard, store: Store
) -> None:
    """Promise: what is remembered is every byte, the signature's too."""
    content = world.allowance(card)
    assert store.allowance(content) == store.allowance(content)
    with pytest.raises(DocumentError):
        store.allowance(content[:-1] + bytes([content[-1] ^ 1]))
