"""The benchmark of journals taken in: it runs, says what a machine reads, and does real work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.paper import PaperCaisse
from server_stub.models import CardTransaction
from server_stub.rules.ledger import Book
from server_stub.services.books import balances
from server_stub.services.ingest import ingest
from server_stub.services.rebuild import differences
from tests.service_world import MERCHANT

TREE = Path(__file__).parent.parent


def test_it_ends_with_one_line_for_machines() -> None:
    """Promise: a table for people, then one JSON object of this shape, whatever was measured."""
    command = [sys.executable, "-m", "benchmarks", "ingest", "--size", "500", "--size", "1000"]
    done = subprocess.run(
        [*command, "--cards", "20", "--directory", "20"],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=True,
    )
    *_, last = done.stdout.splitlines()
    figures = json.loads(last)
    assert list(figures) == [
        *("entries_per_s", "sales_per_s", "floor_entries_per_s", "ratio", "flat"),
        *("memory_mib", "delta_ms"),
    ]
    assert list(figures["flat"]) == ["500", "1000"]
    assert figures["entries_per_s"] < figures["floor_entries_per_s"]
    assert list(figures["delta_ms"]) == ["20"]


@pytest.mark.django_db
def test_paper_is_as_good_as_plastic() -> None:
    """Promise 2: what is measured is what real cards make: every sale proven, and owed."""
    caisse = PaperCaisse()
    caisse.enrol(2)
    caisse.issue(3)
    for number in range(12):
        stall = caisse.stalls[number % 2]
        caisse.sell(stall, caisse.cards[number % 3])
        if number % 4 == 3:  # a delivery ends in the middle of what another stall's cards do
            ingest(caisse.world.caisse, stall.terminal, stall.unsent)
            stall.acknowledged = len(stall.entries)
    for stall in caisse.stalls:
        ingest(caisse.world.caisse, stall.terminal, stall.unsent)
    spent_cents = sum(card.spent_cents for card in caisse.cards)
    assert balances(caisse.world.caisse)[Book.PAYABLE, MERCHANT] == spent_cents == 12 * 5
    assert set(CardTransaction.objects.values_list("state", flat=True)) == {"payable"}
    assert differences(caisse.world.caisse) == []
