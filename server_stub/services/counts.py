"""How many of everything there are: numbers for whoever runs the service, and nobody's name."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Model, QuerySet, Sum

from server_stub.models import Batch, CardTransaction, Claim, Finding, Terminal
from server_stub.rules.facts import State
from server_stub.services.caisse import Caisse


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Numbers, by kind or state where there are several."""

    entries: int
    refused: int
    sales: dict[str, int]
    unproven: dict[str, int]
    findings: dict[str, int]
    terminals: dict[str, int]


def counts_of(caisse: Caisse) -> Counts:
    """Count."""
    using = caisse.using
    came = Batch.objects.using(using).aggregate(new=Sum("new_entries"), no=Sum("refused_entries"))
    claims = Claim.objects.using(using).filter(
        state__in=[State.HELD.value, State.WAITING.value], transactions__isnull=True
    )
    findings = Finding.objects.using(using).filter(closed_at__isnull=True)
    return Counts(
        entries=came["new"] or 0,
        refused=came["no"] or 0,
        sales=_by("state", CardTransaction.objects.using(using).all()),
        unproven=_by("state", claims),
        findings=_by("kind", findings),
        terminals=_by("status", Terminal.objects.using(using).all()),
    )


def _by(name: str, rows: QuerySet[Model]) -> dict[str, int]:
    counted = rows.order_by().values_list(name).annotate(Count("pk"))
    return {str(value): number for value, number in counted}
