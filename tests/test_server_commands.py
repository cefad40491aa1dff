"""`clafoutis-server`: what a person types, in processes of their own."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.server_process import environment, server, with_keys


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the service's keys and nothing else."""
    return with_keys(tmp_path_factory.mktemp("server"))


def test_seed_owed_and_rebuild(data: Path) -> None:
    """Promise 6: from an empty directory to books that come to the same, by three commands."""
    seeded = server(data, "seed")
    assert seeded.returncode == 0, seeded.stderr
    assert "mot de passe" in seeded.stdout
    assert "mot de passe" not in server(data, "seed").stdout, "told once"
    owed = server(data, "owed")
    assert owed.stdout.splitlines()[-1].split() == ["Total", "0,00", "€", "0,00", "€", "0,00", "€"]
    assert "Owed" in server(data, "--language", "en", "owed").stdout
    rebuilt = server(data, "rebuild", "--check")
    assert rebuilt.returncode == 0, rebuilt.stderr


def test_a_restore_is_declared_and_finished_by_two_people(data: Path, tmp_path: Path) -> None:
    """Promise 1: what a refusal means is a sentence; only two people end a restore."""
    server(data, "seed")
    nothing = server(data, "settle", "draw-up", "--by", "coordination")
    assert (nothing.returncode, nothing.stderr) == (1, "clafoutis-server: Rien n’est dû.\n")
    copy = tmp_path / "books.sqlite3"
    assert server(data, "backup", "--to", str(copy)).returncode == 0
    assert server(data, "backup", "--to", str(copy)).returncode == 1, "never written over"
    shutil.copy(copy, data / "clafoutis.sqlite3")
    assert server(data, "restored", "--by", "coordination").returncode == 0
    locked = server(data, "--language", "en", "settle", "draw-up", "--by", "coordination")
    assert "The books are behind what was paid" in locked.stderr
    finish = ("restored", "--finish", "--by", "coordination", "--entered-by")
    alone = server(data, *finish, "coordination")
    assert (alone.returncode, "deux personnes" in alone.stderr) == (1, True)
    assert "personne ne s’appelle" in server(data, *finish, "nobody").stderr


def test_an_account_takes_two_people_and_a_right_iban(data: Path) -> None:
    """Promise: what is refused is a sentence: a wrong digit, one person alone, nothing entered."""
    server(data, "seed")
    confirmed = server(data, "bank", "confirm", "1", "--by", "coordination")
    assert (confirmed.returncode, "Aucun compte" in confirmed.stderr) == (1, True)
    enter = ("bank", "enter", "1", "--holder", "Ferme", "--by", "coordination", "--iban")
    assert "chiffre" in server(data, *enter, "FR7630006000011234567890188").stderr
    assert server(data, *enter, "FR7630006000011234567890189").returncode == 0
    alone = server(data, "bank", "confirm", "1", "--by", "coordination")
    assert (alone.returncode, "deux personnes" in alone.stderr) == (1, True)
    assert (
        "Aucun producteur" in server(data, "bank", "confirm", "99", "--by", "coordination").stderr
    )


def test_the_fund_is_projected_by_a_command(data: Path) -> None:
    """Promise: the committee's number is one command away, in both languages."""
    server(data, "seed")
    told = server(data, "fund", "--until", "2027-12-31")
    assert told.returncode == 0, told.stderr
    assert "Membres de plus au plancher" in told.stdout
    assert "20\u202f000,00" in told.stdout
    what_if = ("--joiners", "3", "--leavers", "1", "--credit", "90", "--reserve", "500")
    poorer = server(data, "fund", "--until", "2027-12-31", *what_if)
    assert (poorer.returncode, poorer.stdout == told.stdout) == (0, False), poorer.stderr
    sheet = data / "fund.csv"
    assert server(data, "fund", "--until", "2027-12-31", "--csv", str(sheet)).returncode == 0
    assert "Membres de plus à 20,00 €;;" in sheet.read_text("utf-8-sig")
    ledger = server(data, "export-ledger")
    assert (ledger.returncode, "monthly_credit_cents = 10000" in ledger.stdout) == (0, True)
    assert "cautious" in server(data, "--language", "en", "fund", "--until", "2027-12-31").stdout


