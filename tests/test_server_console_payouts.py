"""Payouts in the console: drawn up by one, approved by another on a phone, sent with a copy.

The books are a database of their own, because a copy is made outside of any transaction.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from server_stub.models import (
    BankDetails,
    ConsoleRole,
    Merchant,
    Settlement,
    SettlementFile,
    SettlementStep,
)
from server_stub.rules.ledger import Book
from server_stub.services import bank_details, restore
from server_stub.services.rebuild import differences
from tests.console_visitors import visitor
from tests.payout_console import books_with_people, people, served_books
from tests.payout_world import ANNE, BOOKS, BRUNO, PayoutWorld, open_accounts
from tests.service_books import in_book
from tests.service_world import MERCHANT
from tests.test_server_console_findings import page, post

HOSTILE = "<script>alert(1)</script>"


@dataclass
class Office:
    """A caisse that owes 19.50 to one merchant and 3.20 to another, and the people who pay."""

    paying: PayoutWorld
    anne: Client
    benoit: Client
    data: Path

    def drawn_up(self) -> str:
        """Draw a run up as Anne; returns its name."""
        shown = post(self.anne, "/payouts/draw-up/")
        names = set(re.findall(r"/payouts/(R[\d-]+)/approve", shown))
        assert len(names) == 1
        return str(names.pop())

    def approved(self) -> str:
        """Draw a run up as Anne, and approve it as Benoît."""
        name = self.drawn_up()
        assert "est approuvé" in approve(self.benoit, name)
        return name

    def sent(self) -> str:
        """Have a run leave."""
        name = self.approved()
        assert "marqué comme envoyé" in post(self.anne, f"/payouts/{name}/send/")
        return name

    def standing(self) -> tuple[int, int, int]:
        """What is owed to the first merchant, in payment, and paid."""
        kinds = (Book.PAYABLE, Book.IN_PAYMENT, Book.PAID)
        payable, in_payment, paid = (in_book(self.paying.world, book) for book in kinds)
        return payable, in_payment, paid


@pytest.fixture(scope="module")
def books(
    django_db_blocker: DjangoDbBlocker, django_db_setup: None
) -> Iterator[sqlite3.Connection]:
    """A copy of empty books; `PayoutWorld.make` begins with it."""
    with django_db_blocker.unblock(), books_with_people() as made:
        yield made


@pytest.fixture
def office(
    books: sqlite3.Connection, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> Iterator[Office]:
    """Both merchants have an account; one has a name that would be code."""
    with django_db_blocker.unblock():
        paying = PayoutWorld.make(books)
        Merchant.objects.using(BOOKS).filter(id=MERCHANT + 1).update(name=HOSTILE)
        open_accounts(paying.world)
        paying.trade(12_50, 3_20, 7_00)
        with served_books(paying, tmp_path):
            anne, benoit = people(paying)
            yield Office(paying, anne, benoit, tmp_path)


def approve(client: Client, name: str, seen: str | None = None) -> str:
    """Look at a draft on the phone's page, and approve what it shows."""
    address = f"/payouts/{name}/approve"
    if seen is None:
        seen = page(client, address).partition('name="seen" value="')[2].partition('"')[0]
    return post(client, address, seen=seen)


def test_run_goes_from_draft_to_paid_through_two_people(office: Office) -> None:
    """Promise 1: each step says what follows, moves what it says, and leaves its author."""
    before = page(office.anne, "/payouts/draw-up/")
    assert "22,70" in before
    assert office.standing() == (19_50, 0, 0)
    name = office.drawn_up()
    assert "à approuver" in page(office.anne, "/payouts/")
    phone = page(office.benoit, f"/payouts/{name}/approve")
    for words in ("22,70", "pour 2 producteurs", "19,50", "Ce qui va se passer"):
        assert words in phone, words
    assert HOSTILE not in phone
    assert office.standing() == (19_50, 0, 0), "looking approves nothing"
    approve(office.benoit, name)
    assert office.standing() == (0, 19_50, 0)
    post(office.anne, f"/payouts/{name}/send/")
    assert "à l’octet près" in page(office.anne, f"/payouts/{name}/")
    done = post(office.benoit, f"/payouts/{name}/confirm/")
    assert office.standing() == (0, 0, 19_50)
    for words in ("visitor1", "Paiement approuvé", "Paiement confirmé", "Préparé par visitor0"):
        assert words in done, words
    assert differences(office.paying.world.caisse) == []


