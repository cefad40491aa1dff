"""What French law asks of a till: one test for each requirement, under the name it has there.

Inaltérabilité, sécurisation, conservation, archivage (CGI art. 286, I, 3° bis;
BOI-TVA-DECLA-30-10-30), and the journal of technical events. The requirements I1 to J1 are those
of the caisse's list of French conventions, D1; each docstring begins with the promise's name.
"""

from __future__ import annotations

import base64
import csv
import io
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from auditor.archive.chain import Anchor
from auditor.archive.check import ArchiveReport, check_archive
from auditor.archive.faults import FaultKind
from auditor.archive.package import LINES, Package, read_package
from cardkit import cbor
from cardkit.bodies import (
    Closure,
    ClosurePeriod,
    EntryKind,
    IntegrityFailed,
    MediumExchanged,
    Refund,
    RefundReason,
    Sale,
    SettingChanged,
    Started,
)
from cardkit.clock import business_date
from cardkit.entries import OperatorRole
from server_stub.models import Batch, StoredEntry, Terminal
from terminal.basket import SALT_BYTES, SaltedLines
from terminal.closures import AlreadyClosed
from terminal.fiscal.contents import Period
from terminal.fiscal.events import NAMES
from terminal.fiscal.perimeter import SETTING, perimeter_digest
from terminal.fiscal.signature import short_signature
from terminal.keyring import read_keyring
from terminal.outcomes import Refunded
from terminal.receipts.content import Issuer, Receipt
from terminal.receipts.desk import Receipts
from terminal.receipts.layout import lay_out
from terminal.words import Words
from tests.archived import (
    CHEESE,
    SOFTWARE,
    SOURCES,
    START,
    VEGETABLES,
    WHOLE,
    Stall,
    live,
)
from tests.service_world import ServiceWorld
from tests.terminal_world import MERCHANT, TERMINAL

FRENCH: Final = Words("fr")
COLUMNS: Final = 32
_ECDSA_P256_SHA256: Final = -7
"""COSE's ES256, one of the signatures that the LNE's reference accepts (RFC 9053, 2.1)."""


@pytest.fixture
def stall(tmp_path: Path) -> Iterator[Stall]:
    """A till on Friday, 30 October 2026."""
    made = Stall.found(tmp_path)
    yield made
    made.close()


def archived(stall: Stall, period: Period = WHOLE) -> Package:
    """An archive of a stall, read elsewhere."""
    path = stall.world.path / "archive.zip"
    stall.archive(path, period)
    return read_package(path)


def check(stall: Stall, package: Package, *anchors: Anchor) -> ArchiveReport:
    """Check an archive with the root key that the caisse has published."""
    return check_archive(package, root=stall.world.root.public.digest, anchors=anchors)


def table(package: Package, name: str) -> list[dict[str, str]]:
    """A table of an archive."""
    text = package.files[name].decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def receipts(stall: Stall) -> Receipts:
    """The receipts of a stall."""
    issuer = Issuer(name="Ferme des Haies")
    return Receipts(
        stall.till.journal, stall.lines, issuer_of=lambda _: issuer, sign=short_signature
    )


# Inaltérabilité


def test_i1_every_payment_record_says_what_the_law_asks(stall: Stall) -> None:
    """I1: number, instant to the second, terminal, total, HT by rate, lines, means, corrections."""
    seq = stall.sell_basket(VEGETABLES, 6_50)
    stall.till.refund(seq, 1_00, RefundReason.WRONG_AMOUNT)
    package = archived(stall)
    sale, refund = table(package, "tickets.csv")
    assert sale["ticket"] == str(seq)
    assert datetime.fromisoformat(sale["date_heure"]) == START
    assert sale["terminal"] == str(TERMINAL)
    assert (sale["total_ttc"], sale["montant_par_carte"]) == ("7,00", "6,50")
    assert sale["mode_de_paiement"] == "carte Clafoutis et autre moyen"
    assert (refund["ticket_d_origine"], refund["motif"]) == (str(seq), "erreur de montant")
    by_rate = [row for row in table(package, "tva.csv") if row["ticket"] == str(seq)]
    assert [(row["taux_tva"], row["ht"]) for row in by_rate] == [
        ("5,50", "6,16"),
        ("20,00", "0,42"),
    ]
    line = table(package, "lignes.csv")[0]
    asked = ("libelle", "quantite", "unite", "prix_unitaire_ttc", "montant_ttc", "taux_tva")
    assert [line[name] for name in asked] == ["Carottes", "1250", "g", "2,40", "3,00", "5,50"]


