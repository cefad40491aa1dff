"""The lines of baskets: kept for good where they were sold, and known elsewhere by a hash alone."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardkit.errors import StoreError
from simulator.disk import Disk, Trouble
from simulator.volume import Cut, write_image
from terminal.basket import LINES_MAX, BasketLine, LineKind, SaltedLines, Unit, line
from terminal.lines import BasketLines
from tests.archived import CHEESE, VEGETABLES, salts

NAME = "lines.db"


def opened(folder: Path) -> BasketLines:
    """The lines of a folder, with salts that every run draws alike."""
    drawn = salts()
    return BasketLines.open(folder / NAME, draw=lambda length: next(drawn)[:length])


def meddle(folder: Path, statement: str, *, rules: bool) -> None:
    """Change the file behind its back, with its rules or without them."""
    with closing(sqlite3.connect(folder / NAME, isolation_level=None)) as db:
        found = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in () if rules else found:
            db.execute(f"DROP TRIGGER {name}")
        db.execute(statement)
        for _, rule in () if rules else found:
            db.execute(rule)


def test_lines_come_back_as_they_were_kept(tmp_path: Path) -> None:
    """Promise: a ticket's lines are there after a restart, under the hash that was signed."""
    lines = opened(tmp_path)
    first, second = lines.keep(VEGETABLES), lines.keep(CHEESE)
    assert lines.of(bytes(32)) is None
    lines.close()
    again = opened(tmp_path)
    assert (again.of(first), again.of(second)) == (VEGETABLES, CHEESE)
    content = again.content(first)
    assert content is not None
    assert hashlib.sha256(content).digest() == first
    again.close()
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


def test_the_same_basket_has_another_hash_each_time(tmp_path: Path) -> None:
    """Promise: whoever holds a hash can't guess the basket: each has a salt of its own.

    Red when the salt is a constant.
    """
    lines = BasketLines.open(tmp_path / NAME)
    hashes = {lines.keep(VEGETABLES) for _ in range(20)}
    contents = [lines.content(it) or b"" for it in hashes]
    assert len(hashes) == 20
    assert len({SaltedLines.decode(it).salt for it in contents}) == 20
    lines.close()


@pytest.mark.parametrize("began_before", [True, False])
def test_kept_lines_survive_a_power_cut(tmp_path: Path, began_before: bool) -> None:
    """Promise: lines are on the disk before their hash is in an intent, from the first on.

    Turns red for synchronous NORMAL or OFF.
    """
    (tmp_path / "till").mkdir()
    if began_before:
        opened(tmp_path / "till").close()
    with Disk(tmp_path / "till") as disk:
        lines = opened(tmp_path / "till")
        for number, basket in enumerate((VEGETABLES, CHEESE)):
            lines_hash = lines.keep(basket)
            image = tmp_path / f"image-{number}"
            shutil.copytree(tmp_path / "till", image)
            write_image(disk.image(Cut.UNSYNCED, random.Random(1)), image)
            recovered = opened(image)
            assert recovered.of(lines_hash) == basket
            recovered.close()
        lines.close()


def test_a_disk_that_fails_keeps_nothing_in_secret(tmp_path: Path) -> None:
    """Promise: what could not be kept is a StoreError, and so is everything after it."""
    opened(tmp_path).close()
    with Disk(tmp_path) as disk:
        lines = opened(tmp_path)
        disk.fail(Trouble.SYNC, for_ever=True)
        with pytest.raises(StoreError):
            lines.keep(VEGETABLES)
        disk.heal()
        with pytest.raises(StoreError):
            lines.keep(VEGETABLES)
        lines.close()


@pytest.mark.parametrize("statement", ["UPDATE basket SET content = x'00'", "DELETE FROM basket"])
def test_lines_are_neither_changed_nor_removed(tmp_path: Path, statement: str) -> None:
    """Promise: the database itself refuses it; and with its rules dropped, it is noticed."""
    lines = opened(tmp_path)
    lines_hash = lines.keep(VEGETABLES)
    lines.close()
    with pytest.raises(sqlite3.IntegrityError, match="never"):
        meddle(tmp_path, statement, rules=True)
    meddle(tmp_path, statement, rules=False)
    again = opened(tmp_path)
    if statement.startswith("DELETE"):
        assert again.of(lines_hash) is None
    else:
        with pytest.raises(StoreError, match="not those of their hash"):
            again.of(lines_hash)
    again.close()


def test_a_file_without_its_rules_is_refused(tmp_path: Path) -> None:
    """Promise: lines that could be changed are not opened as if they could not."""
    opened(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / NAME)) as db:
        db.execute("DROP TRIGGER never_removed")
        db.execute(
            "CREATE TRIGGER never_removed BEFORE DELETE ON basket WHEN 0"
            " BEGIN SELECT RAISE(ABORT, 'never'); END"
        )
    with pytest.raises(StoreError, match="rules"):
        opened(tmp_path)
    (tmp_path / NAME).write_bytes(b"no database" * 100)
    with pytest.raises(StoreError):
        opened(tmp_path)


LINES = st.builds(
    line,
    st.sampled_from(LineKind),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=64),
    st.integers(0, 2**31 - 1),
    quantity=st.integers(1, 99_999),
    unit=st.sampled_from(Unit),
    vat_bp=st.integers(0, 10_000),
    coverage_bp=st.integers(0, 10_000),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(LINES, max_size=LINES_MAX).map(tuple))
def test_any_basket_can_be_kept(tmp_path: Path, basket: tuple[BasketLine, ...]) -> None:
    """Promise: what a cart may hold, its lines can keep."""
    lines = BasketLines.open(tmp_path / NAME)
    assert lines.of(lines.keep(basket)) == basket
    lines.close()
