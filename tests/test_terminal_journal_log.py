"""The write-ahead log: short, and paid for between the taps."""

from __future__ import annotations

from pathlib import Path

from simulator.disk import Disk
from terminal.journal import CHECKPOINT_ENTRIES
from tests.test_terminal_journal import make, reopen, sell


def test_not_every_rest_costs_the_next_sale_a_sync(tmp_path: Path) -> None:
    """Promise: a sale is two fsyncs, and a third one only when a log that was long begins anew."""
    make(tmp_path).close()
    sales, in_taps = 5 * CHECKPOINT_ENTRIES, 0
    with Disk(tmp_path) as disk:
        journal = reopen(tmp_path)
        for _ in range(sales):
            journal.checkpoint()
            before = disk.syncs
            sell(journal)
            in_taps += disk.syncs - before
        journal.close()
    assert in_taps == 2 * sales + 2 * sales // CHECKPOINT_ENTRIES


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