def test_i1_a_basket_that_no_card_pays_is_a_record_too(stall: Stall) -> None:
    """I1: what the till reckons and takes no card for has its number, lines, VAT and means."""
    seq = stall.sell_without_card(CHEESE)
    entry = stall.close_day()
    assert isinstance(entry.body, Closure)
    assert (entry.body.sales, entry.body.sales_cents, entry.body.perpetual_cents) == (0, 0, 0)
    sums = {it.vat_bp: (it.gross_cents, it.covered_cents) for it in entry.body.vat_totals}
    assert sums == {550: (9_00, 0), 2_000: (3_50, 0)}
    package = archived(stall)
    assert check(stall, package).faults == ()
    (ticket,) = table(package, "tickets.csv")
    assert (ticket["ticket"], ticket["nature"]) == (str(seq), "vente sans carte")
    assert (ticket["total_ttc"], ticket["montant_par_carte"]) == ("12,50", "0,00")
    assert (ticket["regle_autrement"], ticket["mode_de_paiement"]) == ("12,50", "autre moyen")
    assert [row["ticket"] for row in table(package, "lignes.csv")] == [str(seq)] * len(CHEESE)
    assert {row["ttc"] for row in table(package, "tva.csv")} == {"9,00", "3,50"}
    receipt = receipts(stall).of_entry(seq)
    assert receipt is not None
    text = "\n".join(row.text for row in lay_out(receipt, FRENCH, COLUMNS) if hasattr(row, "text"))
    assert f"n° {seq}" in text


def test_i1_a_day_that_is_closed_is_closed_over_such_a_basket_too(stall: Stall) -> None:
    """I1, C1: after a basket that no card paid a closed day has one more closure, with its VAT."""
    stall.sell(3_00)
    stall.close_day()
    stall.sell_without_card(CHEESE)
    entry = stall.close_day()
    assert isinstance(entry.body, Closure)
    assert sum(it.gross_cents for it in entry.body.vat_totals) == 12_50
    assert check(stall, archived(stall)).faults == ()


def test_i1_lines_of_a_basket_without_a_card_are_held_to_their_hash(stall: Stall) -> None:
    """I1, S1: a line that is changed, or gone, is found in a basket that no card paid."""
    stall.sell_without_card(CHEESE)
    stall.close_day()
    package = archived(stall)
    held = package.files[LINES]
    gone = replace(package, files={**package.files, LINES: b""})
    changed = replace(package, files={**package.files, LINES: held[:-4] + bytes(3) + held[-1:]})
    assert FaultKind.LINES_MISSING in {it.kind for it in check(stall, gone).faults}
    assert FaultKind.LINES_CHANGED in {it.kind for it in check(stall, changed).faults}


def test_i2_corrections_are_records_and_nothing_is_changed(stall: Stall) -> None:
    """I2: a refund points to its sale; databases refuse UPDATE and DELETE; training is marked."""
    seq = stall.sell_basket(CHEESE, 9_00)
    before = stall.till.journal.contents(0, 1_000)
    given = stall.till.refund(seq, None, RefundReason.GOODS_RETURNED)
    assert isinstance(given, Refunded)
    entry = stall.till.journal.entry(given.seq)
    assert entry is not None
    assert isinstance(entry.body, Refund)
    assert entry.body.intent_seq == seq
    assert entry.body.vat_totals == stall.till.journal.sold_between(1, given.seq)[0].vat_totals
    assert stall.till.journal.contents(0, len(before)) == before
    sold = stall.till.journal.sold(seq)
    assert sold is not None
    played = stall.till.journal.append(EntryKind.INTENT, sold.intent, training=True)
    assert played.envelope.training
    assert stall.till.journal.head.perpetual_cents == 0
    stall.close()
    data = stall.world.data()
    for path, statement in (
        (data.journal, "UPDATE entry SET content = x'00'"),
        (data.journal, "DELETE FROM entry"),
        (data.lines, "UPDATE basket SET content = x'00'"),
        (data.lines, "DELETE FROM basket"),
    ):
        with (
            closing(sqlite3.connect(path, isolation_level=None)) as db,
            pytest.raises(sqlite3.IntegrityError, match="never"),
        ):
            db.execute(statement)