def test_without_keys_one_sentence(tmp_path: Path) -> None:
    """Trouble of the world is a sentence and a status, never a traceback."""
    done = server(tmp_path, "owed")
    assert done.returncode == 1
    assert done.stderr.startswith("clafoutis-server: ")
    assert f"keys install --bundle service --into {tmp_path / 'keys'}" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_tables_one_sentence(data: Path, tmp_path: Path) -> None:
    """A database that was never made is said so, with the command that makes it."""
    shutil.copytree(data / "keys", tmp_path / "keys")
    (tmp_path / "keys").chmod(0o700)
    done = server(tmp_path, "owed")
    assert (done.returncode, "clafoutis-server migrate" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def test_books_are_nobody_elses_on_this_machine(data: Path) -> None:
    """Promise 7: whoever else has a login on the server can't open the database."""
    assert server(data, "migrate").returncode == 0
    modes = {path.name: path.stat().st_mode & 0o077 for path in data.glob("clafoutis.sqlite3*")}
    assert set(modes.values()) == {0}, modes


def test_run_serves_login_and_files(data: Path) -> None:
    """The console answers where `run` says, with its style sheet."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "server_stub", "run", "--port", str(port)]
    with subprocess.Popen(
        command, env=environment(data), cwd=data, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            said = [process.stderr.readline() for _ in range(3)]
            assert f"http://127.0.0.1:{port}/" in said[-1]
            assert get(port, "/login") == (200, "text/html; charset=utf-8")
            assert get(port, "/static/console.css")[0] == 200
            assert get(port, "/")[0] == 302
        finally:
            process.terminate()
            process.wait(30)


def get(port: int, path: str) -> tuple[int, str | None]:
    """Ask for a page, as soon as somebody listens."""
    patience = threading.Event()
    for _ in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers["Content-Type"]
        except ConnectionRefusedError:
            patience.wait(0.1)
        finally:
            connection.close()
    raise TimeoutError(path)


def test_what_is_not_ours_on_a_stick_is_named(data: Path, tmp_path: Path) -> None:
    """Promise: nothing taken in is status 1, and every folder left alone is named with the why."""
    assert server(data, "migrate").returncode == 0
    empty = server(data, "stick", str(tmp_path))
    assert (empty.returncode, "Traceback" in empty.stderr) == (1, False)
    (tmp_path / "CLAFOUTIS/lyon-3/requests").mkdir(parents=True)
    done = server(data, "stick", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "lyon-3: n’est pas d’un terminal de cette caisse, laissé" in done.stderr
    english = server(data, "--language", "en", "stick", str(tmp_path))
    assert "Nothing on this stick could be taken in." in english.stderr


def test_what_is_left_before_the_end_is_said(data: Path, tmp_path: Path) -> None:
    """Promise: while anything is left, nobody is forgotten, and each line says what to do."""
    server(data, "seed")
    planned = server(data, "wind-up", "plan")
    assert (planned.returncode, "Traceback" in planned.stderr) == (1, False)
    told = "à faire  5 : conventions qui durent encore\n         → clafoutis-server merchant end"
    assert told in planned.stdout
    english = server(data, "--language", "en", "wind-up", "plan")
    assert "to do    5: conventions that still run" in english.stdout
    refused = server(data, "wind-up", "forget", "--by", "coordination", "--write")
    assert (refused.returncode, "Rien n’a été effacé" in refused.stderr) == (1, True)
    made = server(data, "wind-up", "archive", "--to", str(tmp_path / "archive"))
    assert (made.returncode, "SHA256SUMS" in made.stdout) == (0, True)
    assert server(data, "wind-up", "archive", "--to", str(tmp_path / "archive")).returncode == 1
