"""The disk that loses power: it loses what POSIX lets it lose, and nothing else."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from simulator.disk import Disk, Trouble
from simulator.volume import (
    PAGE_BYTES,
    Cut,
    Found,
    Link,
    Rename,
    Sync,
    SyncFailed,
    SyncNames,
    Truncate,
    Unlink,
    Volume,
    Write,
)

CHANCE = random.Random(20261126)
DRAWS = 64


def images(volume: Volume, cut: Cut) -> set[tuple[tuple[str, bytes], ...]]:
    """The different disks that many cuts leave."""
    return {tuple(sorted(volume.image(cut, CHANCE).items())) for _ in range(DRAWS)}


def test_only_what_was_synced_is_sure() -> None:
    """Promise: an image has every synced byte, and may lack, tear or mix the others."""
    volume = Volume()
    for it in (Link("a", 0), Write(0, 0, b"old!"), Sync(0), SyncNames(), Write(0, 2, b"new!")):
        volume.apply(it)
    assert images(volume, Cut.UNSYNCED) == {(("a", b"old!"),)}
    assert images(volume, Cut.NOTHING) == {(("a", b"olnew!"),)}
    torn = {b"old!", b"oln!", b"olne", b"olnew", b"olnew!"}
    assert {dict(it)["a"] for it in images(volume, Cut.TORN)} == torn
    assert {dict(it)["a"] for it in images(volume, Cut.SHUFFLED)} <= torn


def test_sectors_reach_the_disk_in_any_order() -> None:
    """Promise: a later sector may be kept where an earlier one is lost."""
    volume = Volume.holding({"a": bytes(1024)})
    volume.apply(Write(0, 0, b"1" * 1024))
    found = {(it[0][1][0], it[0][1][-1]) for it in images(volume, Cut.SHUFFLED)}
    assert found == {(0, 0), (0, 0x31), (0x31, 0), (0x31, 0x31)}


def test_names_need_a_sync_of_their_own() -> None:
    """Promise: a new file, a removed one and a renamed one may come back as they were."""
    volume = Volume.holding({"old": b"o", "gone": b"g"})
    for it in (Link("new", 2), Write(2, 0, b"n"), Sync(2), Unlink("gone")):
        volume.apply(it)
    assert images(volume, Cut.UNSYNCED) == {(("gone", b"g"), ("old", b"o"))}
    assert len(images(volume, Cut.SHUFFLED)) == 4
    volume.apply(Rename("new", "old", 2))
    volume.apply(SyncNames())
    assert images(volume, Cut.UNSYNCED) == images(volume, Cut.SHUFFLED) == {(("old", b"n"),)}
    assert volume.pending == 0


def test_a_failed_sync_lies_about_its_pages() -> None:
    """Promise: what a failed sync lost stays lost, until its page is written again."""
    volume = Volume.holding({"a": bytes(2 * PAGE_BYTES)})
    for it in (Write(0, 0, b"1"), SyncFailed(0), Write(0, PAGE_BYTES, b"2"), Sync(0)):
        volume.apply(it)
    (((_, content),),) = images(volume, Cut.UNSYNCED)
    assert (content[0], content[PAGE_BYTES]) == (0, 0x32)
    volume.apply(Write(0, 1, b"3"))
    volume.apply(Sync(0))
    (((_, content),),) = images(volume, Cut.UNSYNCED)
    assert content[:2] == b"13"


def test_a_shorter_file_forgets_its_end() -> None:
    """Promise: what was cut off and grown again reads as zeros, synced or not."""
    volume = Volume.holding({"a": b"12345678"})
    for it in (Truncate(0, 2), Truncate(0, 4)):
        volume.apply(it)
    assert images(volume, Cut.UNSYNCED) == {(("a", b"12345678"),)}
    volume.apply(Sync(0))
    assert images(volume, Cut.UNSYNCED) == {(("a", b"12\0\0"),)}
    volume.apply(Found("a", 1, b"other"))
    assert images(volume, Cut.UNSYNCED) == {(("a", b"other"),)}


def opened(folder: Path) -> sqlite3.Connection:
    """A database in a mode that loses when it is cut."""
    db = sqlite3.connect(folder / "x.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL").fetchall()
    db.execute("PRAGMA synchronous = NORMAL")
    return db


def test_the_dead_write_nothing(tmp_path: Path) -> None:
    """Promise: a process that was killed leaves no trace when it is closed afterwards."""
    with Disk(tmp_path) as disk:
        db = opened(tmp_path)
        db.execute("CREATE TABLE t (a)")
        disk.freeze()
        before = disk.volume.image(Cut.NOTHING, CHANCE)
        db.close()
        disk.thaw(Cut.NOTHING, CHANCE)
        assert disk.volume.image(Cut.NOTHING, CHANCE) == before
        assert {name: (tmp_path / name).read_bytes() for name in before} == before
        db = opened(tmp_path)
        assert db.execute("SELECT * FROM t").fetchall() == []
        db.close()


def test_a_cut_is_left_in_the_folder(tmp_path: Path) -> None:
    """Promise: after a cut the folder holds its image, and the disk works again."""
    with Disk(tmp_path) as disk:
        db = opened(tmp_path)
        db.execute("CREATE TABLE t (a)")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        db.execute("INSERT INTO t VALUES (1)")
        disk.freeze()
        db.close()
        disk.thaw(Cut.UNSYNCED, CHANCE)
        db = opened(tmp_path)
        assert db.execute("SELECT * FROM t").fetchall() == []
        db.execute("INSERT INTO t VALUES (2)")
        db.close()
    db = opened(tmp_path)
    assert db.execute("SELECT * FROM t").fetchall() == [(2,)]
    db.close()


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Trouble.IO, "disk I/O error"),
        (Trouble.FULL, "database or disk is full"),
        (Trouble.SYNC, "disk I/O error"),
        (Trouble.READ, "disk I/O error"),
    ],
)
def test_a_disk_fails_once_or_for_ever(tmp_path: Path, trouble: Trouble, words: str) -> None:
    """Promise: an error comes when it was asked for, as often as that, and SQLite hears of it."""
    with Disk(tmp_path) as disk:
        db = opened(tmp_path)
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA cache_size = 0")
        db.execute("CREATE TABLE t (a)")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        disk.fail(trouble)
        with pytest.raises(sqlite3.OperationalError, match=words):
            db.execute("INSERT INTO t VALUES (1)")
        db.execute("INSERT INTO t VALUES (2)")
        assert disk.heal() == 1
        disk.fail(trouble, for_ever=True)
        for _ in range(3):
            with pytest.raises(sqlite3.OperationalError, match=words):
                db.execute("INSERT INTO t VALUES (3)")
        assert disk.heal() >= 3
        db.close()


def test_two_disks_are_two(tmp_path: Path) -> None:
    """Promise: a disk that fails or freezes leaves the one of another folder alone."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with Disk(tmp_path / "a") as first, Disk(tmp_path / "b") as second:
        first.freeze()
        with pytest.raises(sqlite3.OperationalError):
            opened(tmp_path / "a")
        opened(tmp_path / "b").close()
        assert second.syncs > first.syncs == 0
