"""What the console shows on one page, read in one go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from server_stub.models import Batch, Card, CardStatus, Finding, Terminal
from server_stub.services import unclaimed
from server_stub.services.behind import Lock, lock
from server_stub.services.caisse import Caisse
from server_stub.services.owed import OwedTo, owed_to_merchants
from server_stub.services.settlement import Run, runs
from server_stub.services.watermark import awaited

BATCHES_SHOWN: Final = 20
FINDINGS_SHOWN: Final = 100
RUNS_SHOWN: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A finding, and what its money waits for."""

    finding: Finding
    awaited: tuple[int, ...]
    """Terminals that may still tell."""
    due_at: datetime | None
    """From when on it is given back, where a dated rule says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The state of a caisse."""

    owed: tuple[OwedTo, ...]
    findings: tuple[Point, ...]
    findings_open: int
    terminals: tuple[Terminal, ...]
    batches: tuple[Batch, ...]
    """Those that brought something: a terminal with nothing to tell asks every few minutes."""
    cards: int
    lock: Lock | None
    runs: tuple[Run, ...]

    @property
    def payable_cents(self) -> int:
        """All that is owed and not paid."""
        return sum(one.account.payable_cents for one in self.owed)


def overview_of(caisse: Caisse) -> Overview:
    """Read the state of a caisse."""
    using = caisse.using
    findings = Finding.objects.using(using).filter(closed_at__isnull=True)
    shown = findings.select_related("card", "terminal")[:FINDINGS_SHOWN]
    batches = Batch.objects.using(using).filter(new_entries__gt=0).select_related("terminal")
    return Overview(
        owed=owed_to_merchants(caisse),
        findings=tuple(
            Point(
                finding=finding,
                awaited=awaited(caisse, finding),
                due_at=unclaimed.due_at(caisse, finding),
            )
            for finding in shown
        ),
        findings_open=findings.count(),
        terminals=tuple(Terminal.objects.using(using).all()),
        batches=tuple(batches[:BATCHES_SHOWN]),
        lock=lock(caisse),
        runs=runs(caisse, newest=RUNS_SHOWN),
        cards=Card.objects.using(using).exclude(status=CardStatus.ISSUING).count(),
    )
