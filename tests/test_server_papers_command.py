"""`settle file` and `settle papers`: what a person types to get a run's papers, on a real disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests.payout_world import PayoutWorld, open_accounts
from tests.server_process import server
from tests.test_server_backup import kept_on_disk, sending

WHO = ("--debtor-name", "CCAS de Flers", "--by", "coordination")


@pytest.fixture
def sent(
    kept: sqlite3.Connection, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> tuple[Path, str]:
    """The data directory of a service that has sent a run, and the run's name."""
    with django_db_blocker.unblock():
        paying = PayoutWorld.make(kept)
        open_accounts(paying.world)
        paying.trade(12_50, 3_20)
        paying.approve(paying.draw_up())
        data, name = kept_on_disk(paying, tmp_path)
    assert server(data, "settle", "sent", name, *sending(tmp_path)).returncode == 0
    return data, name


def files(folder: Path) -> dict[str, bytes]:
    """What lies in a folder."""
    return {it.name: it.read_bytes() for it in folder.iterdir()}


def test_all_papers_are_one_command_and_always_the_same(
    sent: tuple[Path, str], tmp_path: Path
) -> None:
    """Promise: a trésorier's pile is one command; typed again it is the same pile, to the byte."""
    data, name = sent
    first, again = tmp_path / "papers", tmp_path / "again"
    done = server(data, "settle", "papers", name, "--into", str(first), *WHO)
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"6 papiers écrits dans {first}.\n"
    made = files(first)
    assert set(made) == {
        "etat-liquidatif.csv",
        "etat-liquidatif.pdf",
        *(f"bordereau-{number}.{ending}" for number in (7, 8) for ending in ("csv", "pdf")),
    }
    (data / "papers").mkdir()
    (data / "papers" / "bordereau.typ").write_text("#panic()", "utf-8")  # too late for this run
    for folder in (first, again):
        assert server(data, "settle", "papers", name, "--into", str(folder), *WHO).returncode == 0
        assert files(folder) == made
    (first / "bordereau-7.csv").write_bytes(b"scribbled on")
    spoilt = server(data, "settle", "papers", name, "--into", str(first), *WHO)
    assert (spoilt.returncode, "bordereau-7.csv" in spoilt.stderr) == (1, True)
    assert (first / "bordereau-7.csv").read_bytes() == b"scribbled on", "never written over"


def test_what_can_not_be_made_is_a_sentence(sent: tuple[Path, str], tmp_path: Path) -> None:
    """Promise: a wrong template, run or creditor is said in a sentence, and no file is left."""
    data, name = sent
    (data / "papers").mkdir()
    (data / "papers" / "bordereau.typ").write_text("#unheard-of", "utf-8")
    out = tmp_path / "one.pdf"
    file = ("settle", "file", "--form", "bordereau.pdf", "--out", str(out), *WHO)
    wrong = server(data, *file, name, "--merchant", "7")
    assert wrong.returncode == 1
    assert "unheard-of" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert "ne verse rien" in server(data, *file, name, "--merchant", "99").stderr
    assert "Aucun paiement" in server(data, *file, "R1-0099", "--merchant", "7").stderr
    assert "--merchant" in server(data, *file, name).stderr
    assert not out.exists()
    (data / "papers" / "bordereau.typ").unlink()
    assert server(data, *file, name, "--merchant", "7").returncode == 0
    assert out.read_bytes().startswith(b"%PDF")


def test_the_books_go_to_other_programs(sent: tuple[Path, str], tmp_path: Path) -> None:
    """Promise 6: the balance générale is one command, and its debits are its credits."""
    data, _ = sent
    out = tmp_path / "balance.csv"
    assert server(data, "trial-balance", "--out", str(out)).returncode == 0
    total = out.read_text("utf-8-sig").splitlines()[-1].split(";")
    assert total[1] == total[2]
    assert total[3] == total[4]
