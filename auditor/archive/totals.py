"""Computes the closures of an archive again, from the sales and refunds that it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from auditor.archive.faults import FaultKind, NoteKind, Verdict
from auditor.archive.package import Manifest
from cardkit.bodies import (
    Closure,
    ClosurePeriod,
    EntryKind,
    Intent,
    PaidOtherwise,
    Refund,
    Sale,
    VatTotal,
)
from cardkit.entries import Entry

_PARTS_OF: Final = {
    ClosurePeriod.MONTH: ClosurePeriod.DAY,
    ClosurePeriod.YEAR: ClosurePeriod.MONTH,
}
_MONEY: Final = frozenset(
    {
        EntryKind.INTENT,
        EntryKind.SALE,
        EntryKind.VOID,
        EntryKind.INDETERMINATE,
        EntryKind.REFUND,
        EntryKind.PAID_OTHERWISE,
    }
)


@dataclass(frozen=True, slots=True)
class Closed:
    """A closure, and the entry that says it."""

    entry: Entry
    said: Closure

    @property
    def place(self) -> str:
        """Where it stands."""
        return str(self.entry.seq)


def check_closures(manifest: Manifest, entries: tuple[Entry, ...], verdict: Verdict) -> None:
    """Check every closure: nothing closed twice, no gap, and totals that add up."""
    closed = [Closed(it, it.body) for it in entries if isinstance(it.body, Closure)]
    for period in ClosurePeriod:
        its = [one for one in closed if one.said.period is period]
        _check_places(manifest, its, verdict)
        for one in its:
            if one.said.first_seq < manifest.first_seq:
                verdict.note(NoteKind.OUTSIDE, one.place)
            elif period is ClosurePeriod.DAY:
                _check_day(one, entries, verdict)
            else:
                _check_parts(one, closed, verdict)
    days = [one for one in closed if one.said.period is ClosurePeriod.DAY]
    _check_twice(
        [one for one in days if one.said.first_seq >= manifest.first_seq], entries, verdict
    )
    _note_unclosed(closed, entries, verdict)


def _check_places(manifest: Manifest, closed: Sequence[Closed], verdict: Verdict) -> None:
    """Each closure begins where the last one of its kind has ended."""
    expected_seq = 1 if manifest.first_seq == 1 else None
    for one in closed:
        said = one.said
        if expected_seq is not None and said.first_seq > expected_seq:
            verdict.find(FaultKind.CLOSURE_GAP, one.place, said.first_seq, expected_seq)
        if expected_seq is not None and said.first_seq < expected_seq:
            verdict.find(FaultKind.CLOSURE_TWICE, one.place, said.first_seq, expected_seq)
        expected_seq = said.last_seq + 1


def _check_twice(days: Sequence[Closed], entries: tuple[Entry, ...], verdict: Verdict) -> None:
    """A day that is closed is closed once more only after something moved.

    Only of closures whose entries are all here.
    """
    for before, one in pairwise(days):
        moved = any(it.envelope.kind in _MONEY for it in _stretch(one.said, entries))
        if one.said.business_date == before.said.business_date and not moved:
            verdict.find(FaultKind.CLOSURE_TWICE, one.place)


def _check_day(one: Closed, entries: tuple[Entry, ...], verdict: Verdict) -> None:
    stretch = _stretch(one.said, entries)
    sales = [it.body for it in stretch if isinstance(it.body, Sale) and not it.envelope.training]
    refunds = [
        it.body for it in stretch if isinstance(it.body, Refund) and not it.envelope.training
    ]
    found = (
        len(sales),
        sum(it.amount_cents for it in sales),
        len(refunds),
        sum(it.amount_cents for it in refunds),
    )
    _compare(one, found, verdict)
    last = next((it for it in stretch if it.seq == one.said.last_seq), None)
    if last is None or last.digest != one.said.head:
        verdict.find(FaultKind.CLOSURE_HEAD, one.place, one.said.head.hex())
    elif last.envelope.perpetual_cents != one.said.perpetual_cents:
        perpetual_cents = last.envelope.perpetual_cents
        verdict.find(FaultKind.CLOSURE_TOTAL, one.place, one.said.perpetual_cents, perpetual_cents)
    intents = {it.seq: it.body for it in entries if isinstance(it.body, Intent)}
    if all(it.intent_seq in intents for it in sales):
        others = [
            it.body
            for it in stretch
            if isinstance(it.body, PaidOtherwise) and not it.envelope.training
        ]
        baskets: list[Intent | PaidOtherwise] = [intents[it.intent_seq] for it in sales]
        baskets += others
        sold = (vat for it in baskets for vat in it.vat_totals)
        _compare_vat(one, _by_rate(sold, (vat for it in refunds for vat in it.vat_totals)), verdict)


def _check_parts(one: Closed, closed: Sequence[Closed], verdict: Verdict) -> None:
    """Add a month up from its days, or a year from its months."""
    said, period = one.said, _PARTS_OF[one.said.period]
    parts = [
        it.said
        for it in closed
        if it.said.period is period
        and said.first_seq <= it.said.first_seq
        and it.said.last_seq <= said.last_seq
        and it.entry.seq < one.entry.seq
    ]
    if not parts or (parts[0].first_seq, parts[-1].last_seq) != (said.first_seq, said.last_seq):
        verdict.find(FaultKind.CLOSURE_GAP, one.place)
        return
    for first in sorted({_begins(said.period, it) for it in parts} - {said.business_date}):
        verdict.find(FaultKind.CLOSURE_TOTAL, one.place, said.business_date, first)
    found = (
        sum(it.sales for it in parts),
        sum(it.sales_cents for it in parts),
        sum(it.refunds for it in parts),
        sum(it.refunds_cents for it in parts),
    )
    _compare(one, found, verdict)
    if said.head != parts[-1].head:
        verdict.find(FaultKind.CLOSURE_HEAD, one.place, said.head.hex(), parts[-1].head.hex())
    if said.perpetual_cents != parts[-1].perpetual_cents:
        verdict.find(
            FaultKind.CLOSURE_TOTAL, one.place, said.perpetual_cents, parts[-1].perpetual_cents
        )
    _compare_vat(one, _by_rate(vat for it in parts for vat in it.vat_totals), verdict)


def _begins(period: ClosurePeriod, part: Closure) -> date:
    first = part.business_date.replace(day=1)
    return first if period is ClosurePeriod.MONTH else first.replace(month=1)


def _compare(one: Closed, found: tuple[int, int, int, int], verdict: Verdict) -> None:
    said = one.said
    says = (said.sales, said.sales_cents, said.refunds, said.refunds_cents)
    if says != found:
        verdict.find(FaultKind.CLOSURE_TOTAL, one.place, says, found)


def _compare_vat(one: Closed, found: Counter[int], verdict: Verdict) -> None:
    says = _by_rate(one.said.vat_totals)
    if {rate: cents for rate, cents in says.items() if cents} != {
        rate: cents for rate, cents in found.items() if cents
    }:
        verdict.find(FaultKind.CLOSURE_VAT, one.place, dict(says), dict(found))


def _by_rate(sold: Iterable[VatTotal], given_back: Iterable[VatTotal] = ()) -> Counter[int]:
    """Return gross cents by VAT rate."""
    sums: Counter[int] = Counter()
    for it in sold:
        sums[it.vat_bp] += it.gross_cents
    for it in given_back:
        sums[it.vat_bp] -= it.gross_cents
    return sums


def _stretch(said: Closure, entries: tuple[Entry, ...]) -> list[Entry]:
    return [it for it in entries if said.first_seq <= it.seq <= said.last_seq]


def _note_unclosed(closed: Sequence[Closed], entries: tuple[Entry, ...], verdict: Verdict) -> None:
    days = [one.said.last_seq for one in closed if one.said.period is ClosurePeriod.DAY]
    last_seq = max(days, default=0)
    open_sales = [it for it in entries if it.seq > last_seq and isinstance(it.body, Sale)]
    if open_sales:
        verdict.note(NoteKind.UNCLOSED, len(open_sales))
