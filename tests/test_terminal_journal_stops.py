"""How a journal stops: interrupted in a write, or opened on a disk that fails."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.bodies import EntryKind, Stopped
from cardkit.errors import JournalDamaged, JournalStopped
from tests.test_terminal_journal import intent, make, reopen


@pytest.fixture
def heard_interrupts() -> Iterator[None]:
    """Hear Ctrl-C also where a shell in the background has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard_interrupts")
def test_an_interrupted_write_stops_the_journal(tmp_path: Path) -> None:
    """Promise: after Ctrl-C within a write nothing is appended, since nobody knows the head."""
    journal = make(tmp_path)
    # A C function, so that the signal is seen when SQLite has returned and not in the callback.
    interrupt = functools.partial(ctypes.CDLL(None).kill, os.getpid(), int(signal.SIGINT))
    journal._db.set_progress_handler(interrupt, 1)
    with pytest.raises(KeyboardInterrupt):
        journal.append(EntryKind.INTENT, intent())
    journal._db.set_progress_handler(None, 1)
    assert not journal.is_running
    with pytest.raises(JournalStopped):
        journal.append(EntryKind.STOPPED, Stopped())
    journal.close()
    again = reopen(tmp_path)
    again.append(EntryKind.STOPPED, Stopped())
    assert again.verify() == again.head.seq
    again.close()


def test_a_file_that_is_none_of_ours_is_damaged(tmp_path: Path) -> None:
    """Promise: a torn database is called damaged at the opening, not a write that failed."""
    journal = make(tmp_path)
    for _ in range(200):
        journal.append(EntryKind.STOPPED, Stopped())
    journal.checkpoint()
    journal.close()
    path = tmp_path / "journal.db"
    content = bytearray(path.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 64] = bytes(64)
    path.write_bytes(content)
    with pytest.raises(JournalDamaged):
        reopen(tmp_path)


def test_a_disk_that_does_not_open_is_no_damage(tmp_path: Path) -> None:
    """Promise: a database that can't be opened now is not called damaged for good."""
    make(tmp_path).close()
    path = tmp_path / "journal.db"
    path.rename(tmp_path / "aside")
    path.mkdir()
    with pytest.raises(JournalStopped):
        reopen(tmp_path)
