"""Runs as files: pain.001 for a bank, an état liquidatif for a trésorier; accounts by four eyes."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoDbBlocker
from sepaxml.validation import try_valid_xml

from server_stub.exports.etat_liquidatif import etat_liquidatif
from server_stub.exports.formulas import safe
from server_stub.exports.pain001 import PainVersion, payment_file
from server_stub.exports.payout import Debtor, Payee, Payout
from server_stub.exports.runs import Exported, NoAccount, NotExported, export
from server_stub.models import BankDetails, Merchant
from server_stub.rules.settle import end_to_end_id
from server_stub.services import bank_details, settlement
from server_stub.services.bank_details import BankRefusal, Usable
from tests.payout_world import ANNE, BOOKS, BRUNO, PayoutWorld
from tests.service_world import MERCHANT

FERME = "FR76 3000 6000 0112 3456 7890 189"
FOURNIL = "FR14 2004 1010 0505 0001 3M02 606"
CAISSE = Debtor(name="Caisse de l'alimentation de Flers", iban="FR7630001007941234567890185")
DAY = date(2026, 10, 7)
PAYOUT = Payout(
    settlement="R1-0007",
    approved_at=datetime(2026, 10, 6, 9, 30, tzinfo=UTC),
    payees=(
        Payee(
            merchant=7,
            name="Ferme des Trois Chênes",
            holder="GAEC des Trois Chênes & Fils",
            iban=FERME.replace(" ", ""),
            amount_cents=19_50,
            end_to_end_id=end_to_end_id("R1-0007", 7),
        ),
        Payee(
            merchant=8,
            name="=CMD()",
            holder="Anne L.",
            iban=FOURNIL.replace(" ", ""),
            amount_cents=3_20,
            end_to_end_id=end_to_end_id("R1-0007", 8),
        ),
    ),
)


def texts(content: bytes, tag: str) -> list[str]:
    """What an XML says under one tag, in any namespace."""
    root = ET.fromstring(content)  # noqa: S314 - made here
    return [it.text or "" for it in root.iter() if it.tag.rpartition("}")[2] == tag]


@pytest.mark.parametrize("version", list(PainVersion))
def test_a_payment_file_is_what_its_schema_says(version: PainVersion) -> None:
    """Promise: a bank takes the file: valid, with sums, counts and references that come back."""
    content = payment_file(PAYOUT, CAISSE, execution_date=DAY, version=version)
    try_valid_xml(content, version.value)
    assert texts(content, "MsgId") == ["R1-0007"]
    assert set(texts(content, "CtrlSum")) == {"22.70"}
    assert set(texts(content, "NbOfTxs")) == {"2"}
    assert texts(content, "EndToEndId") == ["R1-0007-M7", "R1-0007-M8"]
    assert texts(content, "InstdAmt") == ["19.50", "3.20"]
    assert "GAEC des Trois Chenes & Fils" in texts(content, "Nm")  # SEPA's own characters


def test_the_same_run_is_the_same_file() -> None:
    """Promise: under one name a bank never gets two different files, so nothing is paid twice."""
    once, again = (
        payment_file(PAYOUT, CAISSE, execution_date=DAY, version=PainVersion.V09) for _ in range(2)
    )
    assert once == again


def test_an_etat_liquidatif_is_read_by_a_spreadsheet_and_computed_by_none() -> None:
    """Promise: a trésorier opens it, the sum is right, and no name of a stall is a formula."""
    text = etat_liquidatif(PAYOUT, debtor_name="CCAS de Flers").decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert rows[0] == ["État liquidatif", "R1-0007"]
    assert rows[-2] == ["", "Total", "", "", "", "22,70"]
    assert rows[-1] == ["", "En toutes lettres", "vingt-deux euros et soixante-dix centimes"]
    assert rows[5][1] == "Ferme des Trois Chênes"
    assert rows[6][1] == "'=CMD()"


@pytest.mark.parametrize("text", ["=1+1", "+33612345678", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Promise: what begins as a formula is text, and what does not stays as it is."""
    assert safe(text) == f"'{text}"
    assert safe(f"a{text}") == f"a{text}"


@pytest.fixture
def paying(kept: sqlite3.Connection, django_db_blocker: DjangoDbBlocker) -> Iterator[PayoutWorld]:
    """A caisse that owes 19.50 to one merchant and 3.20 to another."""
    with django_db_blocker.unblock():
        paying = PayoutWorld.make(kept)
        paying.trade(12_50, 3_20, 7_00)
        yield paying


