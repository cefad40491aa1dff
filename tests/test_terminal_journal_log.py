"""The write-ahead log: short, and paid for between the taps."""

from __future__ import annotations

from pathlib import Path

from cardkit.bodies import EntryKind, Stopped
from terminal.journal import CHECKPOINT_ENTRIES
from tests.power_cut import watched_disk
from tests.test_terminal_journal import make, reopen, sell


def test_idle_moments_cost_the_next_sale_no_sync(tmp_path: Path) -> None:
    """Promise: the two fsyncs of a sale stay two when the till rests before each of them."""
    make(tmp_path).close()
    with watched_disk() as disk:
        journal = reopen(tmp_path)
        journal.append(EntryKind.STOPPED, Stopped())
        for _ in range(CHECKPOINT_ENTRIES // 2 - 1):
            journal.checkpoint()
            before = disk.syncs
            sell(journal)
            assert disk.syncs - before == 2
        journal.close()


def test_the_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    """Promise: a till that rests between its sales does not fill its disk with their log."""
    journal = make(tmp_path)
    lengths = []
    for _ in range(3 * CHECKPOINT_ENTRIES):
        sell(journal)
        journal.checkpoint()
        lengths.append((tmp_path / "journal.db-wal").stat().st_size)
    assert max(lengths) <= 2 * lengths[CHECKPOINT_ENTRIES // 2]
    journal.close()