def test_nobody_approves_what_they_drew_up(office: Office) -> None:
    """Promise 4: one person alone pays nobody, and reads why."""
    name = office.drawn_up()
    own = page(office.anne, f"/payouts/{name}/approve")
    assert "une autre personne doit l’approuver" in own
    assert 'name="seen"' not in own
    seen = page(office.benoit, f"/payouts/{name}/approve")
    seen = seen.partition('name="seen" value="')[2].partition('"')[0]
    refused = approve(office.anne, name, seen)
    assert "Il faut deux personnes différentes" in refused
    assert office.standing() == (19_50, 0, 0)


def test_what_is_approved_is_what_was_seen(office: Office) -> None:
    """Promise 2: a draft that was dropped and drawn up again under its name is looked at again."""
    name = office.drawn_up()
    seen = page(office.benoit, f"/payouts/{name}/approve")
    seen = seen.partition('name="seen" value="')[2].partition('"')[0]
    assert "abandonné" in post(office.anne, f"/payouts/{name}/drop/")
    office.paying.trade(5_00)
    assert office.drawn_up() == name
    assert "Ce n’est plus ce qui a été préparé" in approve(office.benoit, name, seen)
    assert "Ce n’est plus ce qui a été préparé" in approve(office.benoit, name, "zz")
    assert not Settlement.objects.using(BOOKS).exists()


def test_phone_tells_new_accounts_and_what_changed_most(office: Office) -> None:
    """Promise 2: an account that was changed since the last run is flagged before anybody signs."""
    office.sent()
    row = Merchant.objects.using(BOOKS).get(id=MERCHANT)
    office.paying.trade(40_00)
    name = office.drawn_up()
    assert "Nouveau compte bancaire" not in page(office.benoit, f"/payouts/{name}/approve")
    entered = bank_details.enter(
        office.paying.world.caisse, row, iban="FR1420041010050500013M02606", holder="X", by=ANNE
    )
    assert isinstance(entered, BankDetails)
    bank_details.confirm(office.paying.world.caisse, entered, by=BRUNO)
    waits = page(office.benoit, f"/payouts/{name}/approve")
    assert "Nouveau compte bancaire" not in waits, "it is not paid to before its days are over"
    office.paying.world.clock.pass_time(timedelta(days=8))
    shown = page(office.benoit, f"/payouts/{name}/approve")
    for words in ("Nouveau compte bancaire", "…2606", "+20,50", "par rapport à R1-0001"):
        assert words in shown, words


def test_link_is_shown_with_a_code_to_photograph(office: Office) -> None:
    """The treasurer gets to the page from a phone: the address in letters and as squares."""
    name = office.drawn_up()
    shown = page(office.anne, f"/payouts/{name}/")
    assert f"testserver/payouts/{name}/approve" in shown
    assert "<svg" in shown


def test_run_leaves_only_with_a_copy_of_the_books(office: Office) -> None:
    """Promise 1: where no copy can be made, nothing is sent, and the page says what was kept."""
    name = office.approved()
    (office.data / "backups").write_text("in the way")
    refused = post(office.anne, f"/payouts/{name}/send/")
    assert "La copie des livres a échoué" in refused
    assert "approuvé" in refused
    assert not SettlementStep.objects.using(BOOKS).exists()
    (office.data / "backups").unlink()
    post(office.anne, f"/payouts/{name}/send/")
    (copy,) = (office.data / "backups").iterdir()
    with closing(sqlite3.connect(copy)) as kept:
        held = kept.execute("SELECT name FROM clafoutis_settlement").fetchall()
    assert held == [(name,)]