def test_i3_a_bill_is_no_ticket_and_a_reprint_is_marked(stall: Stall) -> None:
    """I3: what is shown before payment looks otherwise; a second print is a DUPLICATA, logged."""
    desk = receipts(stall)
    bill = desk.bill(VEGETABLES, merchant=MERCHANT, at=START)
    seq = stall.sell_basket(VEGETABLES, 6_50)
    ticket = desk.of_sale(seq)
    assert ticket is not None
    assert "Signature" in _text(ticket)
    assert f"Ticket n° {seq}" in _text(ticket)
    assert "Signature" not in _text(bill)
    assert "Ticket n°" not in _text(bill)
    assert "DUPLICATA" not in _text(ticket)
    desk.printed(ticket)
    again = desk.of_sale(seq)
    assert again is not None
    assert "DUPLICATA" in _text(again)
    desk.printed(again)
    logged = table(archived(stall), "evenements.csv")
    printed = [row["detail"] for row in logged if row["evenement"] == "ticket imprimé"]
    assert printed == [f"écriture {seq}, original", f"écriture {seq}, DUPLICATA n° 1"]


# Sécurisation


def _flip(rows: list[bytes]) -> list[bytes]:
    content = bytearray(base64.b64decode(rows[9]))
    content[100] ^= 1
    return [*rows[:9], base64.b64encode(content), *rows[10:]]


BREAKS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], FaultKind]] = {
    "a byte flipped": (_flip, FaultKind.SIGNATURE),
    "an entry dropped": (lambda rows: [*rows[:9], *rows[10:]], FaultKind.MISSING),
    "two reordered": (lambda rows: [*rows[:9], rows[10], rows[9], *rows[11:]], FaultKind.ORDER),
    "the tail cut": (lambda rows: rows[:-1], FaultKind.TAIL),
}


@pytest.mark.parametrize("name", BREAKS)
def test_s1_the_chain_is_signed_and_any_break_shows(stall: Stall, name: str) -> None:
    """S1: numbered, chained, signed by a key the merchant can't read; four ways to break it."""
    live(stall)
    package = archived(stall)
    assert check(stall, package).faults == ()
    change, kind = BREAKS[name]
    rows = change(package.files["ecritures.txt"].split())
    broken = replace(package, files={**package.files, "ecritures.txt": b"\n".join(rows)})
    assert kind in {fault.kind for fault in check(stall, broken).faults}


def test_s1_the_signature_is_one_that_is_accepted(stall: Stall) -> None:
    """S1: ECDSA P-256 with SHA-256, by a key that only the program's own user may read."""
    entry = stall.till.journal.entry(1)
    assert entry is not None
    header = cbor.decode(entry.signed.protected)
    assert isinstance(header, dict)
    assert header[1] == _ECDSA_P256_SHA256
    folder = stall.world.data().keys
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    keyring = read_keyring(folder, caisse=stall.till.journal.caisse)
    scalar = keyring.journal.key.private_numbers().private_value
    assert str(scalar) not in repr(keyring)
    assert f"{scalar:x}" not in repr(keyring)


def test_s1_a_tail_that_was_cut_in_the_terminal_shows_by_a_ticket(stall: Stall) -> None:
    """S1: what a client or the caisse holds pins the end of the journal from the outside."""
    live(stall)
    last = stall.till.journal.last(EntryKind.SALE)
    assert last is not None
    package = archived(stall)
    assert check(stall, package, Anchor(last.seq, short_signature(last))).faults == ()
    later = Anchor(stall.till.journal.head.seq + 1, "AAAAAAAA")
    assert {it.kind for it in check(stall, package, later).faults} == {FaultKind.TAIL}
    other = check(stall, package, Anchor(last.seq, "AAAAAAAA"))
    assert {it.kind for it in other.faults} == {FaultKind.HEAD}


def test_s2_one_content_has_one_encoding() -> None:
    """S2: what is signed and hashed is canonical CBOR, held by vectors; no float, no decimal.

    The vectors of entries are in tests/vectors (`tests/test_cardkit_documents.py`).
    """
    content = SaltedLines(salt=bytes(SALT_BYTES), lines=VEGETABLES).encoded
    assert content.hex() == (
        f"a20150{'00' * SALT_BYTES}0283"
        "a8010102684361726f747465730319012c041904e205010618f00719022608192710"
        "a80101026c4a757320646520706f6d6d650319015e040105000619015e0719022608192710"
        "a801020269426f757465696c6c6503183204010500061832071907d00800"
    )
    assert SaltedLines.decode(content).lines == VEGETABLES


