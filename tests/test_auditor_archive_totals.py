"""Clafoutis-audit computes closures and sales again: no signature makes a wrong sum true."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from auditor.archive.faults import FaultKind
from cardkit.bodies import Closure, Intent, Refund, Sale, VatTotal
from tests.shown_archive import Shown, found, report_of, signed_anew

OTHER_VAT = (VatTotal(vat_bp=550, coverage_bp=10_000, gross_cents=1, covered_cents=1),)
DAY, MONTH, LAST_DAY = 22, 23, 28
"""Where the archive's closures stand."""
CLOSED_WRONG: dict[str, tuple[int, dict[str, object], FaultKind]] = {
    "a sale less": (DAY, {"sales": 1}, FaultKind.CLOSURE_TOTAL),
    "a cent less": (DAY, {"sales_cents": 11_99}, FaultKind.CLOSURE_TOTAL),
    "a refund more": (DAY, {"refunds_cents": 1}, FaultKind.CLOSURE_TOTAL),
    "a perpetual total begun anew": (DAY, {"perpetual_cents": 12_00}, FaultKind.CLOSURE_TOTAL),
    "another VAT": (DAY, {"vat_totals": OTHER_VAT}, FaultKind.CLOSURE_VAT),
    "another end": (DAY, {"head": bytes(32)}, FaultKind.CLOSURE_HEAD),
    "an end that is to come": (LAST_DAY, {"last_seq": 99}, FaultKind.CLOSURE_HEAD),
    "a gap": (DAY, {"first_seq": 13}, FaultKind.CLOSURE_GAP),
    "an entry twice": (DAY, {"first_seq": 11}, FaultKind.CLOSURE_TWICE),
    "a month with a sale less": (MONTH, {"sales": 3}, FaultKind.CLOSURE_TOTAL),
    "a month with another VAT": (MONTH, {"vat_totals": OTHER_VAT}, FaultKind.CLOSURE_VAT),
    "a month begun anew": (MONTH, {"perpetual_cents": 0}, FaultKind.CLOSURE_TOTAL),
    "a month with a gap": (MONTH, {"first_seq": 12}, FaultKind.CLOSURE_GAP),
    "another month": (MONTH, {"business_date": date(2026, 9, 1)}, FaultKind.CLOSURE_TOTAL),
    "a month that ends elsewhere": (MONTH, {"head": bytes(32)}, FaultKind.CLOSURE_HEAD),
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """One good archive for all edits."""
    return Shown.make(tmp_path_factory.mktemp("archived"))


@pytest.mark.parametrize("name", CLOSED_WRONG)
def test_a_program_that_closes_wrongly_is_found_out(
    shown: Shown, tmp_path: Path, name: str
) -> None:
    """Promise: closures are computed again from the tickets; no signature makes them true."""
    seq, said, kind = CLOSED_WRONG[name]
    closure = shown.entries[seq - 1].body
    assert isinstance(closure, Closure)
    wrong = replace(closure, **said)  # type: ignore[arg-type]  # fields by name
    report = report_of(signed_anew(shown, tmp_path, {seq: wrong}))
    assert kind in found(report)
    assert str(seq) in {fault.place for fault in report.faults}
    assert found(report) <= {kind, FaultKind.CLOSURE_TOTAL, FaultKind.CLOSURE_VAT}


def test_a_day_that_is_closed_twice_for_nothing(shown: Shown, tmp_path: Path) -> None:
    """Promise: a second closure of a day, after which nothing moved, is a double closure."""
    closure = shown.entries[LAST_DAY - 1].body
    assert isinstance(closure, Closure)
    first = replace(closure, last_seq=26, head=shown.entries[26 - 1].digest)
    second = replace(closure, first_seq=27, sales=0, sales_cents=0)
    report = report_of(signed_anew(shown, tmp_path, {27: first, 28: second}))
    assert [(it.kind, it.place) for it in report.faults] == [(FaultKind.CLOSURE_TWICE, "28")]


def test_a_sale_that_says_more_than_its_intent(shown: Shown, tmp_path: Path) -> None:
    """Promise: a sale, a refund and a basket are held against what was signed before them."""
    sale, refund, intent = (shown.entries[seq - 1].body for seq in (8, 11, 16))
    assert isinstance(sale, Sale)
    assert isinstance(refund, Refund)
    assert isinstance(intent, Intent)
    more = report_of(signed_anew(shown, tmp_path, {8: replace(sale, amount_cents=6_51)}))
    assert FaultKind.SALE in found(more)
    assert FaultKind.PERPETUAL in found(more)
    back = report_of(signed_anew(shown, tmp_path, {11: replace(refund, amount_cents=6_51)}))
    assert FaultKind.SALE in found(back)
    other = report_of(signed_anew(shown, tmp_path, {16: replace(intent, vat_totals=OTHER_VAT)}))
    assert FaultKind.LINES_TOTAL in found(other)
