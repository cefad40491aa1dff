"""The store against a dict: directories, permits and what cards brought, whatever comes when."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from cardkit.directory import DirectoryDelta, read_row
from cardkit.errors import DocumentError, DocumentRolledBack
from terminal.store import EMPTY, Store
from tests.fuzz_target import new_folder
from tests.terminal_world import World

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

NOBODY: frozenset[bytes] = frozenset()
Rows = dict[bytes, bytes]
Order = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Edition:
    """One directory as it was published."""

    order: Order
    header: bytes
    rows: Rows


@dataclass
class Model:
    """What a store comes to."""

    order: Order = EMPTY
    rows: Rows = field(default_factory=dict)
    permit: Order = EMPTY
    borne: Rows = field(default_factory=dict)
    seen: set[bytes] = field(default_factory=set)


class StoreMachine(RuleBasedStateMachine):
    """A caisse that publishes, and a till that is told in any order, or half, or never."""

    folder: Path
    store: Store

    @initialize()
    def begin(self) -> None:
        """Two cards, one directory, one permit."""
        self.folder = new_folder()
        self.world = World.make(self.folder)
        self.cards = [self.world.new_card(50_00) for _ in range(2)]
        self.editions: list[Edition] = []
        self.permits: list[tuple[Order, bytes]] = []
        self.publish()
        self.permit()
        self.data = self.world.enrol()
        self.store = Store.open(self.data)
        self.model = Model(self.editions[0].order, self.editions[0].rows, self.permits[0][0])

    @rule()
    def publish(self) -> None:
        """A new version of everything."""
        self.world.publish()
        rows = {read_row(row).uid: row for row in self.world.rows}
        order = self.world.epoch, self.world.directory_version
        self.editions.append(Edition(order, self.world.directory, rows))

    @rule(place=st.integers(0, 1))
    def block(self, place: int) -> None:
        """Block or unblock a card, from the next version on."""
        member = self.world.members.get(self.cards[place].uid)
        if member is not None:
            member.blocked = not member.blocked

    @rule()
    def admit(self) -> None:
        """One more card, from the next version on."""
        if len(self.cards) < 6:
            self.cards.append(self.world.new_card(10_00))

    @rule()
    def strike(self) -> None:
        """A card that is no more, from the next version on."""
        if len(self.world.members) > 1:
            self.world.members.popitem()

    @rule()
    def restore_service(self) -> None:
        """An older state of the service, in a higher epoch."""
        self.world.epoch += 1
        self.world.directory_version = self.world.permit_version = 0

    @rule()
    def permit(self) -> None:
        """A new permit."""
        self.world.permit_version += 1
        order = self.world.epoch, self.world.permit_version
        self.permits.append((order, self.world.permit()))

    @rule(data=st.data(), is_whole=st.booleans(), drops=st.integers(0, 2))
    def tell(self, data: st.DataObject, is_whole: bool, drops: int) -> None:
        """An edition, as a whole or as what changed, with rows missing or not."""
        edition = data.draw(st.sampled_from(self.editions))
        base = {} if is_whole else self.model.rows
        changed = [row for uid, row in edition.rows.items() if base.get(uid) != row]
        sent = tuple(changed[: len(changed) - drops] if drops else changed)
        epoch, version = EMPTY if is_whole else self.store.delta_base
        delta = DirectoryDelta(
            base_epoch=epoch,
            base_version=version,
            rows=sent,
            removed=tuple(uid for uid in base if uid not in edition.rows),
        )
        fits = is_whole or self.store.delta_base == self.model.order
        is_good = edition.order > self.model.order and fits and len(sent) == len(changed)
        if edition.order == self.model.order or is_good:
            self.store.accept_directory(edition.header, delta, refunded=NOBODY)
            if is_good:
                self.model.order, self.model.rows = edition.order, edition.rows
        elif edition.order < self.model.order:
            with pytest.raises(DocumentRolledBack):
                self.store.accept_directory(edition.header, delta, refunded=NOBODY)
        elif not _comes_to(edition, delta, self.model.rows):
            with pytest.raises(DocumentError):
                self.store.accept_directory(edition.header, delta, refunded=NOBODY)

    @rule(data=st.data())
    def allow(self, data: st.DataObject) -> None:
        """A permit of any age."""
        order, content = data.draw(st.sampled_from(self.permits))
        if order < self.model.permit:
            with pytest.raises(DocumentRolledBack):
                self.store.accept_permit(content)
        else:
            self.store.accept_permit(content)
            self.model.permit = order

    @rule(place=st.integers(0, 1), content=st.binary(min_size=1, max_size=8))
    def bring(self, place: int, content: bytes) -> None:
        """A card brings something."""
        self.store.keep_borne(self.cards[place].uid, content)
        self.model.borne[self.cards[place].uid] = content
        self.store.mark_seen(content)
        self.model.seen.add(content)

    @rule()
    def restart(self) -> None:
        """End in good order and begin again."""
        self.store.close()
        self.store = Store.open(self.data)

    @rule()
    def kill(self) -> None:
        """End between two instructions: another process finds the files as they are."""
        after = new_folder()
        shutil.copytree(self.data.root, after, dirs_exist_ok=True)
        self.store.close()
        shutil.rmtree(self.data.root)
        after.rename(self.data.root)
        self.store = Store.open(self.data)

    @invariant()
    def agree(self) -> None:
        """Everything that a till asks of its store."""
        held = self.store.directory
        assert held is not None
        assert held.header.order == self.model.order
        for card in self.cards:
            row, expected = self.store.row(card.uid), self.model.rows.get(card.uid)
            assert (None if row is None else row.encoded) == expected
            assert self.store.borne(card.uid) == self.model.borne.get(card.uid)
        assert self.store.permit.permit.order == self.model.permit
        assert all(self.store.is_seen(digest) for digest in self.model.seen)
        assert not self.store._db.in_transaction

    def teardown(self) -> None:
        """Let go."""
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)


def _comes_to(edition: Edition, delta: DirectoryDelta, rows: Rows) -> bool:
    """Whether a delta that lost rows happens to make the edition all the same."""
    base = {} if (delta.base_epoch, delta.base_version) == EMPTY else dict(rows)
    for uid in delta.removed:
        base.pop(uid, None)
    base |= {read_row(row).uid: row for row in delta.rows}
    return base == edition.rows


def test_a_store_is_the_last_whole_thing_it_was_told() -> None:
    """Promise 11: a directory is taken in whole, never half, never backwards, and stays.

    Red when a refused delta is not rolled back, and when an older permit is taken.
    """
    run_state_machine_as_test(
        StoreMachine, settings=settings(max_examples=20, stateful_step_count=30)
    )