def test_s3_a_ticket_carries_its_entrys_signature(stall: Stall) -> None:
    """S3: the short signature on a ticket names its entry, and no other one fits it."""
    seq = stall.sell(12_50)
    stall.sell(12_50)
    ticket = receipts(stall).of_sale(seq)
    assert ticket is not None
    found = re.search(r"Signature\s+(\d+):([A-Z2-7]{8})", _text(ticket))
    assert found is not None
    anchor = Anchor(int(found[1]), found[2])
    entries = stall.till.journal.entries(0, 100)
    assert [it.seq for it in entries if anchor.fits(it)] == [anchor.seq]
    assert isinstance(entries[anchor.seq - 1].body, Sale)
    stall.close_day()
    assert check(stall, archived(stall), anchor).faults == ()


# Conservation


def test_c1_days_months_and_years_are_closed_once_each(stall: Stall) -> None:
    """C1: period total, perpetual total never reset, first and last entry, head; no double, no gap.

    A forgotten day is made up for; a second closing with nothing new is no closing.
    """
    live(stall)
    assert isinstance(stall.till.close_day(business_date(stall.world.now)), AlreadyClosed)
    stall.pass_days(70)
    stall.restart()
    found = [it.body for it in stall.till.journal.closures(0) if isinstance(it.body, Closure)]
    by_period = {period: [it for it in found if it.period is period] for period in ClosurePeriod}
    days = by_period[ClosurePeriod.DAY]
    assert [it.late for it in days] == [False, True, False]
    for closed in by_period.values():
        expected_seq, perpetual_cents = 1, 0
        for it in closed:
            assert it.first_seq == expected_seq
            entry = stall.till.journal.entry(it.last_seq)
            assert entry is not None
            assert entry.digest == it.head
            perpetual_cents += it.sales_cents - it.refunds_cents
            assert it.perpetual_cents == perpetual_cents
            expected_seq = it.last_seq + 1
    assert len(by_period[ClosurePeriod.MONTH]) == 2
    assert len(by_period[ClosurePeriod.YEAR]) == 1
    assert by_period[ClosurePeriod.YEAR][0].perpetual_cents == 36_00


def test_c2_six_years_later_every_line_is_still_there(stall: Stall) -> None:
    """C2: six years on, each line of each ticket is there to be handed out and checked."""
    live(stall)
    stall.pass_days(6 * 366)
    stall.restart()
    package = archived(stall)
    assert check(stall, package).faults == ()
    assert len(table(package, "tickets.csv")) == 6
    assert len(table(package, "lignes.csv")) == len(VEGETABLES) + len(CHEESE)


@pytest.mark.django_db
def test_c3_the_central_knows_what_it_has_received_and_what_not() -> None:
    """C3: per terminal: which entries came, when, in which delivery, and which are missing."""
    world = ServiceWorld.make()
    card, stall = world.card(), world.stall()
    stall.sync()
    first = Terminal.objects.get(pk=stall.terminal).cursor_seq
    for amount_cents in (1_00, 2_00, 3_00):
        stall.sell(card, amount_cents)
    unsent = [entry.signed.encoded for entry in stall.entries[first:]]
    answer = stall.sync([*unsent[:2], *unsent[4:]])
    assert answer.up_to_seq == first + 2, "an upload with a hole is acknowledged up to the hole"
    held = set(StoredEntry.objects.values_list("seq", flat=True))
    assert set(range(1, len(stall.entries) + 1)) - held == {first + 3, first + 4}
    newest = Batch.objects.filter(terminal=stall.terminal)[0]
    assert (newest.first_seq, newest.last_seq) == (first + 1, len(stall.entries))
    assert (newest.received_at, newest.new_entries) == (world.now, 4)
    assert stall.sync(unsent).up_to_seq == len(stall.entries)
    entry = StoredEntry.objects.get(seq=first + 3)
    assert entry.batch != newest


# Archivage


