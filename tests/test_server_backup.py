"""Money leaves only behind a copy of the books that opens and holds the run: real bad disks."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from cardkit.errors import BackupFailed
from cardkit.keyfiles import write_bundle, write_public
from server_stub.models import ActRow, Posting, SettlementStep
from server_stub.rules.settle import RunState
from server_stub.services import settlement
from server_stub.services.backup import back_up
from tests.payout_world import ANNE, BOOKS, PayoutWorld
from tests.server_process import environment, server
from tests.service_world import ceremony


@pytest.fixture
def paying(kept: sqlite3.Connection, django_db_blocker: DjangoDbBlocker) -> Iterator[PayoutWorld]:
    """A caisse with a run that is approved and not sent."""
    with django_db_blocker.unblock():
        paying = PayoutWorld.make(kept)
        paying.trade(12_50, 3_20)
        paying.approve(paying.draw_up())
        yield paying


def name_of(paying: PayoutWorld) -> str:
    """The only run."""
    return settlement.runs(paying.world.caisse, newest=1)[0].name


def refused(paying: PayoutWorld, path: Path, why: str) -> None:
    """Sending is refused, and nothing of the run or of the books has moved."""
    caisse, name = paying.world.caisse, name_of(paying)
    counts = [model.objects.using(BOOKS).count() for model in (ActRow, Posting, SettlementStep)]
    copy = partial(back_up, caisse, path, holding=name)
    with pytest.raises(BackupFailed, match=why):
        settlement.mark_sent(caisse, name, by=ANNE, backup=copy)
    assert settlement.state_of(caisse, name) is RunState.APPROVED
    assert counts == [
        model.objects.using(BOOKS).count() for model in (ActRow, Posting, SettlementStep)
    ]


def sendable(paying: PayoutWorld, path: Path) -> None:
    """The same run is sent as soon as there is a disk for it."""
    caisse, name = paying.world.caisse, name_of(paying)
    copy = partial(back_up, caisse, path, holding=name)
    assert isinstance(settlement.mark_sent(caisse, name, by=ANNE, backup=copy), ActRow)
    with closing(sqlite3.connect(path)) as books:
        found = books.execute("SELECT settlement_id FROM clafoutis_settlementstatement").fetchall()
    assert found == [(name,)], "the copy holds why the run pays"


def mounted(path: Path, *options: str) -> Callable[[], object]:
    """Mount a small disk at a path, or skip; returns what takes it away."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount")
    return partial(subprocess.run, ["umount", "--lazy", str(path)], check=False)


@pytest.mark.parametrize("size", ["4k", "64k", "512k"])
def test_a_full_disk(paying: PayoutWorld, tmp_path: Path, size: str) -> None:
    """Promise 1: without room for the copy no money leaves, and no half copy is left behind."""
    disk = tmp_path / "disk"
    take_away = mounted(disk, f"size={size}")
    try:
        if size == "4k":
            (disk / "films").write_bytes(bytes(4096))
        refused(paying, disk / "books.sqlite3", "full|space")
        assert [it.name for it in disk.iterdir()] in ([], ["films"])
        sendable(paying, tmp_path / "books.sqlite3")
    finally:
        take_away()


