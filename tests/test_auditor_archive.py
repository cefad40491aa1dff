"""Clafoutis-audit finds what somebody with an archive, and even with its terminal, would change."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner, Result

from auditor.__main__ import main
from auditor.archive import words
from auditor.archive.check import check_archive
from auditor.archive.faults import FaultKind, NoteKind
from auditor.archive.package import read_package
from auditor.export import NotAnExport
from cardkit.bodies import Body
from cardkit.entries import sign_entry
from tests.archived import JOURNAL_KEY, SOURCES, VEGETABLES, Stall, key
from tests.shown_archive import (
    ATTESTATION,
    ENTRIES,
    LINES,
    MANIFEST,
    Files,
    ReadFiles,
    Shown,
    attested,
    cut,
    edited,
    flipped,
    found,
    read,
    remade,
    report_of,
    written,
)

TREE = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """One good archive for all edits."""
    return Shown.make(tmp_path_factory.mktemp("archived"))


def test_a_good_archive_is_clean(shown: Shown) -> None:
    """Promise: what a terminal archived checks out by public keys alone, closures and all."""
    anchors = [shown.ticket(entry.seq) for entry in shown.entries]
    report = report_of(shown.path, *anchors[:-1], root=shown.root)
    assert report.faults == ()
    assert report.notes == ()
    assert (report.entries, report.sales, report.sales_cents) == (28, 5, 38_00)
    assert (report.refunds, report.refunds_cents, report.closures) == (1, 2_00, 4)


def test_any_changed_byte_is_found(shown: Shown, tmp_path: Path) -> None:
    """Promise: one changed bit in any file of an archive is found, wherever it is.

    Red when a file is left out of the manifest's hashes.
    """
    files = read(shown.path)
    for name, content in files.items():
        for at in {0, len(content) // 2, len(content) - 2}:
            changed = bytearray(content)
            changed[at] ^= 1
            path = written(tmp_path / "edited.zip", {**files, name: bytes(changed)})
            try:
                report = report_of(path)
            except NotAnExport:
                continue
            assert not report.is_clean, (name, at)


def test_a_file_that_rots_is_damaged_or_as_it_was(shown: Shown, tmp_path: Path) -> None:
    """Promise: whatever bit of the file itself turns, it is no archive, faulty, or says the same.

    Red when an error of the unpacking comes through.
    """
    content, files = shown.path.read_bytes(), read(shown.path)
    refused = 0
    for at in range(0, len(content), 7):
        rotten = bytearray(content)
        rotten[at] ^= 1 << at % 8
        path = tmp_path / "rotten.zip"
        path.write_bytes(rotten)
        try:
            package = read_package(path)
        except NotAnExport:
            refused += 1
            continue
        assert package.files == files or not check_archive(package).is_clean, at
    assert refused > 500


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"format": 1e999}', "null"])
def test_what_is_no_manifest_is_no_archive(tmp_path: Path, text: str) -> None:
    """Promise: JSON of any other form is said to be no archive."""
    with pytest.raises(NotAnExport):
        read_package(written(tmp_path / "no.zip", {MANIFEST: text.encode()}))


def test_numbers_without_end_are_no_manifest(shown: Shown, tmp_path: Path) -> None:
    """Promise: a manifest of the right form and impossible values is no archive."""
    files = read(shown.path)
    for field, value in (("first_seq", float("inf")), ("terminal_key", "00"), ("last_day", 7)):
        path = written(tmp_path / "no.zip", remade(files, **{field: value}))
        with pytest.raises(NotAnExport):
            read_package(path)


EDITS: dict[str, tuple[Callable[[ReadFiles], Files], FaultKind]] = {
    "a byte of an entry": (
        lambda files: edited(files, ENTRIES, lambda it: [*it[:9], flipped(it[9], 80), *it[10:]]),
        FaultKind.SIGNATURE,
    ),
    "no base64": (
        lambda files: edited(files, ENTRIES, lambda it: [*it[:9], b"?\n", *it[10:]]),
        FaultKind.UNREADABLE,
    ),
    "an entry dropped": (
        lambda files: edited(files, ENTRIES, lambda it: [*it[:9], *it[10:]]),
        FaultKind.MISSING,
    ),
    "the first entry dropped": (
        lambda files: edited(files, ENTRIES, lambda it: it[1:]),
        FaultKind.MISSING,
    ),
    "two entries reordered": (
        lambda files: edited(files, ENTRIES, lambda it: [*it[:8], it[9], it[8], *it[10:]]),
        FaultKind.ORDER,
    ),
    "an entry twice": (
        lambda files: edited(files, ENTRIES, lambda it: [*it[:9], it[8], *it[9:]]),
        FaultKind.ORDER,
    ),
    "the tail cut": (
        lambda files: edited(files, ENTRIES, lambda it: it[:-2]),
        FaultKind.TAIL,
    ),
    "no entry at all": (lambda files: {**files, ENTRIES: b""}, FaultKind.TAIL),
    "a basket changed": (
        lambda files: edited(files, LINES, lambda it: [flipped(it[0], 30), *it[1:]]),
        FaultKind.LINES_CHANGED,
    ),
    "a salt changed": (
        lambda files: edited(files, LINES, lambda it: [flipped(it[0], 4), *it[1:]]),
        FaultKind.LINES_CHANGED,
    ),
    "a basket dropped": (
        lambda files: edited(files, LINES, lambda it: it[1:]),
        FaultKind.LINES_MISSING,
    ),
    "a basket added": (
        lambda files: {**files, LINES: files[LINES] + b"00" * 32 + b" AAAA\n"},
        FaultKind.FILE_EXTRA,
    ),
    "a source of the program": (
        lambda files: {
            **files,
            "logiciel.csv": files["logiciel.csv"].replace(b"ui/screen", b"ui/scream"),
        },
        FaultKind.SOFTWARE,
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_named_though_the_manifest_fits_it(
    shown: Shown, tmp_path: Path, name: str
) -> None:
    """Promise: whoever edits, and makes the manifest anew, is found out twice.

    By what was edited, and by the signed entry that vouches for the manifest of then.
    """
    edit, kind = EDITS[name]
    files = remade(edit(read(shown.path)))
    kinds = found(report_of(written(tmp_path / "edited.zip", files)))
    assert {kind, FaultKind.ATTESTATION} <= kinds
    assert FaultKind.FILE_CHANGED not in kinds


def test_files_that_come_and_go_are_named(shown: Shown, tmp_path: Path) -> None:
    """Promise: a table that was changed, taken out, put in or put in twice is named."""
    files = read(shown.path)
    table = files.pop("tickets.csv")
    missing = report_of(written(tmp_path / "missing.zip", files))
    assert [(it.kind, it.place) for it in missing.faults] == [
        (FaultKind.FILE_MISSING, "tickets.csv")
    ]
    files["tickets.csv"] = table.replace(b"7,50", b"5,70")
    assert found(report_of(written(tmp_path / "changed.zip", files))) == {FaultKind.FILE_CHANGED}
    files["tickets.csv"], files["virus.exe"] = table, b"MZ"
    assert found(report_of(written(tmp_path / "extra.zip", files))) == {FaultKind.FILE_EXTRA}
    del files["virus.exe"]
    twice = written(tmp_path / "twice.zip", files)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice, "a") as archive:
        archive.writestr("tickets.csv", table)
    assert found(report_of(twice)) == {FaultKind.FILE_EXTRA}


def test_without_its_attestation_nobody_vouches(shown: Shown, tmp_path: Path) -> None:
    """Promise: an archive whose journal entry is taken out, or is another one, says so."""
    files = read(shown.path)
    other = files[ENTRIES].splitlines(keepends=True)[-1]
    for content in (b"", other, files[ATTESTATION] * 2):
        path = written(tmp_path / "edited.zip", {**files, ATTESTATION: content})
        assert found(report_of(path)) == {FaultKind.ATTESTATION}


def test_a_journal_that_was_cut_before_it_was_archived(shown: Shown, tmp_path: Path) -> None:
    """Promise: who cuts the journal's end and then has it archived is found out by one ticket.

    The terminal itself has signed that archive, so nothing inside it can tell.
    """
    last = 19
    files = edited(read(shown.path), ENTRIES, lambda it: it[:last])
    files = remade(files, **cut(shown.entries, last))
    path = written(tmp_path / "cut.zip", attested(files, shown.entries[:last]))
    alone = report_of(path)
    assert alone.faults == ()
    assert NoteKind.NO_HEAD in {note.kind for note in alone.notes}
    assert report_of(path, shown.ticket(17)).faults == ()
    against = report_of(path, shown.ticket(26))
    assert [(it.kind, it.place) for it in against.faults] == [(FaultKind.TAIL, "26")]


def test_a_journal_that_was_made_anew(shown: Shown, tmp_path: Path) -> None:
    """Promise: a whole journal signed again, with the terminal's own key, is not the tickets'."""
    stall = Stall.found(tmp_path)
    stall.sell_basket(VEGETABLES, 6_00)
    while stall.till.journal.head.seq < 25:
        stall.sell(1_00)
    stall.close_day()
    stall.archive(tmp_path / "anew.zip")
    stall.close()
    assert report_of(tmp_path / "anew.zip", root=shown.root).faults == ()
    against = report_of(tmp_path / "anew.zip", shown.ticket(8))
    assert [(it.kind, it.place) for it in against.faults] == [(FaultKind.HEAD, "8")]


def test_an_entry_of_another_journal_breaks_the_chain(shown: Shown, tmp_path: Path) -> None:
    """Promise: an entry that the same key has signed elsewhere, in its place, does not follow."""
    entry = shown.entries[9]
    twin = sign_entry(
        key(JOURNAL_KEY), replace(entry.envelope, prev=bytes(32)), cast(Body, entry.body)
    )
    row = base64.b64encode(twin.signed.encoded) + b"\n"
    files = remade(edited(read(shown.path), ENTRIES, lambda it: [*it[:9], row, *it[10:]]))
    report = report_of(written(tmp_path / "twin.zip", files))
    broken = [it.place for it in report.faults if it.kind is FaultKind.CHAIN]
    assert broken == ["10", "11"]


def test_tickets_from_elsewhere_in_the_journal_prove_nothing(shown: Shown, tmp_path: Path) -> None:
    """Promise: a ticket from after the period is no fault, and is said not to be compared."""
    files = edited(read(shown.path), ENTRIES, lambda it: it[:19])
    said = cut(shown.entries, 19) | {"journal_seq": 28}
    path = written(tmp_path / "period.zip", remade(files, **said))
    report = report_of(path, shown.ticket(26))
    assert NoteKind.NOT_COVERED in {note.kind for note in report.notes}
    assert FaultKind.TAIL not in found(report)


def test_another_root_and_another_key(shown: Shown, tmp_path: Path) -> None:
    """Promise: an archive of a terminal that no known root has certified is not believed."""
    files = read(shown.path)
    assert found(report_of(shown.path, root=bytes(32))) == {FaultKind.ROOT}
    other = key(77).public.encoded.hex()
    swapped = written(tmp_path / "key.zip", remade(files, terminal_key=other))
    assert {FaultKind.CERTIFICATE, FaultKind.SIGNATURE} <= found(report_of(swapped))
    bare = written(tmp_path / "bare.zip", remade(files, terminal_certificate=None))
    assert FaultKind.CERTIFICATE in found(report_of(bare, root=shown.root))
    assert NoteKind.UNCERTIFIED in {note.kind for note in report_of(bare).notes}


def run(*arguments: str) -> Result:
    """Run the program."""
    return CliRunner().invoke(main, ["archive", *arguments])


def test_the_program_says_it_in_french(shown: Shown, tmp_path: Path) -> None:
    """Promise: what is wrong, where, and what it means, in French; the exit status says it too."""
    ticket = shown.ticket(26)
    good = run(str(shown.path), "--root", shown.root.hex(), "--head", f"26:{ticket.digest}")
    assert good.exit_code == 0
    whole = run(str(shown.path), "--head", f"26:{shown.entries[25].digest.hex()}")
    assert whole.exit_code == 0
    assert "Tout est tel que le terminal l’a signé." in good.stdout
    files = remade(edited(read(shown.path), ENTRIES, lambda it: [*it[:9], *it[10:]]))
    bad = run(str(written(tmp_path / "dropped.zip", files)))
    assert bad.exit_code == 1
    assert "écriture absente : 10 : elle a été retirée du journal" in bad.stdout
    assert json.loads(run(str(tmp_path / "dropped.zip"), "--json").stdout)["faults"]
    assert "entry missing: 10:" in run(str(tmp_path / "dropped.zip"), "--language", "en").stdout
    (tmp_path / "none.zip").write_bytes(b"no zip")
    assert run(str(tmp_path / "none.zip")).exit_code == 2
    assert run(str(shown.path), "--head", "26").exit_code == 2


def test_every_kind_has_its_words(shown: Shown) -> None:
    """Promise: nothing that a check can find is without words, in either language."""
    good = report_of(shown.path)
    for language in ("fr", "en"):
        for table in (words._FRENCH, words._ENGLISH):
            assert table.keys() == set(FaultKind)
        for notes in (words._FRENCH_NOTES, words._ENGLISH_NOTES):
            assert notes.keys() == set(NoteKind)
        assert words.lines(good, language)


def test_it_is_checked_where_there_is_no_terminal(shown: Shown, tmp_path: Path) -> None:
    """Promise: the verifier imports nothing of the terminal, and needs no database."""
    code = (
        "import sys\n"
        "from auditor.__main__ import main\n"
        "try:\n    main()\n"
        "except SystemExit as left:\n"
        "    known = [it for it in sys.modules if it.split('.')[0] in {'terminal', 'simulator'}]\n"
        "    sys.exit(99 if known else left.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "archive", str(shown.path)],
        cwd=TREE,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_unpacks_without_end_is_not_unpacked(tmp_path: Path) -> None:
    """Promise: a file of a thousand members is refused before any is read."""
    files = {f"{number}": b"" for number in range(1_000)}
    with pytest.raises(NotAnExport, match="more than any archive holds"):
        read_package(written(tmp_path / "bomb.zip", files))


def test_the_sources_of_the_program_are_those_of_its_hash(shown: Shown) -> None:
    """Promise: the program's hash in the journal, and its perimeter, follow from the list."""
    manifest = json.loads(read(shown.path)[MANIFEST])
    whole = hashlib.sha256()
    for source in SOURCES:
        whole.update(source.name.encode() + b"\x00" + source.digest)
    assert manifest["software"] == whole.hexdigest()
