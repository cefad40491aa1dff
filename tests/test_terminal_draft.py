"""The basket that is being made, and what may happen to its file."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from terminal.basket import BasketLine, LineKind, Unit
from terminal.draft import Draft

CHEESE = BasketLine(
    kind=LineKind.PRODUCT,
    label="Tomme",
    amount_cents=6_13,
    quantity=250,
    unit=Unit.GRAM,
    unit_price_cents=24_50,
    vat_bp=5_50,
    coverage_bp=100_00,
)
BOTTLE = BasketLine(
    kind=LineKind.DEPOSIT,
    label="Bouteille",
    amount_cents=40,
    quantity=2,
    unit=Unit.PIECE,
    unit_price_cents=20,
    vat_bp=0,
    coverage_bp=0,
)


def test_the_basket_is_there_after_a_cut(tmp_path: Path) -> None:
    """Promise: a queue does not wait twice for the same basket."""
    Draft(tmp_path / "draft.json").keep(7, (CHEESE, BOTTLE))
    assert Draft(tmp_path / "draft.json").read(7) == (CHEESE, BOTTLE)


def test_a_key_waits_for_no_disk(tmp_path: Path) -> None:
    """Promise: what is asked for is kept in its order, by somebody else than who asked."""
    draft, disk = Draft(tmp_path / "draft.json"), threading.Event()
    draft._keeper.submit(disk.wait)  # the disk takes its time
    draft.keep_soon(7, (CHEESE,))
    draft.keep_soon(7, (CHEESE, BOTTLE))
    is_kept = (tmp_path / "draft.json").exists()
    disk.set()
    draft.close()
    assert not is_kept
    assert Draft(tmp_path / "draft.json").read(7) == (CHEESE, BOTTLE)


def test_a_basket_is_its_merchants_own(tmp_path: Path) -> None:
    """Promise: nobody finds another merchant's basket in the own till."""
    Draft(tmp_path / "draft.json").keep(7, (CHEESE,))
    assert Draft(tmp_path / "draft.json").read(8) == ()


def test_an_emptied_basket_stays_empty(tmp_path: Path) -> None:
    """Promise: what was charged does not come back with the power."""
    draft = Draft(tmp_path / "draft.json")
    draft.keep(7, (CHEESE,))
    draft.keep(7, ())
    assert Draft(tmp_path / "draft.json").read(7) == ()


@pytest.mark.parametrize("content", [b"", b"{", b'{"check": "0", "tables": {}}'])
def test_a_rotten_file_stops_nobody(tmp_path: Path, content: bytes) -> None:
    """Promise: a basket that can't be read is no basket, and the next one is kept again."""
    path = tmp_path / "draft.json"
    path.write_bytes(content)
    draft = Draft(path)
    assert draft.read(7) == ()
    draft.keep(7, (CHEESE,))
    assert Draft(path).read(7) == (CHEESE,)


def test_a_disk_that_keeps_nothing_stops_nobody(tmp_path: Path) -> None:
    """Promise: nothing here is money, so that trouble with it never reaches a sale."""
    path = tmp_path / "draft.json"
    path.mkdir()
    draft = Draft(path)
    draft.keep(7, (CHEESE,))
    assert draft.read(7) == ()


def test_a_line_of_another_version_is_no_basket(tmp_path: Path) -> None:
    """Promise: half a basket is never charged."""
    path = tmp_path / "draft.json"
    draft = Draft(path)
    draft.keep(7, (CHEESE, replace(BOTTLE, label="Caisse")))
    draft._table.update({"lines": [{"label": "?"}]})
    assert Draft(path).read(7) == ()
