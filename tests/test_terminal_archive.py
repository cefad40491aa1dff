"""The fiscal archive: whole, readable, without a card's name in it, and told to the journal."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from auditor.archive.check import check_archive
from auditor.archive.faults import FaultKind, NoteKind
from auditor.archive.package import read_package
from cardkit.bodies import EntryKind, Intent, MediumExchanged, Sale
from cardkit.errors import StickGone, StickReadOnly
from cardkit.signing import parse
from simulator.field import Field
from terminal.__main__ import cli
from terminal.context import Context, Exit
from terminal.fiscal.archive import README, NothingToArchive
from terminal.fiscal.contents import Period
from terminal.fiscal.events import IN_THEIR_OWN_TABLE, NAMES
from terminal.fiscal.perimeter import (
    PERIMETER,
    PERIMETER_FOLDERS,
    is_fiscal,
    note_perimeter,
    perimeter_digest,
    shown,
)
from terminal.fiscal.signature import short_signature
from terminal.lines import BasketLines
from terminal.outcomes import Basket
from terminal.software import Software, Source, hash_of, installed_sources
from terminal.words import Words
from tests.archived import CHEESE, DAYS, SOURCES, Stall, archives, live
from tests.terminal_world import MERCHANT, last_intent
from tests.test_terminal_lines import meddle

TABLES = ("tickets.csv", "lignes.csv", "tva.csv", "clotures.csv", "evenements.csv", "logiciel.csv")


@pytest.fixture
def stall(tmp_path: Path) -> Stall:
    """A till on Friday, 30 October 2026."""
    return Stall.found(tmp_path)


def files_of(path: Path) -> dict[str, bytes]:
    """What is in an archive."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def table(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    """A table of an archive, as a spreadsheet in France reads it."""
    text = files[name].decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def test_every_entry_of_the_period_is_there_as_it_was_signed(stall: Stall) -> None:
    """Promise: the archive holds each entry's own bytes, in their order, and none is left out."""
    live(stall)
    files = files_of(stall.archive(stall.world.path / "a.zip").path)
    rows = [base64.b64decode(row) for row in files["ecritures.txt"].splitlines()]
    assert tuple(rows) == stall.till.journal.contents(0, 28)
    assert stall.till.journal.head.seq == 29
    stall.close()


def test_the_journal_knows_of_its_archives(stall: Stall) -> None:
    """Promise: an archive is an event of the chain, with the manifest's hash and a copy inside."""
    live(stall)
    written = stall.archive(stall.world.path / "a.zip")
    files = files_of(written.path)
    entry = stall.till.journal.last(EntryKind.MEDIUM_EXCHANGED)
    assert entry is not None
    assert isinstance(entry.body, MediumExchanged)
    assert entry.body.written_digest == hashlib.sha256(files["manifeste.json"]).digest()
    assert entry.body.written_up_to_seq == written.last_seq
    copy = base64.b64decode(files["attestation.txt"])
    assert parse(copy).digest == entry.digest
    manifest = json.loads(files["manifeste.json"])
    assert manifest["files"].keys() == files.keys() - {"manifeste.json", "attestation.txt"}
    stall.close()


def test_the_tables_say_what_the_entries_say(stall: Stall) -> None:
    """Promise: tickets, lines, VAT, closures and events can be read without this program."""
    live(stall)
    stick = MediumExchanged(medium="=HYPERLINK()")
    stall.till.journal.append(EntryKind.MEDIUM_EXCHANGED, stick)
    files = files_of(stall.archive(stall.world.path / "a.zip").path)
    tickets = table(files, "tickets.csv")
    assert [row["montant_par_carte"] for row in tickets] == [
        "6,50",
        "12,00",
        "-2,00",
        "9,00",
        "3,00",
        "7,50",
    ]
    assert tickets[0]["regle_autrement"] == "0,50"
    assert tickets[2]["ticket_d_origine"] == tickets[0]["ticket"]
    assert tickets[-1]["cumul_perpetuel"] == "36,00"
    lines = table(files, "lignes.csv")
    assert [row["montant_ttc"] for row in lines if row["ticket"] == tickets[0]["ticket"]] == [
        "3,00",
        "3,50",
        "0,50",
    ]
    assert lines[3]["libelle"] == "'=Tomme"  # a formula for nobody
    vat = table(files, "tva.csv")
    assert (vat[0]["ttc"], vat[0]["ht"], vat[0]["tva"]) == ("6,50", "6,16", "0,34")
    assert [row["periode"] for row in table(files, "clotures.csv")] == [
        "jour",
        "jour",
        "mois",
        "jour",
    ]
    events = {row["evenement"] for row in table(files, "evenements.csv")}
    assert {"démarrage du programme", "clôture", "lecture des totaux (X)"} <= events
    assert table(files, "evenements.csv")[-1]["detail"] == "'=HYPERLINK()"
    marked = [
        row["fichier"] for row in table(files, "logiciel.csv") if row["perimetre_fiscal"] == "oui"
    ]
    assert marked == ["cardkit/entries.py", "terminal/till.py"]
    stall.close()