def test_a_folder_that_takes_nothing(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise 1: a disk that is mounted read-only, even for root, is no place for a copy."""
    disk = tmp_path / "disk"
    take_away = mounted(disk, "ro")
    try:
        refused(paying, disk / "books.sqlite3", "[Rr]ead-only")
        refused(paying, disk / "new" / "books.sqlite3", "[Rr]ead-only")
    finally:
        take_away()


def test_a_place_that_is_no_folder_or_taken(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise 1: a copy needs a name of its own in a real folder."""
    taken = tmp_path / "taken"
    taken.write_bytes(b"somebody's")
    refused(paying, taken, "there already")
    refused(paying, taken / "books.sqlite3", "exists|directory")
    refused(paying, Path("/dev/full/books.sqlite3"), "exists|directory")
    assert taken.read_bytes() == b"somebody's"


def test_a_disk_that_fails_in_the_middle(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise 1: a file whose size is limited below the copy's is a disk that fails mid-write."""
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)); "
        "from server_stub.__main__ import main; main(sys.argv[1:])"
    )
    data, name = kept_on_disk(paying, tmp_path)
    done = server_by(script, data, "settle", "sent", name, *sending(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"clafoutis-server: {tmp_path / 'books.sqlite3'}: "), done.stderr
    assert not (tmp_path / "books.sqlite3").exists()
    assert states(data) == []


def test_a_copy_that_does_not_open(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise 1: books with a rotten page make a rotten copy: it is read, and no money leaves."""
    data, name = kept_on_disk(paying, tmp_path)
    rot(data / "clafoutis.sqlite3", "clafoutis_recordseen")
    done = server(data, "settle", "sent", name, *sending(tmp_path))
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert not (tmp_path / "books.sqlite3").exists()
    assert list(tmp_path.glob("*.partial")) == []
    assert states(data) == []


def test_a_copy_of_other_books(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise 1: a copy that does not hold the run is refused, however sound it is."""
    with pytest.raises(BackupFailed, match="does not hold R1-0099"):
        back_up(paying.world.caisse, tmp_path / "books.sqlite3", holding="R1-0099")
    assert list(tmp_path.iterdir()) == []


# The service on a real disk


def kept_on_disk(paying: PayoutWorld, tmp_path: Path) -> tuple[Path, str]:
    """The same books in a data directory of the shipped service."""
    data = tmp_path / "data"
    keys = data / "keys"
    keys.mkdir(mode=0o700, parents=True)
    write_public(keys, ceremony().public)
    write_bundle(keys, ceremony().service, caisse="flers", passphrase=None)
    back_up(paying.world.caisse, data / "clafoutis.sqlite3")
    assert server(data, "seed").returncode == 0
    return data, name_of(paying)


def sending(tmp_path: Path) -> tuple[str, ...]:
    """Who sends, and where the copy goes."""
    return "--by", "coordination", "--backup", str(tmp_path / "books.sqlite3")


def server_by(script: str, data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The service, started by a script."""
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(
        command, env=environment(data), cwd=data, capture_output=True, text=True, check=False
    )


def states(data: Path) -> list[tuple[str, int]]:
    """Every step that a run has taken."""
    with closing(sqlite3.connect(data / "clafoutis.sqlite3")) as books:
        return books.execute("SELECT settlement_id, kind FROM clafoutis_settlementstep").fetchall()


def rot(path: Path, table: str) -> None:
    """Let the page that a table begins on rot, as a bad block would."""
    with closing(sqlite3.connect(path)) as books:
        ((page,),) = books.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", [table])
        ((size,),) = books.execute("PRAGMA page_size").fetchall()
        books.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(descriptor, b"\xff" * size, (page - 1) * size)
    finally:
        os.close(descriptor)


def test_a_copy_says_nobody_who_is_logged_in(paying: PayoutWorld, tmp_path: Path) -> None:
    """Promise: a stolen copy of the books opens no session: not a row, and no byte of one."""
    session = "jm0ph2kq6x4z8w1vsession0of0anne00"
    sqlite = connections[BOOKS]
    for table in ("django_session", "usersessions_usersession"):
        with sqlite.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {table} (session_key TEXT)")
            cursor.execute(f"INSERT INTO {table} VALUES (%s)", [session])  # noqa: S608
    copy = back_up(paying.world.caisse, tmp_path / "books.sqlite3")
    assert session.encode() not in copy.read_bytes()
    with closing(sqlite3.connect(copy)) as books:
        assert books.execute("SELECT count(*) FROM usersessions_usersession").fetchall() == [(0,)]
    with sqlite.cursor() as cursor:
        cursor.execute("SELECT session_key FROM django_session")
        assert cursor.fetchall() == [(session,)], "who is logged in stays so"
