"""A month of a caisse that an association carries: from applications to the bank's file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pytest_django import DjangoDbBlocker
from sepaxml.validation import try_valid_xml

from server_stub.exports.pain001 import PainVersion, payment_file
from server_stub.exports.payout import Debtor, Payout
from server_stub.exports.runs import Exported, NotExported, export
from server_stub.models import ActRow, SettlementFile
from server_stub.rules.settle import Refusal, RunState
from server_stub.services import settlement
from tests.hledger_books import NEEDS_HLEDGER, by_hledger, by_us
from tests.month_world import Month
from tests.payout_world import ANNE, BOOKS, IBANS, empty_books

DEBTOR = Debtor(name="Caisse de l'alimentation de Flers", iban="FR7630001007941234567890185")
FORM = PainVersion.V09
Lived = tuple[Month, list[tuple[str, bytes]]]


def make(payout: Payout) -> bytes:
    """The file of a run, executed on the third of November."""
    return payment_file(payout, DEBTOR, execution_date=date(2026, 11, 3), version=FORM)


def left(month: Month, name: str) -> bytes:
    """The file that goes to the bank."""
    done = export(month.world.caisse, name, FORM.value, make, by=ANNE)
    assert isinstance(done, Exported), done
    return done.content


@pytest.fixture(scope="module")
def lived(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Lived]:
    """The month, paid twice: in the middle of it, and at its end."""
    with django_db_blocker.unblock(), empty_books():
        month = Month.begin(BOOKS)
        month.live()
        files = []
        for number in range(2):
            name = month.settle(tmp_path_factory.mktemp(f"run{number}"))
            files.append((name, left(month, name)))
            assert isinstance(settlement.confirm(month.world.caisse, name, by=ANNE), ActRow)
            if number == 0:
                month.market_day(online=(0, 1, 2))
        yield month, files


def texts(content: bytes, tag: str) -> list[str]:
    """What an XML says under one tag, in any namespace."""
    root = ET.fromstring(content)  # noqa: S314 - made here
    return [it.text or "" for it in root.iter() if it.tag.rpartition("}")[2] == tag]


def test_the_bank_is_asked_for_what_was_sold(lived: Lived) -> None:
    """Promise 1: two files pay the green screens of the month, each cent once."""
    month, files = lived
    cents = dict.fromkeys(IBANS.values(), 0)
    for _, content in files:
        try_valid_xml(content, FORM.value)
        for iban, amount in zip(
            texts(content, "IBAN")[1:], texts(content, "InstdAmt"), strict=True
        ):
            cents[iban] += int(amount.replace(".", ""))
    assert cents == {iban: month.sold_cents[number] for number, iban in IBANS.items()}


def test_what_the_statement_brings_back_is_unique(lived: Lived) -> None:
    """Promise 1: no two payments ever bear the same reference, and it names run and merchant."""
    _, files = lived
    references = [it for _, content in files for it in texts(content, "EndToEndId")]
    assert references == [f"{name}-M{number}" for name, _ in files for number in IBANS]
    assert len(set(references)) == len(references) == 4
    assert all(len(it) <= 35 for it in references)


def test_a_file_is_kept_by_its_hash(lived: Lived) -> None:
    """Promise 1: after the month the same file comes out again, and no other one."""
    month, files = lived
    for name, content in files:
        assert left(month, name) == content
        other = export(month.world.caisse, name, FORM.value, lambda it: make(it) + b"\n", by=ANNE)
        assert other is NotExported.ANOTHER_CONTENT
    assert SettlementFile.objects.using(BOOKS).count() == 2


def test_the_books_are_what_everybody_saw(lived: Lived, tmp_path: Path) -> None:
    """Promises 6 and 8: cards, books, a second computation and an auditor come to the same."""
    lived[0].check(tmp_path)


@NEEDS_HLEDGER
def test_hledger_comes_to_the_same(lived: Lived, tmp_path: Path) -> None:
    """Promise 6: every account, in a program that knows nothing of us."""
    caisse = lived[0].world.caisse
    assert by_hledger(caisse, tmp_path) == by_us(caisse)


def test_the_month_is_closed(lived: Lived) -> None:
    """Promise 1: once the bank has paid, nothing is owed."""
    month, files = lived
    assert settlement.draw_up(month.world.caisse, by=ANNE) is Refusal.NOTHING_OWED
    runs = settlement.runs(month.world.caisse, newest=5)
    assert [run.name for run in reversed(runs)] == [name for name, _ in files]
    assert {run.state for run in runs} == {RunState.CONFIRMED}
