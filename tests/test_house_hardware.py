"""`make hardware` is the readers' contract on a real reader, here on one that is virtual."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.card import VirtualCard
from simulator.pn532 import VirtualPn532

ROOT = Path(__file__).parent.parent
UID, OTHER_UID = bytes.fromhex("04C1AF00000180"), bytes.fromhex("04C1AF00000280")
CONTRACT = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_reader_contract.py")
STATUS_EXIT, STATUS_USAGE = 2, 4
TESTS_MIN = 10


@pytest.fixture
def chip() -> Iterator[VirtualPn532]:
    """A reader with nothing on it."""
    with VirtualPn532() as chip:
        yield chip


def run(address: str, card: str) -> subprocess.CompletedProcess[str]:
    """Run the contract without a person."""
    command = [sys.executable, *CONTRACT, "--reader", address, "--card", card]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


def test_the_contract_runs_on_a_real_reader(chip: VirtualPn532) -> None:
    """Promise: the same assertions, with a hand that does what it is asked, and what it can't do
    is named.
    """
    card = VirtualCard(UID)
    chip.place(card)
    address = f"pn532:{chip.path}"
    command = [sys.executable, *CONTRACT, "-rs", "--reader", address, "--card", UID.hex()]
    told = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as contract:
        assert contract.stdout is not None
        for line in contract.stdout:
            told.append(line)
            if line.startswith("Lift"):
                chip.lift()
            elif line.startswith("Lay"):
                chip.place(card)
    assert contract.returncode == 0, "".join(told)
    counts = re.fullmatch(r"(\d+) passed, \d+ skipped in .*\n", told[-1])
    assert counts is not None, told[-1]
    assert int(counts[1]) >= TESTS_MIN
    assert any("the reader may be soldered on" in line for line in told)


def test_no_other_card_is_spoken_to(chip: VirtualPn532) -> None:
    """Promise: another card ends the run before its first command, and both are named."""
    chip.place(VirtualCard(OTHER_UID))
    done = run(f"pn532:{chip.path}", UID.hex())
    assert done.returncode == STATUS_EXIT
    assert UID.hex().upper() in done.stdout + done.stderr
    assert OTHER_UID.hex().upper() in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert chip.exchanges == 0


def test_a_reader_that_is_not_there_ends_the_run() -> None:
    """Promise: one line says so, instead of one trace a test."""
    done = run("pn532:/dev/nonesuch", UID.hex())
    assert done.returncode == STATUS_EXIT
    assert "/dev/nonesuch" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("card", ["zz", "04C1AF", "", " "])
def test_a_uid_that_is_none_is_refused(card: str) -> None:
    """Promise: a typing error is answered with one clear line, before a reader is opened."""
    done = run("pn532:/dev/nonesuch", card)
    assert done.returncode == STATUS_USAGE
    assert done.stderr.startswith("ERROR: ")
    assert len(done.stderr.strip().splitlines()) == 1
