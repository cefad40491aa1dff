"""`clafoutis-server contribution`, `cash` and `statement`: what a coordinator types and is told."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.server_process import server, with_keys

BY = ("--by", "coordination")
PROFILE = (
    *("statement", "profile", "save", "banque", "--encoding", "cp1252", "--skip-first", "1"),
    *("--account", "FR76 3000 1007 9412 3456 7890 185", "--day", "Date", "--label", "Libellé"),
    *("--debit", "Débit", "--credit", "Crédit", *BY),
)
HEAD = "Compte FR7630001007941234567890185\nDate;Libellé;Débit;Crédit\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A caisse with a person at the console and accounts."""
    directory = with_keys(tmp_path_factory.mktemp("server"))
    assert server(directory, "seed").returncode == 0
    return directory


def told(data: Path, *arguments: str) -> str:
    """What a command that works says."""
    done = server(data, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(data: Path, *arguments: str) -> str:
    """Why a command does not do it: one sentence, and no traceback."""
    done = server(data, *arguments)
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def account(data: Path) -> str:
    """The first account of the caisse, as a coordinator copies it."""
    lines = server(data, "seed").stdout.splitlines()
    return next(line.split()[-1] for line in lines if line.startswith("Compte"))


def test_every_command_is_listed(data: Path) -> None:
    """Promise: whoever asks for help is told of each of them."""
    listed = told(data, "--help")
    assert all(name in listed for name in ("contribution", "cash", "statement"))
    for group, names in {
        "contribution": ("receive", "cancel", "quittance", "reference", "late", "remind"),
        "cash": ("show", "count", "deposit"),
        "statement": ("profile", "import", "lines", "confirm", "aside", "undo", "forget"),
    }.items():
        help_text = told(data, group, "--help")
        assert all(name in help_text for name in names)


def test_a_day_at_the_till(data: Path, tmp_path: Path) -> None:
    """Promise: from a note to the trésorier: a quittance, a count, a slip, and right books."""
    whose = account(data)
    year = datetime.now(tz=UTC).year
    first = f"Q{year}-00001"
    receive = ("contribution", "receive", whose, "20,00", "--means", "cash", *BY)
    assert first in told(data, *receive)
    paper = told(data, "contribution", "quittance", first, "--caisse-name", "Caisse", *BY)
    assert f"QUITTANCE n° {first}" in paper
    assert "SOUCHE" in paper
    assert "DUPLICATA" in told(
        data, "contribution", "quittance", first, "--caisse-name", "Caisse", *BY
    )
    assert f"Q{year}-00002" in refused(data, *receive, "--number", "7")
    assert "déficit de 5,00" in told(data, "cash", "count", "10x1 5x1", *BY)
    assert "3x1" in refused(data, "cash", "count", "3x1", *BY)
    assert "Versé : 15,00\xa0€" in told(data, "cash", "deposit", "--slip", "B-1", *BY)
    assert "rien à verser" in refused(data, "cash", "deposit", "--slip", "B-2", *BY)
    assert f"A-{first}" in told(data, "contribution", "cancel", first, *BY)
    assert "déjà annulé" in refused(data, "contribution", "cancel", first, *BY)
    assert "Aucun compte" in refused(
        data, "contribution", "receive", "ffffffff", "20", "--means", "cash", *BY
    )
    out = tmp_path / "relances.csv"
    assert server(data, "contribution", "remind", "--out", str(out)).returncode == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file, delimiter=";"))) == 1
    assert "Compte" in told(data, "contribution", "late")
    told(data, "rebuild", "--check")


def test_a_statement_from_file_to_books(data: Path, tmp_path: Path) -> None:
    """Promise: shown first, kept once, booked by a person's word, and undone by an entry."""
    reference = told(data, "contribution", "reference", account(data)).strip()
    told(data, *PROFILE)
    assert "banque" in told(data, "statement", "profile", "list")
    day = f"{datetime.now(tz=UTC):%d/%m/%Y}"
    rows = f'{day};"VIR; {reference}";;20,00\n{day};=FRAIS();3,00;\n'
    path = tmp_path / "releve.csv"
    path.write_bytes((HEAD + rows).encode("cp1252"))
    look = ("statement", "import", str(path), "--profile", "banque")
    shown = server(data, *look)
    assert "référence exacte" in shown.stdout
    assert "Rien n’est enregistré" in shown.stderr
    assert told(data, "statement", "lines") == ""
    assert "gardées : 2" in server(data, *look, "--keep", *BY).stderr
    assert "gardées : 0" in server(data, *look, "--keep", *BY).stderr
    assert "déjà enregistrée" in told(data, *look)
    assert "B1-1 ✓ contribution" in told(data, "statement", "confirm", "B1-1", *BY)
    assert "déjà traitée" in refused(data, "statement", "confirm", "B1-1", *BY)
    assert "rien de connu" in refused(data, "statement", "confirm", "B1-2", *BY)
    assert "Aucune ligne" in refused(data, "statement", "aside", "B9-9", *BY)
    told(data, "statement", "aside", "B1-2", *BY)
    told(data, "statement", "undo", "B1-1", *BY)
    told(data, "statement", "confirm", "B1-1", "--account", reference, *BY)
    assert told(data, "statement", "forget").strip().endswith(": 0")
    told(data, "rebuild", "--check")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ne contient aucune ligne"),
        ((HEAD + "05/11/2025;été;;20,00\n").encode(), "encodage"),
        (HEAD.replace("FR76", "FR11").encode("cp1252") + b"05/11/2025;VIR;;20,00\n", "compte"),
        ((HEAD + "29/02/2025;VIR;;20,00\n").encode("cp1252"), "Ligne 3 : « 29/02/2025 »"),
        ((HEAD + "05/11/2025;VIR;;20.00\n").encode("cp1252"), "Ligne 3 : « 20.00 »"),
        (HEAD.replace("Débit", "D").encode("cp1252") + b"05/11/2025;V;;1,00\n", "« Débit »"),
    ],
)
def test_a_hostile_file_is_one_french_sentence(
    data: Path, tmp_path: Path, content: bytes, said: str
) -> None:
    """Promise: what is wrong, in which line, and that nothing was kept, in French and English."""
    told(data, *PROFILE)
    path = tmp_path / "releve.csv"
    path.write_bytes(content)
    command = ("statement", "import", str(path), "--profile", "banque", "--keep", *BY)
    why = refused(data, *command)
    assert said in why
    assert "Rien n’a été enregistré." in why
    assert "Nothing was kept." in refused(data, "--language", "en", *command)


def test_a_profile_nobody_can_read_by(data: Path) -> None:
    """Promise: a profile without an amount, or under an unknown name, is said so."""
    wrong = PROFILE[: PROFILE.index("--debit")]
    assert "montant" in refused(data, *wrong, *BY)
    file = data / "keys" / "nothing.csv"
    file.write_bytes(b"x")
    assert "Aucun profil" in refused(data, "statement", "import", str(file), "--profile", "x")