def test_no_table_names_a_card(stall: Stall) -> None:
    """Promise: what people read of an archive names no card; only what was signed contains it.

    Red when an event tells which card was declined.
    """
    live(stall)
    stall.world.members[stall.card.uid].blocked = True
    stall.world.publish()
    stall.world.deliver(stall.till)
    stall.world.sell(stall.till, stall.card, 1_00)
    files = files_of(stall.archive(stall.world.path / "a.zip").path)
    uid = stall.card.uid
    for name, content in files.items():
        if name in {"ecritures.txt", "paniers.txt", "attestation.txt"}:
            continue
        text = content.decode("utf-8-sig").upper()
        for written in (uid.hex().upper(), uid.hex(" ").upper(), base64.b64encode(uid).decode()):
            assert written.upper() not in text, name
    refused = [row for row in table(files, "evenements.csv") if row["evenement"] == "vente refusée"]
    assert len(refused) == 1
    assert "bloquée" in refused[0]["detail"]
    signed = b"".join(base64.b64decode(row) for row in files["ecritures.txt"].splitlines())
    assert uid in signed, "and the README says so"
    assert "numéro de série de la puce" in files["LISEZMOI.txt"].decode("utf-8-sig")
    stall.close()


def test_any_period_stands_by_itself(stall: Stall) -> None:
    """Promise: each day of three, archived alone, can be checked whole: closures and VAT too.

    Red when the entries before a day's own, which its closure covers, are left out.
    """
    live(stall)
    outside = {DAYS[0]: [], DAYS[1]: ["12"], DAYS[2]: ["22", "23"]}  # closures of the days before
    for day in DAYS:
        path = stall.world.path / f"{day}.zip"
        stall.archive(path, Period(first_day=day, last_day=day))
        report = check_archive(read_package(path))
        assert report.faults == ()
        noted = [note.about for note in report.notes if note.kind is NoteKind.OUTSIDE]
        assert noted == outside[day]
    stall.close()


def test_a_day_without_entries_is_no_archive(stall: Stall) -> None:
    """Promise: an empty period is said to be one, and leaves no file and no entry."""
    period = Period(first_day=date(2025, 1, 1), last_day=date(2025, 1, 2))
    head = stall.till.journal.head
    path = stall.world.path / "a.zip"
    assert isinstance(archives(stall).write(period, path), NothingToArchive)
    assert not path.exists()
    assert stall.till.journal.head == head
    assert not Period(first_day=period.last_day, last_day=period.first_day).is_possible
    stall.close()


def test_lines_that_are_lost_do_not_keep_the_rest_back(stall: Stall) -> None:
    """Promise: lines that are damaged or gone cost the lines, and the audit says which."""
    kept, seq = stall.sell_basket(CHEESE, 9_00), stall.sell_basket(CHEESE, 9_00)
    intent = last_intent(stall.till)
    assert intent.lines_hash is not None
    where = f"WHERE hash = x'{intent.lines_hash.hex()}'"
    root = stall.world.data().root
    for statement in ("UPDATE basket SET content = x'00'", "DELETE FROM basket"):
        stall.lines.close()
        meddle(root, f"{statement} {where}", rules=False)
        stall.lines = BasketLines.open(stall.world.data().lines)
        files = files_of(stall.archive(stall.world.path / "a.zip").path)
        report = check_archive(read_package(stall.world.path / "a.zip"))
        assert [(it.kind.value, it.place) for it in report.faults] == [("lines-missing", str(seq))]
        assert {row["ticket"] for row in table(files, "lignes.csv")} == {str(kept)}
    stall.close()


