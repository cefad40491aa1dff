"""The benchmark of a sale: it runs, says what a machine reads, and measures what it claims to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.air import Exchange, TapModel, air_ms, blocks
from benchmarks.stall import build
from tests.terminal_world import kinds

TREE = Path(__file__).parent.parent


def test_it_ends_with_one_line_for_machines() -> None:
    """Promise: a table for people, then one JSON object of this shape, whatever was measured."""
    command = [sys.executable, "-m", "benchmarks", "sale", "--size", "5", "--size", "9"]
    done = subprocess.run(
        [*command, "--sales", "2", "--warm-up", "1"],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=True,
    )
    *table, last = done.stdout.splitlines()
    figures = json.loads(last)
    assert list(figures) == [
        *("exchanges", "cpu_us", "floor_us", "ratio", "flat_us", "modelled_ms")
    ]
    assert figures["exchanges"] == 9
    assert list(figures["flat_us"]) == ["5", "9"]
    assert figures["ratio"] == pytest.approx(figures["cpu_us"] / figures["floor_us"], abs=0.1)
    assert list(figures["modelled_ms"]) == ["106", "212", "424"]
    for overheads in figures["modelled_ms"].values():
        assert list(overheads) == ["5", "10", "18.5"]
        assert all(list(fsyncs) == ["0", "20", "100"] for fsyncs in overheads.values())
    text = "\n".join(table)
    for operation in ("AES-CMAC × 15", "AES-CBC × 7", "HMAC-SHA256 × 1", "ES256 sign × 2"):
        assert operation in text


@pytest.mark.parametrize("size", [3, 40])
def test_a_stall_is_as_large_as_it_says(tmp_path: Path, size: int) -> None:
    """Promise: cards and sales are there, under the rules of the real databases."""
    stall = build(tmp_path / "stall", size=size, buyers=2)
    till = stall.till
    assert till.store.damage is None
    assert till.store.directory is not None
    assert till.store.directory.header.cards == size
    assert till.journal.perpetual_cents() == size * 1_00
    assert till.journal.unsent_cents() == 0
    assert till.journal.open_intents() == ()
    rules = "SELECT type, COUNT(*) FROM sqlite_master WHERE tbl_name = 'entry' GROUP BY type"
    assert dict(till.journal._db.execute(rules)) == {"index": 6, "table": 1, "trigger": 5}
    before = till.journal.head.seq
    outcome = stall.world.sell(till, stall.buyers[0], 10_00)
    assert type(outcome).__name__ == "Green"
    assert [kind.name for kind in kinds(till, before)] == ["INTENT", "SALE"]
    till.close()


def test_the_air_is_that_of_the_published_estimate() -> None:
    """Promise: 377 APDU bytes in 17 blocks are 37 ms at 106 kbit/s, without any pause."""
    exchanges = (*[Exchange(40, 7)] * 7, Exchange(41, 7))
    assert sum(it.command_bytes + it.answer_bytes for it in exchanges) == 377
    pauses_ms = 16 * 1236 / 13_560
    assert air_ms(exchanges, rate_kbits=106) - pauses_ms == pytest.approx(37, abs=1)


def test_long_commands_are_chained() -> None:
    """Promise: 61 bytes go into a block of 64, and each further one costs a block and its R-ack."""
    assert [blocks(length) for length in (0, 1, 61, 62, 122, 123)] == [1, 1, 1, 2, 2, 3]
    whole = air_ms((Exchange(61, 2),), rate_kbits=106)
    chained = air_ms((Exchange(62, 2),), rate_kbits=106)
    one_byte, block, r_block = 9, 9 * 3 + 2, 9 * 3 + 2
    extra_ms = (one_byte + block + r_block) * 128 / 13_560 + 3 * 1236 / 13_560
    assert chained - whole == pytest.approx(extra_ms)


def test_a_tap_is_the_sum_of_its_parts() -> None:
    """Promise: host, air, each exchange's overhead and computation, and each fsync count once."""
    exchanges = (Exchange(10, 2), Exchange(10, 2))
    model = TapModel(host_ms=3, fsyncs=2, card_ms=1)
    tap_ms = model.tap_ms(exchanges, rate_kbits=424, overhead_ms=5, fsync_ms=20)
    assert tap_ms == pytest.approx(3 + air_ms(exchanges, rate_kbits=424) + 2 * 6 + 2 * 20)
