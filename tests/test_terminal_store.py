"""The store: whole directories or none, whole documents or none, and no step back."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.directory import CardStatus, DirectoryDelta, read_row
from cardkit.errors import (
    DocumentError,
    DocumentForeign,
    DocumentMalformed,
    DocumentRolledBack,
    KeyStoreError,
    SignatureInvalid,
    StoreError,
)
from cardkit.signing import SigningKey
from terminal.documents import AtomicStorage, Documents
from terminal.keyring import read_keyring
from terminal.store import EMPTY, Store
from tests.terminal_world import CAISSE, TERMINAL, World

NOBODY: frozenset[bytes] = frozenset()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse with three cards and two published directories behind it."""
    world = World.make(tmp_path)
    for _ in range(3):
        world.new_card(50_00)
    world.publish()
    world.enrol()
    return world


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    """The store of a terminal with the first directory."""
    store = Store.open(world.data())
    yield store
    store.close()


def delta_of(world: World, before: tuple[bytes, ...]) -> DirectoryDelta:
    """What changed since the directory before."""
    changed = tuple(row for row in world.rows if row not in before)
    uids = {read_row(row).uid for row in world.rows}
    removed = tuple(uid for uid in (read_row(row).uid for row in before) if uid not in uids)
    return DirectoryDelta(
        base_epoch=world.epoch,
        base_version=world.directory_version - 1,
        rows=changed,
        removed=removed,
    )


def test_a_delta_makes_the_directory_that_was_signed(world: World, store: Store) -> None:
    """Promise: blocks, new cards and removed ones arrive as a delta, and survive a restart."""
    before = world.rows
    first, second, _ = world.members
    world.members[first].blocked = True
    del world.members[second]
    new = world.new_card(10_00)
    world.publish()
    store.accept_directory(world.directory, delta_of(world, before), refunded=NOBODY)
    for _ in range(2):
        blocked, row = store.row(first), store.row(new.uid)
        assert blocked is not None
        assert blocked.status is CardStatus.BLOCKED
        assert row is not None
        assert row.allowance == world.allowance(new)
        assert store.row(second) is None
        assert store.directory is not None
        assert store.directory.header.cards == 3
        store.close()
        store = Store.open(world.data())
    store.close()


@pytest.mark.parametrize(
    "spoil",
    [
        {"rows": ()},
        {"base_version": 7},
        {"base_epoch": 9},
        {"removed": (bytes(7),), "rows": ()},
        {"rows": (b"\xff",)},
    ],
    ids=["dropped", "version", "epoch", "removed", "garbage"],
)
def test_a_delta_that_does_not_fit_changes_nothing(
    world: World, store: Store, spoil: dict[str, object]
) -> None:
    """Promise: a lost block is noticed, the old directory stays, the whole one is asked for."""
    before, uid = world.rows, next(iter(world.members))
    world.members[uid].blocked = True
    world.publish()
    delta = delta_of(world, before)
    fields = {"base_epoch": delta.base_epoch, "base_version": 1, "rows": delta.rows} | spoil
    with pytest.raises(DocumentMalformed):
        store.accept_directory(world.directory, DirectoryDelta(**fields), refunded=NOBODY)  # type: ignore[arg-type]  # by name
    row = store.row(uid)
    assert row is not None
    assert row.status is CardStatus.ACTIVE
    assert store.delta_base == EMPTY
    store.accept_directory(world.directory, world.whole_delta(), refunded=NOBODY)
    assert store.delta_base == (1, 2)


def test_directories_and_permits_never_go_back(world: World, store: Store) -> None:
    """Promise: an older signed document does not undo a newer one; a new epoch is newer."""
    old_directory, old_rows, old_permit = world.directory, world.whole_delta(), world.permit()
    world.publish()
    world.permit_version += 1
    store.accept_directory(world.directory, world.whole_delta(), refunded=NOBODY)
    store.accept_permit(world.permit())
    with pytest.raises(DocumentRolledBack):
        store.accept_directory(old_directory, old_rows, refunded=NOBODY)
    with pytest.raises(DocumentRolledBack):
        store.accept_permit(old_permit)
    world.epoch, world.directory_version, world.permit_version = 2, 0, 0
    world.publish()
    store.accept_directory(world.directory, world.whole_delta(), refunded=NOBODY)
    assert store.accept_permit(world.permit()).permit.order == (2, 0)


