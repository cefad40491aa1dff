"""The end of an experiment: a caisse that lived a month is brought to its end, and kept."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from auditor.audit import audit
from auditor.export import read_export
from auditor.findings import Class
from cardkit.clock import business_date
from server_stub.exports.ending_archive import (
    AUDIT,
    BALANCE,
    LEDGER,
    README,
    RULES,
    SUMS,
    archive,
)
from server_stub.models import ActRow, Erasure, Person, Terminal
from server_stub.services import cash_box, conventions, exits, settlement, theft
from server_stub.services.backup import back_up
from server_stub.services.exits import CardIs, Leaving
from server_stub.services.rebuild import differences
from server_stub.services.winding_up import Ending, Forgotten, Matter, ending, forget
from tests.month_world import Month
from tests.needed_tools import need
from tests.payout_world import ANNE, BOOKS, empty_books


@pytest.fixture(scope="module")
def month(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Month]:
    """A month that was lived, of which nothing is paid yet."""
    with django_db_blocker.unblock(), empty_books():
        month = Month.begin(BOOKS)
        month.live()
        yield month


def left(month: Month) -> set[Matter]:
    """What is not over yet."""
    return {one.matter for one in ending(month.world.caisse).matters if not one.is_over}


def end_everything(month: Month, folder: Path) -> None:
    """Do what the plan asks for, as the guide says: with the services of any other day."""
    caisse = month.world.caisse
    today = business_date(caisse.now())
    for account in month.accounts:
        gone = exits.leave(caisse, account, card=CardIs.BACK, by=ANNE)
        assert isinstance(gone, Leaving), gone
    for number in month.sold_cents:
        tomorrow = today + timedelta(days=1)
        assert conventions.end(caisse, number, tomorrow, by=ANNE) is None
    month.sync_all()
    month.world.clock.pass_time(timedelta(days=1))
    for terminal in Terminal.objects.using(BOOKS):
        assert theft.revoke(caisse, terminal, by=ANNE) is None
    name = month.settle(folder)
    assert isinstance(settlement.confirm(caisse, name, by=ANNE), ActRow)
    cash_box.hand_in_cash(caisse, None, day=today, reference="E-1", by=ANNE)
    cash_box.hand_in_cheques(caisse, day=today, reference="C-1", by=ANNE)


def test_an_experiment_ends_and_its_books_do_not(month: Month, tmp_path: Path) -> None:
    """Promise: closed, paid out, archived, and nobody's name is left; the books still prove it.

    The auditor, hledger and sha256sum read the archive, and none of them knows the service.
    """
    caisse = month.world.caisse
    assert left(month) >= {Matter.MEMBERS, Matter.CONVENTIONS, Matter.TERMINALS, Matter.PAYABLE}
    refused = forget(caisse, by=ANNE)
    assert isinstance(refused, Ending)
    assert Person.objects.using(BOOKS).count() == refused.people > 0
    end_everything(month, tmp_path)
    assert left(month) == set()

    made = archive(caisse, tmp_path / "archive")
    known = [*Person.objects.using(BOOKS).values_list("name", flat=True)]
    done = forget(caisse, by=ANNE)
    assert done == Forgotten(people=len(known))
    assert not Person.objects.using(BOOKS).exists()
    assert Erasure.objects.using(BOOKS).count() == len(known)
    assert differences(caisse) == []

    folder = tmp_path / "archive"
    files = {it.relative_to(folder).as_posix() for it in folder.rglob("*") if it.is_file()}
    assert {AUDIT, LEDGER, BALANCE, RULES, README, SUMS} <= files
    assert len(files) == made.files
    subprocess.run(("sha256sum", "--check", "--quiet", SUMS), cwd=folder, check=True)
    found = audit(read_export(folder / AUDIT)).findings
    assert not [it for it in found if it.kind is not Class.TOTAL]  # these count no total
    kept = back_up(caisse, tmp_path / "kept.sqlite3")
    for path in (*folder.rglob("*"), kept):
        content = path.read_bytes() if path.is_file() else b""
        assert not [name for name in known if name.encode() in content], path


def test_nothing_changes_in_an_archive_unseen(month: Month, tmp_path: Path) -> None:
    """Promise: one byte of the archive that changes is found by a tool that anybody has."""
    archive(month.world.caisse, tmp_path / "archive")
    path = tmp_path / "archive" / BALANCE
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    checked = subprocess.run(
        ("sha256sum", "--check", "--quiet", SUMS), cwd=path.parent, capture_output=True, check=False
    )
    assert checked.returncode == 1
    with pytest.raises(FileExistsError):
        archive(month.world.caisse, tmp_path / "archive")


def test_hledger_reads_the_archive(month: Month, tmp_path: Path) -> None:
    """Promise: in ten years the ledger is read by a program that is not ours."""
    need("hledger")
    archive(month.world.caisse, tmp_path / "archive")
    ledger = tmp_path / "archive" / LEDGER
    subprocess.run(("hledger", "--file", ledger, "check"), check=True, capture_output=True)