@pytest.mark.parametrize(
    ("kind", "fields", "media", "file"),
    [
        ("pain.001.001.09", {"on": "2026-10-05"}, "application/xml", "pain.001.001.09.xml"),
        ("pain.001.001.03", {"on": "2026-10-05"}, "application/xml", "pain.001.001.03.xml"),
        ("etat-liquidatif", {}, "text/csv; charset=utf-8", "etat-liquidatif.csv"),
        ("etat-liquidatif.pdf", {}, "application/pdf", "etat-liquidatif.pdf"),
        ("bordereau.csv", {"merchant": MERCHANT}, "text/csv; charset=utf-8", "bordereau-7.csv"),
        ("bordereau.pdf", {"merchant": MERCHANT}, "application/pdf", "bordereau-7.pdf"),
    ],
)
def test_file_is_handed_out_the_same_for_ever(
    office: Office, kind: str, fields: dict[str, object], media: str, file: str
) -> None:
    """Promise 1: a file of a run has one content, its hash on record, and a name that says it."""
    name = office.approved()
    early = post(office.anne, f"/payouts/{name}/files/{kind}/", **fields)
    assert "Marquez-le d’abord comme envoyé" in early
    post(office.anne, f"/payouts/{name}/send/")
    first, again = (office.anne.post(f"/payouts/{name}/files/{kind}/", fields) for _ in range(2))
    assert first.headers["Content-Type"] == media
    assert first.headers["Content-Disposition"] == f'attachment; filename="{name}-{file}"'
    assert first.content == again.content
    (row,) = SettlementFile.objects.using(BOOKS).filter(settlement=name)
    assert bytes(row.content_hash) == hashlib.sha256(first.content).digest()
    assert bytes(row.content_hash).hex() in page(office.benoit, f"/payouts/{name}/")
    assert office.anne.post(f"/payouts/{name}/files/nothing/").status_code == 404


def test_sent_run_is_revoked_and_owed_again(office: Office) -> None:
    """Promise 1: what the bank did not execute is owed again, and its files are over."""
    name = office.sent()
    assert "payés deux fois" in page(office.benoit, f"/payouts/{name}/revoke/")
    post(office.benoit, f"/payouts/{name}/revoke/")
    assert office.standing() == (19_50, 0, 0)
    refused = post(office.benoit, f"/payouts/{name}/confirm/")
    assert "n’en est pas là" in refused
    assert "a été annulé" in post(office.anne, f"/payouts/{name}/files/etat-liquidatif/")


def test_line_says_why_and_list_is_read_by_state(office: Office) -> None:
    """Promise 8: each merchant's part has its days, and each run is found by its state."""
    name = office.approved()
    shown = page(office.anne, f"/payouts/{name}/merchants/{MERCHANT}/")
    for words in ("19,50", "D’où vient la somme", "n° 3"):
        assert words in shown, words
    assert office.anne.get(f"/payouts/{name}/merchants/99/").status_code == 404
    assert office.anne.get("/payouts/R9-0001/").status_code == 404
    assert name in page(office.anne, "/payouts/?state=approved")
    for state in ("draft", "sent", "confirmed", "revoked"):
        assert "Aucun paiement dans cet état" in page(office.anne, f"/payouts/?state={state}")
    table = office.anne.get(f"/payouts/{name}/?format=csv")
    assert table.headers["Content-Disposition"] == f'attachment; filename="paiement-{name}.csv"'
    assert "19,50" in table.content.decode("utf-8-sig")