def test_a_basket_that_came_to_nothing_stays_here(stall: Stall) -> None:
    """Promise: lines of a sale that was not executed leave the terminal in no archive.

    Red when lines are gathered for every intent.
    """
    lines_hash = stall.lines.keep(CHEESE)
    basket = Basket(lines_hash=lines_hash)
    stall.world.field.tear_before(9)
    stall.world.tap(
        stall.card, lambda it: stall.till.sell(it, 9_00, merchant=MERCHANT, basket=basket)
    )
    stall.world.field = Field()
    stall.world.tap(stall.card, stall.till.balance)
    assert stall.till.journal.last(EntryKind.VOID) is not None
    stall.close_day()
    files = files_of(stall.archive(stall.world.path / "a.zip").path)
    assert files["paniers.txt"] == b""
    assert table(files, "lignes.csv") == []
    assert check_archive(read_package(stall.world.path / "a.zip")).faults == ()
    stall.close()


def test_where_nothing_can_be_written_nothing_is_journalled(stall: Stall, tmp_path: Path) -> None:
    """Promise: a stick that is gone, or takes nothing, is told as such, and no archive is claimed.

    And whatever was there before stays there.
    """
    live(stall)
    head = stall.till.journal.head
    with pytest.raises(StickGone):
        stall.archive(tmp_path / "no such stick" / "a.zip")
    (tmp_path / "kept.zip").write_bytes(b"an older archive")
    (tmp_path / ".kept.zip.new").symlink_to(tmp_path / "elsewhere")
    with pytest.raises((StickGone, StickReadOnly)):
        stall.archive(tmp_path / "kept.zip")
    assert (tmp_path / "kept.zip").read_bytes() == b"an older archive"
    assert not (tmp_path / "elsewhere").exists()
    assert stall.till.journal.head == head
    stall.archive(tmp_path / "kept.zip")
    assert check_archive(read_package(tmp_path / "kept.zip")).is_clean
    stall.close()


def test_training_is_recorded_and_counts_for_nothing(stall: Stall) -> None:
    """Promise: an entry made in training is in the archive, marked, and in no total."""
    seq = stall.sell(5_00)
    sold = stall.till.journal.sold(seq)
    assert sold is not None
    journal = stall.till.journal
    intent = journal.append(EntryKind.INTENT, sold.intent, training=True)
    journal.append(EntryKind.SALE, replace(sold.sale, intent_seq=intent.seq), training=True)
    stall.close_day()
    files = files_of(stall.archive(stall.world.path / "a.zip").path)
    assert [row["formation"] for row in table(files, "tickets.csv")] == ["non", "oui"]
    report = check_archive(read_package(stall.world.path / "a.zip"))
    assert report.faults == ()
    assert (report.sales, report.sales_cents) == (1, 5_00)
    stall.close()


# The command


def run(stall: Stall, *arguments: str, language: str = "fr") -> Result:
    """Run the command on the stall's data; its till has to be closed."""
    data, clock = stall.world.data(), stall.world.clock
    context = Context(data, "none:", Words(language), clock, lambda _: pytest.fail("no reader"))
    return CliRunner().invoke(cli.named("archive"), list(arguments), obj=context)


def test_the_command_writes_what_the_auditor_reads(stall: Stall, tmp_path: Path) -> None:
    """Promise: one command hands a period out, forgotten closures included."""
    stall.sell_basket(CHEESE, 9_00)
    stall.pass_days(2)
    stall.close()
    path = tmp_path / "a.zip"
    done = run(stall, "--from", "2026-10-30", "--until", "31/10/2026", str(path))
    assert done.exit_code == Exit.DONE, done.output
    report = check_archive(read_package(path))
    assert report.faults == ()
    assert report.closures == 1
    manifest = files_of(path)["manifeste.json"]
    assert hashlib.sha256(manifest).hexdigest() in done.stdout
    assert json.loads(manifest)["software"] == Software.installed().digest.hex()
    stall.world.data().lines.write_bytes(b"no database" * 100)
    damaged = run(stall, "--from", "2026-10-30", "--until", "2026-10-30", str(path))
    assert damaged.exit_code == Exit.DONE, damaged.output
    faults = check_archive(read_package(path)).faults
    assert {fault.kind for fault in faults} == {FaultKind.LINES_MISSING}
    empty = run(stall, "--from", "2025-01-01", "--until", "2025-01-02", str(path))
    assert empty.exit_code == Exit.DECLINED
    assert "aucune écriture" in empty.stderr
    turned = run(stall, "--from", "2026-10-31", "--until", "2026-10-30", str(path))
    assert turned.exit_code == 2
    assert "Le premier jour" in turned.stderr


