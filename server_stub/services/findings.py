"""Findings as rows: opened when first seen, closed when the facts explain them."""

from __future__ import annotations

from collections.abc import Iterable

from server_stub.models import Card, Finding
from server_stub.rules.findings import FindingValue
from server_stub.services.caisse import Caisse


def settle_findings(
    caisse: Caisse,
    values: Iterable[FindingValue],
    open_rows: Iterable[Finding],
    *,
    card: Card | None = None,
) -> None:
    """Open what is new, close what is gone, and keep the facts of the rest up to date."""
    gone = {(row.kind, row.key): row for row in open_rows}
    new: list[Finding] = []
    for value in values:
        facts, row = dict(value.facts), gone.pop((value.kind.value, value.key), None)
        if row is None:
            new.append(
                Finding(
                    kind=value.kind.value,
                    key=value.key,
                    card=card,
                    terminal_id=value.terminal,
                    facts=facts,
                    opened_at=caisse.now(),
                )
            )
        elif row.facts != facts:
            row.facts = facts
            row.save(using=caisse.using, update_fields=["facts"])
    manager = Finding.objects.using(caisse.using)
    manager.bulk_create(new)
    if gone:
        manager.filter(pk__in=[row.pk for row in gone.values()]).update(closed_at=caisse.now())