def test_a1_an_archive_proves_itself_elsewhere_and_purges_nothing(stall: Stall) -> None:
    """A1: frozen, dated, readable and checked without us, told to the chain; and no purge."""
    live(stall)
    before = stall.till.journal.contents(0, 1_000)
    written = stall.archive(stall.world.path / "a.zip")
    with zipfile.ZipFile(written.path) as archive:
        names = set(archive.namelist())
        readme = archive.read("LISEZMOI.txt").decode("utf-8-sig")
    assert {"tickets.csv", "lignes.csv", "tva.csv", "clotures.csv", "evenements.csv"} <= names
    assert "ARCHIVE FISCALE" in readme
    package = read_package(written.path)
    assert package.manifest.made_at == stall.world.now.isoformat()
    report = check(stall, package)
    assert (report.faults, report.sales_cents, report.refunds_cents) == ((), 38_00, 2_00)
    entry = written.entry
    assert isinstance(entry.body, MediumExchanged)
    assert entry.envelope.prev == stall.till.journal.entries(27, 1)[0].digest
    assert stall.till.journal.contents(0, len(before)) == before
    assert stall.till.journal.head.perpetual_cents == 36_00
    again = stall.archive(
        stall.world.path / "b.zip", Period(first_day=date(2026, 11, 2), last_day=date(2026, 11, 2))
    )
    events = table(read_package(again.path), "evenements.csv")
    assert any("archive fiscale" in row["detail"] for row in events)


# Journal des événements techniques

EVENTS: Final[dict[str, tuple[EntryKind, ...]]] = {
    "start, stop": (EntryKind.STARTED, EntryKind.STOPPED),
    "login, logout": (EntryKind.SESSION_OPENED, EntryKind.SESSION_CLOSED),
    "pairing, restore": (EntryKind.ENROLLED,),
    "parameter or VAT change": (EntryKind.SETTING_CHANGED,),
    "permit, training on and off": (EntryKind.PERMIT_ACCEPTED,),
    "software update": (EntryKind.STARTED, EntryKind.SETTING_CHANGED),
    "clock change": (EntryKind.CLOCK_SET,),
    "sync": (EntryKind.ACKNOWLEDGED,),
    "closure": (EntryKind.CLOSURE,),
    "reading": (EntryKind.READING,),
    "reprint": (EntryKind.RECEIPT_PRINTED,),
    "cancel": (EntryKind.VOID, EntryKind.REFUND, EntryKind.RESOLUTION),
    "archive, stick": (EntryKind.MEDIUM_EXCHANGED,),
    "integrity failure": (EntryKind.INTEGRITY_FAILED,),
}
"""Each event of D1 with the kinds of entry that carry it; a purge has none, since there is none."""


def test_j1_the_events_of_a_day_are_in_the_journal(stall: Stall) -> None:
    """J1: each event leaves its entry by itself, and stands in the archive under a French name."""
    till = stall.till
    seq = stall.sell_basket(VEGETABLES, 6_50)
    ticket = receipts(stall).of_sale(seq)
    assert ticket is not None
    receipts(stall).printed(ticket)
    till.refund(seq, 1_00, RefundReason.GOODS_RETURNED)
    till.note_setting("vat", "5,50", "20,00", operator=OperatorRole.PRODUCER)
    till.closures.read_totals()
    stall.close_day()
    till.close_session(MERCHANT, OperatorRole.PRODUCER)
    stall.world.clock.pass_time(timedelta(minutes=1))
    stall.restart()
    wound = EntryKind.INTEGRITY_FAILED
    stall.till.journal.append(wound, IntegrityFailed(what="directory"))
    stall.archive(stall.world.path / "first.zip")
    package = archived(stall)
    kinds = {EntryKind(it.envelope.kind) for it in stall.till.journal.entries(0, 1_000)}
    not_lived = {EntryKind.CLOCK_SET, EntryKind.ACKNOWLEDGED, EntryKind.VOID, EntryKind.RESOLUTION}
    for event, carriers in EVENTS.items():
        assert set(carriers) - not_lived <= kinds, event
    shown = {row["evenement"] for row in table(package, "evenements.csv")}
    assert {NAMES[kind] for kind in kinds if kind in NAMES} <= shown
    assert check(stall, package).faults == ()


def test_j1_a_new_program_and_a_new_perimeter_are_named(stall: Stall) -> None:
    """J1: each start names the program's hash; a fiscal perimeter that changed is journalled."""
    started = stall.till.journal.last(EntryKind.STARTED)
    assert started is not None
    assert isinstance(started.body, Started)
    assert started.body.software == SOFTWARE.digest
    noted = stall.till.journal.last_setting(SETTING)
    assert noted == SettingChanged(name=SETTING, before="", after=perimeter_digest(SOURCES).hex())
    assert archived(stall).manifest.perimeter == perimeter_digest(SOURCES)


def _text(receipt: Receipt) -> str:
    return "\n".join(row.text for row in lay_out(receipt, FRENCH, COLUMNS))
