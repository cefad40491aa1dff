"""`clafoutis-server letters` and `paper`: what a person types to write and print, on a disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pdf_text import pages_of, text_of
from tests.server_process import server
from tests.test_server_commands import data
from tests.test_server_member_commands import BY, done, refused, seeded

__all__ = ["data", "seeded"]

HEAD = ("--name", "Caisse de Flers", "--address", "41 rue de la Boule, 61100 Flers")


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    """Two files that are not there yet."""
    return tmp_path / "one.pdf", tmp_path / "two.pdf"


def test_letters_are_typed_from_due_to_printed(seeded: Path, paths: tuple[Path, Path]) -> None:
    """Promise: each step is said; what can't be written to the disk was not printed."""
    out, again = paths
    done(seeded, "member", "add", "Ali Prévost", "--address", "1 rue")
    done(seeded, "wave", "admit", "--places", "1", *BY)
    done(seeded, "member", "commit", "Ali", "30", "--from", "2026-11-01", *BY)
    (due,) = [it for it in done(seeded, "letters", "due").splitlines() if it.startswith("reminder")]
    kind = "reminder" if "à préparer 1" in due else "dues_call"
    prepared = server(seeded, "letters", "prepare", kind, *BY)
    assert prepared.stderr == "1 courrier préparé.\n", prepared.stderr
    assert "Ali Prévost" in done(seeded, "letters", "list")
    print_it = ("letters", "print", "--out", str(out), *BY)
    assert "comment joindre la caisse" in refused(seeded, *print_it)
    assert "téléphone" in refused(seeded, "paper", "head", *HEAD, "--place", "Flers", *BY)
    said = done(seeded, "paper", "head", *HEAD, "--place", "Flers", "--telephone", "02 33", *BY)
    assert "41 rue de la Boule / 61100 Flers" in said
    out.write_bytes(b"something else")
    assert "n’a pas pu être écrit" in server(seeded, *print_it).stderr
    out.unlink()
    assert "1 à mettre sous enveloppe" in server(seeded, *print_it).stderr
    assert "Ali Prévost" in text_of(out.read_bytes())
    assert "Aucun courrier n’attend" in refused(seeded, *print_it)
    done(seeded, "letters", "print", "--again", "1", "--out", str(again), *BY)
    assert pages_of(again.read_bytes()) == pages_of(out.read_bytes())
    assert "déjà parti" in refused(seeded, "letters", "drop", "1", *BY)
    done(seeded, "rebuild", "--check")


def test_words_are_saved_from_a_file(seeded: Path, tmp_path: Path) -> None:
    """Promise: a text that nobody could fill in is refused, and the one before stays."""
    file = tmp_path / "text.txt"
    file.write_text("Bonjour {nom}\n\nIl reste {montant}.\n", "utf-8")
    save = ("letters", "text", "reminder", "--save", str(file), *BY)
    assert done(seeded, *save) == "Bonjour {nom}\n\nIl reste {montant}.\n"
    file.write_text("Bonjour {prénom}\n\nx", "utf-8")
    assert "ne connaît pas {prénom}" in refused(seeded, *save)
    assert done(seeded, "letters", "text", "reminder").startswith("Bonjour {nom}")
    assert "Dear {nom}" in done(seeded, "letters", "text", "reminder", "--in", "en")


def test_papers_are_typed(seeded: Path, paths: tuple[Path, Path]) -> None:
    """Promise: every paper is a command, with SIRET and convention once they are known."""
    out, other = paths
    assert "notice-information" in done(seeded, "paper", "list")
    assert "SIRET" in refused(seeded, "merchant", "siret", "1", "73282932000075", *BY)
    done(seeded, "merchant", "siret", "1", "732 829 320 00074", *BY)
    convention = ("paper", "print", "convention", "--merchant", "1", "--out", str(out))
    done(seeded, *convention)
    text = text_of(out.read_bytes())
    assert "732 829 320 00074" in text
    assert "C1-1" in text
    assert "n’a pas pu être écrit" in server(seeded, *convention).stderr, "never written over"
    carnet = ("paper", "print", "carnet", "--carnet", "3", "--out", str(other))
    assert "400 au plus" in refused(seeded, *carnet)
    done(seeded, *carnet, "--slips", "1-6", "--in", "en")
    assert len(pages_of(other.read_bytes())) == 2
