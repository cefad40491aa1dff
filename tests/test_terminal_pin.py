"""A producer's PIN: kept as a slow hash, guessed slowly, replaced with a code of the caisse."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from pathlib import Path

import pytest

from cardkit.pin import challenge, is_challenge, is_reset_code, reset_code
from simulator.clock import ManualClock
from terminal.guesses import Guesses
from terminal.pin import FREE_GUESSES, hash_pin, is_pin, wait_s
from tests.terminal_world import START

TOKEN_KEY = bytes(range(32))


def test_a_pin_fits_its_hash_and_no_other() -> None:
    """Promise: only the PIN that was chosen opens; what is kept does not show it."""
    kept = hash_pin("2580")
    assert is_pin("2580", kept)
    assert not is_pin("2581", kept)
    assert not is_pin("", kept)
    assert "2580" not in kept
    assert hash_pin("2580") != kept, "salted: two equal PINs don't look alike"


@pytest.mark.parametrize("kept", ["", ":", "zz:zz", "00", "2580", "00ff:", ":00ff"])
def test_a_hash_that_cannot_be_read_fits_no_pin(kept: str) -> None:
    """Promise: a damaged setting locks, and never opens to everybody."""
    assert not is_pin("", kept)
    assert not is_pin("2580", kept)


def test_guessing_takes_longer_and_longer() -> None:
    """Promise: a few slips cost nothing, and four digits can't be tried one after the other."""
    waits = [wait_s(wrong) for wrong in range(FREE_GUESSES + 8)]
    assert waits[:FREE_GUESSES] == [0] * FREE_GUESSES
    assert waits[FREE_GUESSES : FREE_GUESSES + 3] == [30, 60, 120]
    assert waits[-1] == 1_800


def test_one_merchants_wrong_guesses_are_not_anothers(tmp_path: Path) -> None:
    """Promise: who shares a terminal is not kept waiting by a neighbour's forgotten PIN."""
    clock = ManualClock(START)
    guesses = Guesses(tmp_path / "guesses.json", clock.monotonic_ms)
    for _ in range(FREE_GUESSES):
        guesses.wrong(7)
    assert (guesses.wait_s(7), guesses.wait_s(8)) == (30, 0)
    clock.pass_time(timedelta(seconds=29))
    assert guesses.wait_s(7) == 1
    clock.pass_time(timedelta(seconds=1))
    assert guesses.wait_s(7) == 0
    guesses.wrong(7)
    assert guesses.wait_s(7) == 60
    guesses.right(7)
    assert guesses.wait_s(7) == 0


def test_a_pulled_plug_gives_no_new_guesses(tmp_path: Path) -> None:
    """Promise: what was guessed wrong stays guessed, and waits in full after a restart."""
    path, clock = tmp_path / "guesses.json", ManualClock(START)
    for _ in range(FREE_GUESSES):
        Guesses(path, clock.monotonic_ms).wrong(7)
    clock.pass_time(timedelta(hours=1))
    again = Guesses(path, clock.monotonic_ms)
    assert (again.wait_s(7), again.wait_s(8)) == (30, 0)
    again.wrong(7)
    assert Guesses(path, clock.monotonic_ms).wait_s(7) == 60
    again.right(7)
    assert Guesses(path, clock.monotonic_ms).wait_s(7) == 0


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"check": "0", "tables": {}}'])
def test_rotten_guesses_lock_nobody_out(tmp_path: Path, content: bytes) -> None:
    """Promise: where the numbers can't be read, they are counted anew and kept again."""
    path, clock = tmp_path / "guesses.json", ManualClock(START)
    path.write_bytes(content)
    guesses = Guesses(path, clock.monotonic_ms)
    assert guesses.wait_s(7) == 0
    for _ in range(FREE_GUESSES):
        guesses.wrong(7)
    assert Guesses(path, clock.monotonic_ms).wait_s(7) == 30


def test_what_is_read_out_is_six_digits() -> None:
    """Promise: what a producer reads out on the telephone keeps its leading zeros."""
    assert challenge(below=lambda _limit: 7) == "000007"
    assert is_challenge("000007")
    for wrong in ("7", "00000a", "0000070", "", "٠٠٠٠٠٧"):
        assert not is_challenge(wrong)


def test_the_code_is_the_one_of_this_terminal_and_this_call() -> None:
    """Promise: a code answers one challenge of one terminal, computed here from the formula."""
    mac = hmac.new(TOKEN_KEY, b"claf-pin-reset/1123456", hashlib.sha256).digest()
    expected = f"{int.from_bytes(mac[:8], 'big') % 100_000_000:08d}"
    assert reset_code(TOKEN_KEY, "123456") == expected
    assert is_reset_code(TOKEN_KEY, "123456", expected)
    assert not is_reset_code(TOKEN_KEY, "123457", expected)
    assert not is_reset_code(bytes(32), "123456", expected)
    assert not is_reset_code(TOKEN_KEY, "123456", "")