def test_auditor_reads_and_pays_nobody(office: Office) -> None:
    """Promise 4: who checks the books sees every sum and moves none."""
    name = office.drawn_up()
    auditor = visitor(office.paying.world, ConsoleRole.AUDITOR)
    for address in ("/payouts/", f"/payouts/{name}/", f"/payouts/{name}/merchants/{MERCHANT}/"):
        shown = page(auditor, address)
        assert "/approve" not in shown, address
    for address in ("draw-up/", f"{name}/approve", f"{name}/drop/", f"{name}/send/"):
        assert auditor.post(f"/payouts/{address}").status_code == 403, address
    assert auditor.post("/restore/finish/").status_code == 403
    committee = visitor(office.paying.world, ConsoleRole.COMMITTEE)
    assert committee.get("/payouts/").status_code == 403


def test_restored_books_are_brought_up_by_two_people(office: Office) -> None:
    """Promise 1: after a restore no money moves before two have entered the bank's statement."""
    world = office.paying.world
    restore.declare_restored(world.caisse, by=ANNE)
    for address in ("/payouts/", "/payouts/draw-up/", "/findings/", "/books/", "/slips/"):
        assert "Ce qu’il faut faire" in page(office.anne, address), address
    assert "restauration" in post(office.anne, "/payouts/draw-up/")
    shown = page(office.anne, "/restore/")
    assert "Le terminal n° 3 n’a pas encore tout renvoyé" in shown
    assert "attend encore" in post(office.anne, "/restore/finish/")
    told = {"settlement": "R1-0009", "merchant": MERCHANT, "amount": "5,00"}
    assert "Une deuxième personne doit saisir" in post(office.anne, "/restore/evidence/", **told)
    second = page(office.benoit, "/restore/")
    assert "R1-0009" in second
    assert "5,00" not in second, "who enters again reads the statement, not the first figure"
    post(office.benoit, "/restore/evidence/", **{**told, "amount": "6,00"})
    assert office.standing() == (19_50, 0, 0), "two figures are no agreement"
    assert "C’est fait et signé" in post(
        office.anne, "/restore/evidence/", **{**told, "amount": "6,00"}
    )
    assert office.standing() == (13_50, 0, 6_00)
    for _ in range(3):
        office.paying.sync()
    assert "Plus rien" in page(office.anne, "/restore/")
    post(office.anne, "/restore/finish/")
    assert "C’est fait et signé" in post(office.benoit, "/restore/finish/")
    assert "Aucune restauration n’est en cours" in page(office.anne, "/restore/")
    assert differences(world.caisse) == []


def test_wrong_evidence_is_taken_back_on_its_page(office: Office) -> None:
    """Promises 1 and 8: two people undo what they misread, before the end of a restore and after.

    Each page says that the sum is owed again, and that nothing is paid before the right one.
    """
    restore.declare_restored(office.paying.world.caisse, by=ANNE)
    told = {"settlement": "R1-0009", "merchant": MERCHANT, "amount": "5,00"}
    for client in (office.anne, office.benoit):
        post(client, "/restore/evidence/", **told)
    for _ in range(3):
        office.paying.sync()
    for client in (office.anne, office.benoit):
        shown = page(client, "/restore/")
        post(client, "/restore/finish/")
    assert "Aucune restauration n’est en cours" in page(office.anne, "/restore/")
    (address,) = set(re.findall(r'"(/log/[0-9]+/undo/)"', shown))
    before = page(office.anne, address)
    for words in ("mal repris du relevé", "rien n’est attribué ni payé", "deux personnes"):
        assert words in before, words
    assert "attend une deuxième personne" in post(office.anne, address)
    assert office.standing() == (14_50, 0, 5_00)
    assert "C’est fait et signé" in post(office.benoit, address)
    assert office.standing() == (19_50, 0, 0)
    assert "restauration" in post(office.anne, "/payouts/draw-up/")
    again = page(office.anne, "/restore/")
    assert "Saisir un versement du relevé" in again
    assert address not in again
    assert "est déjà annulé" in post(office.anne, address)
    assert differences(office.paying.world.caisse) == []
