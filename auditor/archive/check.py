"""One check of a fiscal archive from beginning to end, as a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from auditor.archive.chain import (
    Anchor,
    check_anchors,
    check_attestation,
    check_chain,
    check_key,
    check_sales,
    open_entries,
)
from auditor.archive.faults import Fault, Note, Verdict
from auditor.archive.lines import check_lines, check_software
from auditor.archive.package import Package, check_files
from auditor.archive.totals import check_closures
from cardkit.bodies import Closure, Refund, Sale


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReport:
    """What a check came to."""

    caisse: str
    terminal: int
    first_day: str
    last_day: str
    first_seq: int
    last_seq: int
    entries: int
    sales: int
    sales_cents: int
    refunds: int
    refunds_cents: int
    closures: int
    perimeter: str
    faults: tuple[Fault, ...]
    notes: tuple[Note, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def check_archive(
    package: Package, *, root: bytes | None = None, anchors: Iterable[Anchor] = ()
) -> ArchiveReport:
    """Check an archive; `root` is the SHA-256 of the root key as the auditor knows it.

    Sales and refunds of training are not counted.
    """
    verdict, manifest = Verdict(), package.manifest
    check_files(package, verdict)
    check_key(manifest, root, verdict)
    entries = open_entries(package, verdict)
    check_chain(manifest, entries, verdict)
    check_attestation(package, entries, verdict)
    check_anchors(manifest, entries, anchors, verdict)
    check_sales(entries, verdict)
    check_lines(package, entries, verdict)
    check_closures(manifest, entries, verdict)
    check_software(package, entries, verdict)
    bodies = [it.body for it in entries if not it.envelope.training]
    sales = [it for it in bodies if isinstance(it, Sale)]
    refunds = [it for it in bodies if isinstance(it, Refund)]
    return ArchiveReport(
        caisse=manifest.caisse,
        terminal=manifest.terminal,
        first_day=manifest.first_day.isoformat(),
        last_day=manifest.last_day.isoformat(),
        first_seq=manifest.first_seq,
        last_seq=manifest.last_seq,
        entries=len(entries),
        sales=len(sales),
        sales_cents=sum(it.amount_cents for it in sales),
        refunds=len(refunds),
        refunds_cents=sum(it.amount_cents for it in refunds),
        closures=sum(isinstance(it, Closure) for it in bodies),
        perimeter=manifest.perimeter.hex(),
        faults=tuple(dict.fromkeys(verdict.faults)),
        notes=tuple(dict.fromkeys(verdict.notes)),
    )
