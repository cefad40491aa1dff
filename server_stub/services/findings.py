"""Findings as rows: opened when first seen, closed when the facts explain them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server_stub.models import Card, Finding
from server_stub.rules.findings import FindingValue
from server_stub.services import bulk
from server_stub.services.caisse import Caisse


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is odd about one card, or about one journal, now, and what stood open of it."""

    values: Iterable[FindingValue]
    open_rows: Iterable[Finding]
    card: Card | None = None


def settle_findings(
    caisse: Caisse, values: Iterable[FindingValue], open_rows: Iterable[Finding]
) -> None:
    """Open what is new, close what is gone, and keep the facts of the rest up to date."""
    settle_all(caisse, [Observed(values=values, open_rows=open_rows)])


def settle_all(caisse: Caisse, observed: Iterable[Observed]) -> None:
    """Do so for many cards with as many statements as for one."""
    new: list[Finding] = []
    changed: list[Finding] = []
    closed: list[int] = []
    for one in observed:
        gone = {(row.kind, row.key): row for row in one.open_rows}
        for value in one.values:
            facts, row = dict(value.facts), gone.pop((value.kind.value, value.key), None)
            if row is None:
                new.append(_opened(caisse, value, one.card))
            elif row.facts != facts:
                row.facts = facts
                changed.append(row)
        closed += [row.pk for row in gone.values()]
    manager = Finding.objects.using(caisse.using)
    bulk.insert(manager, new)
    bulk.update(manager, changed, ("facts",))
    if closed:
        manager.filter(pk__in=closed).update(closed_at=caisse.now())


def _opened(caisse: Caisse, value: FindingValue, card: Card | None) -> Finding:
    return Finding(
        kind=value.kind.value,
        key=value.key,
        card=card,
        terminal_id=value.terminal,
        facts=dict(value.facts),
        opened_at=caisse.now(),
    )