def merchant(number: int) -> Merchant:
    """A merchant of these books."""
    return Merchant.objects.using(BOOKS).get(id=number)


def entered(paying: PayoutWorld, number: int, iban: str) -> BankDetails:
    """An account that Anne has entered."""
    details = bank_details.enter(
        paying.world.caisse, merchant(number), iban=iban, holder=f"Ferme {number}", by=ANNE
    )
    assert isinstance(details, BankDetails)
    return details


def with_accounts(paying: PayoutWorld) -> None:
    """Both merchants have accounts that two people have seen."""
    for number, iban in ((MERCHANT, FERME), (MERCHANT + 1, FOURNIL)):
        bank_details.confirm(paying.world.caisse, entered(paying, number, iban), by=BRUNO)


def make(payout: Payout) -> bytes:
    """Any file."""
    return payment_file(payout, CAISSE, execution_date=DAY, version=PainVersion.V09)


def test_a_file_is_made_once_the_run_is_sent_and_always_the_same(paying: PayoutWorld) -> None:
    """Promise: no file without a backup that holds the run, and never another under its name."""
    caisse = paying.world.caisse
    with_accounts(paying)
    assert export(caisse, "R1-0001", "pain", make, by=ANNE) is NotExported.NO_SUCH_RUN
    name = paying.draw_up()
    paying.approve(name)
    assert export(caisse, name, "pain", make, by=ANNE) is NotExported.NOT_SENT
    paying.send(name)
    first = export(caisse, name, "pain", make, by=ANNE)
    again = export(caisse, name, "pain", make, by=BRUNO)
    assert isinstance(first, Exported)
    assert isinstance(again, Exported)
    assert (first.content == again.content, first.is_again, again.is_again) == (True, False, True)
    other = export(caisse, name, "pain", lambda payout: make(payout) + b"\n", by=ANNE)
    assert other is NotExported.ANOTHER_CONTENT
    assert texts(first.content, "EndToEndId") == [f"{name}-M{MERCHANT}", f"{name}-M{MERCHANT + 1}"]
    settlement.revoke(caisse, name, by=ANNE)
    assert export(caisse, name, "pain", make, by=ANNE) is NotExported.REVOKED


def test_nobody_is_paid_to_an_account_that_one_person_alone_has_seen(paying: PayoutWorld) -> None:
    """Promise: an account counts once a second person has compared it; others are named."""
    caisse = paying.world.caisse
    details = entered(paying, MERCHANT, FERME)
    assert bank_details.confirm(caisse, details, by=ANNE) is BankRefusal.SAME_PERSON
    name = paying.draw_up()
    paying.approve(name)
    paying.send(name)
    assert export(caisse, name, "pain", make, by=ANNE) == NoAccount((MERCHANT, MERCHANT + 1))


def test_a_changed_account_cools_off(paying: PayoutWorld) -> None:
    """Promise: who writes in a merchant's name is found out before the first payment goes there."""
    caisse = paying.world.caisse
    with_accounts(paying)
    changed = entered(paying, MERCHANT, FOURNIL)
    bank_details.confirm(caisse, changed, by=BRUNO)
    assert bank_details.confirm(caisse, changed, by=BRUNO) is BankRefusal.CONFIRMED_ALREADY
    old, new = (Usable(iban=it.replace(" ", ""), holder="Ferme 7") for it in (FERME, FOURNIL))
    assert bank_details.usable(caisse, MERCHANT, paying.world.now) == old
    paying.world.clock.pass_time(timedelta(days=3))
    assert bank_details.usable(caisse, MERCHANT, paying.world.now) == new


@pytest.mark.parametrize("iban", ["", "FR7630006000011234567890188", "FR76", "XX00 1234"])
def test_a_wrong_digit_is_no_account(paying: PayoutWorld, iban: str) -> None:
    """Promise: a slip of a finger is refused when it is typed, and not by the bank."""
    refused = bank_details.enter(
        paying.world.caisse, merchant(MERCHANT), iban=iban, holder="Ferme 7", by=ANNE
    )
    assert refused is BankRefusal.NO_IBAN


def test_an_account_is_never_edited(paying: PayoutWorld) -> None:
    """Promise: the database itself keeps every account that ever was, as it was entered."""
    details = entered(paying, MERCHANT, FERME)
    rows = BankDetails.objects.using(BOOKS).filter(pk=details.pk)
    with pytest.raises(IntegrityError), transaction.atomic(using=BOOKS):
        rows.update(iban=FOURNIL)