# Short signatures, the perimeter, the README


def test_a_short_signature_is_the_beginning_of_its_entry(stall: Stall) -> None:
    """Promise: eight letters that can be typed from a ticket, and another for each entry."""
    live(stall)
    entries = stall.till.journal.entries(0, 100)
    short = [short_signature(entry) for entry in entries]
    assert len(set(short)) == len(entries)
    for entry, text in zip(entries, short, strict=True):
        assert base64.b32decode(text) == entry.digest[:5]
    stall.close()


def test_the_perimeter_is_of_files_that_are_there() -> None:
    """Promise: each file of the fiscal perimeter exists, and what records sales belongs to it."""
    names = {source.name for source in installed_sources()}
    assert set(PERIMETER) <= names
    for folder in PERIMETER_FOLDERS:
        assert any(name.startswith(folder) for name in names)
    assert list(PERIMETER) == sorted(PERIMETER)


def test_only_the_perimeter_moves_its_hash() -> None:
    """Promise: a byte of a screen changes the program's hash and not the perimeter's."""
    screen, till = SOURCES[2], SOURCES[1]
    other = Source(screen.name, bytes(32))
    assert perimeter_digest([till, other]) == perimeter_digest([till, screen])
    assert hash_of([till, other]) != hash_of([till, screen])
    assert perimeter_digest([Source(till.name, bytes(32))]) != perimeter_digest([till])
    assert (is_fiscal(till), is_fiscal(screen)) == (True, False)
    assert shown(bytes.fromhex("0123456789abcdef")) == "0123 4567 89ab"


def test_a_new_perimeter_is_journalled_once(stall: Stall) -> None:
    """Promise: the journal says when the fiscal perimeter changed, from which to which."""
    journal = stall.till.journal
    assert note_perimeter(journal, perimeter_digest(SOURCES)) is False
    assert note_perimeter(journal, bytes(32)) is True
    assert note_perimeter(journal, bytes(32)) is False
    setting = journal.last_setting("fiscal perimeter")
    assert setting is not None
    assert (setting.before, setting.after) == (
        perimeter_digest(SOURCES).hex(),
        bytes(32).hex(),
    )
    stall.close()


def test_every_kind_of_entry_has_a_french_name() -> None:
    """Promise: no event stands in an archive without a name that a tax inspector can read."""
    assert NAMES.keys() == set(EntryKind) - IN_THEIR_OWN_TABLE


def test_the_readme_names_every_file(stall: Stall) -> None:
    """Promise: who opens an archive in ten years finds every file explained, in French."""
    live(stall)
    files = files_of(stall.archive(stall.world.path / "a.zip").path)
    readme = files[README.name].decode("utf-8-sig")
    assert all(name in readme for name in files.keys() - {README.name})
    assert set(TABLES) < files.keys()
    assert "$" not in readme
    assert "du 30/10/2026 au 02/11/2026" in readme
    stall.close()


def test_an_amber_sale_of_the_day_before_is_archived_with_its_intent(stall: Stall) -> None:
    """Promise: a sale that was settled after midnight brings its intent, and its VAT, along."""
    stall.world.field.tear_after(9)
    stall.world.tap(stall.card, lambda it: stall.till.sell(it, 5_00, merchant=7))
    stall.world.field = Field()
    stall.world.clock.pass_time(timedelta(days=1))
    stall.world.tap(stall.card, stall.till.balance)
    stall.till.closures.make_up()
    stall.close_day()
    path = stall.world.path / "a.zip"
    stall.archive(path, Period(first_day=date(2026, 10, 31), last_day=date(2026, 10, 31)))
    package = read_package(path)
    entries = stall.till.journal.entries(package.manifest.first_seq - 1, 100)
    intents = {it.seq for it in entries if isinstance(it.body, Intent)}
    assert {it.body.intent_seq for it in entries if isinstance(it.body, Sale)} <= intents
    assert check_archive(package).faults == ()
    stall.close()
