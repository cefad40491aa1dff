"""Clafoutis-audit finds what somebody with the database, and even with keys, would change."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_django.plugin import DjangoDbBlocker

from auditor.__main__ import main
from auditor.audit import Report, audit
from auditor.export import NotAnExport, read_export
from auditor.findings import Class
from simulator.burnt.world import empty_database
from tests.audit_deciders import DECIDERS
from tests.audit_edits import EDITS, NOT_MONEY, Edit
from tests.audit_insider import INSIDER
from tests.audited import Audited, change, live, rows

EDITS_MIN = 40
GONE = "(gone)"
UNSEEN = {
    ("card_transaction", "reason"),
    ("certificate", "n"),
    ("directory_row", "n"),
    ("entry", "n"),
    ("posting_line", "n"),
    ("card_transaction", "n"),
    ("posting_line", "subject"),
}
"""Numbers of rows, and words for people."""


@pytest.fixture(scope="module")
def audited(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Audited:
    """One caisse for all edits, on a database of its own."""
    folder = tmp_path_factory.mktemp("audited")
    with django_db_blocker.unblock(), empty_database() as using:
        return live(folder, using=using)


def edited(audited: Audited, folder: Path, edit: Edit) -> Report:
    """Audit a copy of the export with one change in it."""
    path = folder / "edited.sqlite3"
    shutil.copy(audited.path, path)
    with closing(sqlite3.connect(path)) as db, db:
        edit.apply(audited, db)
    return audit(read_export(path))


def columns(path: Path) -> Iterator[tuple[str, str]]:
    """Yield every table with each of its columns, and with GONE."""
    for (table,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
        named = [row[1] for row in rows(path, f"PRAGMA table_info({table})")]
        yield from ((table, column) for column in (*named, GONE))


def spoil(path: Path, table: str, column: str) -> bool:
    """Change a column in the row in the middle, or drop it; False where that changes nothing."""
    places = [place for (place,) in rows(path, f"SELECT rowid FROM {table} ORDER BY rowid")]  # noqa: S608 - ours
    if not places:
        return False
    middle = places[len(places) // 2]
    if column == GONE:
        return bool(change(path, f"DELETE FROM {table} WHERE rowid = ?", middle))  # noqa: S608 - ours
    ((old,),) = rows(path, f"SELECT {column} FROM {table} WHERE rowid = ?", middle)  # noqa: S608 - ours
    new: object = None
    match old:
        case int():
            new = old + 1_000_000
        case str():
            new = f"{old}x"
        case bytes():
            new = old[:-1] + bytes([old[-1] ^ 1]) if old else b"?"
    return bool(change(path, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", new, middle))  # noqa: S608 - ours


def test_good_books_are_silent(audited: Audited) -> None:
    """Promise 6: what was signed comes to exactly the books that are claimed, proofs included."""
    report = audit(read_export(audited.path))
    assert report.findings == ()
    assert report.sales == report.verified + report.unverified
    assert (report.sales, report.unverified) == (8, 1), "all but the recovered one are proven here"
    assert report.payable_cents == 0, "both runs have paid everything"


def test_there_are_forty_ways(audited: Audited) -> None:
    """Promise 6: the books are broken in forty ways at least, no two by one name."""
    edits = (*EDITS, *INSIDER, *DECIDERS)
    assert len({edit.name for edit in edits}) == len(edits) >= EDITS_MIN


@pytest.mark.parametrize("edit", [*EDITS, *INSIDER, *DECIDERS], ids=lambda edit: edit.name)
def test_every_edit_is_found(audited: Audited, tmp_path: Path, edit: Edit) -> None:
    """Promise 6: whoever changes one row is found out: which row, which class, how many cents."""
    found = edited(audited, tmp_path, edit).findings
    right = [
        one
        for one in found
        if one.kind is edit.kind and edit.place in one.place and edit.cents in {0, one.amount_cents}
    ]
    assert right, "\n".join(map(str, found)) or "nothing was found"


@pytest.mark.parametrize(("what", "sql"), NOT_MONEY, ids=[what for what, _ in NOT_MONEY])
def test_what_is_not_money_is_listed(audited: Audited, tmp_path: Path, what: str, sql: str) -> None:
    """Promise 6: an edit that is not found is known, and moves no cent."""
    path = tmp_path / "edited.sqlite3"
    shutil.copy(audited.path, path)
    assert change(path, sql) >= 1
    assert audit(read_export(path)).is_clean


def test_every_column_is_looked_at(audited: Audited, tmp_path: Path) -> None:
    """Promise 6: any column changed in a row, or the row gone, is found, but for what is listed."""
    unseen: set[tuple[str, str]] = set()
    path = tmp_path / "edited.sqlite3"
    for table, column in columns(audited.path):
        shutil.copy(audited.path, path)
        if not spoil(path, table, column):
            continue
        try:
            if audit(read_export(path)).is_clean:
                unseen.add((table, column))
        except NotAnExport:
            pass
    assert unseen == UNSEEN


def test_another_caisse_with_other_keys_is_no_excuse(audited: Audited) -> None:
    """Promise 6: whoever pins the root key is not shown books under another one."""
    export = read_export(audited.path)
    report = audit(export, root=hashlib.sha256(b"another root").digest())
    assert [one.kind for one in report.findings] == [Class.CERTIFICATE]


def test_no_secret_and_no_name_is_handed_out(audited: Audited) -> None:
    """Promise 7: what is handed out holds no key that could make a sale, and nobody's name."""
    content = audited.path.read_bytes()
    keys = audited.keys
    secrets = [keys.root.root, keys.service.issuer, keys.service.service, keys.service.wrapping]
    secrets += [master.tmac for master in keys.service.masters]
    secrets += [master.key for master in keys.workshop.masters]
    assert not [secret for secret in secrets if secret in content]
    assert "Ferme du Feu" not in str(rows(audited.path, "SELECT * FROM meta"))


def test_the_command_says_it_in_words_and_for_programs(audited: Audited, tmp_path: Path) -> None:
    """Promise 6: anybody can run it: status 0 all is right, 1 with the rows, 2 no export."""
    run = CliRunner().invoke
    good = run(main, [str(audited.path)])
    assert good.exit_code == 0
    assert "exactement" in good.output
    assert "exactly" in run(main, [str(audited.path), "--language", "en"]).output
    path = tmp_path / "edited.sqlite3"
    shutil.copy(audited.path, path)
    change(path, "INSERT OR REPLACE INTO owed VALUES (1, 1)")
    bad = run(main, [str(path), "--json"])
    assert bad.exit_code == 1
    (found,) = json.loads(bad.output)["findings"]
    assert found["amount_cents"] == 1
    nothing = tmp_path / "nothing"
    nothing.write_bytes(b"not a database")
    assert run(main, [str(nothing)]).exit_code == 2
    with pytest.raises(NotAnExport):
        read_export(nothing)