def test_two_directories_of_one_version_are_one_too_many(world: World, store: Store) -> None:
    """Promise: a service that says two things under one number is not believed."""
    world.directory_version -= 1
    world.members[next(iter(world.members))].blocked = True
    world.publish()
    with pytest.raises(DocumentMalformed):
        store.accept_directory(world.directory, world.whole_delta(), refunded=NOBODY)


def test_only_the_issuer_is_believed(world: World, store: Store) -> None:
    """Promise: a key without the role signs neither directory nor permit."""
    world.issuer, issuer = world.service, world.issuer
    world.publish()
    for act in (
        lambda: store.accept_directory(world.directory, None, refunded=NOBODY),
        lambda: store.accept_permit(world.permit()),
    ):
        with pytest.raises(SignatureInvalid):
            act()
    world.issuer = issuer
    with pytest.raises(DocumentForeign):
        store.accept_permit(world.permit(TERMINAL + 1))


def test_a_certificate_needs_the_root(world: World, store: Store) -> None:
    """Promise: only the root makes a key trusted, and a trusted one stays so after a restart."""
    world.root, root = SigningKey.from_scalar(1, caisse=CAISSE), world.root
    with pytest.raises(DocumentError):
        store.accept_certificates(world.certificates())
    world.root = root
    world.issuer = SigningKey.from_scalar(2, caisse=CAISSE)
    store.accept_certificates(world.certificates())
    store.close()
    again = Store.open(world.data())
    world.permit_version += 1
    assert again.accept_permit(world.permit()).permit.version == 2
    again.close()


def test_damaged_rows_are_no_directory(world: World, store: Store) -> None:
    """Promise: a flipped bit in a block is noticed at the start, and nothing is sold on it."""
    store.close()
    db = sqlite3.connect(world.data().store, isolation_level=None)
    db.execute("DELETE FROM row WHERE uid = (SELECT min(uid) FROM row)")
    db.close()
    again = Store.open(world.data())
    assert (again.directory, again.delta_base) == (None, EMPTY)
    assert "rows are not those" in str(again.damage)
    assert again.row(next(reversed(world.members))) is None
    again.accept_directory(world.directory, world.whole_delta(), refunded=NOBODY)
    assert (again.delta_base, again.damage) == ((1, 1), None)
    again.close()


def test_the_floor_of_time_only_rises(world: World, store: Store) -> None:
    """Promise: what was signed is the floor; an earlier signature does not lower it."""
    floor = store.signed_time
    assert floor == world.now
    store.note_signed_time(floor.replace(year=2020))
    assert store.signed_time == floor
    store.note_signed_time(floor.replace(year=2027))
    store.close()
    again = Store.open(world.data())
    assert again.signed_time == floor.replace(year=2027)
    again.close()


def test_an_unpaired_directory_is_no_terminal(tmp_path: Path) -> None:
    """Promise: without an identity nothing opens, and nothing is invented."""
    world = World.make(tmp_path)
    world.data().create()
    with pytest.raises(StoreError, match="never paired"):
        Store.open(world.data())
    with pytest.raises(KeyStoreError):
        read_keyring(world.data().keys, caisse=CAISSE)


def test_damaged_documents_are_an_error(world: World, store: Store) -> None:
    """Promise: damage is told as such, and is not taken for a terminal that was never paired."""
    world.data().documents.write_bytes(b'{"documents": {"1"')
    with pytest.raises(StoreError, match=r"documents\.json"):
        Documents(world.data().documents).identity  # noqa: B018 - reading it is the test


TABLES = st.dictionaries(
    st.text(max_size=5),
    st.dictionaries(
        st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=20)), max_size=3
    ),
    max_size=3,
)


@given(before=TABLES, after=TABLES)
def test_a_document_file_is_the_old_one_or_the_new_one(
    before: dict[str, dict[str, object]],
    after: dict[str, dict[str, object]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Promise: a write that a cut left half done is never read, and does not stop the next one."""
    path = tmp_path_factory.mktemp("documents") / "documents.json"
    storage = AtomicStorage(path)
    assert storage.read() is None
    storage.write(before)
    path.with_name(f".{path.name}.new").write_bytes(b'{"half')
    assert storage.read() == before
    storage.write(after)
    assert storage.read() == after
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_disk_that_refuses_is_a_store_error(world: World, store: Store) -> None:
    """Promise: no OSError of a full or read-only disk reaches a screen."""
    blocked = world.data().root / "no-such-folder" / "documents.json"
    with pytest.raises(StoreError):
        AtomicStorage(blocked).write({})
